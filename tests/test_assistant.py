"""Assistants: what they get through the Model Context Protocol's own client."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import HashEncoder
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from app.assistant import create_assistant
from app.service import Service
from app.settings import load_settings
from index.store import Store
from tests.browser_harness import ROOT, environment
from tests.programs import running

DEEP = "How deep is the harbour of Porvenir?"


@pytest.fixture
def service(corpus: Path, store: Store, encoder: HashEncoder) -> Service:
    service = Service(load_settings(corpus=corpus, store=store.folder, threshold=0.0))
    service.encoder = encoder
    service.build(lambda step: None)
    return service


def visit(server: Any, do: Callable[[Client], Awaitable[Any]]) -> Any:
    async def there() -> Any:
        async with Client(server) as client:
            return await do(client)

    return asyncio.run(there())


def call(server: Any, tool: str, **arguments: Any) -> Any:
    return visit(server, lambda client: client.call_tool(tool, arguments))


def test_the_tools_say_what_they_do_and_that_they_only_read(service: Service) -> None:
    tools = visit(create_assistant(service), lambda client: client.list_tools()).tools
    assert {tool.name for tool in tools} == {"ask", "search", "read_passage"}
    for tool in tools:
        assert tool.description
        assert tool.annotations.read_only_hint
        assert tool.output_schema


def test_an_answer_is_quotes_that_can_be_read_on(service: Service) -> None:
    assistant = create_assistant(service)
    found = call(assistant, "ask", question=DEEP).structured_content
    assert found["answered"]
    quote = found["quotes"][0]
    text = service.text(quote["document"])
    assert text is not None
    assert quote["quote"] in text
    read = call(assistant, "read_passage", passage_id=quote["passage_id"]).structured_content
    assert read["document"] == quote["document"]
    assert any(quote["quote"] in one["quote"] for one in read["passages"])


def test_where_nothing_answers_it_says_so(service: Service) -> None:
    strict = Service(service.settings.model_copy(update={"threshold": 1.0}))
    strict.encoder = service.encoder
    found = call(create_assistant(strict), "ask", question=DEEP).structured_content
    assert (found["answered"], found["quotes"]) == (False, [])
    assert found["nearest"]


def test_a_search_lists_passages(service: Service) -> None:
    found = call(create_assistant(service), "search", query="boiling water", limit=2)
    passages = found.structured_content["passages"]
    assert passages[0]["document"] == "sub/tea.md"
    only = call(create_assistant(service), "search", query="water", folder="none")
    assert only.structured_content["passages"] == []


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("ask", {"question": " "}, "question is empty"),
        ("read_passage", {"passage_id": "../../etc"}, "no passage"),
        ("search", {"query": "a", "limit": 0}, "greater than or equal to 1"),
    ],
)
def test_an_error_is_told_in_words(
    service: Service, tool: str, arguments: dict[str, Any], says: str
) -> None:
    result = call(create_assistant(service), tool, **arguments)
    assert result.is_error
    assert says in result.content[0].text


def test_it_is_there_over_http(service: Service) -> None:
    with running(service) as program:
        found = call(f"{program.address}/mcp", "ask", question=DEEP)
        assert found.structured_content["answered"]
        reply = program.post("/mcp", {}, Host="evil.example")
        assert reply[0] == 400


def test_it_is_there_over_stdin_and_stdout(service: Service, tmp_path: Path) -> None:
    # The index is of the test's encoder: that it says so shows that the whole way is there.
    settings = service.settings
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "app", "mcp", "--corpus", str(settings.corpus), "--store", str(settings.store)],
        env=environment(),
        cwd=ROOT,
    )
    result = call(command, "ask", question=DEEP)
    assert result.is_error
    assert "python -m app build" in json.dumps(result.content[0].text)

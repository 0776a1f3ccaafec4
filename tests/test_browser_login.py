"""Signing in, as a person meets it: a real server, a real browser, a provider of the tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.access import Tokens
from tests.browser_harness import ARGUMENTS, Visitor, build, find_chromium, served
from tests.programs import Program
from tests.provider import Provider, provided

CHROMIUM = find_chromium()
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

SECRETS = """[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "a secret of the tests that is long enough to sign with"
client_id = "passages"
client_secret = "secret"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with provided() as provider:
        yield provider


@pytest.fixture(scope="module")
def folder(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("login")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "ferries.md").write_text(
        "# Ferries\n\nThe ferry to Sandholm leaves at nine.\n"
    )
    (folder / "passages.toml").write_text(
        'access = "login"\nmanagers = ["ada@example.org"]\nreader = "none"\n'
    )
    build(folder, models)
    return folder


@pytest.fixture(scope="module")
def base(folder: Path, provider: Provider) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / ".streamlit").mkdir()
    secrets = SECRETS.format(port=port, provider=provider.address)
    (folder / ".streamlit" / "secrets.toml").write_text(secrets)
    with served(folder, port) as base:
        yield base


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


def signed_in(browser, base: str, provider: Provider, **person: object) -> Visitor:
    provider.person = person
    visitor = Visitor(browser, base)
    visitor.visit()
    visitor.page.get_by_role("button", name="Sign in").click()
    visitor.page.get_by_text(str(person["email"])).wait_for()
    return visitor


def test_a_stranger_sees_nothing_of_the_library(browser, base: str) -> None:
    for path in ("/", "/library", "/read?doc=ferries.md&p=1", "/?q=When+does+the+ferry+leave%3F"):
        visitor = Visitor(browser, base)
        page = visitor.visit(path)
        page.get_by_role("button", name="Sign in").wait_for()
        assert "Sandholm" not in page.content()
        expect(page.get_by_placeholder("Ask a question")).to_have_count(0)
        assert not visitor.violations()
        visitor.context.close()


def test_who_signs_in_asks_and_reads_but_changes_nothing(
    browser, base: str, provider: Provider
) -> None:
    visitor = signed_in(browser, base, provider, email="eve@example.org")
    visitor.ask("When does the ferry to Sandholm leave?")
    visitor.sees("h2.question", "ferry to Sandholm")
    page = visitor.visit("/library")
    page.get_by_text("ferries.md").first.wait_for()
    visitor.settle()
    expect(page.get_by_role("button", name="Rebuild")).to_have_count(0)
    expect(page.locator("input[type=file]")).to_have_count(0)
    assert not visitor.violations()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()
    visitor.context.close()


@pytest.mark.parametrize(("verified", "buttons"), [(True, 1), (False, 0)])
def test_a_manager_with_a_verified_address_may_rebuild(
    browser, base: str, provider: Provider, verified: bool, buttons: int
) -> None:
    visitor = signed_in(browser, base, provider, email="ada@example.org", email_verified=verified)
    page = visitor.visit("/library")
    page.get_by_text("ferries.md").first.wait_for()
    visitor.settle()
    expect(page.get_by_role("button", name="Rebuild")).to_have_count(buttons)
    visitor.context.close()


def test_the_map_is_for_those_who_signed_in(browser, base: str, provider: Provider) -> None:
    program = Program(int(base.rpartition(":")[2]))
    assert program.get("/points/x")[0] == 401
    assert "Sign in" in program.get("/points/x?key=guessed")[2]["detail"]
    visitor = signed_in(browser, base, provider, email="eve@example.org")
    with visitor.page.expect_response(lambda reply: "/points/" in reply.url) as fetched:
        visitor.visit("/map")
    assert fetched.value.status == 200
    visitor.context.close()


def test_answers_are_for_those_who_signed_in(browser, base: str, provider: Provider) -> None:
    program = Program(int(base.rpartition(":")[2]))
    for path in ("ask", "start", "choices", "reader", "picture", "judge"):
        status, _, told = program.post(f"/page/{path}", {}, **{"X-Passages-Key": "guessed"})
        assert status == 401, path
        assert "Sign in" in told["problem"]["title"]
    visitor = signed_in(browser, base, provider, email="eve@example.org")
    visitor.visit("/?q=When+does+the+ferry+to+Sandholm+leave%3F")
    visitor.sees(".card", "Sandholm")
    visitor.context.close()


def test_programs_need_a_token_beside_it(base: str, folder: Path) -> None:
    program = Program(int(base.rpartition(":")[2]))
    question = {"question": "When does the ferry to Sandholm leave?"}
    assert program.post("/api/ask", question)[0] == 401
    secret = Tokens(folder / "store").new("test", "read")
    reply = program.post("/api/ask", question, Authorization=f"Bearer {secret}")
    assert reply[0] == 200
    assert reply[2]["answer"]["hits"]

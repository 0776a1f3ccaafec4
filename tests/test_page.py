"""What the page is given to draw, and the server around it, without a browser."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.guard import Guard, content_security_policy
from app.hosts import host_allowed
from app.rebuild import BuildState
from app.server import listen, url
from app.settings import Settings
from app.ui.reading import matches, outline, position_of, reader_data, step_from
from app.ui.view import (
    answer_data,
    by_ocr,
    cut,
    default_source,
    distinct_titles,
    quoted_in,
    shorten,
    sources,
)
from app.ui.words import ago, built, duration, progress_line, took
from index.errors import SettingsError
from index.records import Answer, Citation, DocumentSummary, Evidence, Hit, Passage


def passage(number: int, text: str, headings: tuple[str, ...] = (), start: int = 0) -> Passage:
    return Passage(
        id=f"p{number}",
        document_id="d.md",
        title="T",
        headings=headings,
        number=number,
        start=start,
        end=start + len(text),
        text=text,
        sentences=((0, len(text)),),
    )


def hit(rank: int, found: Passage) -> Hit:
    evidence = Evidence(rank, 1.0)
    return Hit(rank, 1.0, rank, found, evidence, evidence, evidence, (0.5,), ())


def citation(number: int, found: Passage, start: int, end: int) -> Citation:
    return Citation(
        number=number,
        quote=found.text[start:end],
        document_id=found.document_id,
        passage_id=found.id,
        start=found.start + start,
        end=found.start + end,
        score=1.0,
    )


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


@given(st.text(max_size=40), SPANS)
def test_the_pieces_of_a_text_joined_are_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    pieces = cut(text, spans)
    assert "".join(piece for piece, _ in pieces) == text
    assert all(piece for piece, _ in pieces)


def test_a_quote_behind_an_emoji_is_cut_where_it_stands() -> None:
    assert cut("🐝🐝 Honey. More.", [(3, 9)]) == [
        ("🐝🐝 ", ""),
        ("Honey.", "quote"),
        (" More.", ""),
    ]


def test_all_quotes_of_one_passage_are_marked() -> None:
    assert [kind for _, kind in cut("One. Two. Three.", [(10, 16), (0, 4)])] == [
        "quote",
        "",
        "quote",
    ]


def test_a_shortened_passage_keeps_its_quote_whole_and_says_what_it_left_out() -> None:
    text = "word " * 50 + "The quote." + " tail" * 50
    short = shorten(cut(text, [(250, 260)]), before=20, after=20)
    assert short[1] == ("The quote.", "quote")
    assert short[0][0].startswith("… word")
    assert short[2][0].endswith("…")
    assert len("".join(piece for piece, _ in short)) < 60


def test_a_citation_marks_its_own_passage_only() -> None:
    first, second = passage(1, "One. Two."), passage(2, "Three.", start=11)
    cited = [citation(1, second, 0, 6)]
    assert quoted_in(first, cited) == []
    assert quoted_in(second, cited) == [(0, 6)]


def answered() -> Answer:
    found = [passage(number, f"Text {number}.", start=number * 10) for number in range(1, 9)]
    hits = tuple(hit(rank, each) for rank, each in enumerate(found, 1))
    cited = (citation(7, found[6], 0, 7), citation(1, found[0], 0, 7))
    return Answer("q", True, 0.9, "strong", cited, hits)


def test_every_citation_has_its_source_on_the_page() -> None:
    reply = answered()
    assert [source.rank for source in sources(reply, 3)] == [1, 2, 3, 7]
    assert default_source(reply) == 7
    data = answer_data(reply, sources(reply, 3), 7, "3.2 ms", lambda _: 8)
    assert {one["number"] for one in data["sentences"]} <= {
        one["number"] for one in data["sources"]
    }
    assert data["active"] == 7


def test_the_words_that_answer_stand_out_of_their_sentence() -> None:
    quoted = passage(1, "🐝 About 50,000 bees.", start=10)
    cited = replace(citation(1, quoted, 0, len(quoted.text)), words=(18, 24))
    reply = Answer("q", True, 0.9, "strong", (cited,), (hit(1, quoted),))
    (sentence,) = answer_data(reply, reply.hits, 1, "3.2 ms", lambda _: 1)["sentences"]
    assert sentence["pieces"] == [("🐝 About ", ""), ("50,000", "words"), (" bees.", "")]
    plain = replace(reply, citations=(replace(cited, words=None),))
    (sentence,) = answer_data(plain, reply.hits, 1, "3.2 ms", lambda _: 1)["sentences"]
    assert sentence["pieces"] == [("🐝 About 50,000 bees.", "")]


def test_nothing_is_marked_where_nothing_is_answered() -> None:
    hits = answered().hits
    reply = Answer("q", False, 0.1, "none", (), hits)
    data = answer_data(reply, hits, 0, "3.2 ms", lambda _: 8, ["Other?"])
    assert default_source(reply) == 0
    assert data["sentences"] == []
    assert {kind for one in data["sources"] for _, kind in one["pieces"]} == {""}
    assert data["suggestions"] == ["Other?"]


def test_the_reader_shows_each_heading_once_and_not_the_title() -> None:
    passages = [
        passage(1, "a", ("T",)),
        passage(2, "b", ("T", "A")),
        passage(3, "c", ("T", "A", "B")),
        passage(4, "d", ("T", "A", "B")),
        passage(5, "e", ("T", "C")),
    ]
    rows = reader_data(passages, 2, [], 9)["passages"]
    shown = [[(heading["depth"], heading["text"]) for heading in row["headings"]] for row in rows]
    assert shown == [[], [(0, "A")], [(1, "B")], [], [(0, "C")]]
    near = reader_data(passages, 2, [], 1)
    assert [row["number"] for row in near["passages"]] == [2, 3, 4]
    assert near["focus"] == 3
    assert near["total"] == 5


def test_a_passage_that_is_gone_opens_near_where_it_was() -> None:
    passages = [passage(number, str(number)) for number in (1, 2, 3)]
    assert position_of(passages, passages[1]) == 1
    assert position_of(passages, passage(9, "gone")) == 2


@pytest.mark.parametrize(
    "header",
    ["localhost", "localhost:8501", "127.0.0.1:8501", "[::1]:8501", "10.0.0.7", "a.b.example:80"],
)
def test_this_machine_and_allowed_names_are_answered(header: str) -> None:
    assert host_allowed(header, ("*.b.example",))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "evil.example",
        "evil.example:8501",
        "127.0.0.1.evil.example",
        "[::1",
        "a b",
        "a@localhost",
    ],
)
def test_foreign_names_are_refused(header: str | None) -> None:
    assert not host_allowed(header, ("good.example",))


def test_a_port_in_use_is_explained_with_the_flag_that_changes_it() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} is in use.*--port"):
            listen("127.0.0.1", port)


def test_a_host_that_is_not_this_machine_is_explained() -> None:
    with pytest.raises(SettingsError, match="--host"):
        listen("192.0.2.1", 8501)


def test_the_address_printed_can_be_opened() -> None:
    assert url("127.0.0.1", 8501) == "http://127.0.0.1:8501"
    assert url("0.0.0.0", 8501) == "http://127.0.0.1:8501"
    assert url("::", 80) == "http://[::1]:80"
    assert url("::1", 80) == "http://[::1]:80"


def test_only_scripts_that_streamlit_came_with_may_run() -> None:
    policy = content_security_policy("<script>a = 1</script><script src='x.js'></script>")
    assert policy.count("'sha256-") == 1
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts
    assert "http" not in policy


async def _reply(
    headers: list[tuple[bytes, bytes]], method: str = "GET", path: str = "/"
) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        own = [(b"content-type", b"text/plain"), (b"referrer-policy", b"unsafe-url")]
        await send({"type": "http.response.start", "status": 200, "headers": own})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    guard = Guard(app, Settings(), policy="default-src 'self'", uploaders={"known"})
    await guard({"type": "http", "method": method, "path": path, "headers": headers}, receive, send)
    return sent


def test_every_reply_has_the_security_headers_once() -> None:
    start = asyncio.run(_reply([(b"host", b"localhost")]))[0]
    assert start["status"] == 200
    headers = dict(start["headers"])
    assert len(headers) == len(start["headers"])
    assert headers[b"content-security-policy"] == b"default-src 'self'"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"


def test_a_rebound_name_is_refused_before_the_page_sees_it() -> None:
    start = asyncio.run(_reply([(b"host", b"evil.example")]))[0]
    assert start["status"] == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({b"content-type": b"application/json"}, 200),
        ({b"content-type": b"text/plain"}, 415),
        ({b"content-type": b"application/json", b"sec-fetch-site": b"cross-site"}, 403),
        ({b"content-type": b"application/json", b"origin": b"https://evil.example"}, 403),
    ],
)
def test_only_our_own_page_calls_what_answers_it(headers: dict[bytes, bytes], status: int) -> None:
    sent = [(b"host", b"localhost"), (b"content-length", b"2"), *headers.items()]
    assert asyncio.run(_reply(sent, "POST", "/page/ask"))[0]["status"] == status


@pytest.mark.parametrize("path", ["metrics", "agent/openapi.json", "agent/interact", "agent/mcp"])
def test_what_streamlit_has_beside_the_page_is_closed(path: str) -> None:
    start = asyncio.run(_reply([(b"host", b"localhost")], "GET", f"/_stcore/{path}"))[0]
    assert start["status"] == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [("known/1", 200), ("stranger/1", 403), ("", 403), ("known%2f/1", 403), ("/known/1", 403)],
)
def test_files_are_taken_only_from_a_session_that_was_shown_the_field(
    path: str, status: int
) -> None:
    to = f"/_stcore/upload_file/{path}"
    assert asyncio.run(_reply([(b"host", b"localhost")], "PUT", to))[0]["status"] == status


def test_a_listening_socket_takes_connections() -> None:
    with listen("127.0.0.1", 0) as listener:
        socket.create_connection(listener.getsockname(), timeout=5).close()


def state(**changes: Any) -> BuildState:
    first = BuildState("running", "encoding", 812, 2067, 166.4, 7.6, "", 0.0, 100)
    return replace(first, **changes)


def test_progress_tells_how_far_how_fast_and_how_long() -> None:
    line = progress_line(state())
    assert line == "Encoding passages · 812 of 2,067 · 166 per second · about 8 seconds left"
    assert (
        progress_line(state(stage="starting", total=0, rate=None, seconds_left=None)) == "Starting"
    )


def test_moments_are_told_as_people_tell_them() -> None:
    assert (duration(0.2), duration(89), duration(600)) == ("1 second", "89 seconds", "10 minutes")
    assert (ago(5), ago(130), ago(7300), ago(200_000)) == (
        "just now",
        "2 min ago",
        "2 h ago",
        "2 d ago",
    )
    assert built("2026-01-02T03:04:05+00:00")[1] == "2026-01-02 03:04 UTC"
    assert built("") == ("–", "")


def long(count: int) -> list[Passage]:
    numbers = range(1, count + 1)
    return [passage(n, f"Text {n} of the  harbour.", ("T", f"H{n // 10}")) for n in numbers]


def test_of_a_long_document_a_window_is_drawn() -> None:
    data = reader_data(long(500), 249, [], 20)
    assert [row["number"] for row in data["passages"]] == list(range(230, 271))
    assert data["total"] == 500
    # The heading of the first one stands before the window.
    assert data["passages"][0]["headings"] == [{"text": "H23", "depth": 0}]
    moved = reader_data(long(500), 249, [], 20, centre=0)
    assert [row["number"] for row in moved["passages"]] == list(range(1, 22))
    assert moved["focus"] == 250


def test_what_is_looked_for_is_found_in_any_case_and_over_any_white_space() -> None:
    passages = long(30)
    assert matches(passages, "THE HARBOUR") == list(range(1, 31))
    assert matches(passages, "text 7") == [7]
    assert matches(passages, " ") == matches(passages, "(") == []
    quoted = citation(1, passages[6], 0, 6)
    (row,) = reader_data(passages, 6, [quoted], 0, find="harbour")["passages"]
    assert row["pieces"] == [
        ("Text 7", "quote"),
        (" of the  ", ""),
        ("harbour", "found"),
        (".", ""),
    ]


def test_the_outline_names_each_heading_once_with_its_first_passage() -> None:
    assert outline(long(25)) == [
        {"text": "H0", "depth": 0, "number": 1},
        {"text": "H1", "depth": 0, "number": 10},
        {"text": "H2", "depth": 0, "number": 20},
    ]


def test_steps_go_round() -> None:
    numbers = [3, 7, 20]
    assert [step_from(numbers, at, 1) for at in (1, 3, 8, 20)] == [3, 7, 20, 3]
    assert [step_from(numbers, at, -1) for at in (1, 3, 8, 20)] == [20, 20, 7, 7]


def test_documents_with_one_title_are_told_apart_by_their_files() -> None:
    def summary(name: str, title: str) -> DocumentSummary:
        return DocumentSummary(name, title, "pdf", "", 1, 1)

    titles = {"a/x.pdf": "T", "a/y.pdf": "T", "b/y.pdf": "T", "z.pdf": "U"}
    found = distinct_titles(summary(name, title) for name, title in titles.items())
    assert list(found.values()) == ["T (x.pdf)", "T (a/y.pdf)", "T (b/y.pdf)", "U"]


def test_how_long_an_answer_took_is_said_in_the_unit_that_suits() -> None:
    assert [took(each) for each in (0.00321, 0.0449, 2.084)] == ["3.2 ms", "45 ms", "2.1 s"]


@pytest.mark.parametrize("engine", ["", "Tesseract 5.3.0 (eng)"])
def test_what_ocr_has_read_is_said_to_be_so(engine: str) -> None:
    metadata = {"ocr": engine} if engine else {}
    document = DocumentSummary("scan.pdf", "Scan", "pdf", "", 1, 1, metadata)
    assert ("OCR" in by_ocr(document)) is bool(engine)
    assert by_ocr(None) == ""

"""The command line: what it prints where, and the code it exits with."""

from __future__ import annotations

import argparse
import io
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import arguments, cli, commands, terminal
from app.service import Service, Status
from index.build import BuildReport
from index.errors import IndexMissingError, QueryError
from index.evaluate import METRICS
from index.filters import FIELDS, Filter, parse_filter
from index.progress import Progress
from index.records import (
    Answer,
    Citation,
    DocumentSummary,
    Evidence,
    FileReport,
    Hit,
    Passage,
)
from index.verify import VerifyReport
from tests.conftest import HashEncoder

COMMANDS = "ask build eval judgements mcp rollback search serve status token verify".split()

PASSAGE = Passage(
    id="p1",
    document_id="guide/bees.md",
    title="Bees",
    headings=("Bees", "Winter"),
    number=2,
    start=10,
    end=48,
    text="Bees eat honey. They sleep in winter. 🐝",
    sentences=((0, 15), (16, 37)),
    line=7,
)
HIT = Hit(
    1, 0.9, 0, PASSAGE, Evidence(1, 0.8), Evidence(2, 0.7), Evidence(None, 0), (0.7,), ("bees",)
)
CITATION = Citation(1, "They sleep in winter.", "guide/bees.md", "p1", 26, 47, 0.9)
ANSWERED = Answer("Do bees sleep?", True, 0.93, "strong", (CITATION,), (HIT,))
ABSTAINED = Answer("Do cats sleep?", False, 0.1, "none", (), (HIT,))
REPORT = BuildReport(
    "000002-ab",
    1,
    3,
    1,
    2,
    0.5,
    (FileReport("bees.md", "indexed", "", 3, 90), FileReport("x.pdf", "skipped", "No parser.")),
)
STATUS = Status(
    "000002-ab", "000001-cd", "2026-01-02", 1, 3, 6, 20, "MiniLM", 1_400_000, REPORT.files
)
VERIFIED = VerifyReport("000002-ab", 1, 3, (), (), (), ())


class FakeService:
    """Returns what a test puts into ``replies``, and remembers what it was asked."""

    def __init__(self, replies: dict[str, Any]) -> None:
        self.replies = replies
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def reply(*arguments: Any, **options: Any) -> Any:
            self.calls.append((name, *arguments))
            found = self.replies[name]
            if isinstance(found, BaseException):
                raise found
            return found

        return reply


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeService:
    service = FakeService(
        {
            "ask": ANSWERED,
            "threshold": 0.25,
            "search": [HIT],
            "build": REPORT,
            "status": STATUS,
            "warning": "",
            "verify": VERIFIED,
            "rollback": "000001-cd",
            "documents": [DocumentSummary("guide/bees.md", "Bees", "markdown", "", 3, 90)],
        }
    )
    monkeypatch.setattr(commands, "open_service", lambda settings, snapshot=None: service)
    monkeypatch.chdir(tmp_path)
    return service


def subparsers() -> dict[str, argparse.ArgumentParser]:
    (action,) = [
        a for a in arguments.parser()._actions if isinstance(a, argparse._SubParsersAction)
    ]
    return dict(action.choices)


class TestHelp:
    def test_all_commands_are_there(self) -> None:
        assert sorted(subparsers()) == COMMANDS

    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_command_has_help_an_example_and_json(self, name: str) -> None:
        command = subparsers()[name]
        assert command.description
        assert f"Example:\n  python -m app {name}" in command.format_help()
        assert "Exit codes: 0 " in command.format_help()
        for action in command._actions:
            assert action.help, f"{name} {action.dest} has no help"
        assert "--json" in command._option_string_actions

    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_example_can_be_parsed(self, name: str) -> None:
        epilog = subparsers()[name].epilog or ""
        words = shlex.split(epilog.splitlines()[1])
        assert words[:3] == ["python", "-m", "app"]
        assert arguments.parser().parse_args(words[3:]).command == name

    @pytest.mark.parametrize("name", ["ask", "search"])
    def test_filters_are_explained_with_an_example(self, name: str) -> None:
        shown = subparsers()[name].format_help()
        for field in FIELDS:
            assert f"  {field}=" in shown
        (example,) = [line for line in shown.splitlines() if f"app {name} --filter" in line]
        options = arguments.parser().parse_args(shlex.split(example)[3:])
        assert parse_filter(options.filter) == Filter(folder="policy", since="2020")

    def test_help_imports_neither_index_nor_model_nor_page(self) -> None:
        code = (
            "import sys; from app.arguments import parser; parser().format_help(); "
            "print([m for m in ('torch', 'faiss', 'streamlit', 'openvino', 'pydantic', "
            "'sentence_transformers', 'app.service') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout.strip() == "[]", done.stderr


class TestAsk:
    def test_quotes_come_first_then_the_match_then_the_sources(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["ask", "Do", "bees", "sleep?"]) == 0
        assert fake.calls == [("ask", "Do bees sleep?")]
        assert capsys.readouterr().out == (
            "They sleep in winter. [1]\n\nStrong match\n\n"
            "[1] Bees › Winter, paragraph 2 (corpus/guide/bees.md:7)\n"
        )

    def test_a_source_quoted_twice_is_listed_once(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = replace(CITATION, quote="Bees eat honey.")
        fake.replies["ask"] = replace(ANSWERED, citations=(CITATION, other))
        cli.main(["ask", "x"])
        out = capsys.readouterr().out
        assert "Bees eat honey. [1]" in out
        assert out.count("paragraph 2") == 1

    def test_an_abstention_exits_with_1_and_quotes_nothing(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake.replies["ask"] = ABSTAINED
        assert cli.main(["ask", "Do cats sleep?"]) == 1
        out = capsys.readouterr().out
        assert out.startswith("No passage was found that answers this.")
        assert "They sleep" not in out
        assert "guide/bees.md:7" in out

    def test_the_question_may_come_from_stdin(
        self, fake: FakeService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("Do bees\nsleep?\n"))
        assert cli.main(["ask", "-"]) == 0
        assert fake.calls == [("ask", "Do bees\nsleep?")]

    def test_stdin_that_is_no_text_is_an_error_of_ours(
        self,
        fake: FakeService,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        stdin = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\xfa"), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", stdin)
        assert cli.main(["ask", "-"]) == 2
        assert "not text" in capsys.readouterr().err

    def test_json_is_one_object_with_the_whole_answer(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["ask", "--json", "Do bees sleep?"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["answered"] is True
        assert found["text"] == "They sleep in winter. [1]"
        assert found["citations"][0]["start"] == 26
        assert found["hits"][0]["passage"]["text"] == PASSAGE.text

    def test_a_document_cannot_steer_the_terminal(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        evil = replace(CITATION, quote="red \x1b[31m\x9b2J\u202e\tübel\n🐝")
        fake.replies["ask"] = replace(ANSWERED, citations=(evil,))
        cli.main(["ask", "x"])
        out = capsys.readouterr().out
        assert out.startswith("red �[31m�2J�\tübel\n🐝 [1]")


class TestOtherCommands:
    def test_search_explains_each_hit(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["search", "-k", "3", "bees"]) == 0
        assert fake.calls == [("search", "bees", 3, Filter())]
        out = capsys.readouterr().out
        assert "passage 0.80 (rank 1), sentence 0.70 (rank 2), words 0.00; shares bees" in out

    def test_search_that_finds_nothing_exits_with_1(self, fake: FakeService) -> None:
        fake.replies["search"] = []
        assert cli.main(["search", "bees"]) == 1

    def test_build_names_every_file_left_out(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["build"]) == 0
        out = capsys.readouterr().out
        assert "Snapshot 000002-ab: 1 document, 3 passages, in 0.5 s." in out
        assert "Encoded 1 passage; the text of 2 passages was known." in out
        assert "Files       2: 1 indexed, 1 skipped" in out
        assert "Characters  90 kept, all" in out
        assert "Not wholly in the index: 1 file" in out
        assert "x.pdf (skipped): No parser." in out
        assert "bees.md" not in out

    @pytest.mark.parametrize("name", ["build", "status"])
    def test_programs_get_every_file_with_its_coverage(
        self, name: str, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main([name, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        files = {file["path"]: file for file in found["files"]}
        assert files["bees.md"]["coverage"] == 1
        assert files["x.pdf"]["coverage"] == 0
        assert files["x.pdf"]["reason"] == "No parser."
        assert found["summary"]["states"] == {"indexed": 1, "skipped": 1}

    def test_build_says_when_there_was_nothing_to_encode(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake.replies["build"] = replace(REPORT, encoded=0, cached=3, unchanged=True)
        assert cli.main(["build"]) == 0
        out = capsys.readouterr().out
        assert "is current" in out
        assert "Nothing to encode: no text has changed." in out

    def test_status_shows_the_index(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["status"]) == 0
        out = capsys.readouterr().out
        for shown in ("000002-ab", "000001-cd", "MiniLM", "1.4 MB", "x.pdf"):
            assert shown in out

        assert "2: 1 indexed, 1 skipped" in out

    def test_status_lists_each_file_when_asked(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["status", "--files"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[1].split()[:3] == ["indexed", "100%", "90"]
        assert lines[2].endswith("x.pdf")
        assert lines[3].strip() == "No parser."

    def test_status_without_an_index_exits_with_1_and_says_why(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake.replies["status"] = replace(STATUS, snapshot=None, error="There is no index yet.")
        assert cli.main(["status"]) == 1
        assert "There is no index yet." in capsys.readouterr().out

    def test_verify_exits_with_1_if_anything_differs(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["verify"]) == 0
        for kind in ("damaged", "changed", "missing", "added"):
            fake.replies["verify"] = replace(VERIFIED, **{kind: ("notes.md",)})
            capsys.readouterr()
            assert cli.main(["verify"]) == 1
            assert "notes.md" in capsys.readouterr().out

    def test_verify_names_what_it_had_no_time_to_prove(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake.replies["verify"] = replace(VERIFIED, unproved=("scan.pdf",))
        assert cli.main(["verify"]) == 0
        out = capsys.readouterr().out
        assert "Not proved" in out
        assert "scan.pdf" in out
        assert "Every passage stands" not in out

    def test_rollback_passes_the_snapshot_on(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["rollback", "--to", "000001-cd"]) == 0
        assert fake.calls == [("rollback", "000001-cd")]
        assert "000001-cd is current" in capsys.readouterr().out

    def test_serve_gets_the_settings(
        self, fake: FakeService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        served = []
        module = type(sys)("app.server")
        monkeypatch.setattr(module, "serve", served.append, raising=False)
        monkeypatch.setitem(sys.modules, "app.server", module)
        assert cli.main(["serve", "--host", "127.0.0.2", "--port", "8600"]) == 0
        assert (served[0].host, served[0].port) == ("127.0.0.2", 8600)


class TestEval:
    @pytest.fixture
    def judged(self, tmp_path: Path) -> Path:
        (tmp_path / "queries.jsonl").write_text(
            '{"_id": "q1", "text": "bees", "split": "test", "answers": ["sleep"]}\n'
            '{"_id": "q2", "text": "tea", "split": "tune"}\n'
        )
        (tmp_path / "qrels.tsv").write_text("q1\tguide/bees.md#20-30\t1\nq2\ttea.md\t1\n")
        return tmp_path

    def test_figures_of_a_folder_by_split(
        self, fake: FakeService, judged: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["eval", str(judged), "--split", "test", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["queries"] == 1
        figures = found["figures"]
        assert {figures[name] for name in METRICS} == {1.0}
        assert figures["first_sentence_answers"] == figures["right_shown"] == 1.0

    def test_files_may_be_named_one_by_one(
        self, fake: FakeService, judged: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        files = [str(judged / "queries.jsonl"), str(judged / "qrels.tsv")]
        assert cli.main(["eval", *files]) == 0
        captured = capsys.readouterr()
        names = [line.split()[0] for line in captured.out.splitlines()]
        assert names[:6] == ["Queries", "nDCG@10", "R@1", "R@5", "R@20", "MRR@10"]
        assert "0.5000" in captured.out
        assert "1 judged document not in the index, for instance 'tea.md'" in captured.err

    def test_judgements_on_other_documents_are_an_error(
        self, fake: FakeService, judged: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake.replies["documents"] = []
        assert cli.main(["eval", str(judged)]) == 2
        assert "No judged document is in the index" in capsys.readouterr().err

    def test_a_query_that_cannot_be_asked_counts_as_not_found(
        self, fake: FakeService, judged: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (judged / "queries.jsonl").write_text('{"_id": "q1", "text": ""}\n')
        fake.replies["ask"] = QueryError("The question is empty.")
        assert cli.main(["eval", str(judged)]) == 0
        captured = capsys.readouterr()
        assert "0.0000" in captured.out
        assert "Query q1 counts as not found" in captured.err


class TestFilters:
    DOCUMENTS = (
        DocumentSummary("guide/bees.md", "Bees", "markdown", "", 3, 90),
        DocumentSummary(
            "mail/a.eml", "A", "eml", "", 1, 9, {"author": "Ida", "date": "2020-03-15"}
        ),
    )

    @pytest.fixture
    def narrow(self, fake: FakeService) -> FakeService:
        fake.replies["documents"] = list(self.DOCUMENTS)
        return fake

    def test_the_search_is_narrowed(self, narrow: FakeService) -> None:
        filters = ["--filter", "folder=mail", "--filter", "date>=2020"]
        assert cli.main(["search", *filters, "bees"]) == 0
        assert narrow.calls[-1] == ("search", "bees", 5, Filter(folder="mail", since="2020"))

    @pytest.mark.parametrize(
        ("condition", "told"),
        [
            ("colour=red", "is no filter"),
            ("colour=red", "format    eml, markdown"),
            ("date=soon", "date      2020-03-15"),
            ("format=pdf", "There are: eml, markdown."),
            ("folder=guides", "There are: guide, mail."),
            ("author=holm", "There are: Ida."),
        ],
    )
    def test_a_wrong_one_is_told_what_there_is(
        self, condition: str, told: str, narrow: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["ask", "--filter", condition, "bees"]) == 2
        assert told in capsys.readouterr().err

    def test_filters_that_leave_nothing_are_told_of(
        self, narrow: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cli.main(["ask", "--filter", "folder=guide", "--filter", "format=eml", "bees"])
        assert "No document meets these filters." in capsys.readouterr().err


class TestErrors:
    def test_an_error_of_ours_is_one_sentence_on_stderr(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake.replies["ask"] = IndexMissingError("There is no index yet. Run: python -m app build")
        assert cli.main(["ask", "x"]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err == "Error: There is no index yet. Run: python -m app build\n"

    def test_with_json_the_error_is_an_object_too(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake.replies["ask"] = IndexMissingError("There is no index yet.")
        assert cli.main(["ask", "--json", "x"]) == 2
        captured = capsys.readouterr()
        assert json.loads(captured.out) == {"error": "There is no index yet."}
        assert captured.err

    @pytest.mark.parametrize("arguments", [[], ["ask"], ["dance"], ["status", "--nonsense"]])
    def test_a_command_that_cannot_be_parsed_exits_with_2(self, arguments: list[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == 2

    def test_a_bad_setting_is_an_error_of_ours(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["search", "-k", "0", "x"]) == 2
        assert "top_k = 0 (from the command line)" in capsys.readouterr().err

    def test_an_interrupt_is_one_line(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake.replies["build"] = KeyboardInterrupt()
        assert cli.main(["build"]) == 130
        assert capsys.readouterr().err == "Interrupted.\n"

    def test_a_bug_is_an_error_not_an_abstention(
        self, fake: FakeService, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake.replies["ask"] = ZeroDivisionError("a bug")
        assert cli.main(["ask", "x"]) == 2
        assert "Traceback" in capsys.readouterr().err

    def test_a_reader_that_goes_away_is_no_error(self, tmp_path: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", _LONG_ANSWER],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        _, complaints = process.communicate(timeout=60)
        assert complaints == b""
        assert process.returncode == cli.BROKEN_PIPE

    @pytest.mark.parametrize("flags", [[], ["--json"]])
    def test_a_terminal_without_unicode_gets_escapes(self, flags: list[str]) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _EMOJI_ANSWER, *flags],
            capture_output=True,
            env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(sys.path)},
        )
        assert done.stderr == b""
        if flags:
            assert json.loads(done.stdout) == {"text": "🐝 é"}
        else:
            assert b"\\U0001f41d" in done.stdout


_LONG_ANSWER = """
import sys
from app import cli, commands
cli._run = lambda options: commands.Result({}, "word " * 1_000_000)
sys.exit(cli.main(["status"]))
"""
_EMOJI_ANSWER = """
import sys
from app import cli, commands
cli._run = lambda options: commands.Result({"text": "🐝 é"}, "🐝 é")
sys.exit(cli.main(["status", *sys.argv[1:]]))
"""


class TestProgress:
    STEPS = (
        Progress("reading", 0, 1),
        Progress("encoding", 0, 2000),
        Progress("encoding", 900, 2000, 100.0, 11.0),
        Progress("encoding", 2000, 2000, 100.0, 0.0),
        Progress("done", 0, 0),
    )

    def test_a_pipe_gets_a_line_for_each_stage(self, capsys: pytest.CaptureFixture[str]) -> None:
        bar = terminal.ProgressBar()
        for step in self.STEPS:
            bar(step)
        captured = capsys.readouterr()
        assert captured.err == "Reading 1 file\nEncoding 2,000 passages\n"
        assert captured.out == ""

    def test_a_terminal_gets_a_bar_with_rate_and_time_left(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        screen = io.StringIO()
        monkeypatch.setattr(screen, "isatty", lambda: True)
        monkeypatch.setattr("sys.stderr", screen)
        bar = terminal.ProgressBar()
        for step in self.STEPS:
            bar(step)
        assert "Encoding" in screen.getvalue()
        assert "passages/s" in screen.getvalue()


class TestTheRealThing:
    """A whole round through the real service, with an encoder that needs no model."""

    @pytest.fixture
    def here(self, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        def service(settings: Any) -> Service:
            made = Service(settings)
            made.encoder = HashEncoder()
            return made

        monkeypatch.setattr(commands, "open_service", service)
        monkeypatch.chdir(corpus.parent)
        return corpus

    def test_build_ask_change_verify_build_rollback(
        self, here: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def run(*arguments: str) -> tuple[int, str]:
            code = cli.main(arguments)
            return code, capsys.readouterr().out

        assert run("ask", "tea")[0] == 2
        assert run("build")[0] == 0
        code, out = run("build")
        assert "Nothing to encode: no text has changed." in out
        code, out = run("ask", "--threshold", "0", "How deep is the harbour of Porvenir?")
        assert code == 0
        assert "14 metres deep. [1]" in out
        assert "harbours.md:" in out
        assert run("verify")[0] == 0
        (here / "sub" / "tea.md").write_text("# Tea\n\nWhite tea is steeped at 70 degrees.\n")
        code, out = run("verify")
        assert code == 1
        assert "sub/tea.md" in out
        assert run("build")[0] == 0
        assert "70 degrees" in run("search", "white tea")[1]
        assert run("rollback")[0] == 0
        assert "70 degrees" not in run("search", "white tea")[1]
        assert run("status")[0] == 0

"""The command line: what can be said, and what becomes of it; the work is in ``app.commands``.

Results go to stdout, progress and errors to stderr. Exit codes: 0 answered or done, 1 not
answered, nothing found or something changed, 2 error, 130 interrupted. No index, model or page is
imported before a command needs it, so that ``--help`` and errors come at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import terminal
from index.errors import PassagesError

if TYPE_CHECKING:
    from app.commands import Result

OK, NOT_FOUND, ERROR, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141

_FILTERS = """Filters:
  folder=policy/ports     in this folder of the corpus or below it
  format=pdf              of this format
  document=policy/a.pdf   this one
  author=holm             by an author whose name has this in it
  date=2020  date>=2020-03  date<=2020-03-15    of these dates, as the documents tell them

  python -m app {name} --filter folder=policy --filter "date>=2020" "{words}"

"""
_JUDGEMENTS = """Actions:
  list              all judgements, the newest first
  export FOLDER     queries.jsonl and qrels.tsv for eval, and judgements.jsonl with all of it
  import FOLDER     take in such a folder, or any queries.jsonl with a qrels.tsv
  delete 3 5        forget these; delete all forgets all

"""
_CODES = "Exit codes: 0 {ok}, 1 {not_found}, 2 error."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; only a bug in Passages shows a traceback."""
    arguments = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in arguments
    _never_fail_to_print()
    try:
        options = _options(arguments, as_json)
        result = _run(options)
        _print(result.data if options.json else result.text, as_json=options.json)
        return result.code
    except BrokenPipeError:
        # Nobody reads on, as in `… | head -1`; keep the interpreter from flushing into the void.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return _fail("Interrupted.", as_json, INTERRUPTED)
    except PassagesError as error:
        return _fail(f"Error: {error}", as_json, ERROR)
    except OSError as error:
        return _fail(f"Error: {error}.", as_json, ERROR)
    except Exception as error:
        traceback.print_exc()
        return _fail(f"Error in Passages itself: {error!r}.", as_json, ERROR)


def _options(arguments: Sequence[str], as_json: bool) -> argparse.Namespace:
    """What was typed; a mistake in it ends the command, with an object on stdout if asked for."""
    try:
        return parser().parse_args(arguments)
    except SystemExit as stop:
        if stop.code and as_json:
            _print({"error": "The command was not understood. See --help."}, as_json=True)
        raise


def parser() -> argparse.ArgumentParser:
    """All commands with their options, help and examples."""
    root = argparse.ArgumentParser(
        prog="python -m app",
        description="Ask a folder of documents a question; get the answer in their own words.",
        epilog="Settings also come from passages.toml and from variables such as PASSAGES_CORPUS.",
        allow_abbrev=False,
    )
    root.set_defaults(json=False)
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (_build, _ask, _search, _status, _verify, _rollback, _eval, _judgements, _serve):
        add(commands)
    return root


_Commands = Any  # argparse keeps the type of add_subparsers' result to itself


def _command(
    commands: _Commands, name: str, does: str, example: str, ok: str, not_found: str, more: str = ""
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=does,
        description=f"{does[:1].upper()}{does[1:]}.",
        epilog=f"Example:\n  {example}\n\n{more}" + _CODES.format(ok=ok, not_found=not_found),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("--corpus", type=Path, metavar="FOLDER", help="folder of the documents")
    command.add_argument("--store", type=Path, metavar="FOLDER", help="folder of the index")
    command.add_argument(
        "--model", metavar="NAME", help="sentence-transformers model, by name or path"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object instead")
    return command


def _build(commands: _Commands) -> None:
    command = _command(
        commands,
        "build",
        "index the documents; only texts that changed are encoded",
        "python -m app build --corpus ~/papers",
        ok="the index is current",
        not_found="(not used)",
    )
    command.add_argument(
        "--force", action="store_true", help="write a new snapshot even if nothing has changed"
    )


def _ask(commands: _Commands) -> None:
    command = _command(
        commands,
        "ask",
        "answer a question with quotes from the documents, or say that they do not answer it",
        'python -m app ask "How do I add documents?"',
        ok="answered",
        not_found="the documents do not answer the question",
        more=_FILTERS.format(name="ask", words="What do warships pay?"),
    )
    command.add_argument(
        "question", nargs="+", metavar="QUESTION", help="the question; - reads it from stdin"
    )
    command.add_argument(
        "--threshold",
        type=float,
        metavar="P",
        help="least confidence to answer with, 0 to 1; default: calibrated",
    )
    _add_filter(command)


def _add_filter(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="CONDITION",
        help="search only documents that meet it, see below; all have to hold if given again",
    )


def _search(commands: _Commands) -> None:
    command = _command(
        commands,
        "search",
        "list the passages nearest to a question, and why each was found",
        'python -m app search --top-k 3 "rebuild the index"',
        ok="found",
        not_found="nothing found",
        more=_FILTERS.format(name="search", words="fees of warships"),
    )
    command.add_argument(
        "question", nargs="+", metavar="WORDS", help="what to look for; - reads it from stdin"
    )
    command.add_argument("-k", "--top-k", type=int, metavar="N", help="how many; default: 5")
    _add_filter(command)


def _status(commands: _Commands) -> None:
    command = _command(
        commands,
        "status",
        "show the index in use: its age, size and model, and the files that it lacks",
        "python -m app status --files",
        ok="there is an index",
        not_found="there is no usable index",
    )
    command.add_argument(
        "--files",
        action="store_true",
        help="a line for each file: how much of it was read, and why",
    )


def _verify(commands: _Commands) -> None:
    _command(
        commands,
        "verify",
        "prove each passage against its source, and name what changed since the build",
        "python -m app verify",
        ok="index and documents agree",
        not_found="damage or changed documents found",
    )


def _rollback(commands: _Commands) -> None:
    command = _command(
        commands,
        "rollback",
        "go back to the snapshot before the current one, or to a named one",
        "python -m app rollback",
        ok="went back",
        not_found="(not used)",
    )
    command.add_argument("--to", metavar="ID", help="the snapshot to go back to")


def _eval(commands: _Commands) -> None:
    command = _command(
        commands,
        "eval",
        "measure ranking, answers and abstentions against judgements",
        "python -m app eval queries.jsonl qrels.tsv",
        ok="measured",
        not_found="(not used)",
    )
    command.add_argument(
        "queries", type=Path, metavar="QUERIES", help="queries.jsonl, or a folder in BEIR's layout"
    )
    command.add_argument(
        "qrels",
        type=Path,
        nargs="?",
        metavar="QRELS",
        help="qrels.tsv; judged ids are documents, or spans of them as document#start-end",
    )
    command.add_argument("--split", metavar="NAME", help="only the queries of this split")
    command.add_argument("--each", action="store_true", help="a line for each query, too")
    command.add_argument(
        "--against",
        nargs="?",
        const="",
        metavar="ID",
        help="compare with another snapshot (default: the one before the current one)",
    )
    command.add_argument(
        "--calibrate",
        action="store_true",
        help="fit the confidence to these queries, from now on, and draw precision and coverage",
    )


def _judgements(commands: _Commands) -> None:
    command = _command(
        commands,
        "judgements",
        "list, export, take in or delete what people said of answers on the page",
        "python -m app judgements export my-questions",
        ok="done",
        not_found="there are none",
        more=_JUDGEMENTS,
    )
    command.add_argument(
        "action", choices=("list", "export", "import", "delete"), help="what to do, see below"
    )
    command.add_argument(
        "what", nargs="*", metavar="WHAT", help="a folder, the numbers to delete, or all"
    )


def _serve(commands: _Commands) -> None:
    command = _command(
        commands,
        "serve",
        "serve the page until interrupted",
        "python -m app serve --port 8600",
        ok="stopped",
        not_found="(not used)",
    )
    command.add_argument("--host", metavar="ADDRESS", help="default: 127.0.0.1, this machine only")
    command.add_argument("--port", type=int, metavar="N", help="default: 8501")
    command.add_argument(
        "--watch",
        action="store_true",
        default=None,
        help="rebuild whenever a file of the corpus is added, changed, moved or deleted",
    )


_FLAGS = ("corpus", "store", "model", "threshold", "top_k", "host", "port", "watch")


def _run(options: argparse.Namespace) -> Result:
    from app import commands
    from app.settings import load_settings

    settings = load_settings(**{name: getattr(options, name, None) for name in _FLAGS})
    command: Callable[..., Result] = getattr(commands, options.command)
    return command(options, settings)


def _print(what: str | dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        unicode = "utf" in (sys.stdout.encoding or "").lower()
        what = json.dumps(what, ensure_ascii=not unicode, allow_nan=False)
    else:
        what = terminal.harmless(str(what))
    print(what, flush=True)


def _fail(message: str, as_json: bool, code: int) -> int:
    print(terminal.harmless(message), file=sys.stderr, flush=True)
    if as_json:
        _print({"error": message.removeprefix("Error: ")}, as_json=True)
    return code


def _never_fail_to_print() -> None:
    """Show a character that the terminal's encoding lacks as an escape, not as an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")

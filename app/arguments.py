"""What can be said on the command line: each command with its options, help and examples."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

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
_MCP = """An assistant starts this command itself; in its settings it looks so:
  {"command": "/path/to/.venv/bin/python", "args": ["-m", "app", "mcp"], "cwd": "/path/to/passages"}
Where the page is served, the same is at /mcp of its address.

"""
_TOKENS = """Actions:
  new NAME      make a token and print it: it cannot be printed again
  list          names, scopes and dates
  revoke NAME   take it back, at once

Programs send it as: Authorization: Bearer TOKEN

"""
_CODES = "Exit codes: 0 {ok}, 1 {not_found}, 2 error."


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
    for add in (
        _build,
        _ask,
        _search,
        _status,
        _verify,
        _rollback,
        _eval,
        _judgements,
        _serve,
        _mcp,
        _token,
    ):
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
    command.add_argument(
        "--vectors",
        choices=("faiss", "milvus"),
        help="what keeps the vectors: files of the store, or a Milvus server; default: faiss",
    )
    command.add_argument("--milvus-uri", metavar="URI", help="address of the Milvus server")
    command.add_argument(
        "--shared", metavar="URL", help="where all servers of this Milvus fetch the rest from"
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
    command.add_argument(
        "--engine",
        choices=("local", "ray"),
        help="what reads and encodes: this process, or workers with Ray; default: local",
    )
    command.add_argument(
        "--address",
        dest="ray_address",
        metavar="HOST:PORT",
        help="the Ray cluster whose workers they are; default: this machine's cores",
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


def _mcp(commands: _Commands) -> None:
    command = _command(
        commands,
        "mcp",
        "let an assistant ask, search and read, by the Model Context Protocol",
        "python -m app mcp",
        ok="stopped",
        not_found="(not used)",
        more=_MCP,
    )
    command.add_argument(
        "--http", action="store_true", help="serve /mcp and /api over HTTP, without the page"
    )
    command.add_argument("--host", metavar="ADDRESS", help="default: 127.0.0.1, this machine only")
    command.add_argument("--port", type=int, metavar="N", help="default: 8501")


def _token(commands: _Commands) -> None:
    command = _command(
        commands,
        "token",
        "make, list or revoke the tokens by which programs get in where access = 'login'",
        "python -m app token new reporting --scope read",
        ok="done",
        not_found="there is none",
        more=_TOKENS,
    )
    command.add_argument("action", choices=("new", "list", "revoke"), help="what to do, see below")
    command.add_argument("name", nargs="?", metavar="NAME", help="what the token is for")
    command.add_argument(
        "--scope",
        choices=("read", "manage"),
        default="read",
        help="read: ask and read; manage: rebuild and go back, too; default: read",
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

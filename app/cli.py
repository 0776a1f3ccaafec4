"""The command line: what becomes of what was said; the work is in ``app.commands``.

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
from typing import TYPE_CHECKING, Any

from app import terminal
from app.arguments import parser
from index.errors import PassagesError

if TYPE_CHECKING:
    from app.commands import Result

OK, NOT_FOUND, ERROR, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; only a bug in Passages shows a traceback."""
    arguments = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in arguments
    _never_fail_to_print()
    try:
        options = _options(arguments, as_json)
        result = _run(options)
        if options.json or result.text:
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


_FLAGS = (
    "corpus store model vectors milvus_uri shared engine ray_address "
    "threshold top_k host port watch"
).split()


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

"""Sessions of the page without a browser: each asks at its own pace and says how long it waited.

    python -m benchmarks.visitors ADDRESS QUESTIONS --sessions 20 --every 1

Each opens the page over Streamlit's WebSocket, keeps that open and asks as ask.js does, so the
server does for them all that it does for a browser. With ``--rerun`` a question is one more run of
the script, as on other pages of Streamlit. ``QUESTIONS`` is a file with one on each line. They go
on until the standard input ends; then one JSON object is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

BIGGEST = 64 * 1024 * 1024


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.visitors", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("questions", type=Path)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two questions")
    parser.add_argument("--rerun", action="store_true", help="ask by running the script again")
    options = parser.parse_args(arguments)
    questions = options.questions.read_text(encoding="utf-8").splitlines()
    waited = asyncio.run(
        visit(options.address, questions, options.sessions, options.every, rerun=options.rerun)
    )
    json.dump({"asked": len(waited), "waited": waited}, sys.stdout)


async def visit(
    address: str, questions: Sequence[str], sessions: int, every: float, *, rerun: bool
) -> list[float]:
    """Seconds that each question waited for its answer, of all sessions together."""
    over = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    every_session = [
        _session(address, questions, number, number * every / sessions, every, over, rerun)
        for number in range(sessions)
    ]
    return [waited for session in await asyncio.gather(*every_session) for waited in session]


async def _session(
    address: str,
    questions: Sequence[str],
    seed: int,
    wait: float,
    every: float,
    over: threading.Event,
    rerun: bool,
) -> list[float]:
    parts = urlsplit(address)
    own = random.Random(seed).sample(list(questions), len(questions))
    found = []
    async with connect(
        f"ws://{parts.netloc}/_stcore/stream",
        subprotocols=["streamlit"],  # type: ignore[list-item]
        origin=address,  # type: ignore[arg-type]
        max_size=BIGGEST,
    ) as socket:
        await _shown(socket, "")
        await asyncio.sleep(wait)
        due, number = time.monotonic(), 0
        caller = HTTPConnection(parts.netloc)
        while not over.is_set():
            begun = time.monotonic()
            question = own[number % len(own)]
            if rerun:
                await _shown(socket, urlencode({"q": question}))
            else:
                await asyncio.to_thread(_answered, caller, question)
            found.append(time.monotonic() - begun)
            number, due = number + 1, max(due + every, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
    return found


async def _shown(socket: ClientConnection, query: str) -> None:
    """Open an address of the page and wait until all of it has come."""
    asked = BackMsg()
    asked.rerun_script.query_string = query
    await socket.send(asked.SerializeToString())
    while True:
        told = ForwardMsg()
        told.ParseFromString(await socket.recv(decode=False))
        if told.WhichOneof("type") == "script_finished":
            status = ForwardMsg.ScriptFinishedStatus.Name(told.script_finished)
            if status == "FINISHED_WITH_COMPILE_ERROR":
                raise RuntimeError(f"The page failed for '{query}'.")
            if status == "FINISHED_SUCCESSFULLY":
                return


def _answered(caller: HTTPConnection, question: str) -> None:
    """Ask as ask.js does and read all of the reply."""
    body = json.dumps({"question": question})
    caller.request("POST", "/page/ask", body, {"Content-Type": "application/json"})
    reply = caller.getresponse()
    if (said := reply.read()) and reply.status != HTTPStatus.OK:
        raise RuntimeError(f"The page failed for '{question}': {said[:200]!r}")


if __name__ == "__main__":
    main()

"""With every socket closed, the real model builds and answers; nobody outside is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

CODE = """
import json, socket, sys

def closed(*arguments, **named):
    raise AssertionError(f"a connection was tried: {arguments}")

class Closed(socket.socket):
    connect = connect_ex = sendto = closed

socket.socket = Closed
socket.create_connection = socket.getaddrinfo = socket.gethostbyname = closed

from index import Encoder, Extractor, Searcher, Store, answer, build

corpus, folder = sys.argv[1:]
store = Store(folder)
encoder = Encoder(kept=store.models)
report = build(corpus, store, encoder)
searcher = Searcher(store.open(), encoder)
reader = Extractor(kept=store.models)
known = answer("How deep is the harbour of Porvenir?", searcher, reader)
unknown = answer("Who won the chess tournament in Reykjavik?", searcher, reader)
print(json.dumps([report.encoded, known.text, unknown.answered]))
"""


def test_build_and_ask_need_no_network(corpus: Path, tmp_path: Path) -> None:
    hub = ("HF_", "TRANSFORMERS_", "PASSAGES_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(hub)}
    environment["HF_HOME"] = str(tmp_path / "empty")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(corpus), str(tmp_path / "store")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    encoded, known, unknown_answered = json.loads(done.stdout.splitlines()[-1])
    assert encoded > 0
    assert "The harbour of Porvenir is 14 metres deep. [1]" in known
    assert not unknown_answered

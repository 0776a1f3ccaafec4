"""A system in a process of its own, spoken to in JSON lines."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.peers.systems import ROOT, PeerError

PATIENCE = 3600.0  # seconds that one order may take

# Nothing may be fetched or reported, and every system runs on the CPU.
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
}


class Running:
    """A started system; ``startup`` is the seconds until it had encoded a first text.

    ``command`` runs the adapter; what it writes on stderr goes to ``log``.

    Raises:
        PeerError: it ends or says something else before it is ready.
    """

    def __init__(self, command: Sequence[str], work: Path, log: Path) -> None:
        self._log = log
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        begun = time.perf_counter()
        with log.open("w", encoding="utf-8") as lines:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=variables | ENVIRONMENT | {"LLAMA_INDEX_CACHE_DIR": str(work)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=lines,
                encoding="utf-8",
            )
        self.versions: dict[str, str] = self._answer()["versions"]
        self.startup = time.perf_counter() - begun

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def build(self, corpus: Path) -> float:
        """Index a ``corpus.jsonl``; the seconds that took."""
        return float(self._ordered(do="build", corpus=str(corpus))["seconds"])

    def ask(self, question: str) -> tuple[list[str], float]:
        """The ids of the documents found, best first, and the seconds that took."""
        answer = self._ordered(do="ask", question=question)
        return answer["ids"], float(answer["seconds"])

    def quit(self) -> int:
        """End it; the most bytes of memory that it has held."""
        return int(self._ordered(do="quit")["memory"])

    def _ordered(self, **order: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended, as reading tells with the reason
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        limit = threading.Timer(PATIENCE, self._process.kill)
        limit.start()
        line = self._process.stdout.readline()
        in_time = limit.is_alive()
        limit.cancel()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        try:
            self._process.wait(10)  # it has closed its output, so it is about to end
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.communicate()
        if not in_time:
            raise PeerError(f"It did not answer within {PATIENCE:,.0f} seconds.")
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = lines[-1].strip()[:300] if lines else "it says nothing"
        raise PeerError(f"It ended with exit code {self._process.returncode}: {last}")

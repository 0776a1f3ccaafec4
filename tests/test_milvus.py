"""All that needs a Milvus server: ``tests/with_milvus``, in a network namespace of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.milvus_server import in_a_namespace

ROOT = Path(__file__).parents[1]
FOLDER = "tests/with_milvus"


def test_passages_keeps_its_vectors_in_a_real_milvus_server() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "--durations=10", FOLDER]
    done = subprocess.run(
        in_a_namespace(command), cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = done.stdout[-20_000:] + done.stderr[-5_000:]
    assert done.returncode == 0, f"{FOLDER} failed or could not start:\n{said}"
    assert "skipped" not in done.stdout.splitlines()[-1], said

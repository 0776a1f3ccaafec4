"""Requests made up from the API's own description: no server error, no breach of contract."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import HashEncoder

from app.service import Service
from app.settings import load_settings
from tests.programs import Program, running


@pytest.fixture
def program(
    corpus: Path, tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Program]:
    service = Service(load_settings(corpus=corpus, store=tmp_path / "store", access="login"))
    service.encoder = encoder
    for _ in range(3):
        service.build(lambda step: None, force=True)
    # A build is a process of its own, with the real model: what starts one is tried elsewhere.
    monkeypatch.setattr(service._rebuild, "start", lambda: None)
    with running(service) as program:
        program.token = service.tokens.new("contract", "manage")
        yield program


def test_what_is_described_is_what_is_done(program: Program, tmp_path: Path) -> None:
    command = Path(sysconfig.get_path("scripts")) / "schemathesis"
    tried = subprocess.run(
        [
            command,
            "run",
            f"{program.address}/api/openapi.json",
            f"--header=Authorization: Bearer {program.token}",
            f"--url={program.address}/api",
            "--checks=all",
            "--max-examples=20",
            "--seed=1",
            "--generation-database=none",
            "--request-timeout=20",
            "--no-color",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert tried.returncode == 0, tried.stdout[-5000:] + tried.stderr[-2000:]
    assert "10 tested" in tried.stdout or "10 selected" in tried.stdout, tried.stdout[-2000:]

"""A real Milvus server to measure and test with, from the package ``milvus``; it can be killed.

It listens on all interfaces, so it is to be run in a network namespace of its own only.
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from pathlib import Path

URI = "http://127.0.0.1:19530"
TOKEN = "root:Milvus"
_STARTING = 90.0  # seconds
_SETTINGS = {
    "common.session.ttl": 5,  # by default a restart takes 35 s
    "common.gracefulStopTimeout": 5,
    "common.security.authorizationEnabled": "true",
}


class MilvusServer:
    """A server whose data are in ``folder``; the program is unpacked to ``programs`` once."""

    def __init__(self, folder: Path, programs: Path) -> None:
        import milvus

        self._folder, self._programs = folder, programs / "bin"
        config = milvus.MilvusServerConfig(data_dir=str(folder))
        config.extra_configs = dict(_SETTINGS)
        config.resolve()
        milvus._initialize_data_files(str(programs))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; return when it answers."""
        variables = {
            "DEPLOY_MODE": "STANDALONE",
            "METRICS_PORT": "9091",
            "MILVUS_RUN_DIR": str(self._folder / "run"),
            "LD_LIBRARY_PATH": str(self._programs),
            "GOMAXPROCS": "2",
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                # Whatever becomes of the tests, it does not outlive them.
                ["setpriv", "--pdeathsig", "KILL", self._programs / "milvus", "run", "standalone"],
                cwd=self._folder,
                env={**os.environ, **variables},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + _STARTING
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > until:
                said = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"Milvus did not start, see {self.log}:\n{said}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> Path:
        """What it says."""
        return self._folder / "out.log"

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen("http://127.0.0.1:9091/healthz", timeout=2) as reply:
                return b"OK" in reply.read()
        except OSError:
            return False


def in_a_namespace(command: list[str]) -> list[str]:
    """A command that is run where nothing but the loopback interface exists."""
    inside = 'ip link set lo up; exec "$@"'
    return ["unshare", "--map-root-user", "--net", "sh", "-c", inside, "sh", *command]

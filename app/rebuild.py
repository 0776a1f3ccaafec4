"""A build in a process of its own, and how far any build of this store is.

The builder writes its state to one small file, atomically; whoever asks reads that file. A closed
page, a second page or a restarted server therefore loses nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from app.settings import PREFIX, Settings
from index.build import BuildReport
from index.errors import BuildRunningError, PassagesError
from index.progress import OnProgress, Progress
from index.store import Store

HEEDED = 7.0
"""Seconds in which a builder must heed that it is to end; converting a model, it cannot."""


@dataclass(frozen=True, slots=True)
class BuildState:
    """How far a build is or how it ended. Times are seconds since 1970.

    A build that is done has made ``snapshot``; ``unreadable`` files could not be read.
    """

    state: Literal["running", "done", "failed", "cancelled"]
    stage: str
    done: int
    total: int
    rate: float | None
    seconds_left: float | None
    message: str
    started: float
    finished: float | None
    documents: int = 0
    passages: int = 0
    encoded: int = 0
    unreadable: int = 0
    snapshot: str = ""
    process: int = 0
    birth: str = ""


class Rebuild:
    """The builds of one store, as seen from any process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = Store(settings.store)
        self._path = settings.store / "build.json"
        self._log = settings.store / "build.log"
        self._starting = threading.Lock()

    def start(self) -> None:
        """Start a builder process with this process's settings.

        Raises:
            BuildRunningError: a build is running.
        """
        with self._starting:
            state = self.state()
            if state is not None and state.state == "running":
                raise BuildRunningError("A build is running already. Wait for it to end.")
            with self._store.lock():
                pass  # says in our words that a build is running or the store cannot be written
            self._start()

    def _start(self) -> None:
        environment = {**os.environ, **_as_environment(self._settings)}
        paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", "build"],
                env=environment,
                cwd=Path.cwd(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # Somebody must wait for a child, or it stays on as a zombie that looks alive.
        threading.Thread(target=process.wait, name="builder", daemon=True).start()
        # The builder takes longer than this to say its first word, which must not be overwritten.
        self._write(_begun(process.pid))

    def cancel(self) -> None:
        """End the running build, whoever started it; the last index goes on answering."""
        state = self.state()
        if state is None or state.state != "running" or not state.process:
            return
        # Not SIGINT: a server that a shell has started in the background ignores that one, and so
        # does all that it starts.
        for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            with contextlib.suppress(OSError):
                os.kill(state.process, number)
            until = time.monotonic() + HEEDED
            while time.monotonic() < until and _birth(state.process) == state.birth:
                time.sleep(0.05)
            if _birth(state.process) != state.birth:
                break
        with contextlib.suppress(PassagesError), self._store.lock():
            self._store.sweep()  # what had to be killed could not do it itself
        now = self.state()
        if now and (now.process, now.birth) == (state.process, state.birth) and now.state != "done":
            self._write(replace(state, state="cancelled", message="", finished=time.time()))

    def state(self) -> BuildState | None:
        """What the file says; a build whose process is gone without a word has failed."""
        try:
            state = BuildState(**json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        if state.state == "running" and _birth(state.process) != state.birth:
            message = "The build ended before it was done. The last index still answers."
            return replace(state, state="failed", message=message, finished=time.time())
        return state

    @contextlib.contextmanager
    def told(self, progress: OnProgress) -> Iterator[_Teller]:
        """Write each step of a build to the file, and its end, whatever it is."""
        teller = _Teller(self, progress)
        try:
            yield teller
        except BuildRunningError:
            raise  # the file belongs to the other build
        except KeyboardInterrupt:
            teller.cancelled()
            raise
        except BaseException as error:
            known = isinstance(error, PassagesError)
            teller.failed(str(error) if known else f"The build was stopped ({error!r}).")
            raise

    def _write(self, state: BuildState) -> None:
        """Replace the file; a full disk costs the progress bar, not the build."""
        aside = self._path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            aside.write_text(json.dumps(asdict(state)), encoding="utf-8")
            aside.replace(self._path)


class _Teller:
    """Passes progress on to the file and to whoever called the build."""

    def __init__(self, rebuild: Rebuild, progress: OnProgress) -> None:
        self._rebuild = rebuild
        self._progress = progress
        self._state = _begun(os.getpid())

    def progress(self, step: Progress) -> None:
        self._tell(
            stage=step.stage,
            done=step.done,
            total=step.total,
            rate=step.rate,
            seconds_left=step.seconds_left,
        )
        self._progress(step)

    def done(self, report: BuildReport) -> None:
        self._tell(
            state="done",
            stage="done",
            finished=time.time(),
            documents=report.documents,
            passages=report.passages,
            encoded=report.encoded,
            unreadable=sum(file.state == "failed" for file in report.files),
            snapshot=report.snapshot,
            message="Nothing has changed since the last build." if report.unchanged else "",
        )

    def cancelled(self) -> None:
        self._tell(state="cancelled", finished=time.time())

    def failed(self, message: str) -> None:
        self._tell(state="failed", message=message, finished=time.time())

    def _tell(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)  # type: ignore[arg-type]
        self._rebuild._write(self._state)


def _as_environment(settings: Settings) -> dict[str, str]:
    """The settings that a build depends on, as the builder process reads them."""
    return {
        f"{PREFIX}CORPUS": str(settings.corpus.absolute()),
        f"{PREFIX}STORE": str(settings.store.absolute()),
        f"{PREFIX}MODEL": settings.model,
        f"{PREFIX}ENCODER": settings.encoder,
        f"{PREFIX}DEVICE": settings.device,
        f"{PREFIX}ENGINE": settings.engine,
        f"{PREFIX}RAY_ADDRESS": settings.ray_address,
        f"{PREFIX}EXACT_UP_TO": str(settings.exact_up_to),
        f"{PREFIX}SNAPSHOTS": str(settings.snapshots),
        f"{PREFIX}FILE_SECONDS": str(settings.file_seconds),
        f"{PREFIX}VECTORS": settings.vectors,
        f"{PREFIX}MILVUS_URI": settings.milvus_uri,
        f"{PREFIX}MILVUS_TOKEN": settings.milvus_token,
        f"{PREFIX}MILVUS_NAME": settings.milvus_name,
        f"{PREFIX}SHARED": settings.shared,
    }


def _begun(process: int) -> BuildState:
    """The state of a build that begins now."""
    return BuildState(
        state="running",
        stage="starting",
        done=0,
        total=0,
        rate=None,
        seconds_left=None,
        message="",
        started=time.time(),
        finished=None,
        process=process,
        birth=_birth(process),
    )


def _birth(process: int) -> str:
    """What tells a living process from a later one with the same number; "gone" if it is dead.

    Where the system does not say when a process began, all living ones look alike.
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        pass
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot} {fields.split()[19]}"
    except (OSError, IndexError):
        return ""

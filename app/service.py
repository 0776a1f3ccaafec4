"""The one place that wires the library together: what answers, what changes it, how it is.

The page and the command line take everything from here.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from app.access import Scope, Tokens, admit
from app.answering import Answering
from app.judgements import FILE, Judgements
from app.rebuild import BuildState, Rebuild
from app.settings import Settings
from app.uploads import Change, Uploads
from index.build import BuildReport, build
from index.cluster import Cluster
from index.errors import AccessError, PassagesError, TokenError
from index.extractor import Extractor
from index.history import Difference, difference
from index.progress import OnProgress
from index.records import FileReport
from index.snapshot import Manifest, Snapshot
from index.store import size_of
from index.vectors import EXACT, Nearest
from index.verify import VerifyReport, verify


@dataclass(frozen=True, slots=True)
class Status:
    """How the index is. ``error`` says why it cannot answer, or is empty; ``built_at`` is ISO UTC.

    ``engine`` is what keeps the vectors. ``warning`` says what the index does worse than was asked
    for, or is empty; ``seconds`` is what the build took.
    """

    snapshot: str | None
    previous: str | None
    built_at: str
    documents: int
    passages: int
    sentences: int
    words: int
    model: str
    store_bytes: int
    files: tuple[FileReport, ...]
    error: str = ""
    nearest: Nearest = EXACT
    warning: str = ""
    seconds: float = 0.0
    engine: str = "FAISS"


class Service(Answering):
    """All that the faces need of one store: it answers, is changed, and tells how it is."""

    def __init__(self, settings: Settings, snapshot: str | None = None) -> None:
        super().__init__(settings, snapshot)
        self.judgements = Judgements(settings.store / FILE)
        self.metrics.watch(self._gauges)
        self.tokens = Tokens(settings.store)
        self._secret = secrets.token_bytes(32)
        self.uploaders: set[str] = set()
        """Sessions of the page that were shown the field to add files."""
        self._rebuild = Rebuild(settings)
        self._uploads = Uploads(settings.corpus, self.store.bin, settings.upload_mb * 1_000_000)

    def key(self, days_ago: int = 0) -> str:
        """What the page sends with its own requests where one has to sign in; each day a new one.

        A page that was opened yesterday may go on.
        """
        day = int(time.time() // 86_400) - days_ago
        return hmac.new(self._secret, str(day).encode(), "sha256").hexdigest()

    def seal(self, text: str) -> str:
        """What proves that a text was given away by this process, when it comes back."""
        return hmac.new(self._secret, b"seal" + text.encode(), "sha256").hexdigest()

    def admit_page(self, key: str) -> None:
        """Let a request of the page pass.

        Raises:
            TokenError: one has to sign in, and the key is none that the page was given.
        """
        if self.settings.access != "login":
            return
        known = [hmac.compare_digest(key.encode(), self.key(days).encode()) for days in (0, 1)]
        if not any(known):
            raise TokenError("Sign in on the page, or load it again.")

    def at(self, snapshot: str) -> Service:
        """The same models on another snapshot of the same store."""
        other = Service(self.settings, snapshot)
        other.store, other.encoder, other.reader = self.store, self.encoder, self.reader
        return other

    def status(self) -> Status:
        """How the index is; never raises for an index that cannot be used, but says why."""
        try:
            snapshot: Snapshot | None = self._current().snapshot
            error = ""
        except PassagesError as problem:
            snapshot, error = None, str(problem)
        if snapshot is None:
            return Status(None, None, "", 0, 0, 0, 0, "", self.store.size(), (), error)
        manifest = snapshot.manifest
        engine, previous, trouble = "FAISS", None, ""
        try:
            engine = snapshot.engine()
        except PassagesError as problem:
            engine, error = str(self.store.server), str(problem)
        try:
            previous = self.before()
        except PassagesError as problem:  # questions are answered all the same
            trouble = str(problem)
        return Status(
            snapshot=manifest.id,
            previous=previous,
            built_at=manifest.created,
            documents=manifest.documents,
            passages=manifest.passages,
            sentences=manifest.sentences,
            words=manifest.words,
            model=manifest.recipe.model_name,
            store_bytes=self.store.size(),
            files=snapshot.table.files(),
            nearest=manifest.nearest,
            error=error,
            warning=self._refused[1] or self._trouble or trouble or self.warning(manifest.nearest),
            seconds=manifest.seconds,
            engine=engine,
        )

    def before(self) -> str | None:
        """The snapshot before the current one, if it is kept; raises as ``ask`` does."""
        parent = self._current().snapshot.manifest.parent
        return parent if parent in {one.id for one in self.store.manifests()} else None

    def ready(self) -> bool:
        """Whether questions can be answered; raises as ``ask`` does where they cannot."""
        snapshot = self._current().snapshot
        snapshot.engine()
        return len(snapshot.table) > 0

    def warning(self, nearest: Nearest) -> str:
        """What to say of an index that finds too little, or nothing."""
        floor = self.settings.recall_floor
        if nearest.recall >= floor:
            return ""
        return (
            f"The approximate index finds {nearest.recall:.1%} of the nearest passages, less than "
            f"the floor of {floor:.0%}. Raise the setting exact_up_to above the number of "
            "passages to compare every one, then run: python -m app build"
        )

    def build(self, progress: OnProgress, *, force: bool = False) -> BuildReport:
        """Build in this process; other processes see how far it is. Raises as ``build`` does."""
        with self._rebuild.told(progress) as tell, self._cluster() as cluster:
            report = build(
                self.settings.corpus,
                self.store,
                self.encoder,
                progress=tell.progress,
                force=force,
                exact_up_to=self.settings.exact_up_to,
                file_seconds=self.settings.file_seconds,
                cluster=cluster,
            )
            tell.done(report)
            # After the index: it needs no reader, and a reader that is damaged must not cost it.
            if isinstance(self.reader, Extractor):
                self.reader.prepare()
            return report

    def _cluster(self) -> contextlib.AbstractContextManager[Cluster | None]:
        """The workers that read and encode, if the settings want some."""
        if self.settings.engine == "local":
            return contextlib.nullcontext()
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it tells us, not the terminal
        shared = (self.settings.corpus, self.store.folder)
        return Cluster(self.settings.ray_address, shared)

    def start_rebuild(self) -> None:
        """Start a builder process; this one goes on answering.

        Raises:
            BuildRunningError: a build is running.
        """
        self._changing()
        self._rebuild.start()

    def cancel_rebuild(self) -> None:
        """End the running build, if there is one; the last index goes on answering."""
        self._changing()
        self._rebuild.cancel()

    def build_progress(self) -> BuildState | None:
        """How far the running build is, or how the last one ended; ``None`` before the first.

        When it says that a build is done, what it made answers.
        """
        state = self._rebuild.state()
        if state is not None and state.state == "done":
            self._settle()
        return state

    def add_file(self, name: str, data: bytes, *, replace: bool = False) -> Change:
        """Put a file into the corpus folder; the next build reads it. Raises as ``Uploads`` does.

        Raises:
            AccessError: nothing may be changed here.
        """
        self._changing()
        return self._uploads.add(name, data, replace=replace)

    def remove_file(self, document_id: str) -> Change:
        """Take a file out of the corpus folder; it can be put back. Raises as ``add_file``."""
        self._changing()
        return self._uploads.remove(document_id)

    def undo_change(self, change_id: str) -> Change:
        """Take back what was added, replaced or removed. Raises as ``add_file``."""
        self._changing()
        return self._uploads.undo(change_id)

    def changes(self) -> list[Change]:
        """What was added, replaced and removed and can be taken back, the last one first."""
        return self._uploads.changes()

    def history(self) -> list[Manifest]:
        """The snapshots that are kept, the newest first."""
        return self.store.manifests()[::-1]

    def difference(self, older: Manifest, newer: Manifest) -> Difference:
        """What differs between two snapshots that are kept; raises as ``difference`` does."""
        return difference(self.store, older, newer)

    def rollback(self, to: str | None = None) -> str:
        """Go back to the snapshot before the current one, or to the one named."""
        self._changing()
        snapshot = self.store.rollback(to)
        self._settle()
        return snapshot

    def verify(self) -> VerifyReport:
        """Prove the current snapshot against its sources."""
        return verify(self.settings.corpus, self.store, self.settings.file_seconds)

    def disk(self) -> dict[str, int]:
        """Bytes of the documents, of the index with its history, of caches, and of the bin."""
        caches = [self.store.cache, self.store.documents, self.store.models]
        sizes = {"documents": size_of(self.settings.corpus), "bin": size_of(self.store.bin)}
        sizes["caches"] = sum(map(size_of, caches))
        sizes["index"] = max(0, self.store.size() - sizes["caches"] - sizes["bin"])
        return sizes

    def admit(self, header: str, scope: Scope) -> str:
        """The name of the token in an ``Authorization`` header; raises as ``admit`` does."""
        try:
            return admit(self.tokens, header, scope, open_to_all=self.settings.access != "login")
        except AccessError as error:
            self.metrics.failed(type(error).__name__)
            raise

    def _changing(self) -> None:
        if self.settings.read_only:
            raise AccessError("Nothing can be changed here: the setting read_only says so.")

    def _gauges(self) -> dict[str, float]:
        """What ``/metrics`` tells of the index and the builds."""
        status, build = self.status(), self.build_progress()
        found: dict[str, float] = {
            "up": not status.error,
            "waiting": self.waiting,
            "documents": status.documents,
            "indexed": status.passages,
            "warning": bool(status.warning),
            "build_running": bool(build and build.state == "running"),
            "build_failed": bool(build and build.state == "failed"),
        }
        if status.built_at:
            built = datetime.fromisoformat(status.built_at).timestamp()
            found["snapshot_age_seconds"] = time.time() - built
        return found


@lru_cache(maxsize=1)
def shared(settings: Settings) -> Service:
    """The one service of this process."""
    return Service(settings)

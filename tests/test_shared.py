"""What needs no Milvus server: the shared place, a server that is not there, a missing package."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import HashEncoder
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import rebuild
from app.api import create_api
from app.cli import main
from app.problems import HANDLERS
from app.routes import about
from app.service import Service
from app.settings import Settings, load_settings
from index.build import build
from index.errors import (
    EngineError,
    EngineUnreachableError,
    IndexDamagedError,
    MissingExtraError,
    SettingsError,
    StoreError,
)
from index.milvus import Milvus
from index.shared import Shared
from index.snapshot import parse_manifest, read_manifest
from index.store import Store


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The address of a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def settings(corpus: Path, tmp_path: Path, nowhere: str) -> Settings:
    return load_settings(
        corpus=corpus, store=tmp_path / "store", vectors="milvus", milvus_uri=nowhere
    )


def put(shared: Shared, folder: Path) -> None:
    shared.put(folder, folder.name, read_manifest(folder).files)


def fetch(shared: Shared, name: str, aside: Path) -> None:
    text = shared.manifest(name)
    shared.fetch(name, text, parse_manifest(name, text).files, aside)


class TestShared:
    @pytest.fixture(params=["folder", "memory"])
    def shared(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shared]:
        if request.param == "folder":
            yield Shared(str(tmp_path / "shared"))
            return
        import fsspec

        yield Shared("memory://bucket/passages")
        fsspec.filesystem("memory").rm("/bucket", recursive=True)

    @pytest.fixture
    def folder(self, corpus: Path, store: Store, encoder: HashEncoder) -> Path:
        report = build(corpus, store, encoder)
        return store.folder / "snapshots" / report.snapshot

    def test_what_is_put_there_is_fetched_whole(
        self, shared: Shared, folder: Path, tmp_path: Path
    ) -> None:
        assert shared.snapshots() == set()
        put(shared, folder)
        assert shared.snapshots() == {folder.name}
        assert shared.manifest(folder.name) == (folder / "manifest.json").read_text()
        fetch(shared, folder.name, tmp_path / "aside")
        for path in folder.rglob("*"):
            if path.is_file():
                copy = tmp_path / "aside" / path.relative_to(folder)
                assert copy.read_bytes() == path.read_bytes()

    def test_what_has_no_manifest_is_no_snapshot_and_can_be_removed(
        self, shared: Shared, folder: Path, tmp_path: Path
    ) -> None:
        put(shared, folder)
        shared._do("rm_file", shared._at(f"{folder.name}/manifest.json"))
        assert shared.snapshots() == set()
        assert shared.remains() == {folder.name}
        with pytest.raises(IndexDamagedError, match="is not in"):
            fetch(shared, folder.name, tmp_path / "aside")
        shared.remove(folder.name)
        assert shared.remains() == set()

    def test_what_else_is_there_is_neither_listed_nor_removed(
        self, shared: Shared, folder: Path
    ) -> None:
        put(shared, folder)
        for name in ("2023-reports", "000001", "000001-0123abcd.bak"):
            shared._do("makedirs", shared._at(name), exist_ok=True)
            shared._do("pipe_file", shared._at(f"{name}/manifest.json"), b"{}")
        assert shared.snapshots() == {folder.name}
        assert shared.remains() == set()

    @pytest.mark.parametrize(
        "name", ["../evil.txt", "/evil.txt", "lexical/../../evil.txt", ".hidden", "a//b", ""]
    )
    def test_a_manifest_cannot_name_files_elsewhere(
        self, shared: Shared, folder: Path, tmp_path: Path, name: str
    ) -> None:
        put(shared, folder)
        fields = json.loads(shared.manifest(folder.name))
        fields["files"][name] = [4, "0" * 64]
        manifest = shared._at(f"{folder.name}/manifest.json")
        shared._do("pipe_file", manifest, json.dumps(fields).encode())
        store = Store(tmp_path / "other", server=Milvus("http://127.0.0.1:1"), shared=shared)
        with pytest.raises(IndexDamagedError, match="is no name of a file"):
            store.open(folder.name)

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b""])
    def test_a_manifest_that_is_none_says_so(
        self, shared: Shared, folder: Path, tmp_path: Path, content: bytes
    ) -> None:
        put(shared, folder)
        shared._do("pipe_file", shared._at(f"{folder.name}/manifest.json"), content)
        with pytest.raises(IndexDamagedError, match="cannot be read"):
            fetch(shared, folder.name, tmp_path / "aside")

    def test_the_manifest_of_another_snapshot_is_not_taken(
        self, shared: Shared, folder: Path, tmp_path: Path
    ) -> None:
        shared.put(folder, "000009-01234567", read_manifest(folder).files)
        with pytest.raises(IndexDamagedError, match=f"it is that of '{folder.name}'"):
            fetch(shared, "000009-01234567", tmp_path / "aside")

    def test_a_full_disk_is_named(self, shared: Shared, folder: Path, tmp_path: Path) -> None:
        put(shared, folder)
        fields = json.loads(shared.manifest(folder.name))
        fields["files"]["passages.sqlite"][0] = 10**18
        manifest = shared._at(f"{folder.name}/manifest.json")
        shared._do("pipe_file", manifest, json.dumps(fields).encode())
        store = Store(tmp_path / "other", server=Milvus("http://127.0.0.1:1"), shared=shared)
        with pytest.raises(StoreError, match=r"No space left on device\. Make room"):
            store.open(folder.name)

    def test_what_was_altered_is_not_taken(
        self, shared: Shared, folder: Path, tmp_path: Path
    ) -> None:
        put(shared, folder)
        shared._do("pipe_file", shared._at(f"{folder.name}/passages.sqlite"), b"other")
        with pytest.raises(IndexDamagedError, match=r"'passages\.sqlite'.* is not what was"):
            fetch(shared, folder.name, tmp_path / "aside")

    def test_a_place_that_cannot_be_used_says_so(self, tmp_path: Path, folder: Path) -> None:
        (tmp_path / "file").write_text("no folder")
        with pytest.raises(EngineUnreachableError, match="cannot be used"):
            put(Shared(str(tmp_path / "file" / "below")), folder)

    @pytest.mark.parametrize(
        ("url", "kind", "says"),
        [
            ("nonsense://bucket", EngineError, "nonsense"),
            ("s3://bucket/passages", MissingExtraError, "s3fs"),
        ],
    )
    def test_a_kind_of_place_that_is_not_known_says_what_it_needs(
        self, url: str, kind: type[Exception], says: str
    ) -> None:
        with pytest.raises(kind, match=f"setting shared.*{says}"):
            Shared(url).snapshots()


def test_a_place_that_connects_at_once_says_that_it_cannot_without_the_password(
    nowhere: str,
) -> None:
    address = nowhere.removeprefix("http://")
    with pytest.raises(EngineUnreachableError, match=f"'ftp://{address}/x' cannot be used"):
        Shared(f"ftp://root:secret@{address}/x").snapshots()


def test_libraries_that_share_a_place_have_folders_of_their_own(settings: Settings) -> None:
    for name in ("one", "other"):
        changed = settings.model_copy(update={"shared": "s3://bucket/x/", "milvus_name": name})
        shared = Service(changed).store.shared
        assert shared is not None
        assert shared.url == f"s3://bucket/x/{name}"


class TestAServerThatIsNotThere:
    def test_each_way_to_ask_says_so(
        self, settings: Settings, encoder: HashEncoder, nowhere: str
    ) -> None:
        service = Service(settings)
        service.encoder = encoder
        with pytest.raises(EngineUnreachableError, match=f"Milvus at {nowhere} does not answer"):
            service.ask("How deep is the harbour?")
        assert "does not answer" in service.status().error
        reply = TestClient(create_api(service)).post("/ask", json={"question": "How deep?"})
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
        assert "does not answer" in reply.json()["detail"]
        reply = TestClient(Starlette(routes=about(service), exception_handlers=HANDLERS)).get(
            "/readyz"
        )
        assert reply.status_code == 503
        assert "does not answer" in reply.text

    def test_a_build_says_so_before_it_encodes(
        self, settings: Settings, encoder: HashEncoder
    ) -> None:
        service = Service(settings)
        service.encoder = encoder
        with pytest.raises(EngineUnreachableError, match="does not answer"):
            service.build(lambda step: None)
        assert encoder.encoded == []

    def test_the_command_line_says_so(
        self, settings: Settings, capsys: pytest.CaptureFixture[str], nowhere: str
    ) -> None:
        where = ["--store", str(settings.store), "--vectors", "milvus", "--milvus-uri", nowhere]
        assert main(["status", *where]) == 1
        assert "does not answer" in capsys.readouterr().out
        assert main(["rollback", *where]) == 2
        assert "does not answer" in capsys.readouterr().err


def test_a_missing_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, nowhere: str
) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(MissingExtraError, match=r"pip install -r requirements-cluster\.txt"):
        Milvus(nowhere).current()


def test_who_waited_for_an_attempt_that_failed_gets_its_error(
    monkeypatch: pytest.MonkeyPatch, nowhere: str
) -> None:
    milvus = Milvus(nowhere)
    waiting, attempts, errors = threading.Barrier(3), [], []
    connect, lock = milvus._connect, milvus._lock

    class Lock:
        """The lock itself, once all three wait for it."""

        def __enter__(self) -> None:
            waiting.wait(30)
            lock.acquire()

        def __exit__(self, *error: object) -> None:
            lock.release()

    def attempt() -> object:
        attempts.append(1)
        return connect()

    def ask() -> None:
        with pytest.raises(EngineUnreachableError, match="does not answer") as caught:
            milvus.current()
        errors.append(str(caught.value))

    monkeypatch.setattr(milvus, "_lock", Lock())
    monkeypatch.setattr(milvus, "_connect", attempt)
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(attempts) == 1
    assert len(errors) == 3
    monkeypatch.setattr(milvus, "_lock", lock)
    ask()
    assert len(attempts) == 2


@pytest.mark.parametrize("address", ["http://host:port", "http://root:se/cr@et@host:99999"])
def test_what_is_no_address_is_named_without_its_password(address: str) -> None:
    shown = address.replace("root:se/cr@et@", "")
    with pytest.raises(EngineError, match=f"milvus_uri is no address of a server: '{shown}'"):
        Milvus(address).current()


def test_where_only_the_shared_place_is_away_questions_are_answered_and_status_warns(
    corpus: Path, store: Store, encoder: HashEncoder, nowhere: str
) -> None:
    service = Service(load_settings(corpus=corpus, store=store.folder, threshold=0.0))
    service.encoder = encoder
    service.build(lambda step: None)
    assert service.ask("How deep is the harbour of Porvenir?").answered
    service.store.shared = Shared(nowhere.replace("http", "ftp"))
    status = service.status()
    assert not status.error
    assert "The shared place" in status.warning


def test_a_password_in_the_address_is_not_shown() -> None:
    assert str(Milvus("https://root:secret@db.example.org")) == "Milvus at https://db.example.org"
    assert "secret" not in repr(load_settings(milvus_token="root:secret"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("milvus_uri", "nonsense"),
        ("milvus_uri", "https:root:secret"),
        ("milvus_name", "a-b"),
        ("vectors", "other"),
    ],
)
def test_a_setting_that_cannot_be_is_named(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=key):
        load_settings(**{key: value})


def test_a_builder_process_gets_the_same_settings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = settings.model_copy(update={"milvus_token": "a:b", "shared": "s3://x/y"})
    for name, value in rebuild._as_environment(changed).items():
        monkeypatch.setenv(name, value)
    found = load_settings()
    for name in ("vectors", "milvus_uri", "milvus_token", "milvus_name", "shared"):
        assert getattr(found, name) == getattr(changed, name)


def test_with_files_nothing_of_it_is_imported(corpus: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from conftest import HashEncoder; from pathlib import Path\n"
        "from index import build, Store, Searcher\n"
        f"store = Store({str(tmp_path / 'store')!r}); encoder = HashEncoder()\n"
        f"build({str(corpus)!r}, store, encoder)\n"
        "assert Searcher(store.open(), encoder).search('bees')\n"
        "heavy = 'pymilvus grpc pandas ray pyarrow fsspec'.split()\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={"PYTHONPATH": f"{root}:{root / 'tests'}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr

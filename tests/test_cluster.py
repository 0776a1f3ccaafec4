"""A build on Ray's workers is the build of one machine: whatever dies, and to the last bit."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.cli import main
from index.answer import answer
from index.build import LOTS, BuildReport, build
from index.cache import VectorCache
from index.cluster import Cluster, _Encoding
from index.documents import versions
from index.embed import input_of
from index.encoder import BLOCK, Encoder, Input
from index.errors import ClusterError
from index.lots import AT_MOST, LARGEST, Lots, lot_size
from index.machines import _is_gone, lacking, reachable
from index.progress import Progress
from index.records import FileReport
from index.search import Searcher
from index.store import Snapshot, Store
from tests.conftest import HashEncoder
from tests.tiny_model import make_tiny_model

ROOT = Path(__file__).parents[1]
LOOPBACK = "127.0.0.1"
WORDS = "harbour pilot ferry bridge berth warship treaty copper autumn honey water library".split()
PAGES, PARAGRAPHS = 20, 130

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray warns of itself


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some pages of many paragraphs, a text, and a file that cannot be read."""
    folder = tmp_path_factory.mktemp("documents")
    chance = random.Random(1)
    for page in range(PAGES):
        texts = [
            f"{' '.join(chance.choices(WORDS, k=16)).capitalize()} {chance.randrange(10**6)}."
            for _ in range(PARAGRAPHS)
        ]
        body = "".join(f"<p>{text}</p>" for text in texts)
        (folder / f"page{page}.html").write_text(f"<h1>Page {page}</h1>{body}")
    (folder / "fees.txt").write_text("Warships pay no berth fee in the harbour of Porvenir.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7")
    return folder


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """One page: it is read without Ray, and has texts for two lots."""
    folder = tmp_path / "documents"
    folder.mkdir()
    body = "".join(f"<p>{' '.join(WORDS * 2)} {number}.</p>" for number in range(2 * BLOCK))
    (folder / "berths.html").write_text(f"<h1>Berths</h1>{body}")
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("model")
    encoder = Encoder(str(make_tiny_model(folder / "tiny")), kept=folder / "kept")
    sample = [Input("Fees", " ".join(WORDS[n:] + WORDS[:n]), ((0, 20),)) for n in range(9)]
    assert encoder.prepare(sample)
    return encoder


@pytest.fixture(scope="module")
def alone(
    documents: Path, tiny: Encoder, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Store, BuildReport]:
    """What this machine makes of them by itself."""
    store = Store(tmp_path_factory.mktemp("alone"))
    return store, build(documents, store, tiny)


class Nodes:
    """Three machines of a Ray cluster, as far as Ray can tell, and only this machine can."""

    def __init__(self) -> None:
        from ray._private import ray_constants
        from ray.cluster_utils import Cluster as RayCluster

        ray_constants.ENABLE_RAY_CLUSTER = False
        self._nodes = RayCluster()
        self._last: Any = None
        # It knows after seconds that a machine died, not after a minute.
        soon = {"health_check_period_ms": 1000, "health_check_failure_threshold": 4}
        self.add(include_dashboard=False, include_log_monitor=False, _system_config=soon)
        for _ in range(2):
            self.add(include_dashboard=False, include_log_monitor=False)
        self.address: str = self._nodes.address

    def add(self, **more: Any) -> None:
        """Add a machine of one core; a busy system may take longer than Ray waits."""
        for left in (2, 1, 0):
            try:
                self._last = self._nodes.add_node(num_cpus=1, node_ip_address=LOOPBACK, **more)
                return
            except Exception:
                if not left:
                    raise

    def kill_one(self) -> None:
        self._nodes.remove_node(self._last, allow_graceful=False)

    @contextmanager
    def one_with_a_gpu(self) -> Iterator[None]:
        """One machine more, which says that it has a GPU."""
        self.add(num_gpus=1)
        try:
            yield
        finally:
            self._nodes.remove_node(self._last)

    def close(self) -> None:
        self._nodes.shutdown()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    nodes = Nodes()
    yield nodes
    nodes.close()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the vectors of each text are taken from the workers' output, by its key."""
    counts: Counter[str] = Counter()
    put = VectorCache.put_vectors

    def counted(cache: VectorCache, items: Any) -> None:
        items = list(items)
        counts.update(key for key, _ in items)
        put(cache, items)

    monkeypatch.setattr(VectorCache, "put_vectors", counted)
    return counts


def reports(files: Sequence[FileReport]) -> list[FileReport]:
    return [replace(file, seconds=0) for file in files]


def keys(snapshot: Snapshot) -> list[str]:
    table = snapshot.table
    return [input_of(table.passage(row)).key for row in range(len(table))]


def assert_same(one: Snapshot, other: Snapshot, encoder: Encoder) -> None:
    """Same passages, vectors, reports and answers; files are equal to the last bit."""
    table, others = one.table, other.table
    assert [table.passage(row) for row in range(len(table))] == [
        others.passage(row) for row in range(len(others))
    ]
    assert reports(table.files()) == reports(others.files())
    differing = [
        name for name, sums in one.manifest.files.items() if other.manifest.files[name] != sums
    ]
    assert differing in ([], ["passages.sqlite"]), "it has the seconds that reading took"
    question = "Do warships pay a berth fee?"
    found, expected = (answer(question, Searcher(s, encoder)) for s in (one, other))
    assert replace(found, snapshot=expected.snapshot) == expected
    assert found.hits


def listening(process: int) -> set[str]:
    """The addresses that a process and those it has started listen on, in the system's hex."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = {process}
    while more := {one for one, parent in parents.items() if parent in family} - family:
        family |= more
    sockets = set()
    for one in family:
        for descriptor in Path(f"/proc/{one}/fd").glob("*"):
            try:
                sockets.add(str(descriptor.readlink()))
            except OSError:
                continue
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].split(":")[0])
    return found


class TestThisMachine:
    def test_its_cores_make_the_same_snapshot_and_listen_to_nobody_else(
        self, documents: Path, tiny: Encoder, alone: tuple[Store, BuildReport], store: Store
    ) -> None:
        steps: list[Progress] = []
        heard: set[str] = set()

        def progress(step: Progress) -> None:
            if step.stage == "encoding" and step.done and not heard:
                heard.update(listening(os.getpid()))
            steps.append(step)

        with Cluster() as cluster:
            report = build(documents, store, tiny, cluster=cluster, progress=progress)
        expected = alone[1]
        assert report.passages == expected.passages == PAGES * PARAGRAPHS + 1
        assert (report.encoded, report.cached, report.taken_over) == (expected.encoded, 0, 0)
        assert_same(store.open(), alone[0].open(), tiny)
        stages = list(dict.fromkeys(step.stage for step in steps))
        assert stages == ["reading", "encoding", "indexing", "mapping", "publishing", "done"]
        encoding = [step.done for step in steps if step.stage == "encoding"]
        assert encoding == sorted(encoding)
        assert (encoding[0], encoding[-1]) == (0, report.passages)
        assert len(set(encoding)) > 3, "it is told of each lot"
        assert any(step.rate and step.seconds_left for step in steps if step.stage == "encoding")
        assert not (store.folder / LOTS).exists()
        loopback = {
            "0100007F",
            "0000000000000000FFFF00000100007F",
            "00000000000000000000000001000000",
        }
        assert heard
        assert heard <= loopback

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted_it_says_so_and_leaves_no_process(
        self, documents: Path, tiny: Encoder, store: Store, number: signal.Signals
    ) -> None:
        building = start(documents, tiny, store, "--engine", "ray")
        wait_for_lots(store, 1, building)
        family = {int(pid) for pid in children(building.pid)}
        building.send_signal(number)
        _, told = building.communicate(timeout=300)
        assert building.returncode == 130, told
        assert told.rstrip().endswith("Interrupted.")
        assert "Traceback" not in told
        until = time.monotonic() + 30
        while any(Path(f"/proc/{one}").exists() for one in family) and time.monotonic() < until:
            time.sleep(0.1)
        assert family
        assert not [one for one in family if Path(f"/proc/{one}").exists()]

    def test_where_all_is_known_ray_is_not_started(
        self,
        documents: Path,
        tiny: Encoder,
        alone: tuple[Store, BuildReport],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(Cluster, "_start", lambda self: pytest.fail("Ray was started"))
        store = Store(shutil.copytree(alone[0].folder, tmp_path / "store"))
        with Cluster() as cluster:
            report = build(documents, store, tiny, cluster=cluster, force=True)
        assert (report.encoded, report.cached) == (0, report.passages)

    def test_what_is_less_than_a_lot_is_done_without_ray(
        self,
        corpus: Path,
        encoder: HashEncoder,
        store: Store,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(Cluster, "_start", lambda self: pytest.fail("Ray was started"))
        with Cluster() as cluster:
            report = build(corpus, store, encoder, cluster=cluster)
        assert (report.encoded, report.cached) == (report.passages, 0)


class TestSeveralMachines:
    def test_one_that_dies_costs_no_passage_and_doubles_none(
        self,
        nodes: Nodes,
        documents: Path,
        tiny: Encoder,
        alone: tuple[Store, BuildReport],
        store: Store,
        written: Counter[str],
    ) -> None:
        killed: list[int] = []

        def progress(step: Progress) -> None:
            if step.stage == "encoding" and step.done and not killed:
                killed.append(step.done)
                nodes.kill_one()

        with Cluster(nodes.address, (documents, store.folder)) as cluster:
            report = build(documents, store, tiny, cluster=cluster, progress=progress)
        nodes.add()
        assert 0 < killed[0] < report.passages
        assert report.encoded == report.passages
        assert sum(written.values()) == len(written) == report.passages
        assert sorted(written) == sorted(keys(store.open()))
        assert_same(store.open(), alone[0].open(), tiny)

    def test_what_a_killed_build_had_encoded_is_taken_over(
        self,
        nodes: Nodes,
        documents: Path,
        tiny: Encoder,
        alone: tuple[Store, BuildReport],
        store: Store,
    ) -> None:
        arguments = ("--engine", "ray", "--address", nodes.address)
        building = start(documents, tiny, store, *arguments)
        wait_for_lots(store, 2, building)
        building.kill()
        building.wait(60)
        assert store.current() is None
        done = len(list((store.folder / LOTS).rglob("*.vectors.parquet")))
        again = start(documents, tiny, store, *arguments, "--json")
        printed, told = again.communicate(timeout=300)
        assert again.returncode == 0, told
        report = json.loads(printed)
        assert report["taken_over"] >= done * BLOCK >= 2 * BLOCK
        assert report["encoded"] == report["passages"] - report["taken_over"]
        assert_same(store.open(), alone[0].open(), tiny)

    def test_another_version_of_ray_is_named(
        self, nodes: Nodes, documents: Path, tiny: Encoder, store: Store
    ) -> None:
        from ray._raylet import GcsClient

        kept = GcsClient(address=nodes.address)
        name, space = b"CLUSTER_METADATA", b"cluster"
        before = kept.internal_kv_get(name, namespace=space)
        other = json.dumps({**json.loads(before), "ray_version": "1.2.3"}).encode()
        kept.internal_kv_put(name, other, True, namespace=space)
        try:
            with (
                Cluster(nodes.address) as cluster,
                pytest.raises(
                    ClusterError, match=r"runs Ray 1\.2\.3 on Python .* Install the same"
                ),
            ):
                build(documents, store, tiny, cluster=cluster)
        finally:
            kept.internal_kv_put(name, before, True, namespace=space)

    def test_a_gpu_that_cannot_be_used_is_named(
        self, nodes: Nodes, page: Path, tiny: Encoder, store: Store
    ) -> None:
        with (
            nodes.one_with_a_gpu(),
            Cluster(nodes.address, (page, store.folder)) as cluster,
            pytest.raises(ClusterError, match=r"^On machine .*: torch finds no GPU that it can"),
        ):
            build(page, store, tiny, cluster=cluster)

    def test_a_cluster_without_the_gpu_that_is_demanded_is_named(
        self, nodes: Nodes, page: Path, tiny: Encoder, store: Store
    ) -> None:
        demanding = Encoder(tiny.model, kept=tiny.kept, device="cuda")
        with (
            Cluster(nodes.address, (page, store.folder)) as cluster,
            pytest.raises(ClusterError, match="No machine of the cluster has a GPU"),
        ):
            build(page, store, demanding, cluster=cluster)

    @pytest.mark.parametrize("what", ["code", "folder"])
    def test_a_machine_that_lacks_something_is_named(
        self,
        what: str,
        nodes: Nodes,
        documents: Path,
        tiny: Encoder,
        store: Store,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if what == "code":  # nothing that workers find Passages by
            monkeypatch.setattr("index.machines.__file__", str(tmp_path / "none" / "machines.py"))
            monkeypatch.setattr(sys, "argv", [str(tmp_path / "program.py")])
            monkeypatch.chdir(tmp_path)
            said = r"does not have Passages .*: install it there"
        else:
            monkeypatch.setattr("index.machines._names_in", lambda folder: ["elsewhere.txt"])
            said = r"does not find '.*' as it is here: mount the same folder"
        with (
            Cluster(nodes.address, (documents,)) as cluster,
            pytest.raises(ClusterError, match=rf"^Machine {LOOPBACK} {said}"),
        ):
            build(documents, store, tiny, cluster=cluster)


class TestWhatIsMissing:
    def test_without_ray_one_sentence_says_what_to_install(
        self,
        corpus: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setitem(sys.modules, "ray", None)
        folders = ["--corpus", str(corpus), "--store", str(tmp_path / "store")]
        assert main(["build", *folders, "--engine", "ray"]) == 2
        told = capsys.readouterr().err
        assert told.startswith("Error: The engine 'ray' needs Ray, which is not installed. Run: ")
        assert len(told.splitlines()) == 1

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            (f"{LOOPBACK}:1", "No Ray cluster answers at"),
            (f"{LOOPBACK}:99999", "No Ray cluster answers at"),
            ("nonsense", "is none of a Ray cluster: give host:port"),
            ("ray://192.0.2.7:10001", "is none of a Ray cluster: give host:port"),
        ],
    )
    def test_an_address_without_a_cluster_is_named(
        self, address: str, said: str, documents: Path, tiny: Encoder, store: Store
    ) -> None:
        with (
            Cluster(address) as cluster,
            pytest.raises(ClusterError, match=said) as caught,
        ):
            build(documents, store, tiny, cluster=cluster)
        assert f"'{address}'" in str(caught.value)

    def test_what_answers_there_and_is_not_ray_is_told_from_it(self) -> None:
        with ThreadingHTTPServer((LOOPBACK, 0), BaseHTTPRequestHandler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            address = f"{LOOPBACK}:{server.server_port}"
            with pytest.raises(ClusterError, match="what answers there is something else"):
                reachable(address)
            server.shutdown()

    @pytest.mark.parametrize("part", ["Passages", "openvino", "OCR"])
    def test_another_version_of_a_part_is_named(self, part: str) -> None:
        assert lacking(versions(), []) == ""
        told = lacking({**versions(), part: "1.2.3"}, [])
        assert told.startswith(f"has {part} ")
        assert told.endswith("the machine that builds 1.2.3: install the same on both")

    def test_what_goes_wrong_in_a_worker_is_told_once(self, tiny: Encoder, tmp_path: Path) -> None:
        kept = tiny.kept
        worker = _Encoding(tmp_path, tiny.model, tiny.identity, kept, "openvino", "cpu")
        assert "none.texts.parquet" in worker({"name": "none"})["error"]
        worker = _Encoding(tmp_path, tiny.model, "another", kept, "openvino", "cpu")
        assert "The model there is another one" in worker({"name": "none"})["error"]

    @pytest.mark.parametrize(("looks", "gone"), [(1, True), (3, True), (10**9, False)])
    def test_a_machine_that_has_just_died_is_told_from_one_that_cannot_work(
        self, looks: int, gone: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("index.machines.MISSED", 0.8)
        seen = iter(range(looks))

        class Ray:
            def nodes(self) -> list[dict[str, object]]:
                return [{"NodeID": "a", "Alive": next(seen, None) is not None}]

        assert _is_gone(Ray(), "a") is gone

    def test_another_folder_at_the_same_path_is_noticed(self, documents: Path) -> None:
        names = sorted(path.name for path in documents.iterdir())
        assert lacking(versions(), [(str(documents), names)]) == ""
        assert str(documents) in lacking(versions(), [(str(documents), names[1:])])
        assert "mount" in lacking(versions(), [(str(documents / "none"), names)])


def test_an_address_without_the_engine_ray_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "--corpus", str(tmp_path), "--address", "192.0.2.7:6379"]) == 2
    assert "add --engine ray" in capsys.readouterr().err


class TestLots:
    @pytest.mark.parametrize("texts", [0, 1, BLOCK, AT_MOST * BLOCK + 1, 10**10])
    def test_they_are_of_whole_blocks_and_not_too_many(self, texts: int) -> None:
        size = lot_size(texts)
        assert size % BLOCK == 0
        assert BLOCK <= size <= LARGEST
        assert texts / size <= AT_MOST or size == LARGEST

    def test_vectors_come_back_as_they_were_made_and_are_made_once(
        self, tmp_path: Path, encoder: HashEncoder
    ) -> None:
        lots = Lots(tmp_path)
        items = [Input("Fees", f"Ship {n} pays. No fee.", ((0, 12), (13, 20))) for n in range(9)]
        name = lots.write({item.key: item for item in items})
        assert (lots.encode(name, encoder), lots.encode(name, encoder)) == (9, 0)
        assert list(lots.done()) == [name]
        cache = VectorCache(tmp_path / "cache", "model", encoder.dimension)
        assert lots.take(name, cache) == 9
        found = cache.vectors([item.key for item in items])
        cache.close()
        for position, made in HashEncoder().encode_passages(items):
            assert np.array_equal(found[items[position].key], made)

    def test_texts_that_were_damaged_are_written_anew(
        self, tmp_path: Path, encoder: HashEncoder
    ) -> None:
        lots = Lots(tmp_path)
        item = Input("Fees", "Ships pay no fee.", ((0, 17),))
        name = lots.write({item.key: item})
        (path,) = tmp_path.glob("*.texts.parquet")
        path.write_bytes(path.read_bytes()[:20])
        assert lots.write({item.key: item}) == name
        assert lots.encode(name, encoder) == 1

    @pytest.mark.parametrize("share", [0.01, 0.2, 0.33, 0.5, 0.9, 0.999])
    def test_a_damaged_one_is_made_anew(
        self, share: float, tmp_path: Path, encoder: HashEncoder
    ) -> None:
        lots = Lots(tmp_path)
        item = Input("Fees", "Ships pay no fee.", ((0, 17),))
        name = lots.write({item.key: item})
        lots.encode(name, encoder)
        (path,) = tmp_path.glob("*.vectors.parquet")
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
        cache = VectorCache(tmp_path / "cache", "model", encoder.dimension)
        assert lots.take(name, cache) == 0
        assert lots.encode(name, encoder) == 1
        assert lots.take(name, cache) == 1
        cache.close()

    def test_a_flipped_bit_never_becomes_a_vector(
        self, tmp_path: Path, encoder: HashEncoder
    ) -> None:
        lots = Lots(tmp_path)
        item = Input("Fees", "Ships pay no fee.", ((0, 17),))
        name = lots.write({item.key: item})
        lots.encode(name, encoder)
        ((_, made),) = encoder.encode_passages([item])
        (path,) = tmp_path.glob("*.vectors.parquet")
        whole = path.read_bytes()
        cache = VectorCache(tmp_path / "cache", "model", encoder.dimension)
        dropped = 0
        for place in range(4, len(whole), 29):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
            dropped += not lots.take(name, cache)
            assert all(np.array_equal(one, made) for one in cache.vectors([item.key]).values())
        cache.close()
        assert dropped


def start(documents: Path, encoder: Encoder, store: Store, *more: str) -> subprocess.Popen[str]:
    """A build as people start it; the model is converted already."""
    assert encoder.kept
    if not store.models.exists():
        shutil.copytree(encoder.kept, store.models)
    folders = ["--corpus", str(documents), "--store", str(store.folder), "--model", encoder.model]
    return subprocess.Popen(
        [sys.executable, "-m", "app", "build", *folders, *more],
        cwd=ROOT,
        env={**os.environ, "PASSAGES_READER": "none"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_lots(store: Store, count: int, building: subprocess.Popen[str]) -> None:
    """Wait until so many lots have their vectors."""
    while len(list((store.folder / LOTS).rglob("*.vectors.parquet"))) < count:
        assert building.poll() is None, building.communicate()
        time.sleep(0.01)


def children(process: int) -> list[str]:
    """The processes that a process has started, and those that these have."""
    found: list[str] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [child, *children(int(child))]
    return found

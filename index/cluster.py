"""Reads files and encodes texts with Ray Data: on the cores of this machine or of a cluster.

What is made ends in the caches of the store, where ``build`` finds it; all else is built as ever.
Ray is started only where there is more to do than one worker does at once.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from index.cache import VectorCache
from index.documents import versions
from index.embed import CHUNK, input_of
from index.encoder import Encoder, Input
from index.engines import cores
from index.errors import ClusterError, PassagesError
from index.lots import Lots, lot_size
from index.parsers.workers import Limits, Parsed, is_quick, parse_all
from index.records import Passage

FILES = 16
"""Files that a worker parses at once."""

OBJECTS = 500_000_000
"""Bytes of memory in which workers of this machine hand over documents."""

ANSWER = 120.0
"""Seconds in which a machine must say whether it has what it needs."""

REACHED = 10.0
"""Seconds in which a cluster must answer."""

_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How HTTP/2 begins, which Ray speaks: a preface, and settings without any."""

_PASSING = re.compile(r"^build\.|\.(cache|sqlite)-")

INSTALL = "Run: pip install -r requirements-cluster.txt"


@dataclass(frozen=True, slots=True)
class Ahead:
    """What was encoded before a build comes to it.

    ``passages`` are those that have their vectors, ``encoded`` the texts that were encoded for
    it now, ``taken_over`` those that had been for a build that died.
    """

    passages: int = 0
    encoded: int = 0
    taken_over: int = 0


class Cluster:
    """The workers of a Ray cluster, or of this machine where no ``address`` is given.

    Each machine of a cluster must find the folders ``shared`` at the same path, and the same
    Passages. At most so many ``workers`` encode, or one on each core, or on each GPU. Making a
    ``Cluster`` starts nothing; leave it as a context, and what it has started is ended.

    Raises:
        ClusterError: Ray is not installed.
    """

    def __init__(
        self, address: str = "", shared: Sequence[Path] = (), workers: int | None = None
    ) -> None:
        if find_spec("ray") is None or find_spec("pyarrow") is None:
            raise ClusterError(f"The engine 'ray' needs Ray, which is not installed. {INSTALL}")
        self.address = address
        self.shared = [folder.absolute() for folder in shared]
        self.workers = workers
        self._ray: Any = None
        self._files: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ray is not None:
            self._ray.shutdown()
            self._ray = None
        if self._files is not None:
            self._files.cleanup()
            self._files = None

    def parse(self, files: Iterable[tuple[Path, str]], limits: Limits) -> Iterator[Parsed]:
        """Parse ``(path, document id)`` pairs and yield what becomes of each, in order.

        Small plain texts are parsed in this process, and so are all if they are few.

        Raises:
            ClusterError: the cluster cannot be used, or its work has ended early.
        """
        pairs = [(path.absolute(), name) for path, name in files]
        slow = [pair for pair in pairs if not is_quick(pair[0])]
        if len(slow) <= FILES:
            yield from parse_all(pairs, limits)
            return
        batches = [slow[begin : begin + FILES] for begin in range(0, len(slow), FILES)]
        items = [{"work": pickle.dumps(batch)} for batch in batches]
        rows = self._run(items, _Parsing, {"limits": limits}, self._cpus(), in_order=True)
        elsewhere = (parsed for row in rows for parsed in pickle.loads(row["made"]))  # noqa: S301
        distant = {name for _, name in slow}
        for pair in pairs:
            yield next(elsewhere) if pair[1] in distant else next(parse_all([pair], limits))

    def encode(
        self,
        passages: Iterable[Passage],
        total: int,
        encoder: Encoder,
        cache: VectorCache,
        folder: Path,
        advance: Callable[[int], None],
    ) -> Ahead:
        """Put the vectors of ``total`` passages into the cache; less than a lot is left out.

        ``folder`` is for the lots; those that are done stay there if this process dies, and are
        taken over by the next one. ``advance`` is told how many passages have their vectors.

        Raises:
            ClusterError: the cluster cannot be used, or its work has ended early.
            OSError: the cache or a lot cannot be written.
            ModelError: the model is missing or wrong.
        """
        lots = Lots(folder / encoder.identity[:16])
        lots.folder.mkdir(parents=True, exist_ok=True)
        taken_over = sum(lots.take(name, cache) for name in lots.done())
        size = lot_size(total)
        names: dict[str, int] = {}
        waiting: dict[str, Input] = {}
        first: list[Input] = []
        passed = 0
        for item, known in _looked_up(passages, cache):
            if known:
                passed += 1
                advance(1)
                continue
            waiting[item.key] = item
            if len(waiting) == size:
                first = first or list(waiting.values())
                names[lots.write(waiting)] = len(waiting)
                waiting = {}
        if waiting and names:
            names[lots.write(waiting)] = len(waiting)
        encoded = 0
        if names:
            for name in self._encoded(lots, list(names), encoder, first):
                lots.take(name, cache)
                encoded += names[name]
                advance(names[name])
        shutil.rmtree(folder, ignore_errors=True)
        return Ahead(passed + encoded, encoded, taken_over)

    def _encoded(
        self, lots: Lots, names: list[str], encoder: Encoder, sample: list[Input]
    ) -> Iterator[str]:
        """Have the lots encoded, and yield the name of each once it is done."""
        self._start()
        gpus = 0 if encoder.device == "cpu" else int(self._ray.cluster_resources().get("GPU", 0))
        if encoder.device == "cuda" and not gpus:
            raise ClusterError(
                "No machine of the cluster has a GPU, as the setting 'device' demands. "
                "Set it to 'auto' or 'cpu'."
            )
        converted = not gpus and encoder.prepare(sample)
        how = {
            "folder": lots.folder.absolute(),
            "model": encoder.model and str(encoder.folder.absolute()),
            "identity": encoder.identity,
            "kept": encoder.kept.absolute() if converted and encoder.kept else None,
            "engine": "openvino" if converted else "torch",
            "device": "cuda" if gpus else "cpu",
        }
        items = [{"name": name} for name in names]
        at_most = self.workers or gpus or self._cpus()
        for row in self._run(items, _Encoding, how, at_most, gpus=1 if gpus else 0):
            yield row["name"]

    def _run(
        self,
        items: list[dict[str, Any]],
        work: type[Any],
        how: dict[str, Any],
        at_most: int,
        *,
        gpus: int = 0,
        in_order: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Have workers do the work on each item, and yield what each of them becomes."""
        self._start()
        from ray.data import ActorPoolStrategy, DataContext, from_items

        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = in_order
        try:
            # A block for each item: no worker waits for another's.
            made = from_items(items, override_num_blocks=len(items)).map(
                work,
                fn_constructor_kwargs=how,
                compute=ActorPoolStrategy(
                    size=min(at_most, len(items)), max_tasks_in_flight_per_actor=2
                ),
                num_cpus=0 if gpus else 1,
                num_gpus=gpus,
            )
            for row in made.iter_rows():
                if row["error"]:
                    raise ClusterError(f"On machine {row['machine']}: {row['error']}")
                yield row
        except PassagesError:
            raise
        except Exception as error:  # whatever Ray and its parts raise
            raise ClusterError(
                f"The work on Ray has ended early ({_first_line(error)}). What is done is kept: "
                "build again."
            ) from error

    def _cpus(self) -> int:
        self._start()
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def _start(self) -> None:
        """Start Ray on this machine, or join the cluster; once."""
        if self._ray is not None:
            return
        host = _reachable(self.address) if self.address else "127.0.0.1"
        try:
            import ray
            import ray.data
            from ray._common.usage.usage_lib import set_usage_stats_enabled_via_env_var
            from ray._private import ray_constants
        except ImportError as error:
            raise ClusterError(f"Ray cannot be imported ({error}). {INSTALL}") from error
        set_usage_stats_enabled_via_env_var(False)
        for name in ("ray", "ray.data"):
            logging.getLogger(name).setLevel(logging.ERROR)
        if host in ("localhost", "127.0.0.1", "::1"):
            # Or it takes an address of this machine in its network, and listens on all of them.
            ray_constants.ENABLE_RAY_CLUSTER = False
        # Workers find Passages where it is here, if they do not have it already.
        job = ray.job_config.JobConfig(_py_driver_sys_path=[str(Path(__file__).parents[1])])
        quiet: dict[str, Any] = {
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "job_config": job,
        }
        heeded = signal.getsignal(signal.SIGTERM)
        try:
            if self.address:
                ray.init(address=self.address, **quiet)
            else:
                # Sockets have names of 107 characters at most: this folder must have a short one.
                self._files = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
                ray.init(
                    address="local",
                    num_cpus=max(cores(), self.workers or 0),
                    include_dashboard=False,
                    object_store_memory=OBJECTS,
                    _temp_dir=self._files.name,
                    **quiet,
                )
        except Exception as error:  # it raises whatever its parts do
            ray.shutdown()
            raise ClusterError(_why_not(self.address, str(error))) from error
        finally:
            if heeded is not None and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, heeded)  # Ray has put its own there
        self._ray = ray
        if self.address:
            self._look_at_machines()

    def _look_at_machines(self) -> None:
        """Ask each machine whether it has what it needs.

        Raises:
            ClusterError: one lacks something.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Defined here, it is sent as it is: a machine without Passages can run it.
        def lacks(expected: dict[str, str], folders: list[tuple[str, list[str]]]) -> str:
            try:
                from index.cluster import lacking
            except ImportError as error:
                return f"does not have Passages ({error}): install it there"
            return lacking(expected, folders)

        ours = versions(), [(str(folder), _names_in(folder)) for folder in self.shared]
        ask = self._ray.remote(num_cpus=0, max_retries=0)(lacks)
        asked = []
        for node in self._ray.nodes():
            if node["Alive"]:
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                answer = ask.options(scheduling_strategy=there).remote(*ours)
                asked.append((node["NodeManagerAddress"], answer))
        for machine, answer in asked:
            try:
                problem = self._ray.get(answer, timeout=ANSWER)
            except self._ray.exceptions.RayError as error:
                problem = f"cannot work ({_first_line(error)}): look at its Ray"
            if problem:
                raise ClusterError(f"Machine {machine} {problem}.")


class _Worker:
    """Does its work on a row; what goes wrong is told, so that it need not be tried again."""

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        made = {"machine": socket.gethostname(), "error": ""}
        try:
            return {**made, **self.work(row)}
        except (PassagesError, OSError) as error:
            return {**made, "error": str(error)}
        except Exception as error:  # a mistake there: it would be the same at each try
            return {**made, "error": f"{type(error).__name__}: {error}"}

    def work(self, row: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


class _Encoding(_Worker):
    """Encodes lots on one core, or on one GPU."""

    def __init__(
        self, folder: Path, model: str, identity: str, kept: Path | None, engine: str, device: str
    ) -> None:
        self._lots = Lots(folder)
        self._identity = identity
        self._encoder = Encoder(model, kept=kept, engine=engine, device=device, threads=1)

    def work(self, row: dict[str, Any]) -> dict[str, Any]:
        if self._encoder.identity != self._identity:
            raise ClusterError("The model there is another one. Copy the model's folder.")
        self._lots.encode(row["name"], self._encoder)
        return {"name": row["name"]}


class _Parsing(_Worker):
    """Parses some files, in a process of their own."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # Else each such process would begin by running what this one began with: Ray.
        vars(sys.modules["__main__"]).pop("__file__", None)

    def work(self, row: dict[str, Any]) -> dict[str, Any]:
        files = pickle.loads(row["work"])  # noqa: S301 it comes from our own build
        return {"made": pickle.dumps(list(parse_all(files, self._limits, workers=1)))}


def lacking(expected: dict[str, str], folders: list[tuple[str, list[str]]]) -> str:
    """What this machine lacks to work as the one that asks, or nothing."""
    found = versions()
    for name, version in expected.items():
        if found[name] != version:
            return (
                f"has {name} {found[name] or 'missing'}, the machine that builds "
                f"{version or 'none'}: install the same on both"
            )
    for folder, names in folders:
        if _names_in(Path(folder)) != names:
            return f"does not find '{folder}' as it is here: mount the same folder at this path"
    return ""


def _names_in(folder: Path) -> list[str]:
    """Some names by which a folder is known again, without those that come and go in a store."""
    with contextlib.suppress(OSError):
        names = sorted(path.name for path in folder.iterdir())
        return [name for name in names if not _PASSING.search(name)][:1000]
    return []


def _looked_up(passages: Iterable[Passage], cache: VectorCache) -> Iterator[tuple[Input, bool]]:
    """What the encoder sees of each passage, and whether its vectors are known or under way."""
    inputs = map(input_of, passages)
    seen: set[bytes] = set()
    while items := list(islice(inputs, CHUNK)):
        known = cache.vectors([item.key for item in items])
        for item in items:
            key = bytes.fromhex(item.key)
            yield item, item.key in known or key in seen
            if item.key not in known:
                seen.add(key)


def _reachable(address: str) -> str:
    """The host of an address at which something answers as Ray does.

    Ray itself would ask for minutes, and look like work.

    Raises:
        ClusterError: nothing does, or it is no address.
    """
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        raise ClusterError(
            f"The address '{address}' is none of a Ray cluster: give host:port, as in "
            "192.0.2.7:6379, on a machine that is part of it (ray start --address=host:port)."
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), REACHED) as connection:
            connection.sendall(_HELLO)
            reply = connection.recv(9)
        if reply[3:4] != b"\x04" and reply[:1] != b"\x15":  # settings, or a demand for TLS
            raise OSError("what answers there is something else")
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"No Ray cluster answers at '{address}' ({error}). Start one there with: "
            f"ray start --head --port={port}"
        ) from error
    return host.strip("[]")


def _why_not(address: str, error: str) -> str:
    """What to say where Ray does not start or a cluster cannot be joined."""
    if not address:
        return f"Ray does not start on this machine: {_first_line(error)}"
    theirs, ours = (
        re.findall(rf"{name}: (\S+)", error)[:2] or ["", ""] for name in ("Ray", "Python")
    )
    if "Version mismatch" in error and theirs[-1] and ours[-1]:
        return (
            f"The cluster at '{address}' runs Ray {theirs[0]} on Python {ours[0]}, this machine "
            f"Ray {theirs[1]} on Python {ours[1]}. Install the same on both."
        )
    return (
        f"The cluster at '{address}' cannot be joined: {_first_line(error)} This machine must be "
        f"part of it: ray start --address={address}"
    )


def _first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else repr(error)

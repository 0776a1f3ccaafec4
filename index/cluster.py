"""Reads files and encodes texts with Ray Data: on the cores of this machine or of a cluster.

What is made ends in the caches of the store, where ``build`` finds it; all else is built as ever.
Ray is started only where there is more to do than one worker does at once.
"""

from __future__ import annotations

import pickle
import shutil
import socket
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from index.cache import VectorCache
from index.embed import CHUNK, input_of
from index.encoder import Encoder, Input
from index.errors import ClusterError, PassagesError
from index.lots import Lots, lot_size
from index.machines import INSTALL, first_line, join, start
from index.parsers.workers import Limits, Parsed, is_quick, parse_all
from index.records import Passage

FILES = 16
"""Files that a worker parses at once."""


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
            # None ahead, or each would be told of when the next one is done.
            for rows in made.iter_batches(
                batch_size=None, prefetch_batches=0, batch_format="pyarrow"
            ):
                for row in rows.to_pylist():
                    if row["error"]:
                        raise ClusterError(f"On machine {row['machine']}: {row['error']}")
                    yield row
        except PassagesError:
            raise
        except Exception as error:  # whatever Ray and its parts raise
            raise ClusterError(
                f"The work on Ray has ended early ({first_line(error)}). What is done is kept: "
                "build again."
            ) from error

    def _cpus(self) -> int:
        self._start()
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def _start(self) -> None:
        """Start Ray on this machine, or join the cluster; once."""
        if self._ray is not None:
            return
        if self.address:
            self._ray = join(self.address, self.shared)
        else:
            # Sockets have names of 107 characters at most: this folder must have a short one.
            self._files = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
            self._ray = start(Path(self._files.name), self.workers)


class _Worker(ABC):
    """Does its work on a row; what goes wrong is told, so that it need not be tried again."""

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        made = {"machine": socket.gethostname(), "error": ""}
        try:
            return {**made, **self.work(row)}
        except (PassagesError, OSError) as error:
            return {**made, "error": str(error)}
        except Exception as error:  # a mistake there: it would be the same at each try
            return {**made, "error": f"{type(error).__name__}: {error}"}

    @abstractmethod
    def work(self, row: dict[str, Any]) -> dict[str, Any]: ...


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

"""Vectors in a Milvus server, so that many machines can search them: standalone, cluster or hosted.

Each snapshot is a collection of its own. An alias names the one that answers, and is moved when all
else is done. Row *i* has key *i*, and beside its vector what a filter may ask of its document. A
passage that stands in other documents, too, is there once more for each, in a partition of its
own, which is searched only where a filter asks for documents; its keys are *i* + *n*, *i* + 2*n* …
Text, sentence vectors and words are not here: see ``index.store``.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from index.collection import COPIES, FIRST, MilvusIndex, Source
from index.errors import (
    EngineError,
    EngineUnreachableError,
    IndexDamagedError,
    IndexMismatchError,
    MissingExtraError,
    PassagesError,
)
from index.filters import date_of
from index.progress import Meter
from index.records import DocumentSummary
from index.vectors import EXACT, Floats, Nearest

log = logging.getLogger("passages")

OLDEST = (2, 3)
"""The first version of the server that has all that is used here."""

SECONDS = 10.0  # that an answer may take
PATIENCE = 120.0  # seconds that a build waits for a server that is being restarted
_LONGEST = 65_535  # bytes of a text beside a vector, by the server's limit
_BATCH = 4_000_000  # bytes of vectors sent at once
_GRAPH = {"M": 16, "efConstruction": 200}

Place = tuple[int, int, DocumentSummary]
"""A row, the how manieth document it stands in, and that document."""


class Milvus:
    """The collections of one library in a Milvus server; safe to share between threads.

    Making one connects to nothing. ``name`` is the alias, and how the collections' names begin.
    All methods raise these:

    Raises:
        MissingExtraError: pymilvus is not installed.
        EngineUnreachableError: the server does not answer.
        EngineError: it refuses the token, is too old, or does not do as it is told.
    """

    def __init__(self, uri: str, token: str = "", name: str = "passages") -> None:
        self.uri = re.sub(r"//.*@", "//", uri)
        """The server's address, without a password."""
        self.name = name
        self._uri, self._token = uri, token
        self._lock = threading.Lock()
        self._client: Any = None
        self._failed: tuple[float, PassagesError] | None = None

    def __str__(self) -> str:
        return f"Milvus at {self.uri}"

    @cached_property
    def version(self) -> str:
        """The server's version, as it says it."""
        return str(self.call("get_server_version"))

    def current(self, *, patient: bool = False) -> str | None:
        """The snapshot that the alias names, or ``None`` where there is no alias."""
        ask = self._patiently if patient else self.call
        try:
            found = ask("describe_collection", self.name)["collection_name"]
        except IndexDamagedError:
            return None
        snapshot = self._snapshot(found)
        if snapshot is None:
            raise EngineError(
                f"In {self} '{self.name}' is '{found}', which Passages did not make. "
                "Choose another name by the setting milvus_name."
            )
        return snapshot

    def point_to(self, snapshot: str) -> None:
        """Make the alias name a snapshot's collection, for all who ask at once."""
        move = "create_alias" if self.current(patient=True) is None else "alter_alias"
        self._patiently(move, self._collection(snapshot), self.name)

    def kept(self, *, patient: bool = False) -> set[str]:
        """The snapshots that have a collection, whole or not."""
        ask = self._patiently if patient else self.call
        found = (self._snapshot(name) for name in ask("list_collections"))
        return {name for name in found if name is not None}

    def drop(self, snapshot: str) -> None:
        """Remove a snapshot's collection; one that the alias names stays."""
        if snapshot != self.current():
            self.call("drop_collection", self._collection(snapshot))

    def rest(self, but: set[str]) -> None:
        """Take all collections but these out of the server's memory; they stay on its disk."""
        for snapshot in self.kept() - but:
            self.call("release_collection", self._collection(snapshot))

    def count(self, snapshot: str) -> int:
        """How many passages a snapshot's collection has, copies not counted."""
        return self._counted(self._collection(snapshot), [FIRST])

    def open(
        self,
        snapshot: str,
        size: int,
        dimension: int,
        nearest: Nearest,
        authors: Callable[[], Sequence[str]] = tuple,
    ) -> MilvusIndex:
        """The index of a snapshot, in the server's memory; ``authors`` are those of its documents.

        Raises:
            IndexDamagedError: the server has no such collection.
            IndexMismatchError: its vectors have another length.
        """
        name = self._collection(snapshot)
        fields = self.call("describe_collection", name)["fields"]
        there = next(one["params"]["dim"] for one in fields if one["name"] == "vector")
        if int(there) != dimension:
            raise IndexMismatchError(
                f"The vectors of '{name}' in {self} have {there} numbers, those of the model "
                f"{dimension}. Run: python -m app build"
            )
        self.call("load_collection", name, seconds=PATIENCE)
        return MilvusIndex(self, name, size, nearest, authors)

    def fill(
        self,
        snapshot: str,
        source: Source,
        places: Iterable[Place],
        *,
        meter: Meter,
        queries: Floats | None = None,
    ) -> Nearest:
        """Make the collection of a new snapshot; return how it is searched, and how well.

        Where there are ``queries`` ``(q, d)``, it is searched by a graph (HNSW): half of them
        choose how many candidates are kept, the other half measure. Else each vector is compared.
        While the server is being started anew, it waits; what was not confirmed is sent again.
        """
        name = self._collection(snapshot)
        self._create(name, source.vectors([0]).shape[1])
        meter.begin("loading", len(source))
        total = 0
        for partition, batch in _batches(source, places):
            self._send(name, partition, batch)
            total += len(batch)
            meter.advance(len(batch) if partition == FIRST else 0)
        if queries is not None:
            meter.begin("clustering", 1)
            self._patiently("flush", name, seconds=600)
        self._index(name, "FLAT" if queries is None else "HNSW")
        self._patiently("load_collection", name, seconds=600)
        there = self._counted(name, [], patient=True)
        if there != total:
            raise EngineError(
                f"{self} has {there:,} of the {total:,} vectors that were sent to '{name}'. "
                "Run: python -m app build"
            )
        if queries is None:
            return EXACT
        return self.open(snapshot, len(source), queries.shape[1], EXACT).tune(source, queries)

    def _create(self, name: str, dimension: int) -> None:
        from pymilvus import DataType, MilvusClient

        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.INT64, is_primary=True)
        for field in ("document", "format", "author", "date"):
            schema.add_field(field, DataType.VARCHAR, max_length=_LONGEST)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        self.call("create_collection", name, schema=schema, consistency_level="Bounded")
        self.call("create_partition", name, COPIES)

    def _index(self, name: str, kind: str) -> None:
        from pymilvus import MilvusClient

        index = MilvusClient.prepare_index_params()
        parameters = _GRAPH if kind == "HNSW" else {}
        index.add_index("vector", index_type=kind, metric_type="IP", params=parameters)
        self._patiently("create_index", name, index, seconds=24 * 3600)

    def _send(self, name: str, partition: str, batch: list[dict[str, Any]]) -> None:
        # What is sent a second time replaces what may be there.
        self._patiently("insert", name, batch, again="upsert", partition_name=partition, seconds=60)

    def _patiently(self, method: str, *arguments: Any, again: str = "", **named: Any) -> Any:
        """Like ``call``, for a build: a server that is being started anew is waited for.

        Then ``again`` is tried, where the same twice would not do: it may have done what it did
        not confirm.
        """
        until, told = time.monotonic() + PATIENCE, False
        while True:
            try:
                return self.call(method, *arguments, **named)
            except EngineUnreachableError as error:
                if time.monotonic() > until:
                    raise
                if not told:
                    log.warning("The build waits for the server: %s", error)
                told, method = True, again or method
                time.sleep(1)

    def _counted(self, name: str, partitions: list[str], *, patient: bool = False) -> int:
        ask = self._patiently if patient else self.call
        found = ask(
            "query",
            name,
            filter="",
            output_fields=["count(*)"],
            partition_names=partitions,
            consistency_level="Strong",
        )
        return int(found[0]["count(*)"])

    def _collection(self, snapshot: str) -> str:
        return f"{self.name}_{snapshot.replace('-', '_')}"

    def _snapshot(self, collection: str) -> str | None:
        found = re.fullmatch(rf"{re.escape(self.name)}_(\d+)_([0-9a-f]{{8}})", collection)
        return f"{found[1]}-{found[2]}" if found else None

    def call(self, method: str, *arguments: Any, seconds: float = SECONDS, **named: Any) -> Any:
        """Ask the server; what goes wrong is said in our own words."""
        client = self._connected()
        try:
            return getattr(client, method)(*arguments, timeout=seconds, **named)
        except _errors() as error:
            raise self._told(error) from error

    def _connected(self) -> Any:
        asked = time.monotonic()
        with self._lock:
            if self._client is None:
                # Who waited for an attempt that failed need not wait for one of their own.
                if self._failed is not None and asked < self._failed[0]:
                    error = self._failed[1]
                    raise type(error)(str(error)) from error
                try:
                    self._client = self._connect()
                except PassagesError as error:
                    self._failed = time.monotonic(), error
                    raise
            return self._client

    def _connect(self) -> Any:
        try:
            from pymilvus import MilvusClient
        except ImportError as error:
            raise MissingExtraError(
                f"With vectors = 'milvus' the package pymilvus is needed ({error}). "
                "Run: pip install -r requirements-cluster.txt"
            ) from error
        # It logs each failed call with its trace; what it means is said by the error.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        try:
            client = MilvusClient(self._uri, token=self._token, timeout=SECONDS)
            version = str(client.get_server_version())
        except ValueError as error:
            raise EngineError(
                f"The setting milvus_uri is no address of a server: '{self.uri}'. "
                "Write it as http://HOST:PORT."
            ) from error
        except _errors() as error:
            raise self._told(error) from error
        numbers = re.search(r"(\d+)\.(\d+)", version)
        if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST:
            raise EngineError(
                f"{self} is version {version}; {OLDEST[0]}.{OLDEST[1]} or newer is needed."
            )
        return client

    def _told(self, error: Exception) -> EngineError | IndexDamagedError:
        """What an error of the client means, and what to do."""
        reason = str(getattr(error, "message", error)).splitlines()[0][:300]
        states = _states(error)
        if "UNAUTHENTICATED" in states or "PERMISSION_DENIED" in states:
            return EngineError(
                f"{self} does not accept the token. Set milvus_token, as USER:PASSWORD or as the "
                "key of a hosted server."
            )
        if "UNIMPLEMENTED" in states or "UNIMPLEMENTED" in reason:
            return EngineError(
                f"What answers at {self.uri} is no Milvus {OLDEST[0]}.{OLDEST[1]} or newer. Check "
                "the setting milvus_uri: its port is that of gRPC, usually 19530."
            )
        code = getattr(error, "code", 0)
        if code == 100:
            return IndexDamagedError(f"{self} does not have it: {reason}. Run: python -m app build")
        if "illegal, needs start" in reason:
            return EngineError(f"The setting milvus_uri is no address of a server: {reason}.")
        away = code == 2 or states & {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
        how = "does not answer" if away else f"cannot answer now ({reason})"
        return EngineUnreachableError(
            f"{self} {how}. Questions are answered again as soon as it can."
        )


def _errors() -> tuple[type[Exception], ...]:
    """What the client raises: its own errors and, of a call that takes too long, those of gRPC."""
    import grpc
    from pymilvus.exceptions import MilvusException

    return MilvusException, grpc.RpcError, grpc.FutureTimeoutError


def _batches(source: Source, places: Iterable[Place]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What is sent to the server at once, and into which partition."""
    size = len(source)
    many = max(1, _BATCH // (4 * source.vectors([0]).shape[1]))
    remaining = iter(places)
    while some := list(islice(remaining, many)):
        vectors = source.vectors([row for row, _, _ in some])
        entities: dict[str, list[dict[str, Any]]] = {FIRST: [], COPIES: []}
        for (row, number, document), vector in zip(some, vectors, strict=True):
            entities[COPIES if number else FIRST].append(
                {
                    "key": row + number * size,
                    "document": _cut(document.id),
                    "format": _cut(document.format),
                    "author": _cut(document.metadata.get("author", "")),
                    "date": date_of(document),
                    "vector": vector,
                }
            )
        for partition, batch in entities.items():
            if batch:
                yield partition, batch


def _cut(text: str) -> str:
    """A text as the server takes it: no longer than it allows, without halves of characters."""
    return text.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore")


def _states(error: BaseException | None) -> set[str]:
    """The states of gRPC that led to an error."""
    found = set()
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        code = getattr(error, "code", None)
        state = code() if callable(code) else code
        found.add(str(getattr(state, "name", state)))
        error = error.__cause__ or error.__context__
    return found

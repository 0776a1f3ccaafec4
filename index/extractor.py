"""Reads a question and passages together: how relevant each passage is, and which words answer.

``Extractor`` is our own network, run as the encoder is: converted to OpenVINO once, checked, and
kept; into eight bits where the processor is quicker so. ``CrossEncoder`` is any other one from
sentence-transformers, which tells relevance only.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from index.encoder import packaged_model, sha256_of
from index.engines import compiled, converted, cores, install, quick_in_eight_bits, save
from index.errors import ModelError
from index.passages import context_of
from index.records import Passage, Span

WEIGHTS = Path(__file__).parent / "weights" / "reader.safetensors"
WEIGHTS_SHA256 = "75889a6f9eec6bf7ac02d962743ea6e7704d0ace9394615445e6a5be487acd44"
"""What the file of the network's weights must hash to."""

LIMITS = WEIGHTS.with_name("reader-limits.safetensors")
LIMITS_SHA256 = "5d836cc8129afa8e2e20138ab3193c9b2d0de1244eaf8885f9e27fb2b90fd419"
"""What the file of the limits for computing in eight bits must hash to."""

CONVERSION = "reader-1"
"""Changes whenever the same network would be converted into another file."""

EIGHT_BITS = f"eight-bits-1-{LIMITS_SHA256[:8]}"
"""The same, of the network in eight bits."""

LONGEST = 384  # tokens of question and passage together
QUESTION = 64  # tokens of the question
CONTEXT = 96  # tokens of title and headings
MOST_TOKENS = 30  # of the words that answer
ROUND = 16  # lengths are rounded up to this: the engine prepares itself for each length it meets

SAME_RELEVANCE = 0.25
"""How far the converted network's relevance, a logit, may be from the original's."""

LIKE_RELEVANCE = 1.0
"""The same, of the network in eight bits."""

Floats = NDArray[np.float32]
Scores = tuple[float, Floats, Floats]
"""Relevance, and for each token how likely the answer begins and ends there; position 0: none."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was read in one passage for a question.

    ``relevance`` is a logit. ``spans`` has, for each sentence of the passage, its likeliest words
    as offsets into the passage's text, and how much likelier (a difference of logits) they are
    than that the passage has no answer; it is empty where the model only tells relevance.
    """

    relevance: float
    spans: tuple[tuple[Span, float], ...] = ()


class Reader(Protocol):
    """Reads passages for a question."""

    name: str
    """Tells a calibration which reader it was fitted for."""

    def read(self, query: str, passages: Sequence[Passage]) -> list[Judgement]:
        """One judgement for each passage, in order."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a passage as tokens. ``offsets`` are of the tokens from ``begin`` on."""

    ids: list[int]
    types: list[int]
    begin: int
    offsets: list[Span]


class Tokens:
    """Makes pairs of questions and passages, as the network was trained on them."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._first, self._separator = (
            int(self._tokenizer.token_to_id(mark) or 0) for mark in ("[CLS]", "[SEP]")
        )

    def pairs(self, query: str, passages: Sequence[tuple[str, str]]) -> list[Pair]:
        """One pair for each ``(context, text)``; offsets are into ``text``, -1 before it."""
        asked = self._encoded([query])[0].ids[:QUESTION]
        head = [self._first, *asked, self._separator]
        room = LONGEST - len(head) - 1
        contexts = self._encoded([context for context, _ in passages])
        texts = self._encoded([text for _, text in passages])
        pairs = []
        for above, told in zip(contexts, texts, strict=True):
            over = above.ids[:CONTEXT]
            passage = [*over, *told.ids][:room]
            ids = [*head, *passage, self._separator]
            types = [0] * len(head) + [1] * len(passage) + [0]
            offsets = ([(-1, -1)] * len(over) + told.offsets)[:room]
            pairs.append(Pair(ids, types, len(head), offsets))
        return pairs

    def _encoded(self, texts: list[str]) -> list[Any]:
        found: list[Any] = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return found


class Extractor:
    """The reader's own network. Making one reads nothing; it may be shared between threads.

    ``kept`` is a folder for the converted network: without one torch is used. ``engine`` is
    ``"auto"``, ``"openvino"`` or ``"torch"``.

    Raises:
        ModelError: the weights are missing or not what they should be.
    """

    name = "passages"

    def __init__(
        self, *, kept: Path | str | None = None, engine: str = "auto", weights: Path = WEIGHTS
    ) -> None:
        self.kept = None if kept is None else Path(kept)
        self.engine = engine
        self.weights = weights
        self._loading = threading.Lock()

    def read(self, query: str, passages: Sequence[Passage]) -> list[Judgement]:
        """One judgement for each passage, in order."""
        contexts = [context_of(passage.title, passage.headings) for passage in passages]
        texts = [passage.text for passage in passages]
        pairs = self._tokens.pairs(query, list(zip(contexts, texts, strict=True)))
        return [
            Judgement(scores[0], tuple(spans_of(passage, pair, scores)))
            for passage, pair, scores in zip(passages, pairs, self.score(pairs), strict=True)
        ]

    def prepare(self) -> None:
        """Convert the network where that was not done yet, so that no question waits for it."""
        with self._loading:
            _ = self._network

    def score(self, pairs: Sequence[Pair]) -> list[Scores]:
        """The network's outputs for each pair, in order."""
        with self._loading:
            network = self._network
        return network.score(pairs)

    @cached_property
    def identity(self) -> str:
        """The SHA-256 of the weights, in hex."""
        return _checked(self.weights, WEIGHTS_SHA256 if self.weights == WEIGHTS else "")

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(packaged_model())

    @cached_property
    def _network(self) -> _Torch | _OpenVino:
        identity = self.identity
        if self.engine == "torch" or self.kept is None:
            return _Torch(self.weights)
        original: _Torch | None = None
        pairs = self._tokens.pairs(*_SAMPLE)
        for way in self._ways():
            folder = self.kept / f"{identity[:16]}-{way.name}"
            if not converted(folder):
                original = original or _Torch(self.weights)
                made = install(
                    folder,
                    partial(original.write, pairs=pairs, limits=way.limits),
                    partial(_difference, original, sample=pairs, most=way.apart),
                    instead=way.instead,
                )
                if not made:
                    continue
            return _OpenVino(folder)
        if self.engine == "openvino":
            raise ModelError(
                "The reader cannot be run with OpenVINO as the setting 'encoder' demands. "
                "Set it to 'auto' or 'torch'."
            )
        return original or _Torch(self.weights)

    def _ways(self) -> list[_Way]:
        """How the network may be converted, best first."""
        ways = [_Way(CONVERSION, None, SAME_RELEVANCE, "torch")]
        if self.weights == WEIGHTS and quick_in_eight_bits():
            _checked(LIMITS, LIMITS_SHA256)
            ways.insert(0, _Way(EIGHT_BITS, LIMITS, LIKE_RELEVANCE, "more than eight bits"))
        return ways


class _Way(NamedTuple):
    """One way to convert the network, and what is done where it fails."""

    name: str
    limits: Path | None
    apart: float
    instead: str


class _Torch:
    """The network as it was trained."""

    def __init__(self, weights: Path) -> None:
        import torch
        from safetensors.torch import load_file

        from index.network import ReaderNetwork

        self._network = ReaderNetwork(packaged_model()).eval()
        state = {name: tensor.float() for name, tensor in load_file(weights).items()}
        missing, unknown = self._network.load_state_dict(state, strict=False)
        if unknown or any("word_embeddings" not in name for name in missing):
            raise ModelError(f"'{weights}' does not hold the weights of the reader.")
        self._torch = torch

    def score(self, pairs: Sequence[Pair]) -> list[Scores]:
        ids, types, mask = filled(pairs)
        with self._torch.inference_mode():
            outputs = self._network(*map(self._torch.from_numpy, (ids, mask, types)))
        relevance, start, end = (output.numpy() for output in outputs)
        return [
            (float(relevance[row]), start[row, : len(pair.ids)], end[row, : len(pair.ids)])
            for row, pair in enumerate(pairs)
        ]

    def write(self, folder: Path, pairs: Sequence[Pair], limits: Path | None = None) -> None:
        """Convert it into a folder, in eight bits where there are ``limits``."""
        from safetensors.torch import load_file

        from index.eight_bits import in_eight_bits

        ids, types, mask = filled(pairs)
        example = {"ids": ids, "mask": mask, "types": types}
        tensors = {name: self._torch.from_numpy(array) for name, array in example.items()}
        network = in_eight_bits(self._network, load_file(limits)) if limits else self._network
        save(network, tensors, folder, halves=True)


class _OpenVino:
    """The converted network; each core reads a passage of its own, so that none is filled up."""

    def __init__(self, folder: Path) -> None:
        self._model, _ = compiled(folder, fast=True, throughput=True)
        self._folder = folder
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(cores(), "reader")

    def score(self, pairs: Sequence[Pair]) -> list[Scores]:
        # The longest ones first: at the end no core is left with one while the others rest.
        order = sorted(range(len(pairs)), key=lambda number: -len(pairs[number].ids))
        done = self._pool.map(self._score, [pairs[number] for number in order])
        found = dict(zip(order, done, strict=True))
        return [found[number] for number in range(len(pairs))]

    def _score(self, pair: Pair) -> Scores:
        request = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._model.create_infer_request()
        ids, types, mask = filled([pair])
        request.infer({0: ids, 1: mask, 2: types}, share_inputs=True)
        relevance, start, end = (request.get_output_tensor(i).data[0] for i in range(3))
        if not np.isfinite(relevance):
            raise ModelError(
                f"The reader in '{self._folder}' is damaged. Delete that folder: it is made anew."
            )
        size = len(pair.ids)
        return float(relevance), start[:size].copy(), end[:size].copy()


class CrossEncoder:
    """A cross-encoder from sentence-transformers, by folder or hub name: relevance, no spans.

    Raises:
        ModelError: there is no such model.
    """

    def __init__(self, model: str, device: str = "auto") -> None:
        self.name = model
        self._device = None if device == "auto" else device
        self._loading = threading.Lock()

    def read(self, query: str, passages: Sequence[Passage]) -> list[Judgement]:
        """One judgement for each passage, in order."""
        texts = []
        for passage in passages:
            context = context_of(passage.title, passage.headings)
            texts.append(f"{context}\n{passage.text}" if context else passage.text)
        with self._loading:
            scores = self._model.predict([(query, text) for text in texts], activation_fn=_logit())
        return [Judgement(float(score)) for score in scores]

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import CrossEncoder as Model

        if self.name.startswith((".", "/", "~", "\\")) and not Path(self.name).is_dir():
            raise ModelError(f"There is no cross-encoder in the folder '{self.name}'.")
        try:
            model: Any = Model(self.name, device=self._device, num_labels=1)
        except Exception as error:  # each library that takes part has errors of its own
            raise ModelError(
                f"The cross-encoder '{self.name}' of the setting 'reader' cannot be loaded: {error}"
            ) from error
        return model


def spans_of(passage: Passage, pair: Pair, scores: Scores) -> list[tuple[Span, float]]:
    """For each sentence its likeliest words, and how much likelier they are than no answer."""
    _, start, end = scores
    nothing = float(start[0] + end[0])
    # What comes after the passage's tokens, the last separator, is no part of it.
    size = len(pair.offsets)
    begins, ends = (each[pair.begin : pair.begin + size] for each in (start, end))
    offsets = np.array(pair.offsets, np.int64).reshape(-1, 2)
    found: list[tuple[Span, float]] = []
    for first, last in passage.sentences:
        inside = np.flatnonzero((offsets[:, 0] >= first) & (offsets[:, 1] <= last))
        if not len(inside):
            # Past what the network sees: as unlikely as can be.
            low = float(begins.min(initial=0.0) + ends.min(initial=0.0))
            found.append(((first, last), low - nothing))
            continue
        total = begins[inside][:, None] + ends[inside][None, :]
        later = np.subtract.outer(inside, inside)
        total[(later > 0) | (later <= -MOST_TOKENS)] = -np.inf
        one, other = divmod(int(total.argmax()), len(inside))
        words = int(offsets[inside[one], 0]), int(offsets[inside[other], 1])
        found.append(
            (whole_words(passage.text, words, (first, last)), float(total.max()) - nothing)
        )
    return found


def whole_words(text: str, span: Span, within: Span) -> Span:
    """The span widened to the words it begins and ends in, no further than ``within``."""
    start, end = span
    while start > within[0] and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < within[1] and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return start, end


def filled(pairs: Sequence[Pair]) -> tuple[NDArray[np.int64], ...]:
    """Ids, types and mask ``(n, t)``; ``t`` is the longest pair's length, rounded up."""
    length = -(-max(len(pair.ids) for pair in pairs) // ROUND) * ROUND
    ids, types, mask = (np.zeros((len(pairs), length), np.int64) for _ in range(3))
    for row, pair in enumerate(pairs):
        size = len(pair.ids)
        ids[row, :size], types[row, :size], mask[row, :size] = pair.ids, pair.types, 1
    return ids, types, mask


def _checked(path: Path, expected: str) -> str:
    """The SHA-256 of a file of the reader's, in hex; it must be ``expected``, if that is known."""
    told = "Install Passages anew, or set reader to 'none'."
    if not path.is_file():
        raise ModelError(f"The reader's file '{path}' is missing. {told}")
    found = sha256_of(path)
    if expected and found != expected:
        raise ModelError(f"The reader's file '{path}' is damaged: its hash differs. {told}")
    return found


def _difference(original: _Torch, made: Path, sample: Sequence[Pair], most: float) -> str:
    """What is wrong with the converted network's outputs for a sample, or nothing."""
    for expected, found in zip(original.score(sample), _OpenVino(made).score(sample), strict=True):
        if not abs(expected[0] - found[0]) <= most:
            return f"a relevance of {found[0]:.2f} instead of {expected[0]:.2f}"
        for before, after in zip(expected[1:], found[1:], strict=True):
            if before.max() - before[int(after.argmax())] > most:
                return "another answer in the same passage"
    return ""


def _logit() -> Any:
    import torch

    return torch.nn.Identity()


_SAMPLE = (
    "When does the ferry to Sandholm leave?",
    [
        ("Ferries › Timetable", "The ferry to Sandholm leaves at nine. It carries forty cars."),
        ("Ferries", "Tickets are sold at the harbour office, which closes at noon on Sundays."),
        ("", "Copper conducts heat better than iron, but not as well as silver does."),
        ("Sandholm", "Two hundred people live there. The school has eleven pupils since 1987."),
    ],
)

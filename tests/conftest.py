"""What the tests share: a small corpus, a store, and an encoder that needs no model."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import signal
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

from index.build import build
from index.encoder import Encoder, Halves, Input
from index.engines import cores
from index.extractor import Extractor
from index.search import Searcher
from index.store import Store
from tests.tiny_model import make_tiny_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# A shell lets what it starts in the background ignore this, and some tests interrupt programs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is, and no more.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TEXTS = {
    "harbours.md": (
        "# Harbours\n\n## Depth\n\nThe harbour of Porvenir is 14 metres deep. Ships of 200 metres "
        "can berth there. A pilot is required at night, as the chart of 1998 says.\n\n"
        "## Fees\n\nThe berth fee is $1.5 per tonne. Warships pay no fee when they visit at the "
        "invitation of the government.\n"
    ),
    "bees.txt": (
        "KEEPING BEES\n\nA hive holds about 50,000 bees in summer. Dr. J. R. Holm counted them "
        "by weight.\n\nHoney is taken in July. The bees need 15 kilograms of it for the winter.\n"
    ),
    "sub/tea.md": "# Tea\n\nGreen tea is steeped at 80 degrees. Black tea needs boiling water.\n",
}


class HashEncoder(Encoder):
    """Deterministic unit vectors from the words of a text: real shapes, no model, no waiting.

    Texts that share words lie close, as they do with a real model.
    """

    dimension = 64
    window = 64

    def __init__(self, identity: str = "hash-encoder-1") -> None:
        super().__init__("hash")
        self.__dict__["identity"] = identity
        self.encoded: list[str] = []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(re.findall(r"\w+|[^\w\s]", text)) for text in texts]

    def encode_queries(self, queries: Sequence[str]) -> np.ndarray:
        return np.stack([self._vector(query) for query in queries])

    def encode_passages(self, inputs: Iterable[Input]) -> Iterator[tuple[int, Halves]]:
        for position, item in reversed(list(enumerate(inputs))):
            self.encoded.append(item.text)
            texts = [item.context + " " + item.text]
            texts += [item.text[start:end] for start, end in item.sentences]
            yield position, np.stack([self._vector(text) for text in texts]).astype(np.float16)

    def _vector(self, text: str) -> np.ndarray:
        total = np.full(self.dimension, 1e-3, np.float32)
        for word in re.findall(r"\w+", text.lower()):
            total += _direction(word[:5], self.dimension)
        return total / np.linalg.norm(total)


@functools.cache
def _direction(word: str, dimension: int) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    for name, text in TEXTS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def searcher(corpus: Path, store: Store, encoder: HashEncoder) -> Searcher:
    build(corpus, store, encoder)
    return Searcher(store.open(), encoder)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the real models are converted, once for all tests, whoever runs them."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return folder / "kept"


@pytest.fixture(scope="session")
def real_encoder(kept: Path) -> Encoder:
    """The packaged model as it is used."""
    return Encoder(kept=kept)


@pytest.fixture(scope="session")
def torch_encoder() -> Encoder:
    """The packaged model without conversion."""
    return Encoder(engine="torch")


@pytest.fixture(scope="session")
def original(real_encoder: Encoder) -> SentenceTransformer:
    """The packaged model as sentence-transformers runs it, to compare with."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(real_encoder.folder), device="cpu", local_files_only=True)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model with random weights."""
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PASSAGES_") and name != "PASSAGES_CHROMIUM":
            monkeypatch.delenv(name)
    # Converting the reader's network takes seconds; the tests that are about it share one.
    monkeypatch.setenv("PASSAGES_READER", "none")


@pytest.fixture(scope="session")
def extractor(kept: Path) -> Extractor:
    """The reader as it is used."""
    return Extractor(kept=kept)


@pytest.fixture(scope="session")
def models(real_encoder: Encoder, extractor: Extractor) -> Path:
    """A folder where both are converted already."""
    real_encoder.encode_queries(["Where?"])
    extractor.prepare()
    assert extractor.kept
    return extractor.kept


SLOW = """
test_milvus test_cluster test_faults test_browser_library test_browser_reading test_training
test_browser_quality test_browser_map test_browser test_browser_login test_eval
""".split()
"""Files that take longest, and wait most of the time: they begin first, the others fill in."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, since many tests wait; each takes about a gigabyte."""
    return min(cores() + 1, 8)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(SLOW)}
    items.sort(key=lambda item: place.get(item.path.stem, len(SLOW)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the page showed."""
    report = yield
    visitor = getattr(item, "funcargs", {}).get("visitor")
    if report.when == "call" and report.failed and visitor is not None:
        with contextlib.suppress(Exception):
            seen = f"{visitor.page.url}\n{visitor.page.inner_text('body', timeout=5000)}"
            report.sections.append(("the page", seen))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if any("test_browser" in report.nodeid for report in skipped):
        terminalreporter.section("BROWSER TESTS DID NOT RUN", sep="!")
        terminalreporter.line("No Chromium was found: the page was not tried in a browser.")
        terminalreporter.line("Install Chromium, or name one in PASSAGES_CHROMIUM.")

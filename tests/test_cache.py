"""The cache gives back what was put in, for the same model only, and is never a reason to fail."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.build import build
from index.cache import VectorCache
from index.store import Store
from tests.conftest import HashEncoder

DIMENSION = 64
COUNT = 700  # more than are asked for at once
KEYS = [f"text {number}" for number in range(COUNT)]
VECTORS = {
    key: np.random.default_rng(number).standard_normal((1 + number % 4, DIMENSION)).astype("f2")
    for number, key in enumerate(KEYS)
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vectors.cache"


@contextlib.contextmanager
def opened(path: Path, model: str = "model") -> Iterator[VectorCache]:
    with contextlib.closing(VectorCache(path, model, DIMENSION)) as cache:
        yield cache


def right(found: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(found[key], VECTORS[key]) for key in found)


@pytest.fixture
def filled(path: Path) -> Path:
    with opened(path) as cache:
        cache.put_vectors(VECTORS.items())
    return path


def test_what_was_put_in_comes_out_bit_for_bit(filled: Path) -> None:
    with opened(filled) as cache:
        found = cache.vectors([*KEYS, "unknown"])
    assert found.keys() == VECTORS.keys()
    assert right(found)
    assert found[KEYS[3]].dtype == np.float16


def test_another_model_sees_nothing_of_it_and_harms_nothing(filled: Path) -> None:
    with opened(filled, "another") as cache:
        assert cache.vectors(KEYS) == {}
        cache.put_vectors([(KEYS[0], np.zeros((1, DIMENSION), np.float16))])
    with opened(filled) as cache:
        assert right(cache.vectors(KEYS[:1]))
        assert len(cache.vectors(KEYS)) == COUNT


def test_a_text_that_is_put_in_twice_has_the_last_vectors(filled: Path) -> None:
    new = np.ones((2, DIMENSION), np.float16)
    with opened(filled) as cache:
        cache.put_vectors([(KEYS[0], new)])
        assert np.array_equal(cache.vectors(KEYS[:1])[KEYS[0]], new)


def test_no_keys_find_nothing(filled: Path) -> None:
    with opened(filled) as cache:
        assert cache.vectors([]) == {}


def test_a_failure_while_it_is_filled_keeps_what_was_there(filled: Path) -> None:
    def items() -> Iterator[tuple[str, np.ndarray]]:
        yield "new", np.ones((1, DIMENSION), np.float16)
        raise RuntimeError("the power went")

    with opened(filled) as cache, pytest.raises(RuntimeError, match="the power went"):
        cache.put_vectors(items())
    with opened(filled) as cache:
        assert cache.vectors(["new"]) == {}
        assert len(cache.vectors(KEYS)) == COUNT


def damaged(data: bytes, how: str) -> bytes:
    noise = np.random.default_rng(1).bytes(len(data))
    quarter = len(data) // 4
    return {
        "emptied": b"",
        "no database": noise,
        "cut short": data[: len(data) // 2 + 100],
        "first page alone": data[:4096],
        "middle": data[:quarter] + noise[quarter : 3 * quarter] + data[3 * quarter :],
        "end": data[:-9000] + noise[:9000],
    }[how]


@pytest.mark.parametrize(
    "how", ["emptied", "no database", "cut short", "first page alone", "middle", "end"]
)
def test_a_damaged_file_gives_nothing_wrong_and_takes_new_vectors(how: str, filled: Path) -> None:
    filled.write_bytes(damaged(filled.read_bytes(), how))
    with opened(filled) as cache:
        found = cache.vectors(KEYS)
        assert len(found) < COUNT
        assert right(found)
        cache.put_vectors(VECTORS.items())
        found = cache.vectors(KEYS)
    assert len(found) == COUNT
    assert right(found)


def test_vectors_are_written_though_the_file_was_never_read(filled: Path) -> None:
    filled.write_bytes(damaged(filled.read_bytes(), "middle"))
    with opened(filled) as cache:
        cache.put_vectors(VECTORS.items())
        assert len(cache.vectors(KEYS)) == COUNT


def test_a_single_wrong_bit_makes_a_text_unknown(filled: Path) -> None:
    with contextlib.closing(sqlite3.connect(filled)) as connection, connection:
        ((blob,),) = connection.execute("SELECT value FROM cache WHERE key = ?", KEYS[:1])
        harmed = bytes([blob[0] ^ 1]) + blob[1:]
        connection.execute("UPDATE cache SET value = ? WHERE key = ?", (harmed, KEYS[0]))
        connection.execute("UPDATE cache SET value = x'00' WHERE key = ?", KEYS[1:2])
    with opened(filled) as cache:
        assert cache.vectors(KEYS[:3]).keys() == {KEYS[2]}


@pytest.mark.parametrize("how", ["no database", "cut short", "middle"])
def test_a_build_with_a_damaged_cache_makes_the_same_vectors(
    how: str, corpus: Path, store: Store, encoder: HashEncoder
) -> None:
    for number in range(60):
        (corpus / f"{number}.md").write_text(f"# Shed {number}\n\nIt is {number} metres long.\n")
    build(corpus, store, encoder)
    before = (store.open().folder / "sentences.npy").read_bytes()
    store.cache.write_bytes(damaged(store.cache.read_bytes(), how))
    report = build(corpus, store, encoder, force=True)
    assert 0 < report.encoded <= report.passages
    assert (store.open().folder / "sentences.npy").read_bytes() == before


def test_a_file_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be opened"):
        VectorCache(tmp_path / "no such folder" / "cache", "model", DIMENSION)

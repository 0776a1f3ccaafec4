"""What is written of sentences is read again, whichever passages are asked for."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from index.errors import IndexDamagedError
from index.sentences import SENTENCE_ROWS, SENTENCES, SentenceVectors, SentenceWriter

SIZES = [3, 1, 4, 1, 5]


@pytest.fixture(scope="module")
def blocks() -> list[np.ndarray]:
    random = np.random.default_rng(5)
    return [random.standard_normal((size, 8)).astype(np.float16) for size in SIZES]


@pytest.fixture(scope="module")
def folder(blocks: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sentences")
    with contextlib.closing(SentenceWriter(folder, sum(SIZES), 8)) as writer:
        writer.add(blocks[:2])
        writer.add(blocks[2:])
    return folder


@given(st.lists(st.integers(0, len(SIZES) - 1), min_size=1), st.booleans())
def test_each_passage_has_its_own_sentences(
    blocks: list[np.ndarray], folder: Path, rows: list[int], held: bool
) -> None:
    vectors, begins = SentenceVectors(folder, held=held).of(np.array(rows))
    assert len(vectors) == begins[-1]
    for number, row in enumerate(rows):
        assert np.array_equal(vectors[begins[number] : begins[number + 1]], blocks[row])


@settings(max_examples=25)
@given(query=arrays(np.float32, 8, elements=st.floats(-1, 1, width=32)))
def test_scores_are_inner_products(
    blocks: list[np.ndarray], folder: Path, query: np.ndarray
) -> None:
    scores, begins = SentenceVectors(folder).scores(query, np.array([4, 0]))
    expected = np.concatenate([blocks[4], blocks[0]]).astype(np.float32) @ query
    assert np.allclose(scores, expected, atol=1e-5)
    assert begins.tolist() == [0, 5, 8]


def test_it_knows_its_size(folder: Path) -> None:
    found = SentenceVectors(folder)
    assert (len(found), found.dimension) == (5, 8)


@pytest.mark.parametrize("name", [SENTENCES, SENTENCE_ROWS])
@pytest.mark.parametrize("damage", ["gone", "cut", "rubbish"])
def test_a_damaged_file_is_an_error_that_says_what_to_run(
    folder: Path, tmp_path: Path, name: str, damage: str
) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9] if damage == "cut" else b"rubbish")
    with pytest.raises(IndexDamagedError, match="Run: python -m app build"):
        SentenceVectors(tmp_path)


def test_a_file_that_is_cut_while_it_is_open_is_an_error(
    blocks: list[np.ndarray], tmp_path: Path
) -> None:
    with contextlib.closing(SentenceWriter(tmp_path, sum(SIZES), 8)) as writer:
        writer.add(blocks)
    found = SentenceVectors(tmp_path)
    path = tmp_path / SENTENCES
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 16)
    with pytest.raises(IndexDamagedError, match="too short"):
        found.of(np.array([4]))
    assert np.array_equal(found.of(np.array([0]))[0], blocks[0])

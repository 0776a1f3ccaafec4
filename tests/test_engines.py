"""What runs the model: converted once, proved against the original, and replaced where it fails."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.encoder import Encoder, Input
from index.engines import Batch, OpenVinoEngine, TorchEngine, compiled, converted
from index.errors import ModelError

ROOT = Path(__file__).parents[1]
INPUTS = [
    Input("Birds", f"The heron of pond {number} eats {number * 2} frogs. It sleeps.", ((0, 20),))
    for number in range(24)
]


def vectors_of(encoder: Encoder) -> np.ndarray:
    """All vectors of ``INPUTS``, one after the other."""
    found = dict(encoder.encode_passages(INPUTS))
    return np.concatenate([found[position] for position in range(len(INPUTS))]).astype(np.float32)


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines: np.ndarray = (one * other).sum(axis=1) / lengths
    return cosines


def times_of(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.glob("*/model.*")}


@pytest.fixture
def by_torch(tiny: Path) -> np.ndarray:
    return vectors_of(Encoder(str(tiny), engine="torch"))


@pytest.fixture(scope="session")
def tiny_kept(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the small model was converted into."""
    kept = tmp_path_factory.mktemp("tiny-kept")
    encoder = Encoder(str(tiny), kept=kept, engine="openvino")
    vectors_of(encoder)
    encoder.encode_queries(["heron"])
    return kept


@pytest.fixture
def warnings_of(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.WARNING, logger="passages")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "passages"]


class TestConversion:
    def test_the_converted_model_gives_the_original_s_vectors(
        self,
        tiny: Path,
        tmp_path: Path,
        by_torch: np.ndarray,
        warnings_of: Callable[[], list[str]],
    ) -> None:
        encoder = Encoder(str(tiny), kept=tmp_path, engine="openvino")
        assert cosines(vectors_of(encoder), by_torch).min() >= 0.999
        assert len(times_of(tmp_path)) == 2
        assert warnings_of() == []

    @pytest.mark.parametrize("throughput", [False, True])
    def test_its_threads_are_bound_to_no_core(self, tiny_kept: Path, throughput: bool) -> None:
        (model,) = tiny_kept.rglob("model.xml")
        running, _ = compiled(model.parent, fast=False, throughput=throughput)
        assert running.get_property("ENABLE_CPU_PINNING") is False

    def test_it_may_be_dropped_before_all_is_done(self, tiny_kept: Path) -> None:
        (model,) = tiny_kept.rglob("model.xml")
        ids = [list(range(1, 9))] * 16
        batch = Batch.of(ids, [np.full((1, 8), 1 / 8, np.float32)] * 16)
        for _ in range(20):
            engine = OpenVinoEngine(model.parent, throughput=True)
            running = engine.run([batch] * 9)
            assert next(running)[1].shape[:2] == (16, 1)
            del engine, running  # which once waited for a thread that waited for us

    def test_it_is_done_once_and_kept(
        self, tiny: Path, tiny_kept: Path, by_torch: np.ndarray, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = times_of(tiny_kept)

        def no_torch(*_: object) -> TorchEngine:
            raise AssertionError("torch is loaded again")

        monkeypatch.setattr("index.encoder.TorchEngine", no_torch)
        again = Encoder(str(tiny), kept=tiny_kept)
        assert cosines(vectors_of(again), by_torch).min() >= 0.999
        assert again.encode_queries(["heron"]).shape == (1, again.dimension)
        assert times_of(tiny_kept) == made
        assert len(made) == 2

    def test_another_model_is_converted_beside_it(
        self, tiny: Path, tiny_kept: Path, tmp_path: Path
    ) -> None:
        kept = shutil.copytree(tiny_kept, tmp_path / "kept")
        other = shutil.copytree(tiny, tmp_path / "other")
        (other / "modules.json").write_text((other / "modules.json").read_text() + "\n")
        Encoder(str(other), kept=kept).encode_queries(["heron"])
        assert len(times_of(kept)) == 4

    def test_nothing_else_is_left_in_the_folder(self, tiny_kept: Path) -> None:
        (folder,) = (path for path in tiny_kept.iterdir() if path.is_dir())
        assert converted(folder)
        assert not converted(tiny_kept / "nowhere")

    @pytest.mark.parametrize(
        ("name", "harm"), [("model.bin", "cut short"), ("model.xml", "removed")]
    )
    def test_one_that_is_damaged_is_made_anew(
        self,
        name: str,
        harm: str,
        tiny: Path,
        tiny_kept: Path,
        tmp_path: Path,
        by_torch: np.ndarray,
    ) -> None:
        kept = shutil.copytree(tiny_kept, tmp_path / "kept")
        (path,) = kept.glob(f"*/{name}")
        shutil.rmtree(path.parent / "compiled")
        if harm == "removed":
            path.unlink()
        else:
            os.truncate(path, path.stat().st_size // 2)
        assert not converted(path.parent)
        again = Encoder(str(tiny), kept=kept)
        assert cosines(vectors_of(again), by_torch).min() >= 0.999
        assert converted(path.parent)


class TestFallingBack:
    @pytest.fixture
    def kept_by(self, tiny: Path, tmp_path: Path) -> Encoder:
        return Encoder(str(tiny), kept=tmp_path / "kept")

    def falls_back(self, encoder: Encoder, by_torch: np.ndarray) -> None:
        """The encoder's vectors are torch's to the last digit, and no conversion is kept."""
        assert np.array_equal(vectors_of(encoder), by_torch)
        questions = ["heron", "frog"]
        expected = Encoder(encoder.model, engine="torch").encode_queries(questions)
        for _ in range(2):
            assert encoder.encode_queries(questions) == pytest.approx(expected, abs=1e-6)
        assert encoder.kept is not None
        assert not times_of(encoder.kept)

    def test_a_conversion_with_other_vectors_is_not_used_and_one_line_says_so(
        self,
        kept_by: Encoder,
        by_torch: np.ndarray,
        monkeypatch: pytest.MonkeyPatch,
        warnings_of: Callable[[], list[str]],
    ) -> None:
        run = OpenVinoEngine.run

        def turned(engine: OpenVinoEngine, batches: Iterable[Batch]) -> Iterator[Any]:
            for number, vectors in run(engine, batches):
                yield number, np.roll(vectors, 1, axis=-1)

        monkeypatch.setattr(OpenVinoEngine, "run", turned)
        self.falls_back(kept_by, by_torch)
        (line,) = warnings_of()
        assert "Running a model with torch" in line
        assert "cosine" in line
        assert "\n" not in line

    def test_a_conversion_with_another_order_is_not_used_and_one_line_says_so(
        self,
        kept_by: Encoder,
        by_torch: np.ndarray,
        monkeypatch: pytest.MonkeyPatch,
        warnings_of: Callable[[], list[str]],
    ) -> None:
        run = OpenVinoEngine.run
        smallest = []

        def nudged(engine: OpenVinoEngine, batches: Iterable[Batch]) -> Iterator[Any]:
            """Each passage a little nearer to the first one, the nearer ones a little less."""
            for number, vectors in run(engine, batches):
                moved = vectors.copy()
                near = vectors[:, 0] @ vectors[0, 0]
                step = np.where(near > np.median(near), -0.04, 0.04)
                moved[:, 0] += step[:, np.newaxis] * vectors[0, 0]
                moved /= np.maximum(np.linalg.norm(moved, axis=2, keepdims=True), 1e-9)
                smallest.append((moved * vectors).sum(axis=2)[:, 0].min())
                yield number, moved

        monkeypatch.setattr(OpenVinoEngine, "run", nudged)
        kept_by.encode_queries(["heron"])  # tries the conversion on texts that are all unlike
        self.falls_back(kept_by, by_torch)
        assert min(smallest) > 0.999, "or the cosine alone would show it"
        (line,) = warnings_of()
        assert "another order" in line

    def test_a_conversion_that_fails_is_not_used_and_one_line_says_so(
        self,
        kept_by: Encoder,
        by_torch: np.ndarray,
        monkeypatch: pytest.MonkeyPatch,
        warnings_of: Callable[[], list[str]],
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("this operation is unknown\nand a long trace of it")

        monkeypatch.setattr("openvino.convert_model", fail)
        self.falls_back(kept_by, by_torch)
        (line,) = warnings_of()
        assert "this operation is unknown" in line
        assert "\n" not in line

    def test_where_openvino_is_not_installed_torch_runs_the_model(
        self,
        kept_by: Encoder,
        by_torch: np.ndarray,
        monkeypatch: pytest.MonkeyPatch,
        warnings_of: Callable[[], list[str]],
    ) -> None:
        monkeypatch.setitem(sys.modules, "openvino", None)
        self.falls_back(kept_by, by_torch)
        assert len(warnings_of()) == 1

    def test_where_openvino_was_removed_after_the_conversion_torch_runs_the_model(
        self,
        tiny: Path,
        tiny_kept: Path,
        by_torch: np.ndarray,
        monkeypatch: pytest.MonkeyPatch,
        warnings_of: Callable[[], list[str]],
    ) -> None:
        monkeypatch.setitem(sys.modules, "openvino", None)
        assert np.array_equal(vectors_of(Encoder(str(tiny), kept=tiny_kept)), by_torch)
        assert len(warnings_of()) == 1

    def test_where_nothing_can_be_kept_torch_runs_the_model(
        self,
        tiny: Path,
        tmp_path: Path,
        by_torch: np.ndarray,
        warnings_of: Callable[[], list[str]],
    ) -> None:
        (tmp_path / "taken").write_text("a file where the folder should be")
        encoder = Encoder(str(tiny), kept=tmp_path / "taken")
        assert np.array_equal(vectors_of(encoder), by_torch)
        assert len(warnings_of()) == 1


class TestTheSetting:
    def test_openvino_that_is_demanded_and_cannot_be_had_is_an_error_each_time(
        self, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("this operation is unknown")

        monkeypatch.setattr("openvino.convert_model", fail)
        encoder = Encoder(str(tiny), kept=tmp_path, engine="openvino")
        for _ in range(2):
            with pytest.raises(ModelError, match="Set it to 'auto' or 'torch'"):
                vectors_of(encoder)
            with pytest.raises(ModelError, match="Set it to 'auto' or 'torch'"):
                encoder.encode_queries(["heron"])

    def test_torch_needs_no_openvino_and_keeps_nothing(
        self,
        tiny: Path,
        tmp_path: Path,
        by_torch: np.ndarray,
        monkeypatch: pytest.MonkeyPatch,
        warnings_of: Callable[[], list[str]],
    ) -> None:
        monkeypatch.setitem(sys.modules, "openvino", None)  # an import of it would raise
        encoder = Encoder(str(tiny), kept=tmp_path, engine="torch")
        assert np.array_equal(vectors_of(encoder), by_torch)
        assert encoder.precision == "f32"
        assert [path for path in tmp_path.iterdir() if path.suffix != ".lock"] == []
        assert warnings_of() == []

    def test_a_device_that_is_not_there_is_an_error_of_ours(self, tiny: Path) -> None:
        with pytest.raises(ModelError, match="cannot be loaded"):
            Encoder(str(tiny), engine="torch", device="no-such-device").encode_queries(["heron"])


ASK = """
import json, sys
from index.encoder import Encoder
vectors = Encoder(kept=sys.argv[1]).encode_queries([sys.argv[2]])
heavy = [name for name in ("torch", "sentence_transformers", "transformers") if name in sys.modules]
print(json.dumps([vectors[0].tolist(), heavy]))
"""


def test_a_process_that_only_asks_imports_neither_torch_nor_sentence_transformers(
    real_encoder: Encoder, kept: Path
) -> None:
    question = "Which bird eats frogs?"
    expected = real_encoder.encode_queries([question])[0]  # has converted the model
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(kept), question],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    vector, heavy = json.loads(done.stdout)
    assert heavy == []
    assert vector == pytest.approx(expected.tolist(), abs=1e-4)


class TestThreads:
    def test_questions_asked_at_once_have_the_vectors_they_have_alone(
        self, real_encoder: Encoder
    ) -> None:
        questions = [f"What does heron {number} eat" + " today" * number for number in range(40)]
        alone = [real_encoder.encode_queries([question])[0] for question in questions]
        with ThreadPoolExecutor(8) as threads:
            together = list(
                threads.map(
                    lambda question: real_encoder.encode_queries([question])[0], questions * 3
                )
            )
        for vector, expected in zip(together, alone * 3, strict=True):
            assert vector == pytest.approx(expected, abs=1e-3)

    def test_passages_encoded_at_once_have_the_vectors_they_have_alone(
        self, real_encoder: Encoder
    ) -> None:
        alone = vectors_of(real_encoder)
        with ThreadPoolExecutor(3) as threads:
            for found in threads.map(lambda _: vectors_of(real_encoder), range(3)):
                assert cosines(found, alone).min() >= 0.999

    def test_threads_that_come_first_together_convert_once(
        self, tiny: Path, tmp_path: Path, by_torch: np.ndarray
    ) -> None:
        encoder = Encoder(str(tiny), kept=tmp_path)
        with ThreadPoolExecutor(4) as threads:
            for found in threads.map(lambda _: vectors_of(encoder), range(4)):
                assert cosines(found, by_torch).min() >= 0.999
        assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


class TestBatches:
    def test_short_rows_are_filled_up_and_masked(self) -> None:
        batch = Batch.of(
            [[5, 6, 7], [8]],
            [np.full((1, 3), 1 / 3, np.float32), np.ones((2, 1), np.float32)],
        )
        assert batch.ids.tolist() == [[5, 6, 7], [8, 0, 0]]
        assert batch.mask.tolist() == [[1, 1, 1], [1, 0, 0]]
        assert batch.pools.shape == (2, 2, 3)
        assert batch.pools[0].sum(axis=1) == pytest.approx([1, 0])
        assert batch.pools[1].tolist() == [[1, 0, 0], [1, 0, 0]]

    def test_all_engines_pool_a_batch_alike(self, tiny: Path, tiny_kept: Path) -> None:
        pools = np.array([[0.25, 0.25, 0.25, 0.25], [0, 1, 0, 0]], np.float32)
        batch = Batch.of([[101, 2000, 3000, 102], [101, 102]], [pools, pools[:1, :2] * 2])
        ((_, expected),) = TorchEngine(tiny, "cpu").run([batch])
        (folder,) = (path for path in tiny_kept.iterdir() if path.is_dir())
        for throughput in (True, False):
            ((_, found),) = OpenVinoEngine(folder, throughput=throughput).run([batch])
            for row, vector in [(0, 0), (0, 1), (1, 0)]:
                assert found[row, vector] @ expected[row, vector] >= 0.999
        assert expected[0, 0] @ expected[0, 1] < 0.9

    def test_a_gpu_that_is_demanded_and_cannot_be_used_is_named(
        self, tiny: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        with pytest.raises(ModelError, match="torch finds no GPU that it can use"):
            vectors_of(Encoder(str(tiny), device="cuda"))


class TestDamage:
    def test_a_converted_model_that_was_altered_is_made_anew(
        self, tiny: Path, tmp_path: Path
    ) -> None:
        def vectors() -> np.ndarray:
            return Encoder(str(tiny), kept=tmp_path).encode_queries(["How deep is it?"])

        expected = vectors()
        (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
        data = bytearray((folder / "model.bin").read_bytes())
        middle = len(data) // 2
        data[middle : middle + 4000] = bytes(4000)
        (folder / "model.bin").write_bytes(data)
        shutil.rmtree(folder / "compiled")
        assert np.allclose(vectors(), expected, atol=1e-3)
        assert (folder / "model.bin").read_bytes() != bytes(data)

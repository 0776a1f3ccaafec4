"""What runs the model: torch as it comes, or OpenVINO, which is several times as fast on a CPU.

An engine turns token ids and pooling weights into unit vectors. It knows nothing of texts. The
conversion to OpenVINO is done once for a model, kept in a folder, and checked against torch.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

CONVERSION = "1"
"""Changes whenever the same model would be converted into another file."""

SAME_DIRECTION = 0.999
"""The least cosine between a vector of the converted model and the original's."""

SUMS = "sha256"
"""The file beside a converted model with the checksums of its files."""

NEAR_TIE = 0.004
"""Two passages whose scores differ by less may change places in half precision."""

log = logging.getLogger("passages")


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids and mask ``(b, t)`` int64, and pooling weights ``(b, p, t)`` float32."""

    ids: Ints
    mask: Ints
    pools: Floats

    @classmethod
    def of(cls, ids: Sequence[Sequence[int]], pools: Sequence[Floats]) -> Batch:
        """Rows of different lengths side by side, filled up with zeros."""
        length = max(map(len, ids))
        batch = cls(
            np.zeros((len(ids), length), np.int64),
            np.zeros((len(ids), length), np.int64),
            np.zeros((len(ids), max(map(len, pools)), length), np.float32),
        )
        for row, (numbers, weights) in enumerate(zip(ids, pools, strict=True)):
            batch.ids[row, : len(numbers)] = numbers
            batch.mask[row, : len(numbers)] = 1
            batch.pools[row, : len(weights), : len(numbers)] = weights
        return batch


class Engine(Protocol):
    """Runs the model over batches."""

    tokens: int
    """How many tokens a batch should hold, padding included."""

    def run(self, batches: Iterable[Batch]) -> Iterator[tuple[int, Floats]]:
        """Yield ``(number of the batch, unit vectors (b, p, d))``, in any order.

        While the caller is busy with what was yielded, other batches go on.
        """

    def run_one(self, batch: Batch) -> Floats:
        """The unit vectors ``(b, p, d)`` of one batch, as soon as can be."""


class TorchEngine:
    """The sentence-transformers model itself, on the GPU where torch has one, or on the CPU."""

    tokens = 8192

    def __init__(self, folder: Path, device: str = "auto") -> None:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        chosen = None if device == "auto" else device
        if chosen == "cuda" and not _gpu_works():
            raise ModelError(
                "torch finds no GPU that it can use, as the setting 'device' or the cluster "
                "demands. Install a torch with CUDA there, or set 'device' to 'cpu'."
            )
        try:
            self.model: Any = SentenceTransformer(str(folder), device=chosen, local_files_only=True)
        except Exception as error:  # each library that takes part has errors of its own
            raise ModelError(f"The model in '{folder}' cannot be loaded: {error}") from error

    def run(self, batches: Iterable[Batch]) -> Iterator[tuple[int, Floats]]:
        """Yield ``(number of the batch, unit vectors (b, p, d))``, in order."""
        return enumerate(map(self.run_one, batches))

    def run_one(self, batch: Batch) -> Floats:
        """The unit vectors ``(b, p, d)`` of one batch."""
        import torch

        with torch.inference_mode():
            ids, mask, pools = (
                torch.from_numpy(array).to(self.model.device)
                for array in (batch.ids, batch.mask, batch.pools)
            )
            vectors: Floats = _forward(self.model, ids, mask, pools).cpu().numpy()
        return vectors


def _gpu_works() -> bool:
    import torch

    return torch.cuda.is_available()


class OpenVinoEngine:
    """The converted model on the CPU: many batches at once for passages, one for questions.

    ``precision`` is ``"bf16"`` or ``"f32"``. Safe to share between threads.
    """

    tokens = 2400

    def __init__(self, folder: Path, *, throughput: bool, threads: int | None = None) -> None:
        self._model, self.precision = compiled(
            folder, fast=throughput, throughput=throughput, threads=threads
        )

    def run(self, batches: Iterable[Batch]) -> Iterator[tuple[int, Floats]]:
        """Yield ``(number of the batch, unit vectors (b, p, d))`` as they are done."""
        # Twice as many as can run at once: there is always one ready to start. They call nothing
        # back: OpenVINO ends its threads holding Python's lock, for which a callback may wait.
        at_once = self._model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        free = [self._model.create_infer_request() for _ in range(2 * at_once)]
        begun: list[tuple[int, Any]] = []

        def finish() -> tuple[int, Floats]:
            done = next((one for one in begun if one[1].wait_for(0)), begun[0])
            begun.remove(done)
            number, request = done
            request.wait()
            free.append(request)
            return number, request.get_output_tensor(0).data.copy()

        for number, batch in enumerate(batches):
            if not free:
                yield finish()
            request = free.pop()
            request.start_async({0: batch.ids, 1: batch.mask, 2: batch.pools})
            begun.append((number, request))
        while begun:
            yield finish()

    def run_one(self, batch: Batch) -> Floats:
        """The unit vectors ``(b, p, d)`` of one batch, as soon as can be."""
        request = self._model.create_infer_request()
        request.infer({0: batch.ids, 1: batch.mask, 2: batch.pools})
        vectors: Floats = request.get_output_tensor(0).data.copy()
        return vectors


def converted(folder: Path) -> bool:
    """Whether a model was converted into this folder before, and is still what was written."""
    try:
        if (folder / SUMS).read_text(encoding="utf-8") != _sums(folder):
            return False
        _openvino().Core().read_model(str(folder / "model.xml"))
    except (ImportError, OSError, RuntimeError):
        return False
    return True


def _sums(folder: Path) -> str:
    """The SHA-256 of the files of a converted model, a line for each."""
    lines = []
    for name in ("model.bin", "model.xml"):
        with (folder / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    return "".join(lines)


def compiled(
    folder: Path, *, fast: bool, throughput: bool, threads: int | None = None
) -> tuple[Any, str]:
    """A converted model made ready to run, and what it computes in: ``"bf16"`` or ``"f32"``.

    ``fast`` allows the former where the processor has it. For ``throughput`` each core runs a
    request of its own, since cores that share one wait for each other; else half of them, and at
    most four, share one, and the others are left to whatever else an answer takes. Of the cores it
    uses ``threads``, if that is given.
    """
    from filelock import FileLock

    core = _openvino().Core()
    precision = "bf16" if fast and _computes_bf16(core) else "f32"
    options = {
        "PERFORMANCE_HINT": "THROUGHPUT" if throughput else "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "CACHE_DIR": str(folder / "compiled"),
        "CACHE_MODE": "OPTIMIZE_SIZE",  # without the weights, which stand beside it
        # Each process would bind its threads to the first cores, where they wait for each other's.
        "ENABLE_CPU_PINNING": "NO",
    }
    if not throughput:
        # A question is short: more threads than these wait for each other more than they compute.
        options["INFERENCE_NUM_THREADS"] = str(threads or max(1, min(4, cores() // 2)))
    if throughput:
        options["NUM_STREAMS"] = options["INFERENCE_NUM_THREADS"] = str(threads or cores())
    # What is compiled is kept beside the model; of processes that come together one writes it.
    with FileLock(folder.parent / f"{folder.name}.compiled.lock"):
        return core.compile_model(str(folder / "model.xml"), "CPU", options), precision


def quick_in_eight_bits() -> bool:
    """Whether the processor computes in eight bits about twice as fast as in any other way.

    Those do that OpenVINO has compute in bfloat16; on one with AVX2 alone nothing is gained.
    """
    try:
        return _computes_bf16(_openvino().Core())
    except (ImportError, OSError, RuntimeError):
        return False


def _computes_bf16(core: Any) -> bool:
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def convert(original: TorchEngine, folder: Path, sample: Batch) -> bool:
    """Convert an encoder into a folder; on any doubt say why in one line, and return ``False``.

    The converted model must give the sample's vectors the same direction (cosine of at least
    ``SAME_DIRECTION``) and rank the sample's texts in the same order.
    """

    def difference(made: Path) -> str:
        _, expected = next(original.run([sample]))
        _, found = next(OpenVinoEngine(made, throughput=True).run([sample]))
        return _difference(expected, found, sample)

    return install(folder, lambda made: _write(original, made, sample), difference)


def install(
    folder: Path,
    write: Callable[[Path], None],
    difference: Callable[[Path], str],
    *,
    instead: str = "torch",
) -> bool:
    """Let a converted model be written aside, and move it into ``folder`` if it is true.

    ``difference`` says what is wrong with it, or nothing. Where anything is, that is logged in
    one line, with what is run ``instead``, and the result is ``False``. Of processes that come
    together one converts.
    """
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if converted(folder):
                return True
            return _install(folder, write, difference, instead)
    except Exception as error:  # conversion is an optimisation: no failure of it may stop a build
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        log.warning("Running a model with %s: OpenVINO cannot convert it (%s).", instead, reason)
        return False


def _install(
    folder: Path, write: Callable[[Path], None], difference: Callable[[Path], str], instead: str
) -> bool:
    made = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(made, ignore_errors=True)  # of a conversion that was killed
    made.mkdir()
    try:
        write(made)
        if problem := difference(made):
            log.warning("Running a model with %s: the OpenVINO one differs (%s).", instead, problem)
            return False
        (made / SUMS).write_text(_sums(made), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        made.replace(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return True


def save(module: Any, example: Mapping[str, Any], folder: Path, *, halves: bool) -> None:
    """Convert a torch module and write it; ``example`` are tensors by the names of its inputs.

    ``halves`` writes the weights as float16.
    """
    import warnings

    import torch

    openvino = _openvino()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # tracing warns of checks that are not traced
        made = openvino.convert_model(module.eval(), example_input=dict(example))
    openvino.save_model(made, str(folder / "model.xml"), compress_to_fp16=halves)


def _write(original: TorchEngine, folder: Path, sample: Batch) -> None:
    import torch

    model = original.model

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, ids: Any, mask: Any, pools: Any) -> Any:
            return _forward(self.inner, ids, mask, pools)

    small = {
        "ids": torch.from_numpy(sample.ids[:2, :8].copy()),
        "mask": torch.from_numpy(sample.mask[:2, :8].copy()),
        "pools": torch.from_numpy(sample.pools[:2, :1, :8].copy()),
    }
    save(Module(), small, folder, halves=False)


def _forward(model: Any, ids: Any, mask: Any, pools: Any) -> Any:
    """Token embeddings, our pooling, and what the model does after its own pooling."""
    import torch

    features = {"input_ids": ids, "attention_mask": mask}
    vectors = torch.bmm(pools, model[0](features)["token_embeddings"].float())
    for module in list(model)[2:]:
        vectors = module({"sentence_embedding": vectors})["sentence_embedding"]
    return torch.nn.functional.normalize(vectors, dim=-1)


def _difference(expected: Floats, found: Floats, sample: Batch) -> str:
    """What is wrong with the vectors that were found, or nothing."""
    real = sample.pools.sum(axis=2) > 0
    cosine = float((expected * found).sum(axis=2)[real].min())
    if not cosine >= SAME_DIRECTION:
        return f"a cosine of {cosine:.4f} to the original"
    before, after = (vectors[:, 0] @ vectors[:, 0].T for vectors in (expected, found))
    for scores, others in zip(before, after, strict=True):
        ranking = scores[np.argsort(-others, kind="stable")[:10]]
        if (np.diff(ranking) > NEAR_TIE).any():
            return "another order of the ten nearest texts"
    return ""


def cores() -> int:
    """How many processors this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _openvino() -> Any:
    # Its conversion reports its use over the network where this package is found: it is not.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino

"""Write the averaged weights of a training run where the library finds them.

    python -m training.export --run FOLDER [--out FILE]

Only what was trained is written, in half precision: the word embeddings are those of
all-MiniLM-L6-v2, which the library has. Prints the hash that ``index.extractor`` must hold.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from index.encoder import packaged_model, sha256_of
from index.extractor import WEIGHTS
from index.network import ReaderNetwork


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="file of weights")
    options = parser.parse_args(arguments)
    step = export(options.run, options.out)
    print(f"{options.out}: step {step:,}, {options.out.stat().st_size:,} bytes")
    print(f"SHA-256 {sha256_of(options.out)}")


def export(run: Path, out: Path) -> int:
    """Write the averaged weights of a run to a file; returns after how many steps they are."""
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    average = torch.optim.swa_utils.AveragedModel(ReaderNetwork(packaged_model()))
    average.load_state_dict(state["average"])
    network: Any = average.module
    trained = network.trained()
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.half() for name, tensor in trained.items()}, out)
    return int(state["step"])


if __name__ == "__main__":
    main()

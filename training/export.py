"""Write the averaged weights of a training run, or of several, where the library finds them.

    python -m training.export --run FOLDER [FOLDER …] [--out FILE]

Only what was trained is written, in half precision: the word embeddings are those of
all-MiniLM-L6-v2, which the library has. Prints the hash that ``index.extractor`` must hold.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from index.encoder import sha256_of
from index.extractor import WEIGHTS
from training.train import CHECKPOINT, averaged


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, nargs="+", required=True, help="folders of the runs")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="file of weights")
    options = parser.parse_args(arguments)
    steps = ", ".join(f"{step:,}" for step in export(options.run, options.out))
    print(f"{options.out}: step {steps}, {options.out.stat().st_size:,} bytes")
    print(f"SHA-256 {sha256_of(options.out)}")


def export(runs: Sequence[Path], out: Path) -> list[int]:
    """Write the mean of the runs' averaged weights to a file; returns after how many steps."""
    steps, found = [], []
    for run in runs:
        state = torch.load(run / CHECKPOINT, weights_only=True, map_location="cpu")
        found.append(averaged(run).trained())
        steps.append(int(state["step"]))
    mean = {name: torch.stack([every[name] for every in found]).mean(0) for name in found[0]}
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.half() for name, tensor in mean.items()}, out)
    return steps


if __name__ == "__main__":
    main()

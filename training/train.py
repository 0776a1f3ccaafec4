"""Train the reader's network; may be stopped at any time and goes on where it was.

    python -m training.train --data FOLDER --out FOLDER [--epochs 3]

``--data`` is what ``training.data`` wrote. The same seed gives the same order of examples. With
``--teachers`` the network also learns what other runs, say of other seeds or of a larger encoder,
make of each passage (Hinton et al., *Distilling the Knowledge in a Neural Network*, 2015).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.nn import functional
from torch.utils.data import DataLoader, Subset
from tqdm import tqdm

from index.encoder import packaged_model
from index.extractor import Tokens
from index.network import MASKED, Outputs, ReaderNetwork
from training.batches import Batch, Batches
from training.examples import sources
from training.loss import Loss, loss_of, taught_by
from training.teacher import network_of

TOGETHER = {"cpu": 8, "cuda": 512}
"""Rows that go through the network at once, by where it runs."""

CHECKPOINT = "checkpoint.pt"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and log")
    parser.add_argument("--start", type=Path, help="weights of an earlier run to begin with")
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--questions", type=int, default=16, help="in each batch")
    parser.add_argument("--misleading", type=int, default=2, help="passages for each question")
    parser.add_argument(
        "--elsewhere",
        type=int,
        default=0,
        help="further passages for each question, of a library without its article",
    )
    parser.add_argument(
        "--headed",
        type=float,
        default=0.3,
        help="share of the passages shown under a heading, as those of documents stand: an "
        "answering one under its question, keywords of it, or another one's; a misleading one "
        "under another one's",
    )
    parser.add_argument(
        "--times",
        nargs="*",
        type=_times,
        default=[],
        metavar="SOURCE=TIMES",
        help="how often a source is shown in an epoch, if not once; 0.5 is every second question",
    )
    parser.add_argument("--rate", type=float, default=2e-4, help="highest learning rate")
    parser.add_argument("--dropout", type=float, default=0.0, help="inside the encoder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=0, help="stop after so long (0: never)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where it runs"
    )
    parser.add_argument(
        "--encoder",
        type=Path,
        help="folder of another encoder with the same words to begin with, for a teacher",
    )
    parser.add_argument(
        "--teachers", type=Path, nargs="*", default=[], help="folders of runs to learn from"
    )
    options = parser.parse_args(arguments)
    found = sources(options.data)
    if not found:
        parser.error(f"'{options.data}' has no examples; training.data writes them")
    for source, _ in options.times:
        if source not in found:
            parser.error(f"--times: no source '{source}', only {', '.join(found)}")
    for run in options.teachers:
        if not (run / CHECKPOINT).is_file():
            parser.error(f"--teachers: '{run}' has no {CHECKPOINT}; it is no run that was trained")
    if options.device == "auto":
        options.device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(options.threads)
    train(options)


def _times(text: str) -> tuple[str, float]:
    source, _, times = text.partition("=")
    try:
        number = float(times)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is not SOURCE=TIMES, as in squad-open=0.5")
    return source, number


def train(options: argparse.Namespace) -> None:
    """Run all steps that are left, with a checkpoint every five minutes."""
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint = options.out / CHECKPOINT
    folder = options.encoder or packaged_model()
    torch.manual_seed(options.seed)
    network = network_of(folder, options.dropout)
    if options.start:
        known = {name: tensor.float() for name, tensor in load_file(options.start).items()}
        network.load_state_dict(known, strict=False)
    network.to(options.device)
    if options.device == "cuda" and type(network) is ReaderNetwork:
        network.encoder.set_attn_implementation("sdpa")
    teachers = [averaged(run).to(options.device).eval() for run in options.teachers]
    weights = [tensor for tensor in network.parameters() if tensor.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=options.rate, weight_decay=0.01, fused=True)
    batches = Batches(options, Tokens(packaged_model()))
    steps = int(options.epochs * len(batches))
    decay = 1 - 1 / max(1, min(1000, steps // 5))
    mean: Any = torch.optim.swa_utils.get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=mean)
    warm = max(1, steps // 20)

    def rate(step: int) -> float:
        return min(step / warm, max(0.02, (steps - step) / max(1, steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    begun = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=options.device)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        begun = int(state["step"])

    def save(step: int) -> None:
        aside = checkpoint.with_suffix(".new")
        torch.save(
            {
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "step": step,
                "encoder": str(options.encoder or ""),
            },
            aside,
        )
        aside.replace(checkpoint)

    network.train()
    log = (options.out / "log.jsonl").open("a", encoding="utf-8")
    started = saved = time.monotonic()
    sums: dict[str, Any] = {}
    bar = tqdm(total=steps, initial=begun, unit=" steps", file=sys.stderr, mininterval=10)
    step = begun
    with log, bar:
        for step, batch in enumerate(_ahead(batches, begun, steps, options), begun):
            costs = _cost(network, batch.to(options.device), teachers)
            torch.autograd.backward(costs.total)
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            average.update_parameters(network)
            for name in ("span", "relevance", "order", "taught"):
                sums[name] = sums.get(name, 0.0) + getattr(costs, name).detach()
            if (step + 1) % 50 == 0:
                means = {name: round(float(value) / 50, 4) for name, value in sums.items()}
                sums = {}
                log.write(json.dumps({"step": step + 1, **means}) + "\n")
                log.flush()
                bar.set_postfix(means, refresh=False)
            bar.update(1)
            now = time.monotonic()
            late = options.minutes and now - started > 60 * options.minutes
            if now - saved > 300 or late:
                save(step + 1)
                saved = now
            if late:
                return
        save(steps)


def _ahead(
    batches: Batches, begun: int, steps: int, options: argparse.Namespace
) -> Iterator[Batch]:
    """The batches of the steps that are left; beside a GPU, processes make them ahead."""
    left: Any = Subset(batches, range(begun, steps))  # type: ignore[arg-type]
    workers = max(1, options.threads - 2) if options.device == "cuda" else 0
    os.environ["TOKENIZERS_PARALLELISM"] = "false" if workers else "true"
    loader = DataLoader(
        left, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None
    )
    yield from loader


def averaged(run: Path) -> ReaderNetwork:
    """The network of a training run, with the moving average of its weights."""
    state = torch.load(run / CHECKPOINT, weights_only=True, map_location="cpu")
    folder = Path(state["encoder"]) if state["encoder"] else packaged_model()
    average = torch.optim.swa_utils.AveragedModel(network_of(folder))
    average.load_state_dict(state["average"])
    network: Any = average.module
    assert isinstance(network, ReaderNetwork)  # noqa: S101, for the type checker
    return network


def _cost(network: ReaderNetwork, batch: Batch, teachers: Sequence[ReaderNetwork]) -> Loss:
    """What the network's outputs for a batch cost."""
    outputs = scores(network, batch)
    costs = loss_of(outputs, batch)
    if teachers:
        with torch.no_grad():
            said = [scores(teacher, batch) for teacher in teachers]
        costs = replace(costs, taught=taught_by(outputs, said, batch.groups))
    return costs


def scores(network: ReaderNetwork, batch: Batch) -> Outputs:
    """The network's outputs for a batch, whose rows go through it by length: less is filling."""
    device = batch.ids.device
    together = TOGETHER[device.type]
    order = batch.mask.sum(1).argsort(descending=True)
    parts = []
    for part in torch.split(order, together):
        with torch.autocast(device.type, torch.bfloat16):
            relevance, start, end = network(*batch.rows(part))
        room = (0, batch.ids.shape[1] - start.shape[1])
        start, end = (functional.pad(every, room, value=MASKED) for every in (start, end))
        parts.append((relevance, start, end))
    back = order.argsort()
    relevance, start, end = (torch.cat(every)[back] for every in zip(*parts, strict=True))
    return relevance, start, end


if __name__ == "__main__":
    main()

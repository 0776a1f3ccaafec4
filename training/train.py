"""Train the reader's network; may be stopped at any time and goes on where it was.

    python -m training.train --data FOLDER --out FOLDER [--epochs 3]

``--data`` is what ``training.data`` wrote. The same seed gives the same order of examples.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.nn import functional
from tqdm import tqdm

from index.encoder import packaged_model
from index.extractor import Tokens
from index.network import MASKED, Outputs, ReaderNetwork
from index.passages import context_of
from training.data import Question, held_out, read
from training.loss import Loss, loss_of

TOGETHER = 8  # rows that go through the network at once
KEYWORDS = 0.15  # of the questions are shown as the keywords in them
TUNE = ("squad-open", "dev-v2")
"""Sources some of whose articles are held out."""

STOPWORDS = frozenset(
    "a an and are as at be by can could did do does for from had has have how i in is it its of on "
    "or that the their there these this to was were what which will with would you your".split()
)


@dataclass(frozen=True, slots=True)
class Row:
    """A question and one passage as tokens; ``spans`` are token positions of gold answers."""

    ids: list[int]
    types: list[int]
    spans: list[tuple[int, int]]
    label: float


Group = list[Row]
"""The rows of one question; the first one answers if any does."""


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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=0, help="stop after so long (0: never)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    sources = sorted(path.stem for path in options.data.glob("*.jsonl"))
    if not sources:
        parser.error(f"'{options.data}' has no examples; training.data writes them")
    for source, _ in options.times:
        if source not in sources:
            parser.error(f"--times: no source '{source}', only {', '.join(sources)}")
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
    checkpoint = options.out / "checkpoint.pt"
    folder = packaged_model()
    torch.manual_seed(options.seed)
    network = ReaderNetwork(folder)
    if options.start:
        known = {name: tensor.float() for name, tensor in load_file(options.start).items()}
        network.load_state_dict(known, strict=False)
    weights = [tensor for tensor in network.parameters() if tensor.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=options.rate, weight_decay=0.01, fused=True)
    mean: Any = torch.optim.swa_utils.get_ema_multi_avg_fn(0.999)  # type: ignore[no-untyped-call]
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=mean)
    batches = Batches(options, Tokens(folder))
    steps = int(options.epochs * len(batches))
    warm = max(1, steps // 20)

    def rate(step: int) -> float:
        return min(step / warm, max(0.02, (steps - step) / max(1, steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    begun = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
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
            },
            aside,
        )
        aside.replace(checkpoint)

    network.train()
    log = (options.out / "log.jsonl").open("a", encoding="utf-8")
    started = saved = time.monotonic()
    sums: dict[str, float] = {}
    bar = tqdm(total=steps, initial=begun, unit=" steps", file=sys.stderr, mininterval=10)
    step = begun
    with log, bar:
        for step in range(begun, steps):
            groups = batches[step]
            costs = _cost(network, groups)
            torch.autograd.backward(costs.total)
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            average.update_parameters(network)
            for name in ("span", "relevance", "order"):
                sums[name] = sums.get(name, 0.0) + float(getattr(costs, name).detach())
            if (step + 1) % 50 == 0:
                means = {name: round(value / 50, 4) for name, value in sums.items()}
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


def _cost(network: ReaderNetwork, groups: list[Group]) -> Loss:
    """What the network's outputs for a batch of groups cost."""
    rows = [row for group in groups for row in group]
    labels = torch.tensor([row.label for row in rows])
    width = max(map(len, groups))
    places, number = [], 0
    for group in groups:
        own = list(range(number, number + len(group)))
        if len(group) == width:
            places.append(own if group[0].label else [-1, *own[1:]])
        number += len(group)
    spans = [row.spans for row in rows]
    return loss_of(scores(network, rows), spans, labels, torch.tensor(places))


def scores(network: ReaderNetwork, rows: Sequence[Row]) -> Outputs:
    """The network's outputs for rows, which go through it by length: less of it is filling."""
    order = sorted(range(len(rows)), key=lambda number: -len(rows[number].ids))
    longest = len(rows[order[0]].ids) if order else 0
    parts = []
    for begin in range(0, len(order), TOGETHER):
        part = [rows[number] for number in order[begin : begin + TOGETHER]]
        with torch.autocast("cpu", torch.bfloat16):
            relevance, start, end = network(*tensors(part))
        room = (0, longest + 8 - start.shape[1])
        start, end = (functional.pad(every, room, value=MASKED) for every in (start, end))
        parts.append((relevance, start, end))
    back = torch.tensor(order).argsort()
    relevance, start, end = (torch.cat(every)[back] for every in zip(*parts, strict=True))
    return relevance, start, end


def tensors(rows: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, mask and types ``(b, t)`` int64, filled up to a multiple of eight."""
    length = -(-max(len(row.ids) for row in rows) // 8) * 8
    ids = torch.zeros((len(rows), length), dtype=torch.long)
    mask, types = torch.zeros_like(ids), torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        mask[number, : len(row.ids)] = 1
        types[number, : len(row.ids)] = torch.tensor(row.types)
    return ids, mask, types


class Batches:
    """All batches by number; texts of like length are together, in an order that the seed gives."""

    def __init__(self, options: argparse.Namespace, tokens: Tokens) -> None:
        self._seed = options.seed
        self._size = options.questions
        self._misleading = options.misleading
        self._headings = options.headed
        self._tokens = tokens
        times = dict(options.times)
        self._questions, self._times = [], []
        for source, question in _shown(options.data):
            self._questions.append(question)
            self._times.append(times.get(source, 1.0))
        self._epoch = -1
        self._order: list[list[int]] = []

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return int(sum(self._times)) // int(self._size)

    def __getitem__(self, step: int) -> list[Group]:
        epoch, number = divmod(step, len(self))
        if epoch != self._epoch:
            self._arrange(epoch)
        chosen = self._order[number]
        draw = random.Random(f"{self._seed} {step}")
        groups = [self._group(self._questions[place], draw) for place in chosen]
        return [group for group in groups if group]

    def _arrange(self, epoch: int) -> None:
        draw = random.Random(f"{self._seed} {epoch}")
        order = []
        for place, times in enumerate(self._times):
            order += [place] * (int(times) + (draw.random() < times % 1))
        draw.shuffle(order)
        pool = 64 * self._size
        batches = []
        for start in range(0, len(order), pool):
            part = sorted(order[start : start + pool], key=self._length)
            batches += [part[i : i + self._size] for i in range(0, len(part), self._size)]
        batches = [batch for batch in batches if len(batch) == self._size]
        draw.shuffle(batches)
        # The last ones may be short: an epoch has the same number of batches always.
        self._order = (batches * 2)[: len(self)]
        self._epoch = epoch

    def _length(self, place: int) -> int:
        return len(self._questions[place].passage)

    def _group(self, question: Question, draw: random.Random) -> Group:
        others = list(question.misleading)
        # Those found first mislead most.
        chosen = draw.sample(others[:5], min(len(others), 5))[: self._misleading - 1]
        rest = [other for other in others if other not in chosen]
        chosen += draw.sample(rest, min(len(rest), self._misleading - len(chosen)))
        asked = question.text
        if draw.random() < KEYWORDS:
            question = replace(question, text=keywords(question.text))
        mine = draw.choice((asked, keywords(asked), keywords(asked), self._other(draw)))
        above = self._headed(question.context, mine, draw)
        rows = [self.row(question, above, question.passage, question.spans)]
        for context, text in chosen:
            above = self._headed(context, self._other(draw), draw)
            rows.append(self.row(question, above, text, ()))
        return rows if rows[0].spans else []

    def _other(self, draw: random.Random) -> str:
        """What another question could leave behind as a heading."""
        other = self._questions[draw.randrange(len(self._questions))].text
        return other if draw.random() < 0.3 else keywords(other)

    def _headed(self, context: str, heading: str, draw: random.Random) -> str:
        if draw.random() >= self._headings:
            return context
        return context_of(context, (heading,)) if context else heading

    def row(
        self, question: Question, context: str, text: str, spans: Sequence[tuple[int, int]]
    ) -> Row:
        """One passage for a question as tokens. A row whose gold answers are cut off has none."""
        return row_of(self._tokens, question.text, context, text, spans)


def keywords(question: str) -> str:
    """What is left of a question without question mark and function words; never nothing."""
    words = question.rstrip("?!. ").split()
    kept = [word for word in words if word.lower().strip(",") not in STOPWORDS]
    return " ".join(kept or words)


def row_of(
    tokens: Tokens, query: str, context: str, text: str, spans: Sequence[tuple[int, int]]
) -> Row:
    """A question and a passage as tokens, with the gold answers that are whole among them."""
    pair = tokens.pairs(query, [(context, text)])[0]
    found = []
    for start, end in spans:
        places = [
            number
            for number, (begins, ends) in enumerate(pair.offsets)
            if begins < end and ends > start
        ]
        if places and pair.offsets[places[-1]][1] >= end:
            found.append((pair.begin + places[0], pair.begin + places[-1]))
    if not spans:
        found = [(0, 0)]
    return Row(pair.ids, pair.types, sorted(set(found)), float(bool(spans)))


def _shown(folder: Path) -> Iterator[tuple[str, Question]]:
    for source, question in read(folder):
        if question.misleading and not (source in TUNE and held_out(question.context)):
            yield source, question


if __name__ == "__main__":
    main()

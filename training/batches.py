"""From examples to batches: which questions and passages stand together, and as which tokens."""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from index.extractor import Tokens
from index.passages import context_of
from training.examples import Question, Text, held_out, read

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


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as tensors, filled up; what is none is -1.

    ``ids, mask, types (b, t)``; ``spans (b, s, 2)`` are token positions of gold answers, ``labels
    (b,)`` 1 where the passage answers, ``groups (g, n)`` the rows of each question, the answering
    one first.
    """

    ids: Tensor
    mask: Tensor
    types: Tensor
    spans: Tensor
    labels: Tensor
    groups: Tensor

    @classmethod
    def of(cls, groups: Sequence[Group]) -> Batch:
        """The rows of these groups, in order."""
        rows = [row for group in groups for row in group]
        length = -(-max(len(row.ids) for row in rows) // 8) * 8
        ids = torch.zeros((len(rows), length), dtype=torch.long)
        mask, types = torch.zeros_like(ids), torch.zeros_like(ids)
        spans = torch.full((len(rows), max(1, *(len(row.spans) for row in rows)), 2), -1)
        for number, row in enumerate(rows):
            ids[number, : len(row.ids)] = torch.tensor(row.ids)
            mask[number, : len(row.ids)] = 1
            types[number, : len(row.ids)] = torch.tensor(row.types)
            if row.spans:
                spans[number, : len(row.spans)] = torch.tensor(row.spans)
        places = torch.full((len(groups), max(map(len, groups))), -1)
        first = 0
        for number, group in enumerate(groups):
            places[number, : len(group)] = torch.arange(first, first + len(group))
            first += len(group)
        labels = torch.tensor([row.label for row in rows])
        return cls(ids, mask, types, spans, labels, places)

    def to(self, device: str | torch.device) -> Batch:
        """The same batch on a device."""
        parts = (self.ids, self.mask, self.types, self.spans, self.labels, self.groups)
        return Batch(*(part.to(device, non_blocking=True) for part in parts))

    def rows(self, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``ids, mask, types`` of some rows, as short as these allow."""
        mask = self.mask[chosen]
        length = -(-int(mask.sum(1).max()) // 8) * 8
        return self.ids[chosen, :length], mask[:, :length], self.types[chosen, :length]


class Batches:
    """All batches by number; texts of like length are together, in an order that the seed gives."""

    def __init__(self, options: argparse.Namespace, tokens: Tokens) -> None:
        self._seed = options.seed
        self._size = options.questions
        self._misleading = options.misleading
        self._elsewhere = options.elsewhere
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

    def __getitem__(self, step: int) -> Batch:
        epoch, number = divmod(step, len(self))
        if epoch != self._epoch:
            self._arrange(epoch)
        chosen = self._order[number]
        draw = random.Random(f"{self._seed} {step}")
        groups = [self._group(self._questions[place], draw) for place in chosen]
        return Batch.of([group for group in groups if group])

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
        return len(self._questions[place].passage[1])

    def _group(self, question: Question, draw: random.Random) -> Group:
        chosen = _drawn(question.misleading, self._misleading - 1, draw)
        chosen += _drawn(question.elsewhere, self._elsewhere, draw)
        asked = question.text
        if draw.random() < KEYWORDS:
            question = replace(question, text=keywords(question.text))
        mine = draw.choice((asked, keywords(asked), keywords(asked), self._other(draw)))
        context, text = question.passage
        above = self._headed(context, mine, draw)
        rows = [self.row(question, above, text, question.spans)]
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


def _drawn(others: Sequence[Text], count: int, draw: random.Random) -> list[Text]:
    """So many passages by lot; those found first, which mislead most, before all others."""
    first = list(others[:5])
    chosen = draw.sample(first, min(len(first), count))
    rest = list(others[5:])
    if count > len(chosen) and first and rest and count > 2:
        chosen = draw.sample(first, min(len(first), count - count // 3))
    return chosen + draw.sample(rest, min(len(rest), count - len(chosen)))


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
        if question.misleading and not (source in TUNE and held_out(question.passage[0])):
            yield source, question

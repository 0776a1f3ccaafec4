"""What training reads: questions with the passage they were asked of, and others that mislead."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from index.records import Span

SUFFIX = ".json.gz"
HELD_OUT = 3  # of ten tune articles

Text = tuple[str, str]
"""A passage as the network reads it: context, that is title and headings, and text."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the passage it was asked of; no spans: the passage has no answer.

    ``spans`` are offsets into the passage's text. ``misleading`` are other passages of the corpus
    that a search finds for the question and that do not answer it; ``elsewhere`` are those that it
    finds in a library without the question's article.
    """

    id: str
    text: str
    passage: Text
    spans: tuple[Span, ...]
    answers: tuple[str, ...]
    misleading: tuple[Text, ...] = ()
    elsewhere: tuple[Text, ...] = ()


def write(path: Path, questions: Sequence[Question]) -> None:
    """Write examples to a file; each passage stands in it once."""
    numbers: dict[Text, int] = {}
    lines = []
    for question in questions:
        fields = asdict(question)
        fields["passage"] = numbers.setdefault(question.passage, len(numbers))
        for name in ("misleading", "elsewhere"):
            others = getattr(question, name)
            fields[name] = [numbers.setdefault(other, len(numbers)) for other in others]
        lines.append(fields)
    aside = path.with_suffix(".new")
    with gzip.open(aside, "wt", encoding="utf-8", compresslevel=6) as file:
        json.dump({"passages": list(numbers), "questions": lines}, file, ensure_ascii=False)
    aside.rename(path)


def sources(folder: Path) -> list[str]:
    """The names of the sources that have examples in a folder."""
    return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))


def read(folder: Path, names: Sequence[str] = ()) -> Iterator[tuple[str, Question]]:
    """The examples that ``training.data`` wrote, with the name of their source."""
    for source in sources(folder):
        if names and source not in names:
            continue
        with gzip.open(folder / f"{source}{SUFFIX}", "rt", encoding="utf-8") as file:
            content = json.load(file)
        passages = [(context, text) for context, text in content["passages"]]
        for fields in content["questions"]:
            yield (
                source,
                Question(
                    id=fields["id"],
                    text=fields["text"],
                    passage=passages[fields["passage"]],
                    spans=tuple((start, end) for start, end in fields["spans"]),
                    answers=tuple(fields["answers"]),
                    misleading=tuple(passages[number] for number in fields["misleading"]),
                    elsewhere=tuple(passages[number] for number in fields["elsewhere"]),
                ),
            )


def held_out(title: str) -> bool:
    """Whether an article of the tune split is kept from training, to tune and calibrate with."""
    return hashlib.sha256(title.replace("_", " ").encode()).digest()[0] % 10 < HELD_OUT

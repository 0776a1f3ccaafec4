"""From question-answering files to examples: a question, its passage, and passages that mislead.

Reads files in SQuAD's layout, and a folder in BEIR's layout whose queries carry answers. Passages
that mislead are what our own search finds for the question and what has no gold answer in it.

    python -m training.data --squad FILE [FILE …] --beir FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from index.build import build_documents
from index.encoder import Encoder
from index.evaluate import contains_answer, read_corpus, read_qrels, read_queries
from index.records import Block, Document, Span
from index.search import LONGEST_QUERY, Searcher
from index.store import Store

MISLEADING = 12  # kept for each question; training draws from them
DEPTH = 20
HELD_OUT = 3  # of ten tune articles


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the passage ``text`` it was asked of; no spans: the passage has no answer.

    ``spans`` are offsets into ``text``. ``misleading`` are other passages, ``(context, text)``.
    """

    id: str
    text: str
    context: str
    passage: str
    spans: tuple[Span, ...]
    answers: tuple[str, ...]
    misleading: tuple[tuple[str, str], ...] = ()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.data",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--squad", type=Path, nargs="*", default=[], help="files, plain or .gz")
    parser.add_argument("--beir", type=Path, help="folder; only its tune questions are used")
    parser.add_argument("--out", type=Path, required=True, help="folder for the examples")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    encoder = Encoder(kept=options.out / "models")
    sources = [(path.name.split(".")[0], squad(path)) for path in options.squad]
    if options.beir:
        sources.append((options.beir.name, beir(options.beir)))
    for name, (questions, others) in sources:
        path = options.out / f"{name}.jsonl"
        if path.exists():
            print(f"{path} is there already", file=sys.stderr)
            continue
        found = misled(name, questions, others, encoder)
        random.Random(options.seed).shuffle(found)
        aside = path.with_suffix(".new")
        with aside.open("w", encoding="utf-8") as file:
            for question in found:
                file.write(json.dumps(asdict(question), ensure_ascii=False) + "\n")
        aside.rename(path)
        print(f"{path}: {len(found):,} questions", file=sys.stderr)


def read(folder: Path, names: Sequence[str] = ()) -> Iterator[tuple[str, Question]]:
    """The examples that ``main`` wrote, with the name of their source."""
    for path in sorted(folder.glob("*.jsonl")):
        if names and path.stem not in names:
            continue
        with path.open(encoding="utf-8") as file:
            for line in file:
                fields = json.loads(line)
                for name in ("spans", "misleading"):
                    fields[name] = tuple(tuple(pair) for pair in fields[name])
                fields["answers"] = tuple(fields["answers"])
                yield path.stem, Question(**fields)


def held_out(title: str) -> bool:
    """Whether an article of the tune split is kept from training, to tune and calibrate with."""
    return hashlib.sha256(title.replace("_", " ").encode()).digest()[0] % 10 < HELD_OUT


Source = tuple[list[Question], list[tuple[str, str]]]
"""Questions, and all passages ``(title, text)`` of the corpus they are searched in."""


def squad(path: Path) -> Source:
    """A file in SQuAD's layout; articles whose ``split`` is ``test`` are left out altogether."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    articles = json.loads(content)["data"]
    questions, passages = [], []
    for article in articles:
        if article.get("split") == "test":
            continue
        title = "" if len(articles) == 1 else _title(article["title"])
        for paragraph in article["paragraphs"]:
            raw = paragraph["context"]
            text = raw.strip()
            shift = len(raw) - len(raw.lstrip())
            passages.append((title, text))
            for asked in paragraph["qas"]:
                answers = [] if asked.get("is_impossible") else asked["answers"]
                spans = sorted({_span(answer, shift) for answer in answers})
                spans = [span for span in spans if 0 <= span[0] < span[1] <= len(text)]
                texts = tuple(dict.fromkeys(text[start:end] for start, end in spans))
                if answers and not spans:
                    continue
                question = " ".join(asked["question"].split())[:LONGEST_QUERY]
                if question:
                    questions.append(
                        Question(asked["id"], question, title, text, tuple(spans), texts)
                    )
    return questions, passages


def beir(folder: Path) -> Source:
    """The ``tune`` questions of a folder, and the passages of all articles without a test one."""
    corpus = {line.id: (line.title, line.text.strip()) for line in read_corpus(folder)}
    qrels = read_qrels(folder)
    tested = [query.id for query in read_queries(folder, "test")]
    titles = {corpus[passage][0] for query in tested for passage in qrels.get(query, {})}
    questions = []
    for query in read_queries(folder, "tune"):
        for passage in qrels.get(query.id, {}):
            title, text = corpus[passage]
            spans = sorted(
                {
                    (start, start + len(answer))
                    for answer in query.answers
                    if (start := text.find(answer)) >= 0
                }
            )
            if spans and title not in titles:
                answers = tuple(query.answers)
                questions.append(Question(query.id, query.text, title, text, tuple(spans), answers))
    return questions, [pair for pair in corpus.values() if pair[0] not in titles]


def _span(answer: dict[str, Any], shift: int) -> Span:
    start = int(answer["answer_start"]) - shift
    text = str(answer["text"])
    lead = len(text) - len(text.lstrip())
    return start + lead, start + lead + len(text.strip())


def _title(name: str) -> str:
    """``Amazon_Reviews_12`` says nothing; ``Armenian_Apostolic_Church`` does."""
    return "" if name.startswith("Amazon_Reviews") else name.replace("_", " ")


def misled(
    name: str, questions: list[Question], others: list[tuple[str, str]], encoder: Encoder
) -> list[Question]:
    """The questions with passages that our search finds for them and that do not answer them."""
    documents = (
        Document(str(number), title, text, (Block(0, len(text)),), "training", "")
        for number, (title, text) in enumerate(others)
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        build_documents(documents, store, encoder)
        searcher = Searcher(store.open(), encoder)

        def mislead(question: Question) -> Question:
            found: list[tuple[str, str]] = []
            for hit in searcher.search(question.text, DEPTH):
                text = hit.passage.text
                same = text in question.passage or question.passage in text
                if same or (question.answers and contains_answer(text, question.answers)):
                    continue
                found.append((hit.passage.title, text))
            return replace(question, misleading=tuple(found[:MISLEADING]))

        with ThreadPoolExecutor(8) as pool:
            every = pool.map(mislead, questions)
            return list(tqdm(every, total=len(questions), desc=name, unit=" questions"))


if __name__ == "__main__":
    main()

"""From question-answering files to examples: a question, its passage, and passages that mislead.

Reads files in SQuAD's layout, and a folder in BEIR's layout whose queries carry answers. Passages
that mislead are what our own search finds for the question and what has no gold answer in it: in
the question's own corpus, and in that folder without the question's article.

    python -m training.data --squad FILE [FILE …] --beir FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from index.build import build_documents
from index.encoder import Encoder
from index.evaluate import contains_answer, read_corpus, read_qrels, read_queries
from index.records import Block, Document, Span
from index.search import LONGEST_QUERY, Searcher
from index.store import Store
from training.examples import SUFFIX, Question, Text, write

MISLEADING = 12  # passages kept for each question; training draws from them
ELSEWHERE = 12  # and so many of other articles
DEPTH = 20
DEEP = 60  # hits among which those of other articles than the question's are looked for


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.data",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--squad", type=Path, nargs="*", default=[], help="files, plain or .gz")
    parser.add_argument("--beir", type=Path, help="folder; only its tune questions are used")
    parser.add_argument("--out", type=Path, required=True, help="folder for the examples")
    parser.add_argument(
        "--most",
        nargs="*",
        type=_most,
        default=[],
        metavar="SOURCE=QUESTIONS",
        help="take so many questions of a source, by lot, if it has more",
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    encoder = Encoder(kept=options.out / "models")
    sources = [(path.name.split(".")[0], squad(path)) for path in options.squad]
    library = None
    if options.beir:
        sources.append((options.beir.name, beir(options.beir)))
        library = _searcher(sources[-1][1][1], options.out / "indexes" / "library", encoder)
    for name, (questions, passages) in sources:
        path = options.out / f"{name}{SUFFIX}"
        if path.exists():
            print(f"{path} is there already", file=sys.stderr)
            continue
        own = library
        if own is None or name != options.beir.name:
            own = _searcher(passages, options.out / "indexes" / name, encoder)
        random.Random(options.seed).shuffle(questions)
        found = misled(name, questions[: dict(options.most).get(name)], own, library)
        write(path, found)
        print(f"{path}: {len(found):,} questions", file=sys.stderr)


def _most(text: str) -> tuple[str, int]:
    source, _, most = text.partition("=")
    if not most.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not SOURCE=QUESTIONS, as in reddit_v1=5000")
    return source, int(most)


Source = tuple[list[Question], list[Text]]
"""Questions, and all passages of the corpus they are searched in."""


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
                        Question(asked["id"], question, (title, text), tuple(spans), texts)
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
                questions.append(
                    Question(query.id, query.text, (title, text), tuple(spans), answers)
                )
    return questions, [pair for pair in corpus.values() if pair[0] not in titles]


def _span(answer: dict[str, Any], shift: int) -> Span:
    start = int(answer["answer_start"]) - shift
    text = str(answer["text"])
    lead = len(text) - len(text.lstrip())
    return start + lead, start + lead + len(text.strip())


def _title(name: str) -> str:
    """``Amazon_Reviews_12`` says nothing; ``Armenian_Apostolic_Church`` does."""
    return "" if name.startswith("Amazon_Reviews") else name.replace("_", " ")


def _searcher(passages: Sequence[Text], folder: Path, encoder: Encoder) -> Searcher:
    documents = (
        Document(str(number), title, text, (Block(0, len(text)),), "training", "")
        for number, (title, text) in enumerate(passages)
    )
    store = Store(folder)
    build_documents(documents, store, encoder)
    return Searcher(store.open(), encoder)


def misled(
    name: str, questions: Sequence[Question], own: Searcher, library: Searcher | None
) -> list[Question]:
    """The questions with passages that our search finds for them and that do not answer them.

    ``own`` searches the questions' own corpus, ``library`` another one or the same.
    """

    def found(question: Question, searcher: Searcher, depth: int) -> list[Text]:
        asked = question.passage[1]
        texts = []
        for hit in searcher.search(question.text, depth):
            text = hit.passage.text
            same = text in asked or asked in text
            if not same and not (question.answers and contains_answer(text, question.answers)):
                texts.append((hit.passage.title, text))
        return texts

    def mislead(question: Question) -> Question:
        misleading = found(question, own, DEPTH)[:MISLEADING]
        # What is asked of another corpus has no article in the library that would fill its hits.
        depth = DEEP if library is own else DEPTH
        elsewhere = found(question, library, depth) if library else []
        title = question.passage[0]
        return replace(
            question,
            misleading=tuple(misleading),
            elsewhere=tuple(text for text in elsewhere if text[0] != title)[:ELSEWHERE],
        )

    with ThreadPoolExecutor(3) as pool:
        every = pool.map(mislead, questions)
        return list(tqdm(every, total=len(questions), desc=name, unit=" questions"))


if __name__ == "__main__":
    main()

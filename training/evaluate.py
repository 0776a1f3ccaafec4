"""How well a training run reads so far, on questions that are kept from it.

    python -m training.evaluate --data FOLDER --run FOLDER [--questions 500]

Prints F1 and exact match of the words in the passage that answers, how often that passage is the
most relevant one among those that mislead, and how well passages that answer are told from others.
Says nothing of the whole system: ``benchmarks.quality`` does.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from index.evaluate import auroc, exact_match, f1
from index.extractor import Extractor
from index.records import Passage
from training.batches import TUNE
from training.data import Question, held_out, read
from training.export import export


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--questions", type=int, default=500)
    options = parser.parse_args(arguments)
    kept = [one for _, one in read(options.data, TUNE) if held_out(one.context)]
    chosen = random.Random(0).sample(kept, min(options.questions, len(kept)))
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "reader.safetensors"
        (step,) = export([options.run], weights)
        found = evaluate(Extractor(kept=folder, weights=weights), chosen)
    print(f"step {step:,}, {len(chosen):,} questions")
    for name, value in found.items():
        print(f"{name:<34}{value:.4f}")


def evaluate(reader: Extractor, questions: Sequence[Question]) -> dict[str, float]:
    """Figures by name; each question is read in its own passage and in those that mislead."""
    words, exact, first = [], [], []
    relevances: list[float] = []
    answers: list[bool] = []
    for question in tqdm(questions, "reading", file=sys.stderr, leave=False):
        pairs = [(question.context, question.passage), *question.misleading]
        judgements = reader.read(question.text, [_whole(*pair) for pair in pairs])
        relevances += [judgement.relevance for judgement in judgements]
        answers += [bool(question.answers)] + [False] * len(question.misleading)
        if question.answers:
            span, _ = judgements[0].spans[0]
            words.append(f1(question.passage[slice(*span)], question.answers))
            exact.append(exact_match(question.passage[slice(*span)], question.answers))
            first.append(judgements[0].relevance >= max(one.relevance for one in judgements))
    return {
        "words in the right passage, F1": sum(words) / len(words),
        "words in the right passage, exact": sum(exact) / len(exact),
        "right passage most relevant": sum(first) / len(first),
        "relevance, AUROC": auroc(relevances, answers),
    }


def _whole(context: str, text: str) -> Passage:
    """A text as a passage of one sentence, so that its likeliest words may be anywhere."""
    return Passage("", "", context, (), 1, 0, len(text), text, ((0, len(text)),))


if __name__ == "__main__":
    main()

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
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from index.encoder import packaged_model
from index.evaluate import auroc, exact_match, f1
from index.extractor import Tokens, spans_of
from index.network import ReaderNetwork
from index.records import Passage
from training.batches import TUNE, Batch, Row
from training.examples import Question, held_out, read
from training.train import averaged, scores


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
    kept = [one for _, one in read(options.data, TUNE) if held_out(one.passage[0])]
    chosen = random.Random(0).sample(kept, min(options.questions, len(kept)))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = averaged(options.run).to(device).eval()
    print(f"{len(chosen):,} questions")
    for name, value in evaluate(network, chosen).items():
        print(f"{name:<34}{value:.4f}")


def evaluate(network: ReaderNetwork, questions: Sequence[Question]) -> dict[str, float]:
    """Figures by name; each question is read in its own passage and in those that mislead."""
    tokens = Tokens(packaged_model())
    device = next(network.parameters()).device
    words, exact, first = [], [], []
    relevances: list[float] = []
    answers: list[bool] = []
    for question in tqdm(questions, "reading", file=sys.stderr, leave=False):
        texts = [question.passage, *question.misleading]
        pairs = tokens.pairs(question.text, texts)
        batch = Batch.of([[Row(pair.ids, pair.types, [], 0.0) for pair in pairs]]).to(device)
        with torch.inference_mode():
            relevance, start, end = (each.float().cpu() for each in scores(network, batch))
        relevances += relevance.tolist()
        answers += [bool(question.answers)] + [False] * len(question.misleading)
        if question.answers:
            of_first = (float(relevance[0]), start[0].numpy(), end[0].numpy())
            ((span, _),) = spans_of(_whole(*texts[0]), pairs[0], of_first)
            said = question.passage[1][slice(*span)]
            words.append(f1(said, question.answers))
            exact.append(exact_match(said, question.answers))
            first.append(bool(relevance[0] >= relevance.max()))
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

"""Measure what enters the linear layers of the reader, so that they can be run in eight bits.

    python -m training.limits --data FOLDER [--kept FOLDER]

Asks ``tune`` questions of a folder in BEIR's layout, of articles that the network was trained on,
and has it read what the search finds in these. Prints what eight bits change for other questions,
and the hash that ``index.extractor`` must hold.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.beir import open_searcher
from index.eight_bits import in_eight_bits
from index.encoder import packaged_model, sha256_of
from index.evaluate import Query, read_qrels, read_queries
from index.extractor import LIMITS, WEIGHTS, Pair, Tokens, filled
from index.network import ReaderNetwork
from index.passages import context_of
from index.search import CANDIDATES, Searcher
from training.examples import held_out

MEASURED, CHECKED = 100, 100  # questions
READ = 3  # passages of each
BATCH = 8

EVEN = 0.7
"""How much of what channels differ by is taken from what enters a layer; the rest of it is taken
from the layer's weights. Of those tried, up to 1, none changes relevance clearly less."""

EVEN_WIDE = 0.9
"""The same for the layers that make few channels of many."""

LEFT_OUT = re.compile(r"\.layer\.[012]\.output\.")
"""Layers that stay as they are: single numbers that enter them are so large that the others would
lose what they say. They are a sixth of the work, and most of the error."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.limits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks"))
    parser.add_argument("--out", type=Path, default=LIMITS, help="file of limits")
    options = parser.parse_args(arguments)
    searcher = open_searcher(options.data, options.kept)
    seen, others, titles = _questions(options.data, searcher)
    network = ReaderNetwork(packaged_model()).eval()
    network.load_state_dict(
        {name: tensor.float() for name, tensor in load_file(WEIGHTS).items()}, strict=False
    )
    limits = measured(network, list(_pairs(searcher, seen, titles)))
    save_file({name: tensor.contiguous() for name, tensor in limits.items()}, options.out)
    pairs = list(_pairs(searcher, others))
    before, after = outputs(network, pairs), outputs(in_eight_bits(network, limits), pairs)
    print(f"{len(limits) // 2} layers; {len(pairs)} passages for {len(others)} other questions:")
    print(f"relevance moves by {_moved(before, after):.3f} (root mean square of logits)")
    print(f"the same words in {_same(before, after):.3f} of the passages")
    print(f"{options.out}: {options.out.stat().st_size:,} bytes, SHA-256 {sha256_of(options.out)}")


def measured(network: ReaderNetwork, pairs: Sequence[Pair]) -> dict[str, Tensor]:
    """Divisors and limits of each layer, as ``index.eight_bits`` takes them."""
    layers = {
        name: layer
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear)
        and name.startswith("encoder.")
        and not LEFT_OUT.search(name)
    }
    entered: dict[str, list[Tensor]] = {name: [] for name in layers}

    def watch(name: str) -> Any:
        return lambda _, inputs: entered[name].append(inputs[0].flatten(0, 1))

    hooks = [layer.register_forward_pre_hook(watch(name)) for name, layer in layers.items()]
    with torch.inference_mode():
        for ids, mask, types in _batches(pairs):
            network(ids, mask, types)
            for each in entered.values():  # what is filled up with says nothing
                each[-1] = each[-1][mask.flatten().bool()]
    for hook in hooks:
        hook.remove()
    found: dict[str, Tensor] = {}
    for name, layer in layers.items():
        states = torch.cat(entered[name])
        even = EVEN if layer.in_features <= layer.out_features else EVEN_WIDE
        largest = states.abs().amax(0).clamp(min=1e-2)
        heaviest = layer.weight.detach().abs().amax(0).clamp(min=1e-3)
        divisors = largest**even / heaviest ** (1 - even)
        divisors = divisors / divisors.log().mean().exp()
        states = states / divisors
        limits = torch.stack([states.min().clamp(max=0), states.max().clamp(min=0)])
        found |= {f"{name}.divisors": divisors, f"{name}.limits": limits}
    return found


def outputs(network: ReaderNetwork, pairs: Sequence[Pair]) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Relevance, and scores of starts and ends, of each batch of pairs."""
    with torch.inference_mode():
        return [network(*batch) for batch in _batches(pairs)]


def _batches(pairs: Sequence[Pair]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    ordered = sorted(pairs, key=lambda pair: len(pair.ids))
    for first in range(0, len(ordered), BATCH):
        ids, types, mask = map(torch.from_numpy, filled(ordered[first : first + BATCH]))
        yield ids, mask, types


def _questions(data: Path, searcher: Searcher) -> tuple[list[Query], list[Query], set[str]]:
    """Some of articles that the network was trained on, some of others, and the former's titles."""
    qrels = read_qrels(data, "tune")
    title = {one.id: one.title for one in searcher.snapshot.table.documents()}
    kinds: dict[bool, list[Query]] = {True: [], False: []}
    trained: set[str] = set()
    for query in read_queries(data, "tune"):
        titles = {title[item] for item in qrels.get(query.id, ()) if item in title}
        if titles:
            kept_back = any(map(held_out, titles))
            kinds[kept_back].append(query)
            trained |= set() if kept_back else titles
    draw = random.Random(0)
    seen, others = kinds[False], kinds[True]
    if not (seen and others):
        raise SystemExit(f"'{data}' needs 'tune' questions of articles trained on, and of others.")
    return (
        draw.sample(seen, min(MEASURED, len(seen))),
        draw.sample(others, min(CHECKED, len(others))),
        trained,
    )


def _pairs(
    searcher: Searcher, queries: Sequence[Query], titles: Container[str] | None = None
) -> Iterator[Pair]:
    """Each question with the first passages that the search finds in some articles or in all."""
    tokens = Tokens(packaged_model())
    for query in queries:
        passages = [hit.passage for hit in searcher.search(query.text, CANDIDATES)]
        read = [passage for passage in passages if titles is None or passage.title in titles][:READ]
        contexts = [context_of(passage.title, passage.headings) for passage in read]
        texts = [passage.text for passage in read]
        yield from tokens.pairs(query.text, list(zip(contexts, texts, strict=True)))


def _moved(before: Sequence[tuple[Tensor, ...]], after: Sequence[tuple[Tensor, ...]]) -> float:
    apart = [one[0] - other[0] for one, other in zip(before, after, strict=True)]
    return float(torch.cat(apart).square().mean().sqrt())


def _same(before: Sequence[tuple[Tensor, ...]], after: Sequence[tuple[Tensor, ...]]) -> float:
    same = [
        (one[1].argmax(1) == other[1].argmax(1)) & (one[2].argmax(1) == other[2].argmax(1))
        for one, other in zip(before, after, strict=True)
    ]
    return float(torch.cat(same).float().mean())


if __name__ == "__main__":
    main()

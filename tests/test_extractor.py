"""The reader's network: the words it marks, its two ways of running, and damaged weights."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from index import extractor as module
from index.eight_bits import EightBits, in_eight_bits
from index.encoder import packaged_model
from index.errors import ModelError
from index.extractor import (
    CONTEXT,
    CONVERSION,
    EIGHT_BITS,
    LONGEST,
    QUESTION,
    CrossEncoder,
    Extractor,
    Pair,
    Tokens,
    spans_of,
    whole_words,
)
from index.records import Passage

TEXT = "The ferry to Sandholm leaves at nine. It carries forty cars and two hundred people."
SPANS = ((0, 37), (38, 83))


def a_passage(text: str = TEXT, title: str = "Ferries", spans: tuple = SPANS) -> Passage:
    return Passage("p", "d", title, ("Timetable",), 1, 0, len(text), text, spans)


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens(packaged_model())


class TestTokens:
    def test_offsets_are_into_the_text(self, tokens: Tokens) -> None:
        (pair,) = tokens.pairs("When?", [("Ferries › Timetable", TEXT)])
        words = [TEXT[start:end] for start, end in pair.offsets if start >= 0]
        assert "".join(words).replace(" ", "") == TEXT.replace(" ", "")
        assert len(pair.offsets) == len(pair.ids) - pair.begin - 1
        assert {pair.types[pair.begin + n] for n in range(len(pair.offsets))} == {1}

    def test_no_part_crowds_out_the_others(self, tokens: Tokens) -> None:
        (pair,) = tokens.pairs("why " * 300, [("above " * 300, "text " * 300)])
        assert len(pair.ids) == LONGEST
        assert pair.begin == QUESTION + 2
        assert [start for start, _ in pair.offsets].count(-1) == CONTEXT

    @given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=200))
    def test_any_text_makes_a_pair(self, query: str, context: str, text: str) -> None:
        (pair,) = Tokens(packaged_model()).pairs(query, [(context, text)])
        assert len(pair.ids) == len(pair.types) <= LONGEST
        assert all(0 <= start <= end <= len(text) for start, end in pair.offsets if start >= 0)


class TestSpans:
    def scores(self, pair: Pair, first: int, last: int, no: float = 0.0) -> tuple:
        start, end = np.full((2, len(pair.ids)), -5.0, np.float32)
        start[0] = end[0] = no
        start[first], end[last] = 4.0, 3.0
        return 1.0, start, end

    def token(self, pair: Pair, word: str) -> int:
        return pair.begin + [TEXT[a:b] if a >= 0 else "" for a, b in pair.offsets].index(word)

    def test_each_sentence_has_its_likeliest_words(self, tokens: Tokens) -> None:
        (pair,) = tokens.pairs("How many?", [("Ferries", TEXT)])
        scores = self.scores(pair, self.token(pair, "forty"), self.token(pair, "cars"), no=0.5)
        (_, low), ((start, end), high) = spans_of(a_passage(), pair, scores)
        assert TEXT[start:end] == "forty cars"
        assert high == pytest.approx(4 + 3 - 2 * 0.5)
        assert low == pytest.approx(-5 - 5 - 2 * 0.5)

    def test_words_never_reach_from_one_sentence_into_another(self, tokens: Tokens) -> None:
        (pair,) = tokens.pairs("How many?", [("Ferries", TEXT)])
        scores = self.scores(pair, self.token(pair, "nine"), self.token(pair, "forty"))
        for (start, end), (first, last) in zip(
            [span for span, _ in spans_of(a_passage(), pair, scores)], SPANS, strict=True
        ):
            assert first <= start < end <= last

    def test_the_end_never_comes_before_the_beginning(self, tokens: Tokens) -> None:
        (pair,) = tokens.pairs("How many?", [("Ferries", TEXT)])
        scores = self.scores(pair, self.token(pair, "people"), self.token(pair, "forty"))
        for (start, end), _ in spans_of(a_passage(), pair, scores):
            assert start < end

    def test_a_sentence_past_what_is_seen_is_as_unlikely_as_can_be(self, tokens: Tokens) -> None:
        text = "word " * 500 + "end."
        passage = a_passage(text, spans=((0, 20), (2490, 2504)))
        (pair,) = tokens.pairs("When?", [("", text)])
        (_, seen), (unseen, low) = spans_of(
            passage, pair, self.scores(pair, pair.begin, pair.begin + 1)
        )
        assert unseen == (2490, 2504)
        assert low < seen

    def test_parts_of_words_are_widened(self) -> None:
        text = "It cost $1,200 in Århus, ok."
        at = text.index("rhus")
        assert whole_words(text, (at, at + 2), (0, len(text))) == (at - 1, at + 4)
        assert whole_words(text, (at, at + 2), (at, at + 3)) == (at, at + 3)
        assert whole_words(text, (0, 2), (0, len(text))) == (0, 2)


class TestReading:
    def test_it_finds_the_words_and_knows_the_passage(self, extractor: Extractor) -> None:
        other = a_passage("Copper conducts heat better than iron.", "Metals", ((0, 38),))
        found = extractor.read("When does the ferry to Sandholm leave?", [other, a_passage()])
        assert found[1].relevance > found[0].relevance + 2
        (start, end), margin = found[1].spans[0]
        assert "nine" in TEXT[start:end]
        assert margin > found[1].spans[1][1]
        assert margin > found[0].spans[0][1]

    def test_torch_and_the_converted_network_agree(self, extractor: Extractor) -> None:
        passages = [a_passage(), a_passage("It rains.", "", ((0, 9),)), a_passage(TEXT * 9)]
        fast = extractor.read("How many cars does it carry?", passages)
        slow = Extractor().read("How many cars does it carry?", passages)
        for one, other in zip(fast, slow, strict=True):
            assert one.relevance == pytest.approx(other.relevance, abs=0.6)
        assert fast[0].spans[1][0] == slow[0].spans[1][0]

    def test_nothing_to_read_is_nothing_read(self, extractor: Extractor) -> None:
        assert extractor.read("When?", []) == []

    @pytest.mark.parametrize("query", ["🦉", "؟متى", "x" * 1000, "why " * 250, "\x00"])
    def test_odd_questions_are_read(self, extractor: Extractor, query: str) -> None:
        passages = [
            a_passage(),
            a_passage("🦉🦉", "", ((0, 2),)),
            a_passage("שלום.", "", ((0, 5),)),
        ]
        found = extractor.read(query, passages)
        assert [len(one.spans) for one in found] == [2, 1, 1]
        assert all(np.isfinite(one.relevance) for one in found)

    def test_threads_may_share_it(self, extractor: Extractor) -> None:
        alone = extractor.read("When does it leave?", [a_passage()] * 3)
        found: list = []
        threads = [
            threading.Thread(
                target=lambda: found.append(
                    extractor.read("When does it leave?", [a_passage()] * 3)
                )
            )
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [alone] * 12


class TestEightBits:
    def made_in(self, kept: Path) -> list[str]:
        """How the network was converted."""
        return sorted(path.parent.name.partition("-")[2] for path in kept.glob("*/model.xml"))

    @pytest.mark.parametrize(("quick", "made"), [(True, EIGHT_BITS), (False, CONVERSION)])
    def test_it_is_run_so_where_the_processor_is_quicker(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: bool, made: str
    ) -> None:
        monkeypatch.setattr(module, "quick_in_eight_bits", lambda: quick)
        query, passages = "How many cars does it carry?", [a_passage(), a_passage(TEXT * 9)]
        found = Extractor(kept=tmp_path).read(query, passages)
        assert self.made_in(tmp_path) == [made]
        for one, other in zip(found, Extractor().read(query, passages), strict=True):
            assert one.relevance == pytest.approx(other.relevance, abs=1)
            assert one.spans[1][0] == other.spans[1][0]

    def test_where_they_say_something_else_more_bits_are_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(module, "quick_in_eight_bits", lambda: True)
        monkeypatch.setattr(module, "LIKE_RELEVANCE", 0.0)
        with caplog.at_level(logging.WARNING, "passages"):
            assert len(Extractor(kept=tmp_path).read("When?", [a_passage()])) == 1
        assert self.made_in(tmp_path) == [CONVERSION]
        assert "with more than eight bits: the OpenVINO one differs" in caplog.text

    def test_layers_without_limits_stay_as_they_are(self) -> None:
        network = module._Torch(module.WEIGHTS)._network
        limits = load_file(module.LIMITS)
        changed = in_eight_bits(network, limits)
        kinds = {name: type(layer) for name, layer in changed.named_modules()}
        names = {key.rpartition(".")[0] for key in limits}
        assert {name for name, kind in kinds.items() if kind is EightBits} == names
        assert nn.Linear in kinds.values()
        assert not any(isinstance(layer, EightBits) for layer in network.modules())

    def test_a_layer_computes_with_whole_numbers(self) -> None:
        torch.manual_seed(0)
        layer, states = nn.Linear(16, 4), 5 * torch.randn(50, 16) + 1
        divisors = torch.rand(16) + 0.5
        even = (states / divisors).numpy()
        least, most = even.min(), even.max()
        step = (most - least) / 255
        zero = round(-least / step)
        entering = np.clip(np.rint(even / step) + zero, 0, 255) - zero
        weights = (layer.weight * divisors).detach().numpy()
        steps = np.abs(weights).max(1, keepdims=True) / 127
        whole = entering @ np.rint(weights / steps).T
        expected = whole * step * steps.T + layer.bias.detach().numpy()
        with torch.no_grad():
            found = EightBits(layer, divisors, torch.tensor([least, most]))(states).numpy()
            before = layer(states).numpy()
        assert found == pytest.approx(expected, abs=1e-3)
        assert 0.001 < np.abs(found - before).max() < 0.3

    @pytest.mark.parametrize(("content", "told"), [(None, "missing"), (b"{}", "hash differs")])
    def test_limits_that_are_not_what_they_should_be_are_an_error(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        content: bytes | None,
        told: str,
    ) -> None:
        monkeypatch.setattr(module, "quick_in_eight_bits", lambda: True)
        monkeypatch.setattr(module, "LIMITS", tmp_path / "limits")
        if content is not None:
            (tmp_path / "limits").write_bytes(content)
        with pytest.raises(ModelError, match=told):
            Extractor(kept=tmp_path).read("When?", [a_passage()])


class TestWeights:
    def test_missing_ones_are_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="missing"):
            Extractor(weights=tmp_path / "none").read("When?", [a_passage()])

    def test_damaged_ones_are_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        damaged = tmp_path / "reader.safetensors"
        damaged.write_bytes(module.WEIGHTS.read_bytes()[:-1] + b"\0")
        monkeypatch.setattr(module, "WEIGHTS", damaged)
        with pytest.raises(ModelError, match="hash differs"):
            Extractor(weights=damaged).read("When?", [a_passage()])

    def test_a_network_that_differs_when_converted_is_run_by_torch(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(module, "_difference", lambda *arguments, **more: "another relevance")
        reader = Extractor(kept=tmp_path)
        with caplog.at_level(logging.WARNING, "passages"):
            assert len(reader.read("When?", [a_passage()])) == 1
        assert list(tmp_path.glob("*/model.xml")) == []
        assert "with torch: the OpenVINO one differs (another relevance)" in caplog.text
        with pytest.raises(ModelError, match="OpenVINO"):
            Extractor(kept=tmp_path, engine="openvino").read("When?", [a_passage()])


class TestCrossEncoder:
    def test_any_from_a_folder_tells_relevance(self, tmp_path: Path) -> None:
        from sentence_transformers import CrossEncoder as Model

        Model(str(packaged_model()), num_labels=1, local_files_only=True).save(str(tmp_path))
        (one, two) = CrossEncoder(str(tmp_path)).read("When?", [a_passage(), a_passage("No.")])
        assert one.spans == two.spans == ()
        assert np.isfinite([one.relevance, two.relevance]).all()

    def test_an_unknown_one_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="no cross-encoder in the folder"):
            CrossEncoder(str(tmp_path / "none")).read("When?", [a_passage()])

"""How sure an answer is said to be, and how that is fitted and kept."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_reader import SPANS, a_hit

from index.confidence import (
    ALONE,
    READ,
    Calibration,
    confidence,
    coverage,
    expected_error,
    features,
    load,
    probability,
    refitted,
    reliability,
    save,
    shipped,
)
from index.errors import SettingsError
from index.reader import Reading

PLAIN = Reading(a_hit(dense=0.3), SPANS[0], 9.0, meaning=0.6, shared=0.25)
FOUND = Reading(
    a_hit(dense=0.3), SPANS[0], 9.0, meaning=0.6, shared=0.25, words=(0, 6), margin=4, relevance=2
)


class TestConfidence:
    def test_it_is_the_logistic_of_the_weighted_features(self) -> None:
        calibration = Calibration("", {"meaning": 2, "shared": 3, "dense": -1, "gap": 9}, -0.5)
        assert features([PLAIN]) == {"meaning": 0.6, "shared": 0.25, "dense": 0.3, "gap": 0}
        logit = 2 * 0.6 + 3 * 0.25 - 0.3 - 0.5
        assert confidence([PLAIN], calibration) == pytest.approx(1 / (1 + math.exp(-logit)))

    def test_what_was_read_counts_where_words_were_found(self) -> None:
        found = features([FOUND, PLAIN])
        assert (found["margin"], found["relevance"]) == (4, 2)
        assert shipped("passages") is READ
        assert shipped("") == ALONE
        assert shipped("another") == replace(ALONE, reader="another")

    def test_the_gap_is_to_the_best_sentence_of_another_passage(self) -> None:
        beside = replace(PLAIN, score=PLAIN.score - 1)
        other = replace(PLAIN, score=PLAIN.score - 3, hit=replace(PLAIN.hit, row=PLAIN.hit.row + 1))
        assert features([PLAIN, beside, other])["gap"] == pytest.approx(3)
        assert features([PLAIN, beside])["gap"] == 0

    def test_nothing_read_is_no_confidence(self) -> None:
        assert confidence([], ALONE) == 0

    @given(st.floats(-1, 1), st.floats(0, 1), st.floats(-1, 1), st.floats(-40, 40))
    def test_it_is_a_probability(
        self, meaning: float, shared: float, dense: float, margin: float
    ) -> None:
        found = {"meaning": meaning, "shared": shared, "dense": dense, "margin": margin}
        assert 0 < probability(found, ALONE) < 1
        assert 0 <= probability(found, READ) <= 1

    @given(st.floats(-1, 0.9), st.floats(0, 0.9), st.floats(-1, 1))
    def test_more_meaning_and_more_words_make_it_surer(
        self, meaning: float, shared: float, dense: float
    ) -> None:
        def sure(meaning: float, shared: float) -> float:
            return probability({"meaning": meaning, "shared": shared, "dense": dense}, ALONE)

        assert sure(meaning + 0.1, shared) > sure(meaning, shared)
        assert sure(meaning, shared + 0.1) > sure(meaning, shared)

    @given(st.floats(-20, 19), st.floats(0, 9))
    def test_likelier_words_and_a_wider_gap_make_it_surer(self, margin: float, gap: float) -> None:
        def sure(margin: float, gap: float) -> float:
            return probability({"margin": margin, "gap": gap}, READ)

        assert sure(margin + 1, gap) > sure(margin, gap)
        assert sure(margin, gap + 1) > sure(margin, gap)

    @pytest.mark.parametrize("calibration", [ALONE, READ])
    def test_the_words_for_it_begin_in_order(self, calibration: Calibration) -> None:
        assert 0 < calibration.weak < calibration.partial < calibration.strong < 1


class TestRefitting:
    def said_and_true(self, count: int = 4000) -> tuple[list[float], list[bool]]:
        """Logits that are twice as sure as they should be, and one too high."""
        draw = random.Random(3)
        logits = [draw.gauss(0, 1.5) for _ in range(count)]
        right = [draw.random() < 1 / (1 + math.exp(-logit)) for logit in logits]
        return [1 / (1 + math.exp(-(2 * logit + 1))) for logit in logits], right

    def test_it_finds_how_far_off_the_probabilities_were(self) -> None:
        said, right = self.said_and_true()
        before = Calibration("", {"margin": 2.0}, 1.0)
        fitted, now = refitted(before, said, right)
        assert fitted.weights["margin"] == pytest.approx(1, abs=0.12)
        assert fitted.bias == pytest.approx(0, abs=0.12)
        assert expected_error(now, right) < 0.03 < expected_error(said, right)
        assert now[0] == pytest.approx(
            probability({"margin": (math.log(said[0] / (1 - said[0])) - 1) / 2}, fitted)
        )

    def test_few_questions_move_it_little(self) -> None:
        before = Calibration("", {"margin": 1.0}, 0.0)
        said = [0.2, 0.4, 0.6, 0.8]
        fitted, now = refitted(before, said, [False, False, True, True])
        assert 1 < fitted.weights["margin"] < 2
        assert all(abs(new - old) < 0.15 for new, old in zip(now, said, strict=True))

    def test_certainty_that_was_wrong_is_survived(self) -> None:
        fitted, now = refitted(READ, [0.0, 1.0, 1.0, 0.0], [True, False, False, True])
        assert all(math.isfinite(weight) for weight in fitted.weights.values())
        assert all(0 < one < 1 for one in now)


class TestFigures:
    def test_the_error_is_what_was_said_less_what_came_true(self) -> None:
        assert expected_error([0.85] * 4, [True, True, True, False]) == pytest.approx(0.10)
        assert expected_error([0.0, 1.0], [False, True]) == 0

    def test_the_error_weighs_bins_by_their_size(self) -> None:
        said = [0.05] * 3 + [0.95]
        assert expected_error(said, [False] * 4) == pytest.approx(0.75 * 0.05 + 0.25 * 0.95)

    def test_reliability_leaves_empty_bins_out(self) -> None:
        rows = reliability([0.11, 0.13, 0.77], [True, False, True])
        assert [row["right"] for row in rows] == [0.5, 1.0]
        assert [row["share"] for row in rows] == pytest.approx([2 / 3, 1 / 3])

    def test_coverage_grows_as_the_threshold_falls(self) -> None:
        assert coverage([0.2, 0.9, 0.6], [False, True, True]) == [
            (0.9, pytest.approx(1 / 3), 1.0),
            (0.6, pytest.approx(2 / 3), 1.0),
            (0.2, 1.0, pytest.approx(2 / 3)),
        ]


class TestKeeping:
    def test_what_is_written_is_read_again(self, tmp_path: Path) -> None:
        calibration = Calibration("passages", {"margin": 0.25}, -1.5, 0.8, 0.6, 0.3, "abc")
        path = tmp_path / "calibration.json"
        save(calibration, path, questions=60)
        assert load(path) == calibration
        assert [one.name for one in tmp_path.iterdir()] == ["calibration.json"]

    @pytest.mark.parametrize(
        "content", ["", "{", "[]", "{}", '{"reader": "", "weights": {"margin": "x"}}', "\ud800"]
    )
    def test_what_cannot_be_read_is_an_error_that_says_what_to_do(
        self, tmp_path: Path, content: str
    ) -> None:
        path = tmp_path / "calibration.json"
        path.write_bytes(content.encode("utf-8", "surrogatepass"))
        with pytest.raises(SettingsError, match="--calibrate"):
            load(path)

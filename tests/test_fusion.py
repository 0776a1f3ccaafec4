"""How evidence becomes one score, reckoned by hand."""

from __future__ import annotations

import numpy as np
import pytest

from index.fusion import WORDED, Weights, combine, reciprocal_rank_fusion


def numbers(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


class TestCombine:
    def test_it_is_the_weighted_sum_with_bm25_brought_to_scale(self) -> None:
        weights = Weights(dense=0.2, sentence=0.3, lexical=0.5, lexical_scale=10)
        combined = combine(numbers(0.5, -0.1), numbers(0.9, 0.4), numbers(8, 0), 0.0, weights)
        # 0.2 · 0.5 + 0.3 · 0.9 + 0.5 · 0.8 and 0.2 · -0.1 + 0.3 · 0.4
        assert combined == pytest.approx([0.77, 0.10])

    @pytest.mark.parametrize(
        ("weights", "expected"),
        [
            (Weights(1, 0, 0), [0.5, 0.7]),
            (Weights(0, 1, 0), [0.9, 0.4]),
            (Weights(0, 0, 1, lexical_scale=4), [2, 0.75]),
            (Weights(0, 0, 0, 1), [1, 1]),
        ],
    )
    def test_evidence_without_weight_does_not_count(
        self, weights: Weights, expected: list[float]
    ) -> None:
        combined = combine(
            numbers(0.5, 0.7), numbers(0.9, 0.4), numbers(8, 3), numbers(1, 1), weights
        )
        assert combined == pytest.approx(expected)

    @pytest.mark.parametrize("weights", [Weights(), WORDED])
    def test_the_shares_add_up_to_one(self, weights: Weights) -> None:
        bm25 = numbers(weights.lexical_scale)
        full = combine(numbers(1), numbers(1), bm25, numbers(1), weights)
        assert full == pytest.approx([1])

    def test_nothing_to_combine_is_nothing(self) -> None:
        assert combine(numbers(), numbers(), numbers(), numbers(), Weights()).shape == (0,)

    def test_no_evidence_at_all_scores_zero(self) -> None:
        zeros = np.zeros(3, np.float32)
        assert combine(zeros, zeros, zeros, zeros, WORDED).tolist() == [0, 0, 0]


class TestReciprocalRankFusion:
    def test_it_is_the_sum_of_one_over_k_plus_rank(self) -> None:
        fused = reciprocal_rank_fusion([[7, 3, 9], [3, 8]])
        assert fused == pytest.approx({7: 1 / 61, 3: 1 / 62 + 1 / 61, 9: 1 / 63, 8: 1 / 62})

    def test_a_row_that_both_rankings_have_beats_the_first_of_one(self) -> None:
        fused = reciprocal_rank_fusion([[1, 2], [3, 2]])
        assert max(fused, key=lambda row: fused[row]) == 2

    def test_a_small_k_favours_the_first_rank(self) -> None:
        fused = reciprocal_rank_fusion([[1, 2], [3, 2]], k=0)
        assert fused == pytest.approx({1: 1, 2: 1 / 2 + 1 / 2, 3: 1})

    @pytest.mark.parametrize("rankings", [[], [[]], [[], []]])
    def test_nothing_ranked_is_nothing(self, rankings: list[list[int]]) -> None:
        assert reciprocal_rank_fusion(rankings) == {}

    def test_an_empty_ranking_changes_nothing(self) -> None:
        assert reciprocal_rank_fusion([[4, 5], []]) == reciprocal_rank_fusion([[4, 5]])

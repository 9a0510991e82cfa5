from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.measures.context import LengthHistogram, choose_context

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=80).map(np.array)
context = st.integers(1, 70)


@given(lengths, context)
def test_every_share_equals_its_definition_prompt_by_prompt(t, length):
    histogram = LengthHistogram.of(t)
    kept = np.minimum(t, length)
    assert histogram.prompts == len(t)
    assert histogram.tokens == t.sum()
    assert histogram.mean == pytest.approx(t.mean())
    assert histogram.maximum == t.max()
    assert histogram.density(length) == pytest.approx(np.mean(kept / length))
    assert histogram.padding(length) == pytest.approx(1 - np.mean(kept / length))
    assert histogram.quadratic_padding(length) == pytest.approx(1 - np.mean(kept**2 / length**2))
    assert histogram.truncation(length) == pytest.approx(np.mean(t > length))
    assert histogram.token_loss(length) == pytest.approx(np.maximum(t - length, 0).sum() / t.sum())
    assert histogram.reach(length) == pytest.approx(np.mean(t > length))


@given(lengths, st.floats(0.1, 100))
def test_percentile_is_the_smallest_length_that_covers_the_share(t, q):
    value = LengthHistogram.of(t).percentile(q)
    assert np.mean(t <= value) * 100 >= q - 1e-9
    assert value == t.min() or np.mean(t <= value - 1) * 100 < q + 1e-9
    assert LengthHistogram.of(t).percentile(50) == int(np.percentile(t, 50, method="inverted_cdf"))


@given(lengths, lengths)
def test_two_parts_add_up_to_the_whole(a, b):
    whole = LengthHistogram.of(np.concatenate([a, b]))
    for total in (LengthHistogram.of(a) + LengthHistogram.of(b),
                  LengthHistogram.of(b) + LengthHistogram.of(a)):  # fmt: skip
        np.testing.assert_array_equal(total.counts, whole.counts)


@given(lengths)
def test_pairs_of_tokens_and_prompts_give_the_histogram_back(t):
    histogram = LengthHistogram.of(t)
    pairs = [(int(k), int(histogram.counts[k])) for k in np.flatnonzero(histogram.counts)]
    np.testing.assert_array_equal(LengthHistogram.from_pairs(pairs).counts, histogram.counts)


@given(lengths, context)
def test_token_loss_follows_from_density_and_mean(t, length):
    # The identity that the ledger holds the paper's Table 1 against.
    histogram = LengthHistogram.of(t)
    implied = 1 - length * histogram.density(length) / histogram.mean
    assert histogram.token_loss(length) == pytest.approx(implied, abs=1e-12)


def test_known_answer():
    histogram = LengthHistogram.of(np.array([4, 4, 12]))
    assert histogram.density(8) == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert histogram.quadratic_padding(8) == pytest.approx(1 - (0.25 + 0.25 + 1) / 3)
    assert histogram.truncation(8) == pytest.approx(1 / 3)
    assert histogram.token_loss(8) == pytest.approx(4 / 20)


@given(st.lists(lengths, min_size=1, max_size=4), st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.5]))
def test_the_choice_is_the_smallest_length_within_the_bound(parts, bound):
    groups = {str(at): LengthHistogram.of(part) for at, part in enumerate(parts)}
    combined = LengthHistogram.of(np.concatenate(parts))
    choice = choose_context(combined, groups, bound)
    everyone = [combined, *groups.values()]
    assert all(h.token_loss(choice.length) <= bound for h in everyone)
    if choice.length > 1:
        assert any(h.token_loss(choice.length - 1) > bound for h in everyone)
        assert choice.worst_loss_before == max(h.token_loss(choice.length - 1) for h in everyone)
    assert choice.combined_loss == combined.token_loss(choice.length)

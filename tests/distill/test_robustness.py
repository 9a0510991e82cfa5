"""The simulated attention against plain loops, limits that are known, and the paper's ratio."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill import robustness
from distill.metrics.robustness import PublishedRatio, SimulatedAttention
from distill.robustness import Attended, attenuation, noisy, published, softmax, study
from tests.distill.evaluation.arrays import cloud, held

SHA = "0" * 64


def directions(rows, width, seed):
    found = np.random.default_rng(seed).standard_normal((rows, width))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def attended(queries, keys=40, width=24):
    return Attended(queries, directions(keys, width, 1), directions(keys, width, 2))


def perturbed(level, keys=40, width=24, rows=50):
    clean = np.random.default_rng(3).standard_normal((rows, width))
    moved = noisy(clean, level, np.random.default_rng(4))
    return attended(clean, keys, width), attended(moved, keys, width)


def test_every_number_is_that_of_a_plain_loop():
    clean, moved = perturbed(0.4, keys=7, width=5, rows=3)
    sharp = 2.5
    (found,) = attenuation(clean, moved, [sharp], error=0.4)

    def centred(query, keys):
        dots = [sum(a * b for a, b in zip(query, key, strict=True)) for key in keys]
        return [dot - sum(dots) / len(dots) for dot in dots]

    def norm(values):
        return math.sqrt(sum(v * v for v in values))

    rows = [[centred(q, side.keys) for q in side.queries] for side in (clean, moved)]
    scale = math.sqrt(sum(v * v for row in rows[0] for v in row) / 21)
    logits, weights, top, outputs, squares = [], [], [], [], []
    for one, other in zip(*rows, strict=True):
        logits.append(norm([b - a for a, b in zip(one, other, strict=True)]) / norm(one))
        shares = []
        for row in (one, other):
            powers = [math.exp(sharp * v / scale) for v in row]
            shares.append([p / sum(powers) for p in powers])
        weights.append(sum(abs(a - b) for a, b in zip(*shares, strict=True)) / 2)
        top.append(one.index(max(one)) == other.index(max(other)))
        a, b = (
            [sum(w * v[d] for w, v in zip(share, clean.values, strict=True)) for d in range(5)]
            for share in shares
        )
        outputs.append(norm([y - x for x, y in zip(a, b, strict=True)]) / norm(a))
        squares += [(y - x) ** 2 for x, y in zip(a, b, strict=True)]
    expected = {
        "logits": sum(logits) / 3,
        "weights": sum(weights) / 3,
        "top_kept": sum(top) / 3,
        "output": sum(outputs) / 3,
        "output_absolute": math.sqrt(sum(squares) / len(squares)),
    }
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-3), name  # four digits kept
    assert found.factor == pytest.approx(0.4 / found.output)
    assert found.mixed == pytest.approx(found.logits / found.output_absolute)


def test_no_noise_no_error():
    clean, _ = perturbed(0.0)
    for row in attenuation(clean, clean, [0.1, 1, 10], error=0.0):
        assert row.output == row.output_absolute == row.logits == row.weights == 0
        assert row.top_kept == 1 and row.factor is None and row.mixed is None


@given(st.floats(0.01, 2), st.integers(0, 9))
def test_noise_has_the_relative_error_that_it_is_asked_for(level, seed):
    tokens = cloud(6, 5, seed).astype(np.float64)
    moved = noisy(tokens, level, np.random.default_rng(seed))
    errors = np.linalg.norm(moved - tokens, axis=1) / np.linalg.norm(tokens, axis=1)
    assert np.allclose(errors, level)


def test_random_keys_hand_the_relative_error_on_to_the_logits():
    clean, moved = perturbed(0.3, keys=3000, width=24, rows=100)
    assert attenuation(clean, moved, [1.0], error=0.3)[0].logits == pytest.approx(0.3, rel=0.02)


def test_a_soft_attention_makes_any_factor():
    """Of many keys and large T the output's relative error is the logits' over T: T makes it."""
    clean, moved = perturbed(0.3, keys=3000, width=512, rows=60)
    for row in attenuation(clean, moved, [1e-3, 1e-2, 5e-2], error=0.3):
        assert row.output == pytest.approx(row.sharpness * row.logits, rel=0.05)
        assert row.factor == pytest.approx(1 / row.sharpness, rel=0.07)


def test_a_sharp_attention_gives_the_value_of_the_heaviest_key():
    clean, moved = perturbed(0.5)
    (row,) = attenuation(clean, moved, [1e5], error=0.5)
    assert row.weights == pytest.approx(1 - row.top_kept)
    flips = clean.logits.argmax(axis=1) != moved.logits.argmax(axis=1)
    before = clean.values[clean.logits.argmax(axis=1)]
    after = clean.values[moved.logits.argmax(axis=1)]
    assert row.output == pytest.approx(np.linalg.norm(after - before, axis=1).mean(), rel=1e-3)
    assert 0 < flips.mean() == pytest.approx(1 - row.top_kept)


def test_the_scale_of_the_values_moves_the_mixed_ratio_alone():
    clean, moved = perturbed(0.3)
    larger = [Attended(side.queries, side.keys, 10 * side.values) for side in (clean, moved)]
    (one,), (other,) = (
        attenuation(clean, moved, [1], error=0.3),
        attenuation(*larger, [1], error=0.3),
    )
    assert other.factor == pytest.approx(one.factor, rel=1e-3)
    assert other.mixed == pytest.approx(one.mixed / 10, rel=1e-3)


def test_what_all_logits_of_a_query_share_does_not_count():
    clean, moved = perturbed(0.3)
    apart = [
        Attended(side.queries, side.keys + 100 * directions(1, 24, 9), side.values)
        for side in (clean, moved)
    ]
    (one,), (other,) = (
        attenuation(clean, moved, [1], error=0.3),
        attenuation(*apart, [1], error=0.3),
    )
    for name in ("logits", "weights", "top_kept", "output", "output_absolute"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=2e-3), name


def test_softmax_is_safe_with_large_logits():
    assert softmax(np.array([1e5, 0.0, -1e5])).tolist() == [1, 0, 0]


def test_the_whole_study():
    teacher = cloud(300, 48, 1) + 0.5
    student = teacher + 0.4 * cloud(300, 48, 2)
    found = study(held(student, teacher), student_sha256=SHA)
    again = study(held(student, teacher), student_sha256=SHA)
    assert found.attentions == again.attentions and found.published == again.published
    assert found.tokens == robustness.TOKENS and found.width == 48
    errors = np.linalg.norm(student - teacher, axis=1) / np.linalg.norm(teacher, axis=1)
    assert found.student_error == pytest.approx(errors.mean(), rel=0.1)
    lengths = np.linalg.norm(teacher, axis=1)
    literal = np.mean(0.1 * np.sqrt(48) / lengths)
    assert found.literal_noise == pytest.approx(literal, rel=0.1)
    for attention in found.attentions:
        own = [row for row in attention.rows if row.perturbation == "student"]
        assert {row.keys for row in own} == set(robustness.KEYS[attention.direction])
        assert {row.sharpness for row in own} == set(robustness.SHARPNESS)
        assert len(attention.rows) == (len(robustness.NOISE) + 1) * len(own)
        for row in own:
            assert row.input == pytest.approx(found.student_error, rel=0.02)
    # Where values are text, averaging over the keys is all that noise meets: sqrt(32) at most.
    answers = [row for row in found.attentions[1].rows if row.perturbation == "noise"]
    assert max(row.factor for row in answers) < np.sqrt(32)


def test_too_few_tokens_are_not_studied():
    rows = cloud(31)
    assert study(held(rows, rows), student_sha256=SHA) is None


def test_the_papers_ratio_is_found_between_the_sharpnesses_swept():
    clean, moved = perturbed(0.97, keys=1024, width=64, rows=128)
    fine = attenuation(clean, moved, np.geomspace(0.03, 30, 200).tolist(), error=0.97)
    coarse = attenuation(clean, moved, robustness.SHARPNESS, error=0.97)
    sides = [
        published(
            SimulatedAttention(direction="text asks", described="", queries=1, rows=rows), 1024
        )
        for rows in (fine, coarse)
    ]
    exact = min(fine, key=lambda row: abs(np.log(row.mixed / 282)))
    assert sides[0].sharpness == pytest.approx(exact.sharpness, rel=0.05)
    assert sides[1].sharpness == pytest.approx(exact.sharpness, rel=0.2)
    assert sides[1].factor == pytest.approx(exact.factor, rel=0.2)


def test_a_sweep_that_never_reaches_the_papers_ratio_says_so():
    clean, moved = perturbed(0.97)
    rows = attenuation(clean, moved, [10, 30], error=0.97)
    attention = SimulatedAttention(direction="text asks", described="", queries=1, rows=rows)
    nowhere = PublishedRatio(direction="text asks", keys=40, sharpness=None, factor=None)
    assert published(attention, 40) == nowhere

"""Some of the ledger's numbers again, by other means."""

from __future__ import annotations

import re
from fractions import Fraction
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.ledger import PAPER, Entry, Interval, ledger
from anatomy.ledger.checks.architecture import bert, convolutional_block, tower
from anatomy.ledger.checks.context import pair_padding
from anatomy.ledger.spectra import effective_rank, flat, reachable, spiked
from anatomy.ledger.tables import TABLE_3, TABLE_4, SubsetRow


def entry(slug: str) -> Entry:
    """One entry of the paper's ledger."""
    return next(e for e in ledger() if e.id == slug)


def rounds_to(low: float, high: float, text: str) -> bool:
    """Whether a value between the bounds prints as this text."""
    half = 0.5 * 10.0 ** -len(text.partition(".")[2])
    return low <= float(text) + half + 1e-12 and high >= float(text) - half - 1e-12


CELLS_3 = [
    (row.model, row.family, t.c.text, t.m.text, t.p.text)
    for row in TABLE_3
    for t in row.subsets.values()
]
CELLS_4 = [
    (row.model, row.family, s["C"].text, s["M"].text, s["P"].text)
    for row in TABLE_4
    for s in row.sets.values()
]


@pytest.mark.parametrize(("model", "family", "c", "m", "p"), CELLS_3 + CELLS_4)
def test_students_and_only_students_break_the_definition(
    model: str, family: str, c: str, m: str, p: str
) -> None:
    low = (float(m) - 0.005) * (float(p) - 0.05)
    high = (float(m) + 0.005) * (float(p) + 0.05)
    assert rounds_to(low, high, c) == (family != "student"), model


@pytest.mark.parametrize("row", TABLE_3, ids=lambda row: row.model)
def test_averages_are_means_of_the_subsets(row: SubsetRow) -> None:
    for metric in ("c", "m", "p"):
        texts = [getattr(t, metric).text for t in row.subsets.values()]
        mean = np.mean([float(t) for t in texts])
        half = np.mean([0.5 * 10.0 ** -len(t.partition(".")[2]) for t in texts])
        printed = getattr(row.average, metric).text
        assert rounds_to(mean - half, mean + half, printed)


def test_covariances_of_table_3() -> None:
    text = entry("table3-averages").implied
    for row in TABLE_3:
        m = np.array([float(t.m.text) for t in row.subsets.values()])
        p = np.array([float(t.p.text) for t in row.subsets.values()])
        assert f"{row.model} {np.cov(m, p, bias=True)[0, 1]:+.2f}" in text


@pytest.mark.parametrize(
    ("slug", "numbers"),
    [
        ("token-loss-8", [1 - 8 * 0.8 / 7.9, 1 - 0.8 * 8 / (0.245 * 32)]),
        ("token-loss-16", [1 - 16 * 0.48 / 7.9, 1 - 0.48 * 16 / (0.245 * 32)]),
        ("special-share-vs-mean", [2 / 7.9]),
        ("truncation-16", [0.081 * 246_040 / 404_796]),
        ("latency-gain", [495.3 / 464.5 - 1, 1 - 464.5 / 495.3, log(495.3 / 464.5)]),
        ("retained-98.1", [51.9 / 54.1, 52.5 / 54.1, 53.1 / 54.1]),
        ("output-utilisation", [1 - 16 / 256, 17 / 256, 85.3 / 256]),
    ],
)
def test_printed_ranges_hold_the_plain_computation(slug: str, numbers: list[float]) -> None:
    ranges = [
        tuple(float(x) for x in part.split(" to "))
        for part in re.findall(r"-?[\d.]+ to -?[\d.]+(?= %)", entry(slug).implied)
    ]
    for value in numbers:
        assert any(low <= 100 * value <= high for low, high in ranges), (value, ranges)


def test_combined_mean() -> None:
    low, high = (float(x) for x in entry("mean-from-parts").implied.split(" to "))
    counts = PAPER.corpus.counts
    saco = sum(int(counts[n].interval.lo) for n in ("saco-gold", "saco-silver", "saco-veval"))
    for mean in (5.4, 5.6, 5.9):
        value = (1199 * 3.3 + 246_040 * 9.4 + saco * mean + 554 * 4) / 404_796
        assert low <= value <= high


@given(st.lists(st.integers(0, 50), min_size=32, max_size=32).filter(any))
def test_attention_bounds_hold_for_every_histogram(counts: list[int]) -> None:
    n = np.array(counts)
    t = np.arange(1, 33)  # lengths 1 to 32
    prompts = int(n.sum())
    kept = [
        Interval.exact(Fraction(int((n * np.minimum(t, length)).sum()), prompts))
        for length in (8, 16, 32)
    ]
    share = 1 - Fraction(int((n * t * t).sum()), prompts * 1024)
    assert share in pair_padding(*kept)


def test_attention_bounds_are_attained() -> None:
    same = [Interval.exact(x) for x in (8, 16, 32)]  # every prompt fills the window
    assert pair_padding(*same) == Interval.exact(0)


def test_parameters_counted_tensor_by_tensor() -> None:
    def count(shapes: list[tuple[int, ...]]) -> int:
        return sum(int(np.prod(shape)) for shape in shapes)

    def clip(w: int, layers: int, context: int, projection: int) -> list[tuple[int, ...]]:
        layer = [
            (3 * w, w), (3 * w,), (w, w), (w,),  # attention
            (4 * w, w), (4 * w,), (w, 4 * w), (w,),  # feed-forward
            (w,), (w,), (w,), (w,),  # two norms
        ]  # fmt: skip
        ends = [(49_408, w), (context, w), (w,), (w,), (w, projection), (256, w), (256,)]
        return layer * layers + ends

    assert tower(49_408, 1024, 24, 32, 512, 256) == count(clip(1024, 24, 32, 512)) == 353_724_672
    assert tower(49_408, 768, 12, 32, 768, 256) == count(clip(768, 12, 32, 768)) == 123_812_608
    norm = [(512,), (512,)]
    block = [
        *norm, *norm, (512, 1, 1, 11), *norm, (512,),  # token mixer
        (512, 1, 1, 11), *norm, (2048, 512), (2048,), (512, 2048), (512,), (512,),
    ]  # fmt: skip
    assert convolutional_block(512) == count(block)
    assert bert(30_522, 768, 12, 512) == 109_482_240  # google-bert/bert-base-uncased


@pytest.mark.parametrize("spikes", [1, 5, 20, 40])
@pytest.mark.parametrize(("dims90", "dims95"), [(857, 933), (834, 919)])
def test_spectra_have_the_dims_they_are_built_for(dims90: int, dims95: int, spikes: int) -> None:
    for blocks in (flat(1024, dims90, dims95), spiked(1024, dims90, dims95, spikes)):
        squares = np.concatenate([np.full(n, q) for n, q in blocks])
        squares = np.pad(squares, (0, 1024 - len(squares)))
        assert squares.sum() == pytest.approx(1)
        assert (np.diff(squares) <= 1e-15).all()
        held = np.cumsum(squares) + 1e-12
        assert held[dims90 - 1] >= 0.9 > held[dims90 - 2]
        assert held[dims95 - 1] >= 0.95 > held[dims95 - 2]
        for power in (1, 2):
            p = squares ** (power / 2)
            p = p[p > 0] / p.sum()
            assert effective_rank(blocks, power) == pytest.approx(exp(-(p * np.log(p)).sum()))


def test_no_sampled_spectrum_exceeds_the_flat_one_in_squares() -> None:
    rng = np.random.default_rng(5)
    _, most = reachable(1024, 857, 933, 2)
    for _ in range(20):
        squares = np.sort(rng.gamma(rng.uniform(0.5, 20), size=1024))[::-1]
        head = squares / squares.sum()
        scale = np.repeat([0.9, 0.05, 0.05], [857, 76, 91])
        parts = np.repeat([head[:857].sum(), head[857:933].sum(), head[933:].sum()], [857, 76, 91])
        p = head / parts * scale  # exactly 90 and 95 per cent, whatever the order
        assert exp(-(p * np.log(p)).sum()) <= most + 1e-9


def test_positions_rank_cannot_come_from_squares() -> None:
    # 7 directions with 90 % and 25 with 10 %: 20 is out of reach even if 90 is rounded down.
    entropy = -(0.895 * log(0.895 / 7) + 0.105 * log(0.105 / 25))
    assert exp(entropy) < 19.5
    assert "positions 2.3 to 11.2" in entry("effective-rank-definition").implied


def test_hota_bound() -> None:
    for row in TABLE_4:
        for cell in row.sets.values():
            h, d, a = (float(cell[k].text) for k in "HDA")
            assert h - 0.05 <= sqrt((d + 0.05) * (a + 0.05))

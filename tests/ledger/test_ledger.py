"""The ledger's verdicts on the paper, and what another figure would have changed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import fields, replace

import pytest

from anatomy.ledger import PAPER, Claims, Entry, Figure, ledger
from anatomy.ledger.tables import TABLE_7, Triple

GROUPS = ["corpus", "context", "vocabulary", "embeddings", "architecture", "results", "efficiency"]

# Verdicts without any measurement.
VERDICTS = {
    "prompt-count-sum": "holds",
    "prompt-count-unique": "undecided",
    "lvis-names": "undecided",
    "lvis-mean-length": "undecided",
    "veval-count": "undecided",
    "training-datasets": "holds",
    "mean-from-parts": "holds",
    "mean-5.6-vs-7.9": "undecided",
    "table1-shape": "holds",
    "token-loss-16": "holds",
    "token-loss-8": "contradicts",
    "truncation-16": "holds",
    "most-prompts-within-8": "holds",
    "attention-padding": "undecided",
    "special-share-vs-mean": "contradicts",
    "vocabulary-coverage": "holds",
    "top-100-share": "holds",
    "rank-percentages": "holds",
    "effective-rank-definition": "undecided",
    "position-similarity-ratio": "undecided",
    "output-utilisation": "holds",
    "intrinsic-dimension": "undecided",
    "embedding-capacity-90": "undecided",
    "teacher-size": "contradicts",
    "parameter-counts": "holds",
    "student-layers": "undecided",
    "teacher-memory": "holds",
    "cgf1-table-3": "contradicts",
    "cgf1-table-4": "contradicts",
    "phota-table-4": "holds",
    "table3-averages": "holds",
    "ablation-averages": "undecided",
    "student-drop": "undecided",
    "retained-98.1": "contradicts",
    "same-configuration": "holds",
    "loss-vs-weight-ablation": "contradicts",
    "consistency-weight-2l": "contradicts",
    "window-32-degrades": "contradicts",
    "ablation-orders": "holds",
    "error-attenuation": "holds",
    "metric-names": "contradicts",
    "speedups": "holds",
    "window-speed": "undecided",
    "latency-gain": "undecided",
    "latency-milliseconds": "undecided",
    "benchmark-gpu": "contradicts",
}


def entry(slug: str, claims: Claims = PAPER) -> Entry:
    """One entry of the ledger of these claims."""
    return next(e for e in ledger(claims=claims) if e.id == slug)


def verdict(slug: str, **changed: object) -> str:
    """The verdict with some figures changed: group__field=value."""
    claims = PAPER
    for path, value in changed.items():
        group, name = path.split("__")
        part = replace(getattr(claims, group), **{name: value})
        claims = replace(claims, **{group: part})
    return entry(slug, claims).verdict


def test_verdicts() -> None:
    assert {e.id: e.verdict for e in ledger()} == VERDICTS


def test_entries_are_complete() -> None:
    entries = ledger()
    groups = [e.group for e in entries]
    assert sorted(groups, key=GROUPS.index) == groups
    for e in entries:
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", e.id)
        for field in fields(Entry):
            value = getattr(e, field.name)
            if field.name not in ("measured", "not_measured"):
                assert isinstance(value, str), (e.id, field.name)
                assert value.strip(), (e.id, field.name)
        assert e.measured is None
        assert e.not_measured
        assert len(e.title) <= 60
    json.dumps([e.__dict__ for e in entries])


def test_it_needs_nothing_but_the_pure_measures() -> None:
    code = (
        "import sys, anatomy.ledger; allowed = ('anatomy.ledger', 'anatomy.measures');"
        "print([m for m in sys.modules if m.startswith('anatomy.') and not m.startswith(allowed)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("slug", "figure", "text", "expected"),
    [
        ("prompt-count-sum", "corpus.total", "404,790", "contradicts"),
        ("prompt-count-unique", "corpus.total", "404,797", "contradicts"),
        ("special-share-vs-mean", "vocabulary.special_share", "25.3%", "holds"),
        ("special-share-vs-mean", "vocabulary.special_share", "25.0%", "contradicts"),
        ("special-share-vs-mean", "vocabulary.special_share", "34.0%", "undecided"),
        ("mean-5.6-vs-7.9", "context.positions_mean", "~7.9", "holds"),
        ("mean-5.6-vs-7.9", "context.positions_mean", "~5.0", "contradicts"),
        ("mean-5.6-vs-7.9", "context.positions_mean", "~5.9", "undecided"),
        ("mean-from-parts", "context.mean", "7.5", "contradicts"),
        ("mean-from-parts", "context.refcoco_mean", "9.9", "contradicts"),
        ("table1-shape", "context.mean", "7.7", "contradicts"),
        ("truncation-16", "context.truncated_refcoco", "8.4%", "contradicts"),
        ("attention-padding", "context.attention_padding", "90%", "contradicts"),
        ("vocabulary-coverage", "vocabulary.used", "17,400", "contradicts"),
        ("top-100-share", "vocabulary.top100_share", "30.0%", "contradicts"),
        ("position-similarity-ratio", "embeddings.similarity_ratio", "1.4", "undecided"),
        ("position-similarity-ratio", "embeddings.similarity_ratio", "1.6", "contradicts"),
        ("position-similarity-ratio", "embeddings.similarity_late", "0.81", "holds"),
        ("effective-rank-definition", "embeddings.positions_rank", "10", "undecided"),
        ("output-utilisation", "embeddings.redundant", "90%", "contradicts"),
        ("intrinsic-dimension", "embeddings.dimension_range", "16–18", "holds"),
        ("intrinsic-dimension", "embeddings.dimension_range", "16–21", "contradicts"),
        ("embedding-capacity-90", "embeddings.superfluous", "50%", "contradicts"),
        ("teacher-memory", "architecture.memory_more_than_mb", "400", "contradicts"),
        ("teacher-memory", "architecture.memory_more_than_mb", "2,000", "contradicts"),
        ("retained-98.1", "results.retained", "95.9%", "holds"),
        ("error-attenuation", "results.error_factor", "~350", "contradicts"),
        ("speedups", "efficiency.best_speedup", "3.8x", "contradicts"),
        ("latency-gain", "efficiency.latency_gain", "9.9%", "contradicts"),
        ("latency-milliseconds", "efficiency.latency_32", "167", "holds"),
        ("latency-milliseconds", "efficiency.latency_32", "150", "contradicts"),
        ("latency-milliseconds", "efficiency.latency_32", "175", "contradicts"),
        ("training-datasets", "corpus.training_datasets", "3", "contradicts"),
    ],
)
def test_another_figure_changes_the_verdict(
    slug: str, figure: str, text: str, expected: str
) -> None:
    group, name = figure.split(".")
    printed = getattr(getattr(PAPER, group), name)
    changed = {f"{group}__{name}": replace(printed, text=text)}
    assert verdict(slug, **changed) == expected


def test_other_words_change_the_verdict() -> None:
    assert verdict("retained-98.1", results__retained_by="MC2-L") == "holds"
    assert verdict("benchmark-gpu", efficiency__gpu_table="single RTX 4070 Ti") == "holds"
    same = PAPER.results.metrics_5_1
    assert verdict("metric-names", results__metrics_5_2=same) == "holds"


@pytest.mark.parametrize(
    ("text", "expected"), [("18.5%", "holds"), ("11.5%", "undecided"), ("11.7%", "contradicts")]
)
def test_token_loss_at_8_with_another_loss(text: str, expected: str) -> None:
    rows = tuple(
        replace(row, loss=Figure(text, "Table 1")) if row.length == 8 else row
        for row in PAPER.context.rows
    )
    assert verdict("token-loss-8", context__rows=rows) == expected
    assert "at least 0.6 percentage points from the nearest" in entry("token-loss-8").margin


@pytest.mark.parametrize(
    ("length", "field", "text"),
    [
        (16, "density", "0.430"),  # slopes would leave the truncation rates
        (16, "truncation", "17.0%"),
        (8, "truncation", "15.0%"),
        (32, "padding", "75.0%"),
    ],
)
def test_table_1_can_contradict_itself(length: int, field: str, text: str) -> None:
    rows = tuple(
        replace(row, **{field: Figure(text, "Table 1")}) if row.length == length else row
        for row in PAPER.context.rows
    )
    assert verdict("table1-shape", context__rows=rows) == "contradicts"


def test_teacher_as_released_holds() -> None:
    assert (
        verdict(
            "teacher-size",
            architecture__teacher_width=Figure("1,024", "", exact=True),
            architecture__teacher_layers=Figure("24", "", exact=True),
        )
        == "holds"
    )


def test_a_missing_block_changes_parameter_counts() -> None:
    students = tuple(replace(s, convolutional=0) for s in PAPER.architecture.students)
    assert verdict("parameter-counts", architecture__students=students) == "contradicts"


def test_consistent_student_cells_would_hold() -> None:
    """CG_F1 replaced by the product of its factors."""

    def mended(t: Triple) -> Triple:
        product = float(t.m.text) * float(t.p.text)
        return replace(t, c=Figure(f"{product:.1f}", "Table 3"))

    rows = tuple(
        replace(row, subsets={k: mended(t) for k, t in row.subsets.items()})
        for row in PAPER.results.table_3
    )
    assert verdict("cgf1-table-3", results__table_3=rows) == "holds"


def test_one_wrong_baseline_cell_contradicts() -> None:
    first = PAPER.results.table_3[0]
    cell = first.subsets["MC"]
    wrong = replace(first, subsets={**first.subsets, "MC": replace(cell, c=Figure("4.9", ""))})
    rows = (wrong, *PAPER.results.table_3[1:])
    found = entry("cgf1-table-3", replace(PAPER, results=replace(PAPER.results, table_3=rows)))
    assert "other models 41 of 42" in found.explanation
    assert "gDino-T: MC 4.9 against" in found.implied


def test_ablations_that_need_no_covariance_hold_and_impossible_ones_contradict() -> None:
    def product(t: Triple, extra: float = 0) -> Triple:
        return replace(t, c=Figure(f"{float(t.m.text) * float(t.p.text) + extra:.1f}", ""))

    r = PAPER.results
    changed = {
        "results__table_5": tuple(
            replace(x, by_length={k: product(t) for k, t in x.by_length.items()}) for x in r.table_5
        ),
        "results__table_6": tuple(replace(x, average=product(x.average)) for x in r.table_6),
        "results__table_7": tuple(
            replace(x, by_weight={k: product(t) for k, t in x.by_weight.items()}) for x in r.table_7
        ),
    }
    assert verdict("ablation-averages", **changed) == "holds"
    changed["results__table_6"] = tuple(
        replace(x, average=product(x.average, 40)) for x in r.table_6
    )
    assert verdict("ablation-averages", **changed) == "contradicts"


def test_weight_verdict_turns_on_one_printed_digit() -> None:
    def table(text: str) -> object:
        last = TABLE_7[-1]
        cell = replace(last.by_weight["0.05"], c=Figure(text, "Table 7"))
        return (*TABLE_7[:-1], replace(last, by_weight={**last.by_weight, "0.05": cell}))

    found = {t: verdict("consistency-weight-2l", results__table_7=table(t)) for t in
             ("53.0", "53.1", "53.2", "53.3")}  # fmt: skip
    assert found == {
        "53.0": "contradicts",
        "53.1": "undecided",
        "53.2": "undecided",
        "53.3": "holds",
    }


def test_margins_are_those_of_the_figures() -> None:
    special = entry("special-share-vs-mean")
    assert "5.77 to 5.79" in special.margin
    assert "25.1 to 25.5 %" in special.implied
    changed = replace(
        PAPER, vocabulary=replace(PAPER.vocabulary, special_share=Figure("40.0%", ""))
    )
    assert "4.99 to 5.01" in entry("special-share-vs-mean", changed).margin
    assert "49 of 70" in entry("cgf1-table-3").margin
    assert "18 of 27" in entry("cgf1-table-4").margin
    assert "353,724,672" in entry("teacher-size").implied


@pytest.mark.parametrize(
    ("model", "text", "expected"),
    [
        ("MC-S1", "280.0", "holds"),  # every student is slower at 32
        ("MC-S0", "470.0", "contradicts"),  # neither every student nor the average
    ],
)
def test_other_speeds_at_16(model: str, text: str, expected: str) -> None:
    rows = tuple(
        replace(row, throughput=Figure(text, "")) if (row.model, row.length) == (model, 16) else row
        for row in PAPER.efficiency.table_8
    )
    assert verdict("window-speed", efficiency__table_8=rows) == expected


def test_average_speed_and_fixed_part() -> None:
    speed = entry("window-speed").implied
    assert "323.5 to 323.7 texts/s at 32, 330.9 to 331.1 at 16" in speed
    assert "0.20 to 0.28 %" in speed
    assert "7.4 to 22.5 texts and 0.111 to 0.143 s" in entry("latency-milliseconds").implied


def test_columns_that_give_the_retained_share() -> None:
    found = entry("retained-98.1").explanation
    assert "SA-V M of Table 4, SmartGlasses M of Table 4 (M" in found
    other = replace(PAPER.results, retained=Figure("95.9%", ""))
    assert "Avg C of Table 3" in entry("retained-98.1", replace(PAPER, results=other)).explanation


def test_hota_above_its_bound_contradicts() -> None:
    first = PAPER.results.table_4[0]
    cell = {**first.sets["SA-V"], "H": Figure("71.0", "Table 4")}  # sqrt(55.5 * 90.2) = 70.75
    rows = (replace(first, sets={**first.sets, "SA-V": cell}), *PAPER.results.table_4[1:])
    assert verdict("phota-table-4", results__table_4=rows) == "contradicts"


def test_squares_alone_are_excluded_for_the_positions() -> None:
    assert entry("effective-rank-definition").margin == "p = s: undecided; p = s^2: contradicts"

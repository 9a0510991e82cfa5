from __future__ import annotations

import json

import pytest

from anatomy import audit
from anatomy.comparison import MLE, TWO_NN, Comparison, compare
from anatomy.findings import Estimated, Findings, from_ranges


def found(comparison: Comparison, name: str, group: str = "combined", part: str | None = None):
    (measure,) = [
        m
        for m in comparison.measures
        if (m.name, m.group) == (name, group) and part in (None, m.part)
    ]
    return measure


def verdicts(comparison: Comparison) -> set[str]:
    return {change.verdict for m in comparison.measures for change in m.changes if change}


def with_estimates(findings: Findings, mle: Estimated, two_nn: Estimated) -> Findings:
    """The same findings with other estimates of the dimension of the pooled outputs."""
    data = findings.model_dump()
    cloud = data["encoders"][0]["inside"]["outputs"]["clouds"][0]
    cloud["harmonic"], cloud["two_nn"] = mle.model_dump(), two_nn.model_dump()
    return Findings.model_validate(data)


def test_the_same_findings_do_not_move(before):
    same = compare({"a": before, "b": before, "c": before})
    assert verdicts(same) == {"same"}
    assert all(change.difference == 0 for m in same.measures for change in m.changes if change)
    assert all(m.changes[1] and m.changes[2] for m in same.measures)
    assert same.settings == []
    assert same.ledger == []
    assert [row.against for row in same.sources] == [["", "same", "same"]]
    assert same.audits[0].digest == same.audits[1].digest


def test_another_run_on_the_same_inputs_does_not_move(before, run):
    assert verdicts(compare({"a": before, "b": run("mine=before.txt")})) == {"same"}


def test_the_other_way_round_every_difference_is_negated(before, after):
    there, back = compare({"a": before, "b": after}), compare({"b": after, "a": before})
    theirs = {(m.subject, m.part, m.group, m.name): m for m in back.measures}
    assert len(theirs) == len(back.measures) == len(there.measures)
    for measure in there.measures:
        other = theirs[measure.subject, measure.part, measure.group, measure.name]
        assert other.values == measure.values[::-1]
        change, opposite = measure.changes[1], other.changes[1]
        assert opposite.difference == -change.difference
        assert opposite.verdict == change.verdict
        if change.low is not None:
            assert (opposite.low, opposite.high) == (-change.high, -change.low)


def test_differences_are_those_of_the_findings(before, after):
    comparison = compare({"before": before, "after": after})
    a, b = before.encoders[0], after.encoders[0]
    for name, old, new in (
        ("Tokens", a.lengths[0].tokens, b.lengths[0].tokens),
        ("Longest prompt", a.lengths[0].maximum, b.lengths[0].maximum),
        ("Distinct tokens", a.vocabulary[0].distinct, b.vocabulary[0].distinct),
        ("Recommended context", a.recommended_context.length, b.recommended_context.length),
    ):
        measure = found(comparison, name)
        assert [value.value for value in measure.values] == [old, new]
        assert measure.changes[1].difference == new - old
        assert measure.changes[1].verdict == ("exact" if new != old else "same")
    mean = found(comparison, "Mean tokens per prompt")
    exact = b.lengths[0].tokens / b.lengths[0].prompts - a.lengths[0].tokens / a.lengths[0].prompts
    assert mean.changes[1].difference == pytest.approx(exact, rel=1e-5)
    assert mean.changes[1].relative == pytest.approx(exact / a.lengths[0].mean, rel=1e-5)
    for row in b.lengths[0].contexts:
        part = f"L = {row.length}"
        value = found(comparison, "Tokens lost", part=part).values[1].value
        assert value == pytest.approx(row.token_loss, rel=1e-5)
        assert found(comparison, "Info density", part=part).values[1].value == row.density


def test_ids_gained_and_lost_are_those_of_the_sets(before, after):
    kept = compare({"before": before, "after": after}).roles[0].standings[1].tokens.kept
    here, there = (set(from_ranges(f.encoders[0].kept_ids)) for f in (before, after))
    assert from_ranges(kept.gained_ids) == sorted(there - here)
    assert from_ranges(kept.lost_ids) == sorted(here - there)
    assert (kept.both, kept.gained, kept.lost) == (
        len(here & there), len(there - here), len(here - there),
    )  # fmt: skip


def test_known_intervals_give_the_known_verdicts(before):
    base = with_estimates(
        before,
        Estimated(value=10, low=9.5, high=10.5),
        Estimated(value=8, low=7, high=9),
    )
    other = with_estimates(
        before,
        Estimated(value=11, low=10.5, high=11.5),  # 1 against sqrt(0.5)
        Estimated(value=9.2, low=8.2, high=10.2),  # 1.2 against sqrt(2)
    )
    comparison = compare({"base": base, "other": other})
    mle, two_nn = (found(comparison, name, part="pooled") for name in (MLE, TWO_NN))
    assert mle.changes[1].verdict == "beyond"
    assert mle.changes[1].low == pytest.approx(1 - 0.5**0.5, rel=1e-5)
    assert two_nn.changes[1].verdict == "within"
    assert two_nn.changes[1].high == pytest.approx(1.2 + 2**0.5, rel=1e-5)


def test_smaller_samples_are_judged_at_equal_numbers_of_points(run):
    comparison = compare({"all": run("mine=after.txt"), "half": run("mine=after.txt", sample=110)})
    plain = found(comparison, MLE, part="pooled")
    assert plain.changes[1].verdict == "other size"
    assert not plain.headline
    few = plain.values[1].points
    assert few < plain.values[0].points
    equal = found(comparison, f"{MLE} at {few} points", part="pooled")
    assert equal.headline
    assert equal.values[1] == plain.values[1]
    assert equal.values[0].points == few
    assert equal.changes[1].verdict in ("same", "within")
    assert found(comparison, "Linear rank", part="pooled").changes[1].verdict == "other size"
    assert [row.name for row in comparison.settings] == ["sample"]


def test_ranks_of_a_sample_are_not_called_exact(run):
    one, two = (run("mine=after.txt", sample=150, seed=seed) for seed in (0, 1))
    comparison = compare({"one": one, "two": two})
    assert found(comparison, "Linear rank", part="pooled").changes[1].verdict == "no interval"
    assert found(comparison, "Mean tokens per prompt").changes[1].verdict == "same"


def test_what_the_audits_were_given_is_compared_by_content(before, after, run):
    other = run("mine=after.txt", "more=more.txt", token_loss_bound=0.05)
    comparison = compare({"before": before, "after": after, "other": other})
    by_name = {row.name: row.against for row in comparison.sources}
    assert by_name == {
        "mine": ["", "other files or columns", "other files or columns"],
        "more": ["", "absent", "added"],
    }
    back = compare({"other": other, "before": before})
    assert {row.name: row.against[1] for row in back.sources}["more"] == "removed"
    assert [(row.name, row.values) for row in comparison.settings] == [
        ("bound on tokens cut", ["0.01", "0.01", "0.05"])
    ]
    alone = found(comparison, "Distinct prompts", "more")
    assert [value and value.value for value in alone.values] == [None, None, 2]
    assert alone.absent == ["no such source", "no such source", ""]
    assert alone.changes == [None, None, None]


def test_another_column_of_the_same_file_is_another_source(place, before):
    (place / "two.csv").write_text("left,right\na dog,a cat\na cup,the dog\n")
    left, right = (audit([f"mine={place}/two.csv:{c}"], data=place) for c in ("left", "right"))
    assert compare({"l": left, "r": right}).sources[0].against[1] == "other files or columns"


def test_stand_ins_of_another_seed_are_other_prompts(tmp_path):
    one, two = (audit(["rf100vl"], data=tmp_path, stand_ins=True, seed=seed) for seed in (0, 1))
    comparison = compare({"one": one, "two": two})
    assert comparison.sources[0].against[1] == "other prompts"
    assert comparison.stand_ins == ["rf100vl"]
    assert compare({"one": one, "again": one}).sources[0].against[1] == "same"


def test_encoders_stand_against_each_other_by_name_vocabulary_or_as_the_only_ones(run, before):
    renamed = run("mine=before.txt", encoders=["hf:DIR/wider", "sam3"])
    role = compare({"a": before, "b": renamed}).roles[0]
    assert (role.standings[1].name, role.standings[1].paired_by) == (
        renamed.encoders[0].name,
        "tokenizer",
    )
    assert role.standings[1].tokens.same_tokenizer
    assert role.standings[1].weights != role.standings[0].weights
    sam3 = run("mine=before.txt", encoders=["sam3"])
    alone = compare({"a": before, "b": sam3})
    assert alone.roles[0].standings[1].paired_by == "only one left"
    assert not alone.roles[0].standings[1].tokens.same_tokenizer
    assert alone.roles[0].standings[1].tokens.kept is None  # its ids mean other tokens
    assert alone.roles[0].standings[1].same_sources
    two = run("mine=before.txt", encoders=["sam3", "hf:DIR/wider"])
    left_over = compare({"a": two, "b": before})
    assert [bool(role.standings[1]) for role in left_over.roles] == [False, True]
    assert left_over.unpaired == [[], []]
    assert compare({"a": before, "b": two}).unpaired == [[], ["sam3"]]
    missing = [m for m in left_over.measures if m.role == "sam3"]
    assert {m.absent[1] for m in missing} == {"no counterpart"}


def test_the_context_lengths_of_either_are_compared_for_both(run):
    a, b = (run("mine=before.txt", encoders=["sam3"], contexts=c) for c in ((4, 8), (8, 12)))
    found_at = compare({"a": a, "b": b}).of("contexts", "sam3")
    assert list(dict.fromkeys(m.part for m in found_at)) == ["L = 4", "L = 8", "L = 12"]
    assert all(m.changes[1].verdict == "same" for m in found_at)


def test_only_claims_that_changed_are_listed(before):
    data = before.model_dump()
    data["ledger"][3]["verdict"] = (
        "undecided" if data["ledger"][3]["verdict"] == "holds" else "holds"
    )
    other = Findings.model_validate(data)
    (row,) = compare({"a": before, "b": other}).ledger
    assert row.id == before.ledger[3].id
    assert row.verdicts == [before.ledger[3].verdict, other.ledger[3].verdict]


def test_the_document_is_valid_and_the_same_inputs_give_the_same_bytes(before, after):
    comparison = compare({"a": before, "b": after})
    written = comparison.to_json()
    document = json.loads(written)
    assert document.pop("digest") == comparison.digest
    assert document["schema_version"] == 1
    assert [one["digest"] for one in document["audits"]] == [before.digest, after.digest]
    assert Comparison.model_validate(document) == comparison
    again = compare({"a": Findings.model_validate(before.model_dump()), "b": after})
    assert again.to_json() == written


def test_one_audit_is_no_comparison(before):
    with pytest.raises(ValueError, match="needs two"):
        compare({"a": before})

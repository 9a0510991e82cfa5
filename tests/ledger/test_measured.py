"""What measurements may say, and what they change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anatomy.ledger import (
    PAPER,
    Entry,
    Measured,
    MeasuredInside,
    MeasuredRank,
    MeasuredSource,
    ledger,
    lvis_cuts,
    lvis_readings,
)
from tests.ledger.samples import NAMES, PUBLISHED, histogram, measured, source


def entry(slug: str, found: Measured | None) -> Entry:
    """One entry, held against this measurement."""
    return next(e for e in ledger(found) if e.id == slug)


def complete(shared: int = 0) -> Measured:
    """All six sources at their published sizes."""
    pairs = {("lvis", "saco-veval"): shared} if shared else {}
    return measured(PUBLISHED, pairs)


def test_the_sum_is_not_a_union() -> None:
    assert entry("prompt-count-unique", complete()).verdict == "holds"
    found = entry("prompt-count-unique", complete(shared=570))
    assert found.verdict == "contradicts"
    assert found.implied == "at most 404,226"
    assert "at least 570" in found.margin
    assert entry("prompt-count-sum", complete(shared=570)).verdict == "holds"


def test_two_partial_sources_are_enough_to_contradict() -> None:
    part = measured({"lvis": 1203, "saco-veval": 51_248}, {("lvis", "saco-veval"): 570})
    found = entry("prompt-count-unique", part)
    assert found.verdict == "contradicts"
    assert found.implied == "at most 404,230"  # 570, less the 4 names beyond the published 1,199
    assert found.not_measured is not None
    assert "saco-gold" in found.not_measured


def test_only_whole_sources_and_names_as_given_are_certain() -> None:
    sizes = {"lvis": 1203, "refcoco": 20_229, "saco-veval": 51_248}
    shared = {("lvis", "saco-veval"): 570, ("refcoco", "saco-veval"): 648}
    found = entry("prompt-count-unique", measured(sizes, shared, as_given={"saco-veval": 465}))
    assert found.verdict == "contradicts"
    assert found.implied.startswith("at most 404,335; at most 403,582 if")
    assert "at least 461; by at least 1,214 if" in found.margin
    assert "certain to be in the paper's corpus: 461" in str(found.measured)
    doubtful = entry("prompt-count-unique", measured(sizes, shared, as_given={}))
    assert doubtful.verdict == "undecided"
    assert "at least 0; by at least 1,214 if" in doubtful.margin


def test_certain_repeats_never_exceed_the_repeats() -> None:
    """A prompt in three sources is shared by three pairs and repeated twice."""
    sizes = {"saco-gold": 51_577, "saco-silver": 54_178, "lvis": 1199}
    pairs = {("saco-gold", "saco-silver"): 9, ("lvis", "saco-gold"): 9, ("lvis", "saco-silver"): 9}
    part = measured(sizes, pairs)
    part = replace(  # the 9 prompts are the same ones
        part,
        union=part.plain_sum - 18,
        combined_lengths=part.combined_lengths + histogram({5: 9}),
    )
    assert "at least 18" in entry("prompt-count-unique", part).margin


def test_repeats_that_the_excess_may_explain_decide_nothing() -> None:
    few = measured({"lvis": 1203, "saco-veval": 51_248}, {("lvis", "saco-veval"): 4})
    assert entry("prompt-count-unique", few).verdict == "undecided"
    other = measured({"rf100vl": 724, "lvis": 1199}, {("rf100vl", "lvis"): 500})
    assert entry("prompt-count-unique", other).verdict == "undecided"


def test_partial_and_complete_are_told_apart() -> None:
    part = measured({"lvis": 1203, "refcoco": 20_229})
    text = entry("special-share-vs-mean", part)
    assert text.measured is not None
    assert "20,229 of 246,040" in text.measured
    assert "not the paper's corpus" in text.measured
    assert text.not_measured is not None
    assert "a complete copy of refcoco" in text.not_measured
    assert "published value" not in text.measured

    whole = entry("special-share-vs-mean", complete())
    assert whole.measured is not None
    assert "all six sources" in whole.measured
    assert "outside the published value's rounding" in whole.measured
    assert whole.not_measured is None


def test_completeness_wants_every_source_whole() -> None:
    assert complete().is_complete
    assert not measured({n: c for n, c in PUBLISHED.items() if n != "lvis"}).is_complete
    assert measured({**PUBLISHED, "lvis": 1203}).is_complete
    assert not measured({**PUBLISHED, "refcoco": 20_229}).is_complete
    assert not measured({**PUBLISHED, "rf100vl": 724}).is_complete


def test_what_is_measured_does_not_change_identities() -> None:
    whole = {e.id: e.verdict for e in ledger(complete(shared=570))}
    alone = {e.id: e.verdict for e in ledger()}
    changed = {slug for slug in alone if alone[slug] != whole[slug]}
    assert changed == {"prompt-count-unique"}


def test_values_come_from_the_histograms() -> None:
    lengths = histogram({4: 300_000, 16: 100_000, 20: 4_796})
    found = replace(complete(), combined_lengths=lengths)
    prompts, tokens = 404_796, 4 * 300_000 + 16 * 100_000 + 20 * 4_796
    assert f"mean {tokens / prompts:.2f}" in str(entry("mean-from-parts", found).measured)
    assert f"{4 * 4_796 / tokens:.2%}" in str(entry("token-loss-16", found).measured)
    assert f"{4_796 / prompts:.2%}" in str(entry("truncation-16", found).measured)
    assert "74.1% have at most 8" in str(entry("most-prompts-within-8", found).measured)
    pairs = 1 - (16 * 300_000 + 256 * 100_000 + 400 * 4_796) / (1024 * prompts)
    assert f"{pairs:.1%} of the attention scores" in str(entry("attention-padding", found).measured)


def test_veval_is_its_category_table() -> None:
    found = entry("veval-count", measured({"saco-veval": 51_248}))
    assert found.verdict == "undecided"
    assert "as distinct names: holds; as phrases queried: 46,064 too many" in found.margin
    assert "phrases queried by the files here: 8" in str(found.measured)
    assert entry("veval-count", measured({"saco-veval": 900})).verdict == "undecided"
    assert entry("veval-count", None).verdict == "undecided"


@pytest.mark.parametrize(
    ("counted", "queried", "expected"),
    [
        ("51,000", "5,184", "contradicts"),  # neither the names nor the queries
        ("51,248", "51,248", "holds"),  # both
        ("5,184", "5,184", "undecided"),
    ],
)
def test_other_counts_of_veval(counted: str, queried: str, expected: str) -> None:
    corpus = PAPER.corpus
    counts = {**corpus.counts, "saco-veval": replace(corpus.counts["saco-veval"], text=counted)}
    claims = replace(
        PAPER,
        corpus=replace(
            corpus, counts=counts, veval_queried=replace(corpus.veval_queried, text=queried)
        ),
    )
    found = ledger(measured({"saco-veval": 51_248}), claims)
    assert next(e for e in found if e.id == "veval-count").verdict == expected


def test_readings_of_names() -> None:
    counts = {label: len(distinct) for label, distinct in lvis_readings(NAMES).items()}
    assert counts["as given"] == 6
    assert counts["without the qualifier in parentheses"] == 4
    assert counts["without the qualifier but with the blank before it"] == 5
    assert lvis_readings(NAMES)['with "_" as a blank'][4] == "Band Aid"
    assert "bow tie" in lvis_readings(NAMES)["without punctuation"]
    assert lvis_cuts(NAMES)["last word only"] == ("bow", "fish", "Aid", "bow-tie")


def test_blanks_or_underscores_make_no_difference() -> None:
    spaced = tuple(name.replace("_", " ") for name in NAMES)
    first, second = lvis_readings(NAMES), lvis_readings(spaced)
    assert {k: len(v) for k, v in first.items()} == {k: len(v) for k, v in second.items()}


def names(total: int, alike: int) -> tuple[str, ...]:
    """`total` names, of which `alike` become equal to another without their qualifier."""
    plain = [f"n{i}" for i in range(total - alike)]
    return (*plain, *(f"n{i}_(kind)" for i in range(alike)))


@pytest.mark.parametrize(
    ("total", "alike", "expected"),
    [(1199, 0, "holds"), (1203, 4, "undecided"), (1203, 0, "contradicts")],
)
def test_lvis_names(total: int, alike: int, expected: str) -> None:
    found = entry("lvis-names", measured({}, names=names(total, alike)))
    assert found.verdict == expected
    assert f"as given {total:,}" in str(found.measured)


def test_lvis_mean_needs_every_preparation_to_contradict() -> None:
    one = measured({"lvis": 1203}, lengths={"lvis": 4})
    assert entry("lvis-mean-length", one).verdict == "undecided"
    for means, expected in (
        ({"a": 3.9, "b": 3.56}, "contradicts"),
        ({"a": 3.9, "b": 3.3}, "undecided"),
        ({"a": 3.3, "b": 3.31}, "holds"),
    ):
        found = entry("lvis-mean-length", measured({}, lvis_mean_tokens=means))
        assert found.verdict == expected, means


def test_what_lies_near_lvis_mean_decides_nothing() -> None:
    means = {"a": 3.9, "b": 3.56}
    found = measured({}, names=NAMES, lvis_mean_tokens=means)
    found = replace(found, lvis_cut_means={"first word only": 3.317})
    lvis = entry("lvis-mean-length", found)
    assert lvis.verdict == "contradicts"
    assert "first word only 3.317 (4 names)" in lvis.explanation
    assert "words + 2 in place of tokens, without the qualifier 3.25" in lvis.explanation


def test_training_prompts_among_test_prompts() -> None:
    both = measured({"refcoco": 20_229, "saco-veval": 51_248}, {("refcoco", "saco-veval"): 648})
    text = str(entry("training-datasets", both).measured)
    assert "refcoco and saco-veval 648" in text
    assert "20,229 of 246,040" in text
    other = measured({"rf100vl": 724, "saco-veval": 51_248}, {("rf100vl", "saco-veval"): 61})
    assert entry("training-datasets", other).measured is None  # another release


def test_tokens_of_a_part_are_a_lower_bound_only_if_the_prompts_are_the_papers() -> None:
    part, other = measured({"refcoco": 20_229}), measured({"rf100vl": 724, "refcoco": 20_229})
    assert "can only add" in str(entry("vocabulary-coverage", part).measured)
    text = str(entry("vocabulary-coverage", other).measured)
    assert "can only add" not in text
    assert "rf100vl has prompts here" in text


def test_nothing_read_is_nothing_measured() -> None:
    empty = measured({})
    assert all(e.measured is None or e.id == "lvis-names" for e in ledger(empty))
    assert {e.id: e.verdict for e in ledger(empty)} == {e.id: e.verdict for e in ledger()}


def _with(sources: dict[str, MeasuredSource], **changed: object) -> Measured:
    return replace(measured({}), sources=sources, **changed)


def test_only_the_papers_sources_have_a_place() -> None:
    stranger = MeasuredSource("stand-in", 1, 1, histogram({1: 1}), 1)
    with pytest.raises(ValueError, match="not one of the paper's sources"):
        _with({"stand-in": stranger}, union=1, plain_sum=1)
    with pytest.raises(ValueError, match="not one of the paper's sources"):
        _with({"lvis": source("rf100vl", 5)}, union=5, plain_sum=5)


def test_joint_numbers_must_be_those_of_the_sources_listed() -> None:
    lvis = {"lvis": source("lvis", 1203)}
    with pytest.raises(ValueError, match="plain_sum"):
        _with(lvis, union=1203, plain_sum=404_796)  # generated prompts among them
    with pytest.raises(ValueError, match="union"):
        _with(lvis, union=404_796, plain_sum=1203)
    with pytest.raises(ValueError, match="combined_lengths"):
        _with(lvis, union=1203, plain_sum=1203)
    with pytest.raises(ValueError, match="lengths"):
        _with({"lvis": replace(lvis["lvis"], unique=1000)}, union=1000, plain_sum=1000)


INSIDE = MeasuredInside(
    all_tokens=MeasuredRank(49_408, 979.3, 798.4, 857, 933),
    used_tokens=MeasuredRank(9_268, 900.1, 700.2, 801, 899),
    positions=MeasuredRank(32, 19.8, 11.2, 7, 10),
    similarity_early=0.54,
    similarity_late=0.78,
    prompts=4_983,
    ambient=256,
    output_rank=85.1,
    mle=16.2,
    two_nn=15.9,
)


def test_weights_that_are_here_speak_for_themselves() -> None:
    part = replace(measured({"lvis": 1203}), inside=INSIDE)
    ranks = entry("effective-rank-definition", part)
    assert "all tokens: 979.3 (p = s), 798.4 (p = s^2), 857 and 933 directions" in str(
        ranks.measured
    )
    assert ranks.not_measured is None
    assert "1.44 times" in str(entry("position-similarity-ratio", part).measured)


def test_outputs_on_other_prompts_say_on_which() -> None:
    part = entry("intrinsic-dimension", replace(measured({"lvis": 1203}), inside=INSIDE))
    assert "on lvis 1,203 here" in str(part.measured) and "16.2 (MLE)" in str(part.measured)
    assert "needs the official files of" in str(part.not_measured)
    whole = entry("intrinsic-dimension", replace(complete(), inside=INSIDE))
    assert str(whole.measured).startswith("on all six sources") and whole.not_measured is None


@pytest.mark.parametrize("found", [None, measured({"lvis": 1203})])
def test_without_weights_the_ledger_says_what_is_missing(found: Measured | None) -> None:
    for slug in ("rank-percentages", "position-similarity-ratio", "output-utilisation"):
        assert entry(slug, found).measured is None
        assert "--encoder sam3=PATH" in str(entry(slug, found).not_measured)

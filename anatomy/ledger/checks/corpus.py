"""Sources and counts: what was added up, and what was counted."""

from __future__ import annotations

from fractions import Fraction

from anatomy.ledger.claims import Claims
from anatomy.ledger.here import lacking, scope, size
from anatomy.ledger.intervals import Figure, Interval, number, total
from anatomy.ledger.model import Entry, Measured
from anatomy.ledger.names import cuts, readings, words
from anatomy.ledger.verdicts import Verdict, any_reading, equal

_EVALUATED = ("saco-gold", "saco-veval")


def entries(claims: Claims, measured: Measured | None) -> list[Entry]:
    """Sums, duplicates, LVIS's names, VEval's table, the training set."""
    return [
        _sum(claims, measured),
        _unique(claims, measured),
        _lvis_names(claims, measured),
        _lvis_mean(claims, measured),
        _veval(claims, measured),
        _training(claims, measured),
    ]


def _sum(claims: Claims, measured: Measured | None) -> Entry:
    corpus = claims.corpus
    parts = total([count.interval for count in corpus.counts.values()])
    verdict = equal(corpus.total.interval, parts)
    missing = lacking(measured)
    return Entry(
        id="prompt-count-sum",
        group="corpus",
        title="404,796 as a sum",
        where="abstract; 3.1.1",
        claim="Six sources give 404,796 prompts.",
        published=str(corpus.total),
        implied=f"{' + '.join(map(str, corpus.counts.values()))} = {parts.text(0)}",
        verdict=verdict,
        margin=f"difference {number(corpus.total.interval.gap(parts), 0)}",
        explanation="The total is the plain sum of the six counts, with nothing taken off for"
        " prompts that occur in more than one source."
        if verdict == "holds"
        else "The total is not the plain sum of the six counts.",
        measured=f"the sources here add up to {measured.plain_sum:,}: {scope(measured)}"
        if measured and measured.sources
        else None,
        not_measured=f"for the sum of six: {missing}" if missing else None,
    )


def _unique(claims: Claims, measured: Measured | None) -> Entry:
    corpus = claims.corpus
    added = total([count.interval for count in corpus.counts.values()])
    verdict: Verdict = "contradicts" if added.hi < corpus.total.interval.lo else "undecided"
    implied = f"at most {added.text(0)}, and that only if no two sources share a prompt"
    margin = "decided by the prompts that sources share"
    if measured:
        most, likely = added - _certain_repeats(measured), added - _likely_repeats(measured)
        if min(most.hi, likely.hi) < corpus.total.interval.lo:
            verdict = "contradicts" if most.hi < corpus.total.interval.lo else "undecided"
            excess, more = (corpus.total.interval.lo - bound.hi for bound in (most, likely))
            implied = f"at most {most.text(0)}"
            margin = f"{corpus.total} is too many by at least {number(excess, 0)}"
            if more > excess:
                condition = _condition(measured)
                implied += f"; at most {likely.text(0)} if {condition}"
                margin += f"; by at least {number(more, 0)} if {condition}"
        elif measured.is_complete and measured.union == corpus.total.interval.lo:
            verdict, margin = "holds", "difference 0"
    return Entry(
        id="prompt-count-unique",
        group="corpus",
        title="404,796 as distinct prompts",
        where="3.1.1; Table 1; 6",
        claim='"After deduplication, we obtain 404,796 unique prompts" from six sources.',
        published=str(corpus.total),
        implied=implied,
        verdict=verdict,
        margin=margin,
        explanation="404,796 is the sum of the six counts, so it counts distinct prompts only if"
        " the sources have none in common. Within each source the prompts may well be unique; then"
        " the total is a sum of unique counts. Certain are the repeats between sources that are"
        ' whole here, with LVIS\'s "_" kept. In both numbers those are left out of account that a'
        " source here may owe to having more prompts than published. More overlap lowers the"
        " number further.",
        measured=_overlap_text(measured),
        not_measured=f"the exact number: {lacking(measured)}" if lacking(measured) else None,
    )


def _certain_repeats(measured: Measured) -> int:
    """Repeats among the sources that are whole here, with LVIS's "_" kept: a lower bound.

    A string in k sources is repeated k - 1 times; of the pairs of a tree that spans the sources it
    is shared by k - 1 at most. So the shared counts of such a tree add up to no more than the
    repeats.
    """
    if not _condition(measured):
        return _likely_repeats(measured)
    whole = {name: source for name, source in measured.sources.items() if source.is_whole}
    pairs = {
        (a, b): measured.lvis_as_given_in.get(b if a == "lvis" else a, 0) if "lvis" in (a, b) else n
        for (a, b), n in measured.shared.items()
        if a in whole and b in whole
    }
    tree = {name: name for name in whole}
    repeats = 0
    for (a, b), n in sorted(pairs.items(), key=lambda item: -item[1]):
        old, new = tree[a], tree[b]
        if old != new:
            tree = {name: new if root == old else root for name, root in tree.items()}
            repeats += n
    for name, source in whole.items():
        repeats -= min(sum(n for pair, n in pairs.items() if name in pair), source.excess)
    return max(repeats, 0)


def _condition(measured: Measured) -> str:
    """What `_likely_repeats` supposes and `_certain_repeats` does not."""
    parts = [
        name
        for name, source in measured.sources.items()
        if not source.is_whole and source.unique < source.published
    ]
    conditions = ['"_" is a blank in LVIS\'s names'] if "lvis" in measured.sources else []
    if parts:
        conditions.append(f"the part of {', '.join(parts)} here is part of the paper's")
    return " and ".join(conditions)


def _likely_repeats(measured: Measured) -> int:
    """Repeats of the paper's corpus, with "_" as a blank and if parts here are parts of its own.

    Taking a prompt out of one source lowers the number of repeats by at most one. So a source
    with a few prompts beyond its published count can account for no more repeats than that, and
    a source that is clearly another one for no more than it shares with all others.
    """
    doubtful = 0
    for name, source in measured.sources.items():
        shares = sum(n for pair, n in measured.shared.items() if name in pair)
        other = source.unique > source.published and not source.is_whole
        doubtful += shares if other else min(shares, source.excess)
    return max(measured.plain_sum - measured.union - doubtful, 0)


def _overlap_text(measured: Measured | None) -> str | None:
    if measured is None or not measured.sources:
        return None
    shared = measured.plain_sum - measured.union
    pairs = [f"{a} and {b} {n:,}" for (a, b), n in measured.shared.items() if n]
    listed = f" (shared as raw strings: {', '.join(pairs)})" if pairs else ""
    cleaned = [f"{a} and {b} {n:,}" for (a, b), n in measured.shared_cleaned.items() if n]
    after = f"; after the tokenizer's cleaning: {', '.join(cleaned)}" if cleaned else ""
    kept = [f"{name} {n:,}" for name, n in measured.lvis_as_given_in.items() if n]
    given = f'; LVIS\'s names with "_" kept that are in {", ".join(kept)}' if kept else ""
    beyond = f"; repeats certain to be in the paper's corpus: {_certain_repeats(measured):,}"
    return (
        f"{scope(measured)}: sum {measured.plain_sum:,}, distinct {measured.union:,},"
        f" so {shared:,} repeats{listed}{after}{given}{beyond}"
    )


def _lvis_names(claims: Claims, measured: Measured | None) -> Entry:
    published = claims.corpus.counts["lvis"]
    names = measured.lvis_names if measured else ()
    counts = {label: len(distinct) for label, distinct in readings(names).items()}
    fitting = [label for label, n in counts.items() if n == published.interval.lo]
    plain = len(set(names))
    verdict: Verdict = "undecided"
    if names and plain == published.interval.lo:
        verdict = "holds"
    elif names and not fitting:
        verdict = "contradicts"
    if fitting and verdict == "undecided":
        decides = f"Of those tried, the published count is that of the names {fitting[0]}."
    elif verdict == "contradicts":
        decides = "None of the preparations tried here gives the published count."
    else:
        decides = ""
    return Entry(
        id="lvis-names",
        group="corpus",
        title="LVIS: 1,199 names",
        where="3.1.1",
        claim="LVIS contributes 1,199 category names.",
        published=str(published),
        implied=f"{plain:,} distinct names in LVIS v1" if names else "LVIS's table decides",
        verdict=verdict,
        margin=f"difference {abs(plain - int(published.interval.lo)):,}" if names else "not known",
        explanation="LVIS v1 has 1,203 categories with 1,203 different names. A smaller count"
        " needs a preparation that makes some of them equal, and the paper names none."
        + (f" {decides}" if decides else ""),
        measured="distinct names " + "; ".join(f"{label} {n:,}" for label, n in counts.items())
        if names
        else None,
        not_measured=None if names else "needs LVIS's category names",
    )


def _lvis_mean(claims: Claims, measured: Measured | None) -> Entry:
    published = claims.context.lvis_mean
    means: dict[str, Interval] = {}
    if measured:
        means = {k: Interval.around(v, v) for k, v in measured.lvis_mean_tokens.items()}
        source = measured.sources.get("lvis")
        if source and source.unique and source.is_whole:
            value = source.lengths.mean
            means.setdefault('with "_" as a blank', Interval.around(value, value))
    verdict = any_reading(equal(published.interval, value) for value in means.values())
    # A single preparation settles nothing, since the paper does not say how names were prepared.
    if len(means) == 1 and verdict == "contradicts":
        verdict = "undecided"
    nearest = min((published.interval.gap(v) for v in means.values()), default=None)
    return Entry(
        id="lvis-mean-length",
        group="corpus",
        title="LVIS: 3.3 tokens on average",
        where="3.1.2",
        claim="LVIS names have 3.3 tokens on average, start and end token included.",
        published=published.interval.text(2),
        implied=Interval.hull(*means.values()).text(2) if means else "LVIS's names decide",
        verdict=verdict,
        margin="not known"
        if nearest is None
        else f"the nearest mean found is outside the rounding of {published} by "
        f"{number(nearest, 2, 'down')} tokens"
        if nearest
        else f"within the rounding of {published}",
        explanation="LVIS's names are public and short, so their mean can be taken directly. It"
        " depends on how the names are prepared, which the paper does not say: with their"
        " qualifiers in parentheses, without them, or otherwise."
        + (_not_tokens_of_names(measured, published) if measured and means else ""),
        measured="mean tokens of the names "
        + "; ".join(f"{label} {number(v.mid, 3)}" for label, v in means.items())
        if means
        else None,
        not_measured=None if means else "needs LVIS's names as tokens",
    )


def _not_tokens_of_names(measured: Measured, published: Figure) -> str:
    """Counts of something else than the names' tokens, which therefore decide nothing."""
    cut = {k: f"{value:.3f}" for k, value in measured.lvis_cut_means.items()}
    left = cuts(measured.lvis_names)
    other = [f"{k} {value} ({len(left[k]):,} names)" for k, value in cut.items()]
    counted = words(measured.lvis_names)
    if counted:
        mean = Fraction(sum(counted), len(counted)) + 2
        other.append(f"words + 2 in place of tokens, without the qualifier {number(mean, 2)}")
    if not other:
        return ""
    return (
        f" Near {published} come counts of something else, which are not readings of a mean of BPE"
        f" tokens over category names: {'; '.join(other)}."
    )


def _veval(claims: Claims, measured: Measured | None) -> Entry:
    corpus = claims.corpus
    published, queried = corpus.counts["saco-veval"], corpus.veval_queried
    tests = total([figure.interval for figure in corpus.veval_tests])
    source = measured.sources.get("saco-veval") if measured else None
    names: Verdict = "undecided"
    text = None
    if source:
        if source.is_whole:
            names = equal(published.interval, Interval.exact(source.unique))
        asked = source.notes.get("queried noun phrases")
        text = f"distinct names in the category table here: {source.unique:,}" + (
            f"; phrases queried by the files here: {asked:,}" if asked is not None else ""
        )
    unqueried = max(published.interval.lo - queried.interval.lo, Fraction(0))
    return Entry(
        id="veval-count",
        group="corpus",
        title="VEval: 51,248 evaluation annotations",
        where="3.1.1; Table 4",
        claim="SA-Co VEval contributes 51,248 evaluation annotations.",
        published=str(published),
        implied="names in VEval's annotation files: "
        + (f"{source.unique:,}" if source and source.is_whole else "the files decide")
        + f"; phrases queried in all six files: {queried} (not from the paper); noun phrases in"
        f" Table 4's three test sets: {tests.text(0)}",
        verdict=any_reading((names, equal(published.interval, queried.interval))),
        margin=f"as distinct names: {names}; as phrases queried: {number(unqueried, 0)} too many"
        f" ({(unqueried / published.interval).percent(1)} of {published})",
        explanation="The paper does not say what it counts. VEval's annotation files carry a"
        " category table with names that no video is asked for."
        f" The {queried} are the noun phrases really queried over the six files, val and test, by a"
        " published list that was not checked here; Table 4 counts the test sets only. What was"
        " counted, names or queries, would decide.",
        measured=text,
        not_measured=None if source else "needs the official files of saco-veval",
    )


def _training_overlap(claims: Claims, measured: Measured | None) -> str | None:
    if measured is None:
        return None
    training = claims.corpus.training_counted
    # A source with other prompts than the published ones says nothing of the paper's training set.
    usable = [s for s in measured.sources.values() if s.is_whole or s.unique < s.published]
    here = {source.name for source in usable}
    found = [
        f"{a} and {b} {n:,}"
        for (a, b), n in measured.shared.items()
        if {a, b} <= here
        and ((a in training and b in _EVALUATED) or (b in training and a in _EVALUATED))
    ]
    if not found:
        return None
    sizes = [f"{s.name} {size(s)}" for s in usable if s.name in training]
    table = (
        "; saco-veval is VEval's category table, most of it never queried"
        if any("saco-veval" in text for text in found)
        else ""
    )
    return f"prompts shared with test sources ({'; '.join(sizes)}): {', '.join(found)}{table}"


def _training(claims: Claims, measured: Measured | None) -> Entry:
    corpus = claims.corpus
    named = Interval.exact(len(corpus.training_named))
    prompts = total([corpus.counts[name].interval for name in corpus.training_counted])
    return Entry(
        id="training-datasets",
        group="corpus",
        title="Training set: four datasets",
        where="5.1",
        claim="Students are trained on prompts from four datasets.",
        published=str(corpus.training_datasets),
        implied=f"{named.text(0)}: {', '.join(corpus.training_named)}",
        verdict=equal(corpus.training_datasets.interval, named),
        margin=f"difference {number(corpus.training_datasets.interval.gap(named), 0)}",
        explanation="The count is right if RefCOCO's three sets are counted one by one; the six"
        f" sources of 3.1.1 count them as one. The training set has {prompts.text(0)} prompts,"
        f" {(prompts / corpus.total.interval).percent(1)} of the audited ones.",
        measured=_training_overlap(claims, measured),
        not_measured=lacking(measured, (*corpus.training_counted, *_EVALUATED)),
    )

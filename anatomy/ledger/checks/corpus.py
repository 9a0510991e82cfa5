"""Sources and counts: what was added up, and what was counted."""

from __future__ import annotations

from fractions import Fraction

from anatomy.ledger.claims import Claims
from anatomy.ledger.here import lacking, scope, size
from anatomy.ledger.intervals import Interval, number, total
from anatomy.ledger.model import Entry, Measured
from anatomy.ledger.names import readings
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
        most = added - max(_sure_repeats(measured), 0)
        if most.hi < corpus.total.interval.lo:
            verdict = "contradicts"
            implied = f"at most {most.text(0)}"
            margin = f"{corpus.total} is too many by at least " + number(
                corpus.total.interval.lo - most.hi, 0
            )
        elif measured.is_complete and measured.union == corpus.total.interval.lo:
            verdict, margin = "holds", "difference 0"
    return Entry(
        id="prompt-count-unique",
        group="corpus",
        title="404,796 as distinct prompts",
        where="3.1.1; Table 1; 6",
        claim='"After deduplication, we obtain 404,796 unique prompts."',
        published=str(corpus.total),
        implied=implied,
        verdict=verdict,
        margin=margin,
        explanation="404,796 is the sum of the six counts, so it counts distinct prompts only if"
        " the sources have none in common. Repeats found here repeat in the paper's corpus as well,"
        " as far as the files here are parts of its sources; those are left out of account that a"
        " source here may owe to having more prompts than published. More overlap lowers the"
        ' number further. LVIS\'s names are compared with "_" as a blank.',
        measured=_overlap_text(measured),
        not_measured=f"the exact number: {lacking(measured)}" if lacking(measured) else None,
    )


def _sure_repeats(measured: Measured) -> int:
    """Repeats that the paper's corpus has too: a lower bound.

    Taking a prompt out of one source lowers the number of repeats by at most one. So a source
    with a few prompts beyond its published count can account for no more repeats than that, and
    a source that is clearly another one for no more than it shares with all others.
    """
    doubtful = 0
    for name, source in measured.sources.items():
        shares = sum(n for pair, n in measured.shared.items() if name in pair)
        other = source.unique > source.published and not source.is_whole
        doubtful += shares if other else min(shares, source.excess)
    return measured.plain_sum - measured.union - doubtful


def _overlap_text(measured: Measured | None) -> str | None:
    if measured is None or not measured.sources:
        return None
    shared, sure = measured.plain_sum - measured.union, _sure_repeats(measured)
    pairs = [f"{a} and {b} {n:,}" for (a, b), n in measured.shared.items() if n]
    listed = f" (shared as raw strings: {', '.join(pairs)})" if pairs else ""
    cleaned = [f"{a} and {b} {n:,}" for (a, b), n in measured.shared_cleaned.items() if n]
    after = f"; after the tokenizer's cleaning: {', '.join(cleaned)}" if cleaned else ""
    beyond = f"; repeats certain to be in the paper's corpus: {max(sure, 0):,}"
    return (
        f"{scope(measured)}: sum {measured.plain_sum:,}, distinct {measured.union:,},"
        f" so {shared:,} repeats{listed}{after}{beyond}"
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
        where="3.1.2; Figure 2",
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
        " qualifiers in parentheses, without them, or otherwise.",
        measured="mean tokens of the names "
        + "; ".join(f"{label} {number(v.mid, 3)}" for label, v in means.items())
        if means
        else None,
        not_measured=None if means else "needs LVIS's names as tokens",
    )


def _veval(claims: Claims, measured: Measured | None) -> Entry:
    corpus = claims.corpus
    published, queried = corpus.counts["saco-veval"], corpus.veval_queried
    tests = total([figure.interval for figure in corpus.veval_tests])
    source = measured.sources.get("saco-veval") if measured else None
    verdict: Verdict = "undecided"
    text = None
    if source:
        is_table = source.unique == published.interval.lo
        if published.interval.lo <= queried.interval.hi:
            verdict = "holds"
        elif is_table:
            verdict = "contradicts"
        asked = source.notes.get("queried noun phrases")
        text = f"distinct names in the category table here: {size(source)}" + (
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
        implied=f"{queried} phrases queried by the published list; {tests.text(0)} noun phrases"
        " in the three test sets of Table 4",
        verdict=verdict,
        margin=f"{number(unqueried, 0)} more than are queried"
        f" ({(unqueried / published.interval).percent(1)} of {published})",
        explanation="51,248 is the size of VEval's category table, which lists names that no video"
        " is asked for. As a count of distinct names it is right; as a count of evaluation prompts"
        " it is not. Without the file the paper's numbers leave open what was counted.",
        measured=text,
        not_measured=None if source else "needs the official files of saco-veval",
    )


def _training_overlap(claims: Claims, measured: Measured | None) -> str | None:
    if measured is None:
        return None
    training = claims.corpus.training_counted
    found = [
        f"{a} and {b} {n:,}"
        for (a, b), n in measured.shared.items()
        if (a in training and b in _EVALUATED) or (b in training and a in _EVALUATED)
    ]
    return f"prompts in both training and test sources here: {', '.join(found)}" if found else None


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

"""Vocabulary use: special tokens, coverage, the most frequent tokens (3.1.4, Figure 3)."""

from __future__ import annotations

from fractions import Fraction

from anatomy.ledger.claims import Claims
from anatomy.ledger.here import against, joint
from anatomy.ledger.intervals import Interval, number
from anatomy.ledger.model import Entry, Measured
from anatomy.ledger.verdicts import all_of, at_most, equal, possible, saved_by

_SPECIALS = 2  # every prompt has exactly one start and one end token


def entries(claims: Claims, measured: Measured | None) -> list[Entry]:
    """Special share against the means, coverage, top-100 share."""
    return [_special(claims, measured), _coverage(claims, measured), _top(claims, measured)]


def _special(claims: Claims, measured: Measured | None) -> Entry:
    share = claims.vocabulary.special_share.interval
    context = claims.context
    needed = _SPECIALS / share
    printed, at_least = context.mean.interval, context.row(32).kept
    literal = all_of((equal(needed, printed), possible(at_most(at_least, needed))))
    to_content = _SPECIALS / (Interval(at_least.lo, max(printed.hi, at_least.lo)) - _SPECIALS)
    verdict = saved_by(literal, [equal(share, to_content)])
    expected = _SPECIALS / printed
    apart = max(needed.gap(printed), at_least.lo - needed.hi, Fraction(0))
    hint = (
        f" A mean of {needed.text(2)} is within the range printed for the SA-Co sources (5.4 to"
        " 5.9), so the share may have been taken on other prompts than Table 1."
        if verdict == "contradicts" and needed.overlaps(context.saco_mean.interval)
        else ""
    )
    missed = share.gap(to_content)
    near = (
        f" but misses it by {number(missed * 100, 1, 'down')} percentage points or more"
        if missed
        else " and can be it"
    )
    said = joint(
        measured,
        lambda x, m: (
            f"special tokens are {m.special_share:.2%} of the tokens"
            + against(m, m.special_share, share)
            + f", and 2 / mean = 2 / {x.mean:.3f} = {_SPECIALS / x.mean:.2%}"
        ),
    )
    return Entry(
        id="special-share-vs-mean",
        group="vocabulary",
        title="Special tokens: 34.6 % of occurrences",
        where="3.1.4; 3.1.2; Table 1",
        claim="Start and end tokens account for 34.6 % of all token occurrences.",
        published=str(claims.vocabulary.special_share),
        implied=f"{expected.percent(1)} from the mean {context.mean}; at most"
        f" {number(_SPECIALS / at_least.lo * 100, 1, 'up')} % from density(32); as a ratio to the"
        f" other tokens, 2 / (mean - 2), {to_content.percent(2)}",
        verdict=verdict,
        margin=f"{claims.vocabulary.special_share} needs a mean of {needed.text(2)} tokens;"
        f" {context.mean} is printed and Table 1 needs at least {number(at_least.lo, 2, 'down')}:"
        + (f" apart by {number(apart, 2, 'down')} or more" if apart else " within rounding"),
        explanation="Every prompt has exactly one start and one end token, so their share is"
        " 2 / mean length, and the mean is at least 32 * density(32). Their ratio to all other"
        f" tokens, 2 / (mean - 2), comes near the printed share{near}.{hint}",
        measured=said[0],
        not_measured=said[1],
    )


def _coverage(claims: Claims, measured: Measured | None) -> Entry:
    words = claims.vocabulary
    share = words.used.interval / words.size.interval
    parts = (
        equal(words.coverage.interval, share),
        equal(words.unused.interval, 1 - share),
        equal(words.size_label.interval, words.size.interval),
        equal(words.used_label.interval, words.used.interval),
    )
    said = joint(
        measured,
        lambda _, m: (
            f"{m.distinct_ids:,} of {m.vocabulary_size:,} ids occur"
            f" ({m.distinct_ids / m.vocabulary_size:.1%})"
            + against(m, m.distinct_ids, words.used.interval)
            + _missing_files(m)
        ),
    )
    return Entry(
        id="vocabulary-coverage",
        group="vocabulary",
        title="Coverage: 17,300 of 49,408 tokens",
        where="3.1.4; Figure 3; Table 2; 6",
        claim="17,300 of 49,408 tokens (35.0 %) occur, 65 % are never used.",
        published=f"{words.coverage} used, {words.unused} unused",
        implied=f"{share.percent(2)} used, {(1 - share).percent(2)} unused",
        verdict=all_of(parts),
        margin=f"{parts.count('holds')} of {len(parts)} printed values agree within rounding",
        explanation="The percentages follow from the two counts. Start and end token, which occur"
        " in every prompt, are among the counted ones if specials are counted.",
        measured=said[0],
        not_measured=said[1],
    )


def _missing_files(measured: Measured) -> str:
    """What a part of the corpus says of the whole: nothing certain where prompts are others."""
    if measured.is_complete:
        return ""
    other = [source.name for source in measured.sources.values() if source.excess]
    if other:
        have = "has" if len(other) == 1 else "have"
        return f"; {' and '.join(other)} {have} prompts here that the paper's corpus need not have"
    return "; the other files can only add to them"


def _top(claims: Claims, measured: Measured | None) -> Entry:
    words = claims.vocabulary
    top, special = words.top100_share.interval, words.special_share.interval
    other = top - special
    by_mean = top - _SPECIALS / claims.context.mean.interval
    said = joint(
        measured,
        lambda _, m: (
            f"the 100 most frequent ids are {m.top100_share:.1%} of the tokens"
            + against(m, m.top100_share, top)
        ),
    )
    return Entry(
        id="top-100-share",
        group="vocabulary",
        title="Top 100 tokens: 58.5 % of occurrences",
        where="3.1.4; Figure 3",
        claim="The 100 most frequent tokens cover 58.5 % of all occurrences.",
        published=str(words.top100_share),
        implied=f"at least the special tokens' share; the other 98 tokens then have"
        f" {other.percent(1)}, or {by_mean.percent(1)} if the specials have"
        f" 2 / {claims.context.mean}",
        verdict=possible(all_of((at_most(special, top), at_most(top, Interval.exact(1))))),
        margin=f"{number((top.lo - special.hi) * 100, 1, 'down')} percentage points above the"
        " special tokens' share",
        explanation="The most frequent tokens include the start and the end token, so their share"
        " cannot be smaller. The printed figures do not test it further.",
        measured=said[0],
        not_measured=said[1],
    )

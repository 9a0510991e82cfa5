"""The summary: five sentences, each computed from the findings."""

from __future__ import annotations

from collections import Counter

from anatomy.findings import EncoderFinding, Findings


def summary(findings: Findings) -> list[str]:
    """What a reader should take away, for the first encoder."""
    encoder = findings.encoders[0]
    return [
        _corpus(findings),
        _length(encoder),
        _context(encoder),
        _vocabulary(encoder),
        _ledger(findings),
    ]


def window(encoder: EncoderFinding) -> int:
    """The context length to speak of: the encoder's own, else the longest of the table."""
    return encoder.context or encoder.lengths[0].contexts[-1].length


def percent(value: float) -> str:
    """A share as a percentage that never rounds something to nothing or to everything."""
    if value == 0:
        return "0 %"
    text = f"{value:.1%}"
    if text == "0.0%":
        text = f"{100 * value:.2g}%"
    if value < 1 and text == "100.0%":
        text = f"{100 * value:.6g}%"
    return text.replace("%", " %")


def _corpus(findings: Findings) -> str:
    corpus, count = findings.corpus, len(findings.sources)
    generated = sum(s.unique for s in findings.sources if s.kind == "stand-in")
    text = f"The corpus holds {corpus.unique:,} distinct prompts"
    if count > 1:
        extra = corpus.plain_sum - corpus.unique
        text += f" from {count} sources, whose own counts add up to {corpus.plain_sum:,}: " + (
            f"{extra:,} of these are repeats across sources"
            if extra
            else "no two sources share one"
        )
    if generated:
        text += (
            f"; {generated:,} of the {corpus.plain_sum:,} are stand-ins that anatomy generated, "
            "which show how the audit works and say nothing about real prompts"
        )
    return text + "."


def _length(encoder: EncoderFinding) -> str:
    combined = encoder.lengths[0]
    length, measure = window(encoder), combined.measure
    return (
        f"With the tokenizer of {encoder.name} a prompt takes {combined.mean:.2f} tokens on "
        f"average (median {combined.median}, 99th percentile {combined.p99}, longest "
        f"{combined.maximum:,}), so a context of {length} tokens is "
        f"{percent(measure.density(length))} text and {percent(measure.padding(length))} padding."
    )


def _context(encoder: EncoderFinding) -> str:
    choice = encoder.recommended_context
    return (
        f"A context of {choice.length} tokens is enough: it cuts {percent(choice.combined_loss)} "
        f"of all tokens and at most {percent(choice.worst_loss)} in any source "
        f"({choice.worst}), within the bound of {percent(choice.bound)}."
    )


def _vocabulary(encoder: EncoderFinding) -> str:
    combined = encoder.vocabulary[0]
    return (
        f"The prompts use {combined.distinct:,} of {encoder.vocabulary_size:,} tokens "
        f"({percent(combined.coverage)}); the 100 most frequent make up "
        f"{percent(combined.top_shares[100])} of everything that is encoded, and "
        f"{combined.in_one_prompt:,} tokens occur in a single prompt."
    )


def _ledger(findings: Findings) -> str:
    verdicts = Counter(entry.verdict for entry in findings.ledger)
    return (
        f"Of {len(findings.ledger)} claims of the SAM3-LiteText paper that its own figures can "
        f"test, {verdicts['holds']} hold, {verdicts['contradicts']} are contradicted beyond any "
        f"rounding or reading and {verdicts['undecided']} stay undecided."
    )

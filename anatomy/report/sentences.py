"""The summary: a few sentences, each computed from the findings."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from anatomy.amounts import millions
from anatomy.corpus.model import COMBINED
from anatomy.findings import EncoderFinding, Estimated, Findings, OutputsFinding


def summary(findings: Findings) -> list[str]:
    """What a reader should take away, for the first encoder."""
    tokens = [part(e) for e in findings.encoders[:1] for part in (_length, _context, _vocabulary)]
    return [_corpus(findings), *tokens, *inside(findings), _ledger(findings)]


def inside(findings: Findings) -> list[str]:
    """One sentence for each encoder or file whose outputs were measured."""
    sentences = []
    for encoder in findings.encoders:
        if encoder.inside:
            e = encoder.inside.embedding
            sentences.append(
                f"Of {encoder.name}'s {millions(e.parameters)} parameters of token embedding the "
                f"prompts use {millions(e.pruned_parameters)}. "
                + _outputs(f"of {encoder.name}", encoder.inside.outputs)
            )
    return sentences + [_outputs(f"in {f.file.path}", f.outputs) for f in findings.outputs]


def _outputs(whose: str, outputs: OutputsFinding) -> str:
    cloud = outputs.main
    if cloud is None:
        why = "; ".join(f"{what}: {reason}" for what, reason in list(outputs.absent.items())[:1])
        if len(outputs.absent) > 1:
            why += f"; {len(outputs.absent) - 1} more"
        return f"The outputs {whose} were not measured ({why})."
    return (
        f"The {cloud.kind} outputs {whose}, {cloud.points:,} distinct ones of "
        f"{cloud.drawn:,} prompts drawn, are {cloud.ambient:,} "
        f"wide, have an effective rank of {cloud.linear.effective_rank:.1f}, and an intrinsic "
        f"dimension of {_estimated(cloud.harmonic)} by MLE and {_estimated(cloud.two_nn)} by TwoNN."
    )


def _estimated(estimate: Estimated) -> str:
    return f"{estimate.value:.1f} ({estimate.low:.1f} to {estimate.high:.1f})"


def window(encoder: EncoderFinding) -> int:
    """The context length to speak of: the encoder's own, else the longest of the table."""
    return encoder.context or encoder.lengths[0].contexts[-1].length


def percent(value: float) -> str:
    """A share as a percentage that never rounds something to nothing or to everything."""
    if value == 0:
        return "0 %"
    text = f"{value:.1%}"
    if text == "0.0%":
        text = f"{Decimal(f'{100 * value:.2g}'):f}%"  # without an exponent
    if value < 1 and text == "100.0%":
        text = f"{100 * value:.6g}%"
    return text.replace("%", " %")


def about(findings: Findings) -> str:
    """What stands before a number of distinct prompts that is an estimate."""
    return "about " if findings.corpus.approximation else ""


def _corpus(findings: Findings) -> str:
    corpus, count = findings.corpus, len(findings.sources)
    generated = sum(s.unique for s in findings.sources if s.kind == "stand-in")
    text = (
        f"The corpus holds {about(findings)}{corpus.unique:,} distinct "
        f"prompt{'s' * (corpus.unique != 1)}"
    )
    if corpus.approximation:
        low, high = corpus.approximation.unique[COMBINED]
        counted = findings.encoders[0].lengths[0].prompts
        text += f" ({low:,} to {high:,}), whose tokens are counted in {counted:,} of them,"
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

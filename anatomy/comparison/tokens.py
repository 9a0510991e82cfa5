"""The numbers of an audit that follow from its prompts and their tokens: all exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from anatomy.comparison.facts import Fact, Key
from anatomy.corpus.model import COMBINED
from anatomy.findings import EncoderFinding, Findings, LengthFinding, VocabularyFinding

Facts = Iterator[tuple[Key, Fact]]


def corpus_facts(findings: Findings) -> Facts:
    """Prompts of all sources and of each, and what two of them share."""
    corpus = findings.corpus

    def of(group: str, name: str, number: int, *, headline: bool = False) -> tuple[Key, Fact]:
        return Key("corpus", "", group, name), Fact(number, "count", headline=headline)

    yield of(COMBINED, "Distinct prompts", corpus.unique, headline=True)
    yield of(COMBINED, "Sum of the sources' own", corpus.plain_sum)
    yield of(COMBINED, "Sources", len(findings.sources))
    for source in findings.sources:
        yield of(source.name, "Distinct prompts", source.unique)
        yield of(source.name, "Rows read", source.rows)
        yield of(source.name, "Exact copies", source.duplicates)
        yield of(source.name, "Rows refused", sum(source.refused.values()))
    names = [source.name for source in findings.sources]
    for a, b in combinations(range(len(names)), 2):
        first, second = sorted((names[a], names[b]))
        key = Key("overlap", "", f"{first} and {second}", "Prompts shared")
        yield key, Fact(corpus.shared[a][b], "count")


def token_facts(encoder: EncoderFinding, contexts: Sequence[int]) -> Facts:
    """What an encoder's tokenizer makes of the prompts, at these context lengths."""
    for lengths in encoder.lengths:
        yield from _lengths(lengths)
        if lengths.group in encoder.unique_cleaned:
            cleaned = encoder.unique_cleaned[lengths.group]
            yield Key("lengths", "", lengths.group, "Distinct once cleaned"), Fact(cleaned, "count")
    choice = encoder.recommended_context
    loss = encoder.lengths[0].measure.token_loss(choice.length)
    for name, fact in (
        ("Recommended context", Fact(choice.length, "length", headline=True)),
        ("Recommended, in multiples of 8", Fact(choice.aligned, "length")),
        ("Tokens lost at the recommended", Fact(loss, "share")),
    ):
        yield Key("lengths", "", COMBINED, name), fact
    for lengths in encoder.lengths:
        yield from _contexts(lengths, contexts)
    for vocabulary in encoder.vocabulary:
        yield from _vocabulary(encoder, vocabulary)


def _lengths(found: LengthFinding) -> Facts:
    all_prompts = found.group == COMBINED
    for name, fact in (
        ("Prompts", Fact(found.prompts, "count")),
        ("Tokens", Fact(found.tokens, "count")),
        (
            "Mean tokens per prompt",
            Fact(found.tokens / found.prompts, "tokens", headline=all_prompts),
        ),
        ("Median length", Fact(found.median, "length")),
        ("90th percentile of lengths", Fact(found.p90, "length")),
        ("95th percentile of lengths", Fact(found.p95, "length")),
        ("99th percentile of lengths", Fact(found.p99, "length", headline=all_prompts)),
        ("Longest prompt", Fact(found.maximum, "length")),
    ):
        yield Key("lengths", "", found.group, name), fact


def _contexts(found: LengthFinding, contexts: Sequence[int]) -> Facts:
    """From the histogram, which gives every length: those of another audit too."""
    measure = found.measure
    for length in contexts:
        for name, value in (
            ("Info density", measure.density(length)),
            ("Padding", measure.padding(length)),
            ("Prompts truncated", measure.truncation(length)),
            ("Tokens lost", measure.token_loss(length)),
        ):
            yield Key("contexts", f"L = {length}", found.group, name), Fact(value, "share")


def _vocabulary(encoder: EncoderFinding, found: VocabularyFinding) -> Facts:
    all_prompts = found.group == COMBINED
    for name, fact in (
        ("Distinct tokens", Fact(found.distinct, "count", headline=all_prompts)),
        ("Coverage of the vocabulary", Fact(found.distinct / encoder.vocabulary_size, "share")),
        ("Share of specials", Fact(found.special_share, "share", digits=6)),
        *(
            (
                f"Share of the top {k:,}",
                Fact(share, "share", digits=6, headline=all_prompts and k == 100),
            )
            for k, share in found.top_shares.items()
        ),
        ("Tokens in a single prompt", Fact(found.in_one_prompt, "count")),
    ):
        yield Key("vocabulary", "", found.group, name), fact

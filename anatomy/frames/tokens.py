"""Frames of what tokenizers make of the prompts: lengths, context window, vocabulary."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from anatomy.findings import TOP_SHARES, ContextRow, Findings, from_ranges
from anatomy.frames.table import COUNT, MAYBE, NUMBER, TEXT, table

_GROUPS = {"encoder": TEXT, "group": TEXT}


def encoders(findings: Findings) -> pd.DataFrame:
    """Each encoder, and the context window that the prompts need.

    Returns
    -------
    DataFrame, one row for each encoder; outputs from files have none
        encoder
        tokenizer : what it is
        vocabulary : its tokens
        used : tokens that occur in the prompts
        context : positions that the encoder reads, where known
        recommended : the smallest context that loses at most `bound` of the tokens
        aligned : the same, rounded up to a multiple of 8
        bound : largest token loss allowed, overall and in every source (share)
        decides : the group that needs this length
        loss : that group's token loss at the recommended context (share)
        combined_loss : that of all prompts (share)
        parameters : of all weights, where they were measured
        weights : "measured", or why not
    """
    return table(
        {
            "encoder": TEXT,
            "tokenizer": TEXT,
            "vocabulary": COUNT,
            "used": COUNT,
            "context": MAYBE,
            "recommended": COUNT,
            "aligned": COUNT,
            "bound": NUMBER,
            "decides": TEXT,
            "loss": NUMBER,
            "combined_loss": NUMBER,
            "parameters": MAYBE,
            "weights": TEXT,
        },
        (
            (
                *(e.name, e.tokenizer, e.vocabulary_size, e.vocabulary[0].distinct, e.context),
                *(e.recommended_context.length, e.recommended_context.aligned),
                *(e.recommended_context.bound, e.recommended_context.worst),
                *(e.recommended_context.worst_loss, e.recommended_context.combined_loss),
                *(e.inside.parameters if e.inside else None, e.weights),
            )
            for e in findings.encoders
        ),
    )


def lengths(findings: Findings) -> pd.DataFrame:
    """How long the prompts are, in tokens.

    Returns
    -------
    DataFrame, one row for each encoder and group
        encoder, group
        prompts : distinct raw strings
        cleaned : of these, what the tokenizer's cleaning leaves distinct
        tokens : of all these prompts
        mean, median, p90, p95, p99, maximum : tokens of a prompt
    """
    columns = ("median", "p90", "p95", "p99", "maximum")
    return table(
        {
            **_GROUPS,
            "prompts": COUNT,
            "cleaned": COUNT,
            "tokens": COUNT,
            "mean": NUMBER,
            **dict.fromkeys(columns, COUNT),
        },
        (
            (
                *(encoder.name, part.group, part.prompts, encoder.unique_cleaned[part.group]),
                *(part.tokens, part.mean, *(getattr(part, name) for name in columns)),
            )
            for encoder in findings.encoders
            for part in encoder.lengths
        ),
    )


def histogram(findings: Findings) -> pd.DataFrame:
    """How many prompts have how many tokens.

    Returns
    -------
    DataFrame, one row for each encoder, group and length that occurs
        encoder, group
        length : tokens of a prompt
        prompts : that have it
        share : of the group's prompts
    """
    return table(
        {**_GROUPS, "length": COUNT, "prompts": COUNT, "share": NUMBER},
        (
            (encoder.name, part.group, length, prompts, prompts / part.prompts)
            for encoder in findings.encoders
            for part in encoder.lengths
            for length, prompts in part.histogram
        ),
    )


def contexts(findings: Findings, lengths: Iterable[int] | None = None) -> pd.DataFrame:
    """What a context of `length` tokens costs: padding on one side, what it cuts on the other.

    Parameters
    ----------
    findings : Findings
    lengths : iterable of int, optional
        Context lengths, each at least 1; those of the audit unless told. Any is exact: all of it
        follows from the histogram.

    Returns
    -------
    DataFrame, one row for each encoder, group and context length
        encoder, group
        length : positions of the context, L
        density : mean of min(tokens, L) / L (share)
        padding : 1 - density: positions that are padding (share)
        quadratic_padding : attention scores with padding on either side (share)
        truncation : prompts of more than L tokens (share)
        token_loss : tokens beyond position L (share)
    """
    names = list(ContextRow.model_fields)
    asked = None if lengths is None else list(lengths)
    if asked is not None and min(asked, default=1) < 1:
        raise ValueError(f"lengths: {min(asked)} is no context length; give 1 or more")
    return table(
        {**_GROUPS, "length": COUNT, **dict.fromkeys(names[1:], NUMBER)},
        (
            (encoder.name, part.group, *(getattr(row, name) for name in names))
            for encoder in findings.encoders
            for part in encoder.lengths
            for row in (
                part.contexts
                if asked is None
                else [ContextRow.of(part.measure, length) for length in asked]
            )
        ),
    )


def vocabulary(findings: Findings) -> pd.DataFrame:
    """How much of the vocabulary the prompts use.

    Returns
    -------
    DataFrame, one row for each encoder and group
        encoder, group
        prompts, tokens : of the group
        distinct : token ids that occur
        coverage : of the vocabulary (share)
        special_share : start and end tokens, of all tokens (share)
        top10_share, top100_share, top1000_share : the most frequent ids, of all tokens (share)
        in_one_prompt : ids that occur in a single prompt
    """
    return table(
        {
            **_GROUPS,
            "prompts": COUNT,
            "tokens": COUNT,
            "distinct": COUNT,
            "coverage": NUMBER,
            "special_share": NUMBER,
            **{f"top{k}_share": NUMBER for k in TOP_SHARES},
            "in_one_prompt": COUNT,
        },
        (
            (
                *(encoder.name, part.group, part.prompts, part.tokens, part.distinct),
                *(part.coverage, part.special_share),
                *(part.top_shares.get(k) for k in TOP_SHARES),
                part.in_one_prompt,
            )
            for encoder in findings.encoders
            for part in encoder.vocabulary
        ),
    )


def tokens(findings: Findings) -> pd.DataFrame:
    """The most frequent tokens of all prompts, the specials among them.

    Returns
    -------
    DataFrame, one row for each encoder and token
        encoder
        rank : from 1, the most frequent
        id, text : of the token
        count : how often it occurs
        share : of all tokens
    """
    return table(
        {
            "encoder": TEXT,
            "rank": COUNT,
            "id": COUNT,
            "text": TEXT,
            "count": COUNT,
            "share": NUMBER,
        },
        (
            (encoder.name, rank, token.id, token.text, token.count, token.share)
            for encoder in findings.encoders
            for rank, token in enumerate(encoder.top_tokens, 1)
        ),
    )


def kept(findings: Findings) -> pd.DataFrame:
    """The token ids that the prompts use: what a pruned vocabulary would keep.

    Returns
    -------
    DataFrame, one row for each encoder and id that occurs
        encoder
        id : ascending
    """
    return table(
        {"encoder": TEXT, "id": COUNT},
        (
            (encoder.name, number)
            for encoder in findings.encoders
            for number in from_ranges(encoder.kept_ids)
        ),
    )


def zipf(findings: Findings) -> pd.DataFrame:
    """How unevenly tokens occur, over all prompts; up to 60 ranks, evenly on a logarithmic axis.

    Returns
    -------
    DataFrame, one row for each encoder and rank
        encoder
        rank : of a token by frequency, from 1
        share : of all tokens
    """
    return table(
        {"encoder": TEXT, "rank": COUNT, "share": NUMBER},
        (
            (encoder.name, *point)
            for encoder in findings.encoders
            for point in zip(encoder.zipf.x, encoder.zipf.y, strict=True)
        ),
    )


def growth(findings: Findings) -> pd.DataFrame:
    """How many token ids to expect among fewer prompts; up to 60 points, logarithmically even.

    Returns
    -------
    DataFrame, one row for each encoder and number of prompts
        encoder
        prompts : drawn at random
        distinct : ids expected among them (exact rarefaction, Hurlbert 1971)
    """
    return table(
        {"encoder": TEXT, "prompts": COUNT, "distinct": NUMBER},
        (
            (encoder.name, *point)
            for encoder in findings.encoders
            for point in zip(encoder.growth.x, encoder.growth.y, strict=True)
        ),
    )

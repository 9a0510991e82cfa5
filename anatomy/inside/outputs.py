"""Outputs of encoders, and of files, from their points to the findings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from anatomy.corpus.build import numbered
from anatomy.corpus.model import COMBINED
from anatomy.corpus.variants import variant_keys
from anatomy.encoders.again import libraries, opens_again
from anatomy.engines import Engine
from anatomy.errors import InputError
from anatomy.findings import CloudFinding, OutputsFinding
from anatomy.inside.cloud import Method, cloud_finding
from anatomy.inside.draw import Plan, plan
from anatomy.inside.encode import Encoded, batches, encode
from anatomy.inside.options import InsideOptions
from anatomy.inside.published import Published
from anatomy.progress import Steps, quiet
from anatomy.view import TokenView

if TYPE_CHECKING:
    from anatomy.encoders.model import TextModel


_ENOUGH = 5  # points for each dimension of the outputs, to say how many of these are needed


def outputs_finding(
    view: TokenView,
    model: TextModel,
    options: InsideOptions,
    seed: int,
    published: Published,
    engine: Engine,
    steps: Steps = quiet,
) -> OutputsFinding:
    """Draw prompts of the union and of each source, encode them, measure their outputs."""
    census, tokenizer = view.census, view.encoder.tokenizer
    corpus = numbered(census.counts.lowest.prompts)
    groups = {COMBINED: corpus.first}
    population = {COMBINED: census.counts.raw.union}
    if len(census.names) > 1:  # one source alone is the union
        groups |= {name: corpus.source == code for code, name in enumerate(census.names)}
        population |= {summary.name: summary.unique for summary in census.summaries}
    drawn = plan(
        tokenizer.encode(corpus.prompts),
        np.concatenate(census.counts.lowest.lots),
        groups,
        population,
        sample=options.sample,
        context=model.context,
        special_ids=tokenizer.special_ids,
        causal=model.causal,
        seed=seed,
    )
    pooling = model.pooling if options.pooling == "own" else options.pooling
    if pooling == "cls" and model.causal:
        raise InputError(
            f"--pooling cls: {view.encoder.name} reads from left to right, so its first output is "
            "the same for every prompt; give own, mean or end"
        )
    device = engine.device(options.device)
    threads = _threads(device)
    depends = (
        *(tokenizer.description, model.context, pooling, model.dtype, device, threads),
        *libraries().values(),
    )
    encoded = encode(
        engine.opened(model, opens_again(view.encoder, model, device), device),
        device,
        drawn,
        pooling=pooling,
        key=f"{model.weights_hash} {depends}",
        cache=options.cache,
        steps=steps,
        name=view.encoder.name,
    )
    method = Method(options.neighbours, device, options.id_estimators, seed, engine.spread(device))
    clouds, absent = _clouds(corpus.prompts, drawn, encoded, method, steps)
    combined = next((c for c in clouds if c.group == COMBINED and c.kind == "pooled"), None)
    return OutputsFinding(
        pooling=model.pooling_note(pooling),
        normalised=False,
        context=model.context,
        truncated=drawn.truncated,
        device=device,
        dtype=model.dtype,
        threads=threads,
        batches=batches(device),
        clouds=clouds,
        absent=absent,
        published=dict(published.outputs),
        rank=rank(combined),
        advice=advice(combined),
    )


def _clouds(
    prompts: pa.LargeStringArray, drawn: Plan, encoded: Encoded, method: Method, steps: Steps
) -> tuple[list[CloudFinding], dict[str, str]]:
    """Every group's pooled outputs, then its per-token ones; and why some are missing."""
    places = drawn.places
    clouds: list[CloudFinding] = []
    absent: dict[str, str] = {}
    for kind in ("pooled", "per-token"):
        for group, sample in drawn.samples.items():
            main = group == COMBINED
            own = method if main and kind == "pooled" else replace(method, others=())
            try:
                if kind == "pooled":
                    cloud = cloud_finding(
                        encoded.pooled[sample.rows],
                        group=group,
                        kind="pooled",
                        population=sample.population,
                        drawn=sample.drawn,
                        copies=sample.drawn - len(sample.rows),
                        variants=variant_keys(prompts.take(sample.prompts)),
                        method=own,
                        reference=main,
                        steps=steps,
                    )
                else:
                    cloud = cloud_finding(
                        encoded.tokens[np.searchsorted(places, sample.places)],
                        group=group,
                        kind="per-token",
                        population=sample.tokens,
                        drawn=sample.tokens,
                        copies=sample.tokens - sample.kept,
                        variants=None,
                        method=own,
                        reference=main,
                        steps=steps,
                    )
            except ValueError as error:  # too few points, or one that is not finite
                absent[f"{group}, {kind}"] = str(error)
            else:
                clouds.append(cloud)
    return clouds, absent


def advice(cloud: CloudFinding | None) -> str:
    """How many output dimensions to keep, and why, from the pooled outputs of the union."""
    if cloud is None:
        return "No advice: these outputs could not be measured."
    keep, dimension = rank(cloud), cloud.harmonic
    if keep is None:
        return (
            f"No advice on the width: {cloud.points:,} points cannot show how many of "
            f"{cloud.ambient} dimensions prompts need; {_ENOUGH * cloud.ambient:,} could."
        )
    return (
        f"Keep {keep} of {cloud.ambient} output dimensions: a linear projection to {keep} keeps "
        f"99 % of the variance of these outputs ({cloud.linear.dims[95]} keep 95 %). The intrinsic "
        f"dimension, {dimension.value:.1f} ({dimension.low:.1f} to {dimension.high:.1f}) by MLE, "
        "describes the neighbourhood of each prompt; it is not a width that a linear layer could "
        "have."
    )


def rank(cloud: CloudFinding | None) -> int | None:
    """Dimensions that keep 99 % of the variance; None where the points are too few to tell."""
    if cloud is None or cloud.points < _ENOUGH * cloud.ambient:
        return None
    return cloud.linear.dims[99]


def _threads(device: str) -> int | None:
    """CPU threads of an encoder's products: sums in another order are other floats."""
    if device != "cpu":
        return None
    import torch

    return torch.get_num_threads()

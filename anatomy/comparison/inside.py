"""The numbers of an audit that come from weights and outputs."""

from __future__ import annotations

from collections.abc import Iterator

from anatomy.comparison.facts import Fact, Key, Kind, Size, estimate
from anatomy.corpus.model import COMBINED
from anatomy.findings import (
    CloudFinding,
    EmbeddingFinding,
    InsideFinding,
    OutputsFinding,
    PositionFinding,
    SpectrumFinding,
)

Facts = Iterator[tuple[Key, Fact]]
EQUAL = " at "  # between an estimate's name and the number of points it is judged at
MLE, TWO_NN = "Dimension by MLE", "Dimension by TwoNN"


def inside_facts(inside: InsideFinding) -> Facts:
    """Token table, positions and outputs of an encoder."""
    yield from _embedding(inside.embedding)
    if inside.positions:
        yield from _positions(inside.positions)
    yield from output_facts(inside.outputs)


def _embedding(found: EmbeddingFinding) -> Facts:
    def of(part: str, name: str, fact: Fact) -> tuple[Key, Fact]:
        return Key("embedding", part, COMBINED, name), fact

    yield of("table", "Rows of the table", Fact(found.rows, "count"))
    yield of("table", "Width of the table", Fact(found.width, "count"))
    yield of("table", "Parameters of the table", Fact(found.parameters, "parameters"))
    yield of("table", "Parameters of the used rows", Fact(found.pruned_parameters, "parameters"))
    saved = 1 - found.pruned_parameters / found.parameters
    yield of("table", "Saved by pruning to them", Fact(saved, "share"))
    for row in found.factorised:
        name = f"Parameters as a product, {row.percent} %"
        yield of("table", name, Fact(row.parameters_used, "parameters"))
    for at, spectrum in enumerate(found.spectra):
        used = at > 0
        for name, fact in _spectrum(spectrum, headline=used):
            yield of("used tokens" if used else "all tokens", name, fact)


def _spectrum(found: SpectrumFinding, *, headline: bool) -> Iterator[tuple[str, Fact]]:
    """Ranks of a matrix that is there as a whole: of weights, not of a sample."""
    rank = Fact(found.effective_rank, "dimension", digits=6, headline=headline)
    yield "Effective rank", rank
    yield "Effective rank of energy", Fact(found.effective_rank_energy, "dimension", digits=6)
    yield "Participation ratio", Fact(found.participation_ratio, "dimension", digits=6)
    for percent, dims in found.dims.items():
        yield f"{percent} % of variance", Fact(dims, "count")


def _positions(found: PositionFinding) -> Facts:
    facts = [
        ("Positions", Fact(found.rows, "count")),
        *(
            (name, Fact(value, "cosine", digits=4))
            for name, value in (
                (f"Cosine within 0-{found.split - 1}", found.mean_first),
                ("Cosine within the rest", found.mean_rest),
                ("Ratio", found.ratio),
            )
            if value is not None
        ),
        *_spectrum(found.spectrum, headline=False),
    ]
    for name, fact in facts:
        yield Key("positions", "", COMBINED, name), fact


def output_facts(outputs: OutputsFinding) -> Facts:
    """Dimensions of outputs, pooled and per token, of all prompts and of each source."""
    for cloud in outputs.clouds:
        # A file's rows are of one source, and stand for all that was measured.
        group = COMBINED if cloud is outputs.main else cloud.group
        for name, fact in _cloud(cloud, headline=cloud is outputs.main):
            yield Key("outputs", cloud.kind, group, name), fact


def _cloud(cloud: CloudFinding, *, headline: bool) -> Iterator[tuple[str, Fact]]:
    # Tokens are drawn even where every prompt is.
    whole = cloud.kind == "pooled" and cloud.drawn == cloud.population
    linear = cloud.linear
    yield "Points", Fact(cloud.points, "count")
    yield "Ambient width", Fact(cloud.ambient, "count")
    kind: Kind = "exact" if whole else "sampled"
    points = cloud.points
    rank = linear.effective_rank
    yield (
        "Linear rank",
        Fact(rank, "dimension", kind, digits=6, points=points, headline=headline),
    )
    for percent, dims in linear.dims.items():
        yield f"{percent} % of variance", Fact(dims, "count", kind, points=points)
    mle = tuple(Size(s.points, s.samples, s.mle.value) for s in cloud.by_size)
    two_nn = tuple(Size(s.points, s.samples, s.two_nn.value) for s in cloud.by_size)
    yield MLE, estimate(cloud.harmonic, points, mle, headline=headline)
    yield TWO_NN, estimate(cloud.two_nn, points, two_nn, headline=headline)
    for row in cloud.mle:
        yield f"{MLE}, k = {row.k}", estimate(row.harmonic, points)
    if cloud.near_duplicates:
        share = cloud.near_duplicates.share
        yield "Near-duplicates", Fact(share, "share", kind, digits=4, points=points)

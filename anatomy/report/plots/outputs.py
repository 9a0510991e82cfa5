"""How many dimensions an encoder's outputs fill, and at which scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from anatomy.corpus.model import COMBINED
from anatomy.findings import CloudFinding, Estimated, OutputsFinding
from anatomy.report.plots.axes import in_full, logarithmic, whole
from anatomy.report.plots.lengths import MAX_CURVES
from anatomy.report.plots.palette import Look, looks
from anatomy.report.plots.plot import Plot
from anatomy.report.plots.series import NAME, Series, counted, dimensional
from anatomy.report.style import INK

MAX_BANDS = 4  # sources whose intervals can be shown over each other


def dimension(outputs: OutputsFinding, colour: str) -> Plot:
    """Ambient, linear and intrinsic dimension of the outputs of all prompts (Figure 5)."""
    clouds = _mains(outputs)
    plot = Plot(1.95, len(clouds))
    axes = plot.figure.subplots(1, len(clouds), squeeze=False, sharey=True)[0]
    for axis, cloud in zip(axes, clouds, strict=True):
        _dimensions(plot, axis, cloud, colour)
    axes[0].set_ylim(4.5, -0.5)  # shared
    return plot


def _dimensions(plot: Plot, axis: Axes, cloud: CloudFinding, colour: str) -> None:
    panel, linear = f"{cloud.kind.capitalize()} outputs", cloud.linear
    exact = {
        "ambient": float(cloud.ambient),
        "95 % of variance": float(linear.dims[95]),
        "linear rank": linear.effective_rank,
    }
    estimates = {"MLE": cloud.harmonic, "TwoNN": cloud.two_nn}
    measure = dimensional("dimensions")
    known = Series(panel, "", NAME, measure, [None] * 3, [*exact.values()], labels=[*exact])
    found = [*estimates.values()]
    estimated = Series(
        panel,
        "",
        NAME,
        measure,
        [None] * 2,
        [e.value for e in found],
        [e.low for e in found],
        [e.high for e in found],
        [*estimates],
    )
    plot.dots(axis, known, range(3), color=INK, marker="o", markersize=5.5)
    plot.dots(axis, estimated, range(3, 5), color=colour, marker="D", markersize=4)
    for row, value in enumerate(exact.values()):
        text = f"{value:,.0f}" if value >= 100 or value.is_integer() else f"{value:.1f}"
        _beside(axis, value, row, text)
    for row, estimate in enumerate(found, 3):
        text = f"{estimate.value:.1f}  [{estimate.low:.1f}, {estimate.high:.1f}]"
        _beside(axis, max(estimate.high, estimate.value), row, text)
    axis.set_yticks(range(5), [*exact, *estimates])
    least = max(min(1.0, *(0.8 * e.low for e in found)), 0.01)
    logarithmic(axis.xaxis, least, cloud.ambient * (4 if plot.columns == 2 else 12))
    in_full(axis.xaxis)
    axis.tick_params(axis="y", length=0)
    axis.set_title(f"{panel} ({cloud.points:,} points)")
    axis.set_xlabel("Dimensions")


def _beside(axis: Axes, value: float, row: int, text: str) -> None:
    axis.annotate(
        text,
        (value, row),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )


def scale(outputs: OutputsFinding, sources: Sequence[str]) -> Plot:
    """The estimate against sample size and against neighbour order, group by group."""
    palette = {COMBINED: Look(INK, "-", "o"), **looks(sources)}
    kinds = [kind for kind in ("pooled", "per-token") if _of(outputs, kind)]
    plot = Plot(0.55 + 2.2 * len(kinds) + 0.17 * (len(_of(outputs, kinds[0])) // 5))
    axes = plot.figure.subplots(len(kinds), 2, squeeze=False, sharey="row")
    letters = iter("abcd")
    handles: dict[str, Any] = {}
    for (sizes, orders), kind in zip(axes, kinds, strict=True):
        clouds = _of(outputs, kind)
        said = kind.capitalize()
        for cloud in reversed(clouds):  # all prompts last, on top
            look = palette[cloud.group]
            line: dict[str, Any] = {
                "color": look.colour,
                "linestyle": look.dash,
                "marker": look.mark,
                "linewidth": 2.0 if cloud is clouds[0] else 1.1,
                "markersize": 3.0,
            }
            for axis, series in (
                (sizes, _by_size(said, cloud)),
                (orders, _by_order(said, cloud)),
            ):
                handles[cloud.group] = plot.line(axis, series, **line)
                if cloud is clouds[0] or len(clouds) <= MAX_BANDS + 1:
                    plot.band(axis, series, look.colour)
        sizes.set_ylabel(f"{said}: dimension")
        sizes.set_title(f"({next(letters)}) By sample size (MLE)")
        orders.set_title(f"({next(letters)}) By neighbour order (Gride)")
        for axis in (sizes, orders):
            axis.set_xscale("log", base=2)
            axis.set_xticks(_steps(axis is sizes, clouds[0]), minor=False)
            axis.xaxis.set_minor_locator(NullLocator())
            in_full(axis.xaxis)
            axis.set_ylim(bottom=0)
            whole(axis.yaxis, 5)
    axes[-1][0].set_xlabel("Points")
    axes[-1][1].set_xlabel("Neighbour n, compared with 2n")
    names = [*dict.fromkeys(cloud.group for kind in kinds for cloud in _of(outputs, kind))]
    if len(names) > 1:
        plot.legend([handles[name] for name in names], names)
    return plot


def _steps(by_size: bool, cloud: CloudFinding) -> list[int]:
    """Where a cloud has points: its sample sizes, or its neighbour orders."""
    if by_size:
        return [*(part.points for part in cloud.by_size), cloud.points]
    return [part.order for part in cloud.by_order]


def _by_size(said: str, cloud: CloudFinding) -> Series:
    points = [*reversed(cloud.by_size)]
    return _estimates(
        f"{said}, by sample size",
        cloud.group,
        "points",
        [*(part.points for part in points), cloud.points],
        [*(part.mle for part in points), cloud.harmonic],
    )


def _by_order(said: str, cloud: CloudFinding) -> Series:
    return _estimates(
        f"{said}, by neighbour order",
        cloud.group,
        "neighbour order",
        [part.order for part in cloud.by_order],
        [part.estimate for part in cloud.by_order],
    )


def _estimates(
    panel: str, name: str, x: str, at: Sequence[int], found: Sequence[Estimated]
) -> Series:
    return Series(
        panel,
        name,
        counted(x),
        dimensional("dimension"),
        at,
        [e.value for e in found],
        [e.low for e in found],
        [e.high for e in found],
    )


def _of(outputs: OutputsFinding, kind: str) -> list[CloudFinding]:
    return [cloud for cloud in outputs.clouds if cloud.kind == kind][: MAX_CURVES + 1]


def _mains(outputs: OutputsFinding) -> list[CloudFinding]:
    """The pooled and the per-token outputs of all prompts."""
    main = outputs.main
    return [cloud for cloud in outputs.clouds if main and cloud.group == main.group]

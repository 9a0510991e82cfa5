"""How the run was made: what names it, and on what machine."""

from __future__ import annotations

from anatomy.report.blocks import Code, Definitions, Section, Text
from anatomy.report.figures import Drawing
from distill.report.view import RunView
from distill.words import counted, lasting


def section(view: RunView) -> Section:
    """Hashes, machine, versions, and when each section was measured."""
    run, metrics, recipe = view.metrics.run, view.metrics, view.recipe
    threads = f", {counted(run.threads, 'thread')}" if run.device == "cpu" else ""
    items: list[tuple[Text, Text]] = [
        ("Run", (Code(view.name),)),
        (
            "Findings",
            (Code(recipe.prompts.findings), ", sha256 ", Code(recipe.prompts.findings_sha256)),
        ),
        ("Teacher", (f"{run.teacher.name}, sha256 ", Code(recipe.teacher.weights_sha256))),
        ("Recipe", ("sha256 ", Code(run.recipe_digest), f", seed {recipe.seed}")),
        ("Student", ("sha256 ", Code(run.student_sha256))),
        ("Metrics", ("sha256 ", Code(metrics.digest))),
        ("Made", f"{metrics.made}, by {metrics.generator}"),
        (
            "Trained on",
            f"{run.device_name}{threads}; torch {run.torch}; {counted(run.processes, 'process')}",
        ),
    ]
    for name, part in metrics.sections().items():
        found = part.conditions
        items.append(
            (
                name.capitalize(),
                (
                    f"{found.made}, in {lasting(found.seconds)}, on {found.device_name}, seed "
                    f"{found.seed}"
                ),
            )
        )
    return Section("made", "How it was made", (Definitions(tuple(items)),), columns=2)


def drawings(view: RunView) -> list[Drawing]:
    """None."""
    return []

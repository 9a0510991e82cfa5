"""Runs whose names, reasons and prompts mean harm."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from distill.report.view import RunView
from tests.report.conftest import HOSTILE_PROMPTS


def hostile(view: RunView, name: str, prompts: Sequence[str] = HOSTILE_PROMPTS) -> RunView:
    """The same run with this name for itself, its sources and their files, and as a reason."""
    metrics, recipe = view.metrics, view.recipe
    sources = [source.model_copy(update={"name": name}) for source in metrics.run.sources]
    run = metrics.run.model_copy(update={"sources": sources, "name": name})
    worst = [
        prompt.model_copy(update={"text": text, "sources": [name]})
        for prompt, text in zip(metrics.evaluation.worst, cycle(prompts), strict=False)
    ]
    groups = [group.model_copy(update={"group": name}) for group in metrics.evaluation.groups]
    evaluation = metrics.evaluation.model_copy(update={"worst": worst, "groups": groups})
    origins = [
        origin.model_copy(update={"name": name, "files": dict.fromkeys([name], "0" * 64)})
        for origin in recipe.prompts.origins
    ]
    asked = recipe.prompts.model_copy(update={"origins": origins, "findings": name})
    return RunView(
        recipe.model_copy(update={"reasons": {"teacher.encoder": name}, "prompts": asked}),
        metrics.model_copy(update={"run": run, "evaluation": evaluation}),
        view.curve,
        name,
    )

"""Whether a run has ended already, so that it need not be started to see what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anatomy.errors import InputError
from anatomy.progress import Steps, quiet
from distill.budget import continues
from distill.folder import METRICS, alone
from distill.metrics import Metrics, load
from distill.recipe import FILE_NAME, Recipe


@dataclass(frozen=True)
class Ended:
    """A run of which everything but, perhaps, the report is there."""

    folder: Path
    metrics: Metrics

    def mend(self, steps: Steps = quiet) -> bool:
        """Render its report where that is missing or of other metrics; whether it had to be."""
        from distill.report.render import is_current, write_report

        if is_current(self.folder, self.metrics.digest):
            return False
        with alone(self.folder):
            write_report(self.folder, steps=steps)
        return True


def finished(asked: Recipe, out: Path) -> Ended | None:
    """The run of a recipe in the folder `out`, if it has ended.

    What is there and cannot be read counts for nothing: the run itself mends it or says why not.
    """
    folder = out / asked.name
    if not ((folder / FILE_NAME).is_file() and (folder / METRICS).is_file()):
        return None
    try:
        recipe, metrics = Recipe.load(folder / FILE_NAME), load(folder)
    except InputError:
        return None
    whole = metrics.evaluation is not None and metrics.run.recipe_digest == recipe.digest
    return Ended(folder, metrics) if whole and continues(recipe, asked) else None

"""metrics.json of a run's folder: read, and replaced section by section."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

import anatomy
from anatomy.documents import Kind
from anatomy.errors import InputError
from anatomy.files import sha256_of, shown, write_whole
from anatomy.progress import Steps, quiet
from distill.folder import METRICS as FILE_NAME
from distill.folder import STUDENT, alone
from distill.metrics.ablation import Ablation
from distill.metrics.benchmark import Benchmark
from distill.metrics.conditions import Section, now
from distill.metrics.evaluation import Evaluation
from distill.metrics.robustness import Robustness
from distill.metrics.run import RunMetrics
from distill.recipe import Part

__all__ = ["FILE_NAME", "MARK", "VERSION", "Metrics", "load", "renewed", "save", "update"]

VERSION: Literal[1] = 1
MARK = "distill:metrics"  # precedes the digest in every file rendered from the metrics
_KIND = Kind(
    name=FILE_NAME,
    version=VERSION,
    reader="distill",
    maker="`distill run`",
    again="run `distill run` again",
    version_field="version",
    whole="run",
)


class Metrics(Part):
    """The document. A section is null where it has not been measured."""

    version: Literal[1] = VERSION
    generator: str
    made: str = Field(description="When it was last changed: ISO 8601, UTC")
    run: RunMetrics
    evaluation: Evaluation | None = None
    robustness: Robustness | None = None
    ablation: Ablation | None = None
    benchmark: Benchmark | None = None

    @model_validator(mode="after")
    def _is_of_one_student(self) -> Self:
        for name, section in self.sections().items():
            if section.conditions.student_sha256 != self.run.student_sha256:
                raise ValueError(f"{name} was measured of another student")
        return self

    def sections(self) -> dict[str, Section]:
        """Those that have been measured, by name."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: part for name, part in found.items() if isinstance(part, Section)}

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the document; every file rendered from it carries this."""
        return _KIND.digest(self.model_dump(mode="json"))

    def to_json(self) -> bytes:
        """The file's bytes: the document and its digest."""
        return _KIND.to_json(self)

    @classmethod
    def of(cls, run: RunMetrics, **sections: Section | None) -> Metrics:
        """Those of a run that has ended, now."""
        return cls(
            generator=f"distill {anatomy.__version__}",
            made=now(),
            run=run,
            **sections,  # type: ignore[arg-type]
        )


def load(folder: Path) -> Metrics:
    """Read the metrics of a run's folder.

    Raises
    ------
    InputError
        If there are none, they are no such document of this version or were changed by hand, or the
        student in the folder is another one than was measured.
    """
    if not (folder / FILE_NAME).is_file():
        raise InputError(
            f"{shown(folder)}: has no {FILE_NAME}; give the folder of a run that has ended"
        )
    metrics = _KIND.read(folder / FILE_NAME, Metrics)
    from distill.student_files import WEIGHTS

    weights = folder / STUDENT / WEIGHTS
    if not weights.is_file() or sha256_of(weights) != metrics.run.student_sha256:
        raise InputError(
            f"{shown(weights)}: is not the student that {FILE_NAME} was measured of; run "
            "`distill run` again"
        )
    return metrics


def renewed(folder: Path, run: RunMetrics, **sections: Section | None) -> Metrics:
    """Metrics of a run that ends; what its folder holds besides of the same student stays."""
    try:
        kept = load(folder).sections()  # refuses those of another student
    except InputError:
        kept = {}
    return Metrics.of(run, **(kept | sections))


def save(folder: Path, metrics: Metrics) -> None:
    """Write the metrics; for who holds the run's lock."""
    write_whole(folder / FILE_NAME, metrics.to_json())


def update(folder: Path, *, steps: Steps = quiet, **sections: Section) -> Metrics:
    """Replace sections of a run's metrics, then render its report again.

    What was measured is on the disk before anything is drawn.

    Parameters
    ----------
    folder : Path
        Of the run.
    steps : Steps
    sections : Section
        By name: ``evaluation=...``, ``benchmark=...``.

    Raises
    ------
    InputError
        If a section was measured of another student than the folder holds, `load` refuses what is
        there, or another process is at work in the folder.
    """
    from distill.report.render import write_report  # draws from all of the above

    with alone(folder):
        before = load(folder)
        for name, section in sections.items():
            if section.conditions.student_sha256 != before.run.student_sha256:
                raise InputError(
                    f"{shown(folder)}: its student was replaced while {name} was measured; measure "
                    "again"
                )
        metrics = Metrics(**{**dict(before), **sections, "made": now()})
        save(folder, metrics)
        write_report(folder, steps=steps)
    return metrics

"""From a run to its exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.progress import Steps, quiet
from distill.exports.record import Comparison, Record, check_target, write_export
from distill.folder import alone

if TYPE_CHECKING:
    from distill.exports.trained import TrainedRun

TRANSFORMERS, SAM3_LITETEXT = "transformers", "sam3-litetext"
EFFICIENTSAM3, ONNX = "efficientsam3", "onnx"
FORMATS = (TRANSFORMERS, SAM3_LITETEXT, EFFICIENTSAM3, ONNX)
EXPORTS = "exports"


@dataclass(frozen=True)
class Exported:
    """An export on disk.

    Attributes
    ----------
    folder : Path
    record : Record
        What stands in its export.json.
    """

    folder: Path
    record: Record


def export(
    run: Path,
    formats: Sequence[str],
    out: Path | None = None,
    sam3: Path | None = None,
    steps: Steps = quiet,
) -> list[Exported]:
    """Export a run's student, each format into a folder of its name.

    Each is written beside its place, loaded back by the library that will read it, compared with
    the run's own student, and only then given its name.

    Parameters
    ----------
    run : Path
        Folder of a run.
    formats : sequence of str
        Of `FORMATS`.
    out : Path, optional
        Where the formats' folders go; the run's ``exports`` unless told.
    sam3 : Path, optional
        A snapshot folder of facebook/sam3; sam3-litetext needs it.
    steps : Steps

    Raises
    ------
    InputError
        If the run is not whole, a format does not take its student, something else lies where an
        export would go, or an export is not what it was made from. Of the formats asked for, those
        before that one stay.
    """
    from distill.exports import efficientsam3, onnx_files, sam3_litetext, transformers_folder
    from distill.exports.compare import reference
    from distill.exports.trained import read_run

    wanted = list(dict.fromkeys(formats))
    for name in wanted:
        if name not in FORMATS:
            raise InputError(
                f"--to: no format is called {shown(name)}; known: {', '.join(FORMATS)}"
            )
    # A run's folder that is only read may be read-only.
    place, changed = (run / EXPORTS, run) if out is None else (out, out)
    for name in wanted:
        check_target(place / name)
    with alone(changed, ", or give another --out"):
        trained = read_run(run)
        own = reference(trained)
        writers: dict[str, Callable[..., tuple[list[Comparison], dict[str, Any]]]] = {
            TRANSFORMERS: transformers_folder.write,
            SAM3_LITETEXT: partial(sam3_litetext.write, sam3=sam3),
            EFFICIENTSAM3: efficientsam3.write,
            ONNX: onnx_files.write,
        }
        done = []
        for name in wanted:
            steps(f"Exporting to {name}")
            target = place / name

            def make(folder: Path, name: str = name, target: Path = target) -> Record:
                found, measured = writers[name](trained, own, folder, target)
                return _record(name, trained, found, measured)

            done.append(Exported(target, write_export(target, make)))
    return done


def _record(
    name: str, run: TrainedRun, found: list[Comparison], measured: dict[str, Any]
) -> Record:
    student, teacher = run.student, run.recipe.teacher
    fixed = student.padded if name == ONNX else student.recipe.kind == "litetext"
    return Record(
        format=name,
        run=run.recipe.name,
        teacher=run.teacher,
        context=run.context,
        padding="fixed" if fixed else "longest",
        pad_id=student.pad_id,
        tokens=student.vocabulary_size,
        width=student.width,
        pooling=teacher.pooling,
        comparisons=found,
        measured=measured,
        files={},
    )

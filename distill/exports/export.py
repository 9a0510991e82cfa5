"""From a run to its exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.progress import Steps, quiet
from distill.exports.record import Record, check_target, write_export

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
    place = run / EXPORTS if out is None else out
    for name in wanted:
        check_target(place / name)
    trained = read_run(run)
    own = reference(trained)
    recipe, student = trained.recipe, trained.student
    done = []
    for name in wanted:
        steps(f"Exporting to {name}")
        target = place / name

        def make(folder: Path, name: str = name, target: Path = target) -> Record:
            given = (trained, own, folder, target)
            if name == TRANSFORMERS:
                found, measured = transformers_folder.write(*given)
            elif name == SAM3_LITETEXT:
                found, measured = sam3_litetext.write(*given, sam3)
            elif name == EFFICIENTSAM3:
                found, measured = efficientsam3.write(*given)
            else:
                found, measured = onnx_files.write(*given)
            fixed = student.padded if name == ONNX else student.recipe.kind == "litetext"
            return Record(
                format=name,
                run=recipe.name,
                teacher=Path(recipe.teacher.encoder.partition("=")[0]).name,
                context=trained.context,
                padding="fixed" if fixed else "longest",
                pad_id=student.pad_id,
                tokens=student.vocabulary_size,
                width=student.width,
                pooling=recipe.teacher.pooling,
                comparisons=found,
                measured=measured,
                files={},
            )

        done.append(Exported(target, write_export(target, make)))
    return done

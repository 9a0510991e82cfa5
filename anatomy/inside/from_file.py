"""Outputs computed elsewhere: `--encoder outputs:FILE`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from anatomy.corpus.model import SourceSummary
from anatomy.corpus.variants import variant_keys
from anatomy.engines import Engine
from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.findings import FileFinding, FileOutputsFinding, OutputsFinding
from anatomy.inside.cloud import Method, cloud_finding
from anatomy.inside.options import InsideOptions
from anatomy.inside.outputs import advice, rank
from anatomy.progress import Steps, quiet

if TYPE_CHECKING:
    from anatomy.encoders.outputs import Outputs

PREFIX = "outputs:"


def file_outputs_finding(
    name: str,
    outputs: Outputs,
    summaries: Sequence[SourceSummary],
    prompts_of: Callable[[int], pa.LargeStringArray],
    options: InsideOptions,
    seed: int,
    engine: Engine,
    steps: Steps = quiet,
) -> FileOutputsFinding:
    """Measure the outputs in a file, one row for each row of one source.

    Parameters
    ----------
    name : str
        As the user wrote it.
    outputs : Outputs
    summaries : sequence of SourceSummary
        The source is the one with as many usable rows, or distinct prompts, as the file.
    prompts_of : function of int
        Gives a source's distinct prompts, in the order in which they appear.
    engine : Engine
        Where neighbours are found.

    Raises
    ------
    InputError
        If no source, or more than one, has that many; or if the points are too few.
    """
    source, by_prompt = _source(name, outputs, summaries)
    rows = len(outputs.rows)
    lot = np.random.default_rng(seed).permutation(rows)[: options.sample]
    # Row and prompt meet only where no row is a copy of another.
    prompts = prompts_of(source) if by_prompt else None
    device = engine.device(options.device)
    group = summaries[source].name
    points = np.ascontiguousarray(outputs.rows[lot])
    try:
        cloud = cloud_finding(
            points,
            group=group,
            kind="pooled",
            population=rows,
            drawn=len(lot),
            copies=0,
            variants=variant_keys(prompts.take(lot)) if prompts is not None else None,
            method=Method(
                options.neighbours, device, options.id_estimators, seed, engine.spread(device)
            ),
            reference=True,
            steps=steps,
        )
    except ValueError as error:
        raise InputError(f"{outputs.path}: cannot be measured: {error}") from error
    return FileOutputsFinding(
        name=name,
        file=FileFinding(path=outputs.path, bytes=outputs.bytes, sha256=outputs.sha256),
        source=group,
        outputs=OutputsFinding(
            pooling="as the file has them",
            normalised=_normalised(points),
            context=None,
            truncated=0,
            device=device,
            dtype=outputs.dtype,
            threads=None,
            batches="computed elsewhere",
            clouds=[cloud],
            absent={},
            published={},
            rank=rank(cloud),
            advice=advice(cloud),
        ),
    )


def _normalised(rows: np.ndarray) -> bool:
    """Whether every row has length 1, to float16's precision."""
    return bool(np.abs(np.linalg.norm(rows.astype(np.float64), axis=1) - 1).max() < 2e-3)


def _source(name: str, outputs: Outputs, summaries: Sequence[SourceSummary]) -> tuple[int, bool]:
    """The code of the source that the rows belong to, and whether they are its prompts."""
    rows = len(outputs.rows)
    fits = [code for code, s in enumerate(summaries) if rows in (s.unique, s.usable)]
    if len(fits) != 1:
        counts = ", ".join(f"{shown(s.name)} {s.usable:,}" for s in summaries)
        found = "no source has" if not fits else "more than one source has"
        raise InputError(
            f"--encoder {shown(name)}: the file has {rows:,} rows, and {found} as many prompts "
            f"({counts}); name the one source with --sources whose rows these are"
        )
    return fits[0], rows == summaries[fits[0]].unique

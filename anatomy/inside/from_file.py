"""Outputs computed elsewhere: `--encoder outputs:FILE`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anatomy.corpus.model import Corpus
from anatomy.corpus.variants import variant_keys
from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.findings import FileFinding, FileOutputsFinding, OutputsFinding
from anatomy.inside.cloud import Method, cloud_finding
from anatomy.inside.options import InsideOptions, found_device
from anatomy.inside.outputs import advice, rank
from anatomy.progress import Steps, quiet

if TYPE_CHECKING:
    from anatomy.encoders.outputs import Outputs

PREFIX = "outputs:"


def file_outputs_finding(
    name: str,
    outputs: Outputs,
    corpus: Corpus,
    options: InsideOptions,
    seed: int,
    steps: Steps = quiet,
) -> FileOutputsFinding:
    """Measure the outputs in a file, one row for each row of one source.

    Parameters
    ----------
    name : str
        As the user wrote it.
    outputs : Outputs
    corpus : Corpus
        The source is the one with as many usable rows, or distinct prompts, as the file.

    Raises
    ------
    InputError
        If no source, or more than one, has that many; or if the points are too few.
    """
    source, by_prompt = _source(name, outputs, corpus)
    rows = len(outputs.rows)
    lot = np.random.default_rng(seed).permutation(rows)[: options.sample]
    # Row and prompt meet only where no row is a copy of another.
    prompts = corpus.prompts.filter(corpus.source == source) if by_prompt else None
    device = found_device(options.device)
    group = corpus.names[source]
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
            method=Method(options.neighbours, device, options.id_estimators, seed),
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


def _source(name: str, outputs: Outputs, corpus: Corpus) -> tuple[int, bool]:
    """The code of the source that the rows belong to, and whether they are its prompts."""
    rows = len(outputs.rows)
    fits = [code for code, s in enumerate(corpus.summaries) if rows in (s.unique, s.usable)]
    if len(fits) != 1:
        counts = ", ".join(f"{shown(s.name)} {s.usable:,}" for s in corpus.summaries)
        found = "no source has" if not fits else "more than one source has"
        raise InputError(
            f"--encoder {shown(name)}: the file has {rows:,} rows, and {found} as many prompts "
            f"({counts}); name the one source with --sources whose rows these are"
        )
    return fits[0], rows == corpus.summaries[fits[0]].unique

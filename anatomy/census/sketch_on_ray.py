"""The approximate census on a Ray cluster: nothing is sorted, grouped or sent but sketches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from anatomy.census.model import Ask, Census
from anatomy.census.on_ray import opened, pieces_of, readings_of, said_of, specs_of
from anatomy.census.reading import Folded
from anatomy.census.sketch import Sketches, Sketching, estimated
from anatomy.corpus.build import Opened
from anatomy.encoders import Encoder
from anatomy.engines import connected
from anatomy.errors import InputError
from anatomy.measures.distinct import HASHES
from anatomy.progress import Steps, quiet

_TASKS = 4  # for each core: what a task sketches is one result, of some hundred megabytes at most
_ROWS = pa.schema([("said", pa.large_string()), ("sketches", pa.large_binary())])


def census(
    sources: Sequence[Opened],
    encoders: Sequence[Encoder],
    ask: Ask,
    *,
    hashes: int = HASHES,
    address: str | None = None,
    steps: Steps = quiet,
) -> Census:
    """Estimate a corpus on a cluster.

    Parameters
    ----------
    sources, encoders, ask, hashes, steps
        As for `sketch.census`, which finds the same.
    address
        As for `on_ray.census`.

    Raises
    ------
    InputError
        Anything that the readers raise; no Ray, or no cluster at this address.
    """
    ray = connected(address)
    pieces = pieces_of(sources)
    cores = ray.cluster_resources().get("CPU", 1)
    steps(f"Sketching on Ray: {len(pieces):,} pieces, {cores:g} cores")
    reads = ray.put(pieces)
    tasks = min(len(pieces), int(_TASKS * cores))
    rows = ray.data.range(len(pieces), override_num_blocks=tasks).map_batches(
        _sketched,
        fn_args=(reads, specs_of(encoders), ask, hashes),
        batch_size=None,  # all pieces of a task
        batch_format="pyarrow",
        zero_copy_batch=True,
    )
    whole = Sketching(encoders, ask, hashes).finish()
    said = []
    for row in rows.iter_rows():
        if row["said"] is None:
            whole = whole + Sketches.from_bytes(row["sketches"])
        else:
            said.append(json.loads(row["said"]))
    readings = readings_of(sorted(said, key=lambda one: int(one["piece"])), sources)
    return estimated(sources, readings, encoders, ask, whole, steps)


def _sketched(
    batch: pa.Table, reads: Any, specs: tuple[str, ...], ask: Ask, hashes: int
) -> Iterator[pa.Table]:
    """On a worker: what there is to say of some pieces, and the sketches of all of them."""
    import ray

    pieces = ray.get(reads)
    sketching = Sketching(opened(specs), ask, hashes)
    said = []
    for number in batch["id"].to_pylist():
        code, read = pieces[number]
        known, problem = Folded(), None
        try:
            for prompts in known.prompts(read()):
                sketching.add(code, prompts)
        except InputError as error:
            problem = str(error)
        said.append(said_of(number, code, known, problem))
    sketches = sketching.finish().to_bytes()
    yield pa.table([[*said, None], [*[None] * len(said), sketches]], schema=_ROWS)

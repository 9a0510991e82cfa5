"""The census on a Ray cluster: the same counting as `local`, spread over machines by Ray Data.

Pieces of sources are read where a worker is free (`map_batches`), their prompts meet by shard
(`groupby`), each shard is counted (`map_groups`), and its cleaned prompts meet once more. What
comes back is added up here. A worker that dies is replaced, and its piece or shard counted again.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anatomy.census.kept import SHARDS, kept_of, reading_of
from anatomy.census.keys import keys
from anatomy.census.model import Ask, Census, assembled, total
from anatomy.census.reading import Folded
from anatomy.census.shard import CLEANED, corpus_of, count, overlap
from anatomy.census.spill import shards_of
from anatomy.census.stored import from_bytes, to_bytes
from anatomy.corpus.build import Opened, check_usable
from anatomy.corpus.model import NOTHING, Reading
from anatomy.encoders import Encoder, resolve
from anatomy.engines import connected
from anatomy.errors import InputError
from anatomy.measures.overlap import Overlap
from anatomy.progress import Steps, quiet

_PIECES = 1_000  # blocks of a dataset, at most: each is a task
_SHARD = 2**24  # bytes of a shard's prompts, about: what a worker counts at once
_MOST_SHARDS = 2**16
_NO_SHARD = -1  # of the rows that say what a piece had besides prompts
_SAID, _COUNTS, _CLEANED = 0, 1, 2  # kinds of rows that come back
_ROWS = pa.schema([("shard", pa.int32()), ("source", pa.int16()), ("prompt", pa.large_string())])
_FOUND = pa.schema(
    [
        ("kind", pa.int8()),
        ("encoder", pa.int16()),
        ("part", pa.int32()),
        ("payload", pa.large_binary()),
    ]
)


def census(
    sources: Sequence[Opened],
    encoders: Sequence[Encoder],
    ask: Ask,
    *,
    address: str | None = None,
    steps: Steps = quiet,
) -> Census:
    """Count a corpus on a cluster.

    Parameters
    ----------
    sources, encoders, ask, steps
        As for `local.census`; each worker opens the encoders for itself.
    address : str, optional
        Of the cluster ("auto": the one that this machine belongs to). None: processes here.

    Raises
    ------
    InputError
        Anything that the readers raise; no Ray, or no cluster at this address.
    """
    ray = connected(address)
    pieces = pieces_of(sources)
    cores = ray.cluster_resources().get("CPU", 1)
    partitions = int(min(SHARDS, 2 * cores))  # each of a shuffle's is an actor
    shards = _shards(sources)
    steps(f"Counting on Ray: {len(pieces):,} pieces, {cores:g} cores")
    reads = ray.put(pieces)
    items = ray.data.range(len(pieces), override_num_blocks=min(len(pieces), _PIECES))
    rows = items.map_batches(
        _read, fn_args=(reads, shards), batch_size=1, batch_format="pyarrow", zero_copy_batch=True
    )
    found = (
        rows.groupby("shard", num_partitions=partitions)
        .map_groups(_count, fn_args=(specs_of(encoders), ask, shards), batch_format="pyarrow")
        .materialize()
    )
    said, counts = _few(found, partitions)
    readings = readings_of(said, sources)
    steps("Counting cleaned prompts")
    return assembled(
        sources,
        readings,
        ask,
        total([from_bytes(payload) for payload in counts]),
        _cleaned(found, len(encoders), ask.sources, partitions),
    )


def pieces_of(sources: Sequence[Opened]) -> list[tuple[int, Callable[[], Iterable[Reading]]]]:
    """What workers read, each with the code of its source."""
    return [
        (code, read)
        for code, source in enumerate(sources)
        for read in (source.pieces or (source.parts,))
    ]


def _shards(sources: Sequence[Opened]) -> int:
    """A power of two: enough shards for workers of a few gigabytes each."""
    size = 0
    for source in sources:
        for path in source.files or ():
            try:
                size += path.stat().st_size * (1 if path.suffix in (".txt", ".csv") else 4)
            except OSError:  # the reader says what is wrong
                continue
    return min(max(SHARDS, 1 << (size // _SHARD).bit_length()), _MOST_SHARDS)


# On the workers.


def _read(batch: pa.Table, reads: Any, shards: int) -> Iterator[pa.Table]:
    """The prompts of pieces, with their shards; then what else is known of each piece."""
    import ray

    pieces = ray.get(reads)
    for number in batch["id"].to_pylist():
        code, read = pieces[number]
        known, problem = Folded(), None
        try:
            for prompts in known.prompts(read()):
                (key,) = keys(prompts, "shard")
                yield _rows(shards_of(key, shards), code, prompts)
        except InputError as error:
            problem = str(error)
        text = pa.array([said_of(number, code, known, problem)], type=pa.large_string())
        yield _rows(np.array([_NO_SHARD]), code, text)


def said_of(piece: int, source: int, known: Folded, problem: str | None) -> str:
    """What is known of a piece besides its prompts, as JSON; see `readings_of`."""
    return json.dumps(
        {
            "piece": piece,
            "source": source,
            "usable": known.usable,
            "problem": problem,
            "reading": kept_of(known.reading),
        }
    )


def _rows(shard: np.ndarray, code: int, text: pa.LargeStringArray) -> pa.Table:
    source = np.full(len(text), code, dtype=np.int16)
    return pa.table([pa.array(shard.astype(np.int32)), pa.array(source), text], schema=_ROWS)


def _count(group: pa.Table, specs: tuple[str, ...], ask: Ask, shards: int) -> pa.Table:
    """What is counted of a shard; what was said of pieces goes through."""
    shard = group["shard"][0].as_py()
    prompts = pa.concat_arrays([chunk.cast(pa.large_string()) for chunk in group["prompt"].chunks])
    if shard == _NO_SHARD:
        return _found([(_SAID, -1, -1, text.encode()) for text in prompts.to_pylist()])
    corpus = corpus_of(group["source"].to_numpy(), prompts, ask.sources)
    counts, cleaned = count(corpus, opened(specs), ask)
    found = [(_COUNTS, -1, shard % SHARDS, to_bytes(counts))]
    for number, part in enumerate(cleaned):
        # Hashes are a fraction of the prompts, and fewer ranges of them are fewer rows.
        hashes = part.hashes()
        ranges = shards_of(hashes["high"], max(SHARDS, shards // 8))
        at, begins = np.unique(ranges, return_index=True)
        pieces = np.split(hashes, begins[1:])
        found += [
            (_CLEANED, number, int(number_of_range), piece.tobytes())
            for number_of_range, piece in zip(at, pieces, strict=True)
        ]
    return _found(found)


def _summed(group: pa.Table) -> pa.Table:
    """The counts of several shards as one; what was said of pieces goes through."""
    payloads = group["payload"].to_pylist()
    if group["kind"][0].as_py() == _SAID:
        return _found([(_SAID, -1, -1, payload) for payload in payloads])
    return _found([(_COUNTS, -1, -1, to_bytes(total([from_bytes(one) for one in payloads])))])


def specs_of(encoders: Sequence[Encoder]) -> tuple[str, ...]:
    """What a worker makes the same encoders of; see `opened`."""
    return tuple(encoder.spec for encoder in encoders)


@functools.lru_cache(maxsize=1)
def opened(specs: tuple[str, ...]) -> tuple[Encoder, ...]:
    """A worker's encoders, opened once."""
    return tuple(resolve(list(specs)))


def _found(rows: Iterable[tuple[int, int, int, bytes]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    arrays = [
        pa.array(column, type=field.type) for column, field in zip(columns, _FOUND, strict=True)
    ]
    return pa.table(arrays, schema=_FOUND)


def _shared(group: pa.Table, sources: int) -> dict[str, list[Any]]:
    """Cleaned prompts of one range of hashes: how many there are, and which sources share them."""
    cleaned = np.frombuffer(b"".join(group["payload"].to_pylist()), dtype=CLEANED)
    found = overlap(cleaned, sources)
    return {
        "encoder": [group["encoder"][0].as_py()],
        "shared": [found.shared.ravel().tolist()],
        "union": [found.union],
    }


# Here, when they are done.


def _few(found: Any, partitions: int) -> tuple[list[dict[str, Any]], list[bytes]]:
    """What was said of pieces, and the counts of the shards, in sums of some of them."""
    few = (
        found.map_batches(_of_kinds, fn_args=((_SAID, _COUNTS),), batch_format="pyarrow")
        .groupby(["kind", "part"], num_partitions=partitions)
        .map_groups(_summed, batch_format="pyarrow")
    )
    said, counts = [], []
    for row in few.iter_rows():
        if row["kind"] == _SAID:
            said.append(json.loads(row["payload"]))
        else:
            counts.append(row["payload"])
    return sorted(said, key=lambda one: int(one["piece"])), counts


def _of_kinds(batch: pa.Table, kinds: Sequence[int]) -> pa.Table:
    return batch.filter(pc.is_in(batch["kind"], value_set=pa.array(kinds, type=pa.int8())))


def readings_of(
    said: Sequence[Mapping[str, Any]], sources: Sequence[Opened]
) -> list[tuple[Reading, int]]:
    """The reading of each source, and its usable rows, from what was said of its pieces.

    Parameters
    ----------
    said : sequence of mapping
        What `said_of` wrote, parsed, in the order of the pieces.
    sources : sequence of Opened

    Raises
    ------
    InputError
        What a reader refused; a source without a usable prompt.
    """
    readings = []
    for code, source in enumerate(sources):
        own = [one for one in said if one["source"] == code]
        for one in own:
            if one["problem"]:
                raise InputError(one["problem"])
        whole, usable = NOTHING, 0
        for one in own:
            whole = whole.with_counts_of(reading_of(one["reading"]))
            usable += int(one["usable"])
        check_usable(source.name, whole, usable)
        readings.append((whole, usable))
    return readings


def _cleaned(found: Any, encoders: int, sources: int, partitions: int) -> list[Overlap]:
    whole = [Overlap.none(sources) for _ in range(encoders)]
    shared = (
        found.map_batches(_of_kinds, fn_args=((_CLEANED,),), batch_format="pyarrow")
        .groupby(["encoder", "part"], num_partitions=partitions)
        .map_groups(_shared, fn_args=(sources,), batch_format="pyarrow")
    )
    for row in shared.iter_rows():
        part = Overlap(np.array(row["shared"]).reshape(sources, sources), int(row["union"]))
        whole[row["encoder"]] += part
    return whole

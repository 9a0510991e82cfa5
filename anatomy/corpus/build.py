"""From sources to one corpus: distinct prompts, their numbers, and where they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from anatomy.corpus import registry, specs, standins
from anatomy.corpus.locate import data_folder
from anatomy.corpus.memory import Prompts, read_prompts
from anatomy.corpus.model import COMBINED, Corpus, Kind, Reading, Source, SourceSummary, joined
from anatomy.corpus.tables import pieces, stream_table
from anatomy.errors import InputError
from anatomy.files import shown


@dataclass(frozen=True)
class Opened:
    """A source that is ready to be read.

    Attributes
    ----------
    parts : function without arguments
        Reads it: gives the parts of one `Reading`, in order. It may be called again.
    files : tuple of Path or None
        The files that it reads, none for stand-ins; None for prompts in memory.
    pieces : tuple of functions without arguments
        Read it as well, each a piece of it, for several readers at once; none if it has no pieces.
    """

    name: str
    kind: Kind
    title: str
    parts: Callable[[], Iterable[Reading]]
    files: tuple[Path, ...] | None = ()
    pieces: tuple[Callable[[], Iterable[Reading]], ...] = ()


def build(readings: Sequence[tuple[str, Kind, str, Reading]]) -> Corpus:
    """Number the distinct prompts of several readings.

    Parameters
    ----------
    readings : sequence of (name, kind, title, Reading)
        In the order of the corpus's source codes.

    Returns
    -------
    Corpus
        Prompts compare as raw strings, code point by code point: no case folding, no
        normalisation. Whole-array operations only.

    Raises
    ------
    InputError
        No source, two sources of one name, or a source without a usable prompt.
    """
    check_names([name for name, *_ in readings])
    distinct: list[pa.Array] = []
    summaries: list[SourceSummary] = []
    for name, kind, title, reading in readings:
        check_usable(name, reading, len(reading.prompts))
        unique = reading.prompts.unique()  # in the order of first appearance
        distinct.append(unique)
        summaries.append(summary(name, kind, title, reading, len(reading.prompts), len(unique)))
    return numbered(distinct, summaries)


def check_names(names: Sequence[str]) -> None:
    """Refuse no source at all, two of one name, and the union's name; InputError."""
    if not names:
        raise InputError("no sources; name some with --sources: all, lvis, prompts.txt, ...")
    for at, name in enumerate(names):
        if name == COMBINED:
            raise InputError(
                f"{name}: names the union of all sources; give yours another, LABEL=PATH"
            )
        if name in names[:at]:
            raise InputError(
                f"{shown(name)}: two sources have this name; give one another, LABEL=PATH"
            )


def check_usable(name: str, reading: Reading, usable: int) -> None:
    """Refuse a source without a usable prompt; InputError."""
    if not usable:
        raise InputError(f"{_where(name, reading)}: has no usable prompt; {_why(reading)}")


def summary(
    name: str, kind: Kind, title: str, reading: Reading, usable: int, unique: int
) -> SourceSummary:
    """How a source came to be, once its prompts are counted."""
    return SourceSummary(
        name=name,
        kind=kind,
        title=title,
        files=reading.files,
        rows=reading.rows,
        refused=dict(reading.refused),
        notes=dict(reading.notes),
        usable=usable,
        duplicates=usable - unique,
        unique=unique,
        sha256=reading.sha256,
    )


def numbered(distinct: Sequence[pa.Array], summaries: Sequence[SourceSummary] = ()) -> Corpus:
    """A corpus of the distinct prompts of each source."""
    prompts = pa.concat_arrays(distinct)
    # Arrow numbers distinct values in the order it meets them: a prompt is new exactly where its
    # number is above every number before it.
    prompt = np.asarray(prompts.dictionary_encode().indices).astype(np.int64)
    highest = np.maximum.accumulate(prompt)
    first = np.ones(len(prompt), dtype=bool)
    first[1:] = prompt[1:] > highest[:-1]
    source = np.repeat(np.arange(len(distinct), dtype=np.int16), [len(part) for part in distinct])
    return Corpus(prompts, source, prompt, first, tuple(summaries))


def _where(name: str, reading: Reading) -> str:
    """The file to blame if there is only one, else the source."""
    return shown(reading.files[0].path) if len(reading.files) == 1 else shown(name)


def _why(reading: Reading) -> str:
    if not reading.rows:
        return "it has no rows"
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in reading.refused.items())
    return f"rows refused: {shown(reasons)}"


def load(
    sources: Sequence[str],
    data: Path | None,
    stand_ins: bool,
    seed: int,
    prompts: Prompts | None = None,
) -> Corpus:
    """Read sources into one corpus, in memory; see `open_sources`.

    Raises
    ------
    InputError
        Anything in `open_sources`, the readers or `build`.
    """
    found = open_sources(sources, data, stand_ins, seed, prompts)
    return build([(one.name, one.kind, one.title, joined(one.parts())) for one in found])


def open_sources(
    sources: Sequence[str],
    data: Path | None,
    stand_ins: bool,
    seed: int,
    prompts: Prompts | None = None,
) -> list[Opened]:
    """Find the named sources, and prompts in memory after them.

    Parameters
    ----------
    sources : sequence of str
        See `specs.parse`.
    data : Path or None
        ``--data``; see `locate.data_folder`.
    stand_ins : bool
        Fill official sources that are neither in the data folder nor bundled with generated
        prompts, as many as the paper counted.
    seed : int
        Of the stand-ins.
    prompts : optional
        See `memory.read_prompts`. With them, `sources` may be empty.

    Raises
    ------
    InputError
        Anything in `specs.parse` or `check_names`; and, in several lines, every official source
        that is missing, with its size, its licence and the command that gets it.
    """
    folder = data_folder(data)
    named = specs.parse(sources) if sources or prompts is None else []
    # All that can be missing is found before the first file is read: some take a while.
    files = {source.name: source.locate(folder) for source in named if isinstance(source, Source)}
    missing = [
        source
        for source in named
        if isinstance(source, Source) and not files[source.name] and source.bundled is None
    ]
    if missing and not stand_ins:
        raise InputError(_missing(missing, folder, data))
    given = read_prompts(prompts) if prompts is not None else {}
    found: list[Opened] = []
    for source in named:
        if isinstance(source, specs.UserFile):
            parts = partial(_all, source.paths, source.column)
            found.append(
                Opened(
                    source.name,
                    "user",
                    source.title,
                    parts,
                    source.paths,
                    tuple(pieces(source.paths, source.column)),
                )
            )
        elif official := files[source.name]:
            whole = partial(_whole, source.read, official, folder)
            found.append(Opened(source.name, "official", source.title, whole, tuple(official)))
        elif source.bundled is not None:
            whole = partial(_whole, source.bundled)
            found.append(Opened(source.name, "bundled", source.title, whole))
        else:
            whole = partial(_whole, _stand_in, source, seed)
            found.append(Opened(source.name, "stand-in", source.title, whole))
    for name, reading in given.items():
        whole = partial(_whole, _same, reading)
        found.append(Opened(name, "user", f"{name}, in memory", whole, None))
    check_names([one.name for one in found])
    return found


def _all(paths: Sequence[Path], column: str | None) -> Iterable[Reading]:
    """Files one after the other."""
    return chain.from_iterable(stream_table(path, column) for path in paths)


def _whole(read: Callable[..., Reading], *arguments: object) -> list[Reading]:
    """A source that is read in one part."""
    return [read(*arguments)]


def _same(reading: Reading) -> Reading:
    return reading


def status(
    data: Path | None, count: bool = False
) -> list[tuple[Source, Literal["official", "bundled", "missing"], int, int | None]]:
    """What there is of each official source, without reading it unless told to.

    Returns
    -------
    list of (source, kind, files, prompts)
        `files` found; `prompts` is the number of distinct ones: of a missing source as published,
        of one in the data folder only with `count`, which reads its files.
    """
    folder = data_folder(data)
    out: list[tuple[Source, Literal["official", "bundled", "missing"], int, int | None]] = []
    for source in registry.ALL:
        files = source.locate(folder)
        if files:
            prompts = len(source.read(files, folder).prompts.unique()) if count else None
            out.append((source, "official", len(files), prompts))
        elif source.bundled is not None:
            reading = source.bundled()
            out.append((source, "bundled", len(reading.files), len(reading.prompts.unique())))
        else:
            out.append((source, "missing", 0, source.published_count))
    return out


def _stand_in(source: Source, seed: int) -> Reading:
    prompts = standins.generate(source.name, source.published_count, seed)
    return Reading(prompts, (), len(prompts))


def _missing(sources: Sequence[Source], folder: Path, data: Path | None) -> str:
    """The one message of several lines: a list is easier to act on than a sentence."""
    width = max(len(source.name) for source in sources)
    where = "" if data is None else f" --data {shown(data)}"
    lines = [
        f"  anatomy fetch {source.name:<{width}}{where}  "
        f"({source.title}: {source.size}; {source.licence})"
        for source in sources
    ]
    these = "this source is" if len(sources) == 1 else f"these {len(sources)} sources are"
    return "\n".join(
        [
            f"{shown(folder)}: {these} not there; get what you need, or name another --data folder",
            *lines,
            "or add --stand-ins to fill in generated prompts, which every result then says",
        ]
    )

"""What a source is, what reading it gives, and the corpus that several of them make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

COMBINED = "combined"  # names the union of all sources, so no source may have this name

Kind = Literal["official", "bundled", "user", "stand-in"]


@dataclass(frozen=True)
class SourceFile:
    """One file that was read: its path relative to the data folder (or as the user gave it)."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Reading:
    """What one source's files gave.

    Attributes
    ----------
    prompts : pa.LargeStringArray
        Every usable row in file order, exact duplicates included.
    files : tuple of SourceFile
        The files read, in the order they were read; empty for stand-ins.
    rows : int
        Rows read, usable or not: ``len(prompts) + sum(refused.values())``.
    refused : mapping of str to int
        Why rows could not be used, and how many: "empty", "not a string", ...
    notes : mapping of str to int
        Counts worth reporting beside the prompts (LVIS synonyms, VEval's queried phrases).
    sha256 : str or None
        Of prompts that came from no file but from memory: see `memory.hash_of`.
    """

    prompts: pa.LargeStringArray
    files: tuple[SourceFile, ...]
    rows: int
    refused: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    sha256: str | None = None

    def with_counts_of(self, other: Reading) -> Reading:
        """This one's prompts, with the rows and files of both."""
        return replace(
            self,
            files=self.files + other.files,
            rows=self.rows + other.rows,
            refused=_sum(self.refused, other.refused),
            notes=_sum(self.notes, other.notes),
            sha256=self.sha256 or other.sha256,
        )


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    names = dict.fromkeys([*one, *other])
    return {name: one.get(name, 0) + other.get(name, 0) for name in names}


# What a reading of several parts begins with.
NOTHING = Reading(pa.array([], type=pa.large_string()), (), 0)


def joined(parts: Iterable[Reading]) -> Reading:
    """One reading of the parts of one."""
    prompts: list[pa.Array] = [NOTHING.prompts]
    whole = NOTHING
    for part in parts:
        prompts.append(part.prompts)
        whole = whole.with_counts_of(part)
    return replace(whole, prompts=pa.concat_arrays(prompts))


@dataclass(frozen=True)
class Download:
    """One file of a source, at an https address."""

    url: str
    path: str  # where the file (or the archive's content) belongs below <data>/<source name>/
    bytes: int | None = None  # published size
    sha256: str | None = None  # published checksum
    unpack: bool = False


@dataclass(frozen=True)
class HubFiles:
    """Files of a Hugging Face dataset repository."""

    repository: str
    patterns: tuple[str, ...]
    gated: bool = False
    bytes: int | None = None


@dataclass(frozen=True)
class RoboflowProject:
    """Datasets behind the Roboflow client's key (extra `roboflow`)."""

    package: str
    bytes: int | None = None


@dataclass(frozen=True)
class Source:
    """One of the paper's six sources: facts, where it is fetched, and how it is read.

    `locate(data)` returns the official files found below a data folder, sorted, or an empty
    list; `read(files, data)` reads them. Both raise `InputError` for what cannot be used.
    """

    name: str
    title: str
    citation: str
    licence: str
    homepage: str
    published_count: int
    prompt_field: str
    remote: tuple[Download, ...] | HubFiles | RoboflowProject
    size: str  # of the download, for people: "64 MB"
    locate: Callable[[Path], list[Path]]
    read: Callable[[list[Path], Path], Reading]
    bundled: Callable[[], Reading] | None = None


@dataclass(frozen=True)
class SourceSummary:
    """How one source of a corpus came to be: provenance and counts.

    Attributes
    ----------
    kind : {"official", "bundled", "user", "stand-in"}
    rows, usable, duplicates, unique : int
        Rows read; rows that are prompts; exact copies among them; distinct prompts.
        ``usable == duplicates + unique``.
    sha256 : str or None
        Of prompts from memory; see `Reading`.
    """

    name: str
    kind: Kind
    title: str
    files: tuple[SourceFile, ...]
    rows: int
    refused: Mapping[str, int]
    notes: Mapping[str, int]
    usable: int
    duplicates: int
    unique: int
    sha256: str | None = None


@dataclass(frozen=True)
class Corpus:
    """Distinct prompts per source, one after the other.

    Attributes
    ----------
    prompts : pa.LargeStringArray, length N
        The distinct raw strings of the first source, then of the second, ...; a prompt that two
        sources share stands here twice.
    source : ndarray of int16, shape [N]
        Index into `summaries` of each prompt's source.
    prompt : ndarray of int64, shape [N]
        Number of the distinct raw string over all sources, in order of first appearance.
        ``prompt.max() + 1`` is the size of the union.
    first : ndarray of bool, shape [N]
        True where a string appears for the first time; ``first.sum()`` is the size of the union.
    summaries : tuple of SourceSummary
    """

    prompts: pa.LargeStringArray
    source: np.ndarray
    prompt: np.ndarray
    first: np.ndarray
    summaries: tuple[SourceSummary, ...]

    def __len__(self) -> int:
        return len(self.prompts)

    @property
    def names(self) -> tuple[str, ...]:
        """The sources' names, in the order of their codes."""
        return tuple(summary.name for summary in self.summaries)

    @property
    def has_stand_ins(self) -> bool:
        """Whether any source is made of prompts that this project generates."""
        return any(summary.kind == "stand-in" for summary in self.summaries)

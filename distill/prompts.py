"""The prompts of a recipe: read again from the files that were audited, checked, and split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from anatomy.corpus import places
from anatomy.corpus.build import load
from anatomy.corpus.locate import data_folder
from anatomy.corpus.model import Corpus, SourceSummary
from anatomy.encoders.registry import Tokenizer
from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.progress import Steps, quiet
from anatomy.tokens.table import TokenTable
from distill import hashing
from distill.permute import permuted
from distill.recipe import OriginRecipe, PromptsRecipe, Recipe
from distill.split import bags, split

__all__ = ["Prompts", "load_prompts", "permuted", "read_prompts"]

_MOST_OF_A_SOURCE = 0.1  # held out to come to `held_out_least`
_AGAIN = "run `anatomy audit` again and plan from its findings"


@dataclass(frozen=True)
class Prompts:
    """Distinct prompts of S sources and the part that each plays.

    Attributes
    ----------
    texts : pa.LargeStringArray, length N
        Distinct raw strings of all sources, in the order of the corpus.
    tokens : TokenTable of N prompts
        Of the tokenizer that they were loaded with, nothing cut.
    names : tuple of str, length S
        The sources.
    kinds : tuple of str, length S
        "official", "bundled", "user" or "stand-in".
    member : ndarray of bool, shape [N, S]
        Which sources each prompt stands in. A measure per source counts a shared prompt in each.
    source : ndarray of int16, shape [N]
        One source of each prompt: of those that hold it the first that trains, else the first.
    held_out : ndarray of bool, shape [N]
        Evaluated; nothing is learnt or chosen from these.
    available : ndarray of bool, shape [N]
        The training side of the split. What is chosen from training prompts, such as the tokens to
        keep, is chosen from all of these.
    train : ndarray of bool, shape [N]
        Those of `available` that train: all, or as many as the recipe's limit.
    """

    texts: pa.LargeStringArray
    tokens: TokenTable
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    member: np.ndarray
    source: np.ndarray
    held_out: np.ndarray
    available: np.ndarray
    train: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    def held_out_of(self, name: str) -> np.ndarray:
        """Rows of the held-out prompts that stand in a source, int64, ascending."""
        return np.flatnonzero(self.held_out & self.member[:, self.names.index(name)])


def load_prompts(recipe: Recipe, tokenizer: Tokenizer, steps: Steps = quiet) -> Prompts:
    """The prompts of a recipe; see `read_prompts`."""
    return read_prompts(recipe.prompts, tokenizer, steps)


def read_prompts(recipe: PromptsRecipe, tokenizer: Tokenizer, steps: Steps = quiet) -> Prompts:
    """Read the prompts again from the files that were audited, check those files, and split.

    Parameters
    ----------
    recipe : PromptsRecipe
    tokenizer : Tokenizer
        The teacher's: its cleaning decides what word-order twins are.
    steps : Steps

    Raises
    ------
    InputError
        In one line that names it: a file that is gone, changed, or new since the audit; a source
        that came from memory and cannot be read again; stand-ins where they are not allowed.
    """
    check_origins(recipe)
    data = _data(recipe)
    _check_files(recipe, data_folder(data))
    steps("Reading the prompts that were audited")
    corpus = load(recipe.sources, data, recipe.stand_ins, recipe.seed)
    _check_same(recipe.origins, corpus)
    texts = corpus.prompts.filter(pa.array(corpus.first))
    steps(f"Splitting {len(texts):,} prompts")
    cleaned, tokens = tokenizer.clean_and_encode(texts)
    member = np.zeros((len(texts), len(corpus.names)), dtype=bool)
    member[corpus.prompt, corpus.source] = True
    trains = np.isin(corpus.names, recipe.train_sources)
    sides = split(bags(cleaned), member, trains, _shares(recipe, member, trains), recipe.split_seed)
    if not sides.available.any():
        raise InputError(
            "prompts: none is left to train with; lower prompts.held_out_share, or audit more"
        )
    return Prompts(
        texts=texts,
        tokens=tokens,
        names=corpus.names,
        kinds=tuple(summary.kind for summary in corpus.summaries),
        member=member,
        # 2 where a source that trains holds the prompt, else 1: the first of the greatest.
        source=np.argmax(member * (1 + trains), axis=1).astype(np.int16),
        held_out=sides.held_out,
        available=sides.available,
        train=_limited(texts, sides.available, recipe),
    )


def _shares(recipe: PromptsRecipe, member: np.ndarray, trains: np.ndarray) -> np.ndarray:
    """Share of each source to hold out, float [S]; of those that only evaluate, to evaluate."""
    sizes = member.sum(axis=0)
    most = recipe.held_out_most / sizes
    least = np.minimum(recipe.held_out_least / sizes, _MOST_OF_A_SOURCE)
    of_training = np.minimum(np.maximum(recipe.held_out_share, least), most)
    shares: np.ndarray = np.where(trains, of_training, np.minimum(most, 1.0))
    return shares


def _limited(
    texts: pa.LargeStringArray, available: np.ndarray, recipe: PromptsRecipe
) -> np.ndarray:
    """At most `limit` of the available prompts: those of the lowest hash, so fewer are a part."""
    rows = np.flatnonzero(available)
    if recipe.limit is None or len(rows) <= recipe.limit:
        return available
    lot = hashing.seeded(
        hashing.of_words(texts.take(pa.array(rows)).to_pylist()), recipe.split_seed
    )
    train = np.zeros(len(available), dtype=bool)
    train[rows[np.argsort(lot, kind="stable")[: recipe.limit]]] = True
    return train


def check_origins(recipe: PromptsRecipe) -> None:
    """Refuse what cannot be read again, and stand-ins where they are not allowed.

    Raises
    ------
    InputError
    """
    made = [origin.name for origin in recipe.origins if origin.kind == "stand-in"]
    if made and not recipe.stand_ins:
        raise InputError(
            f"{shown(', '.join(made))}: stand-ins that anatomy generated, in "
            f"{shown(recipe.findings)}; a student of them knows no real prompt: get the files "
            "(`anatomy sources`) and audit again, or add --allow-stand-ins"
        )
    for origin in recipe.origins:
        if origin.kind != "stand-in" and not origin.files:
            raise InputError(
                f"{shown(origin.name)}: its prompts came from memory, in {shown(recipe.findings)}, "
                "and cannot be read again; save them to a file and audit that"
            )


def _data(recipe: PromptsRecipe) -> Path | None:
    """The data folder; one that is not there is only missed where a file of it is needed."""
    folder = None if recipe.data is None else Path(recipe.data)
    if folder is None or folder.is_dir():
        return folder
    for origin in recipe.origins:
        if origin.kind == "official":
            raise InputError(
                f"{shown(recipe.data)}: the data folder, with {shown(origin.name)}, is not there; "
                "start from the folder that the audit was started from, or give --data DIR"
            )
    return None


def _check_files(recipe: PromptsRecipe, folder: Path) -> None:
    """Say which file is gone, before others are read."""
    for origin in recipe.origins:
        if origin.kind == "bundled":
            continue  # in the package
        for name in origin.files:
            path = places.path_of(name) if origin.kind == "user" else folder / name
            if not path.is_file():
                where = (
                    "start from the folder that the audit was started from"
                    if origin.kind == "user"
                    else "give --data DIR"
                )
                raise InputError(
                    f"{shown(path)}: a file of {shown(origin.name)} that was audited is not there; "
                    f"bring it back, {where}, or {_AGAIN}"
                )


def _check_same(origins: list[OriginRecipe], corpus: Corpus) -> None:
    """What was read is what was audited, source by source."""
    if list(corpus.names) != [origin.name for origin in origins]:
        raise InputError(
            f"prompts.sources: are {shown(', '.join(corpus.names))}, but "
            f"{shown(', '.join(origin.name for origin in origins))} were audited; {_AGAIN}"
        )
    for origin, found in zip(origins, corpus.summaries, strict=True):
        for what in _differences(origin, found):
            raise InputError(f"{what}; {_AGAIN}")


def _differences(origin: OriginRecipe, found: SourceSummary) -> Iterator[str]:
    name = shown(origin.name)
    if origin.kind != found.kind:
        yield f"{name}: was {origin.kind} when it was audited, and is {found.kind} now"
    now = {file.path: file.sha256 for file in found.files}
    for path, sha256 in origin.files.items():
        if path not in now:
            yield f"{shown(path)}: was read for {name} when it was audited, and is not now"
        elif now[path] != sha256:
            yield (
                f"{shown(path)}: has changed since {name} was audited (SHA-256 {sha256[:12]}... "
                f"then, {now[path][:12]}... now)"
            )
    for path in now:
        if path not in origin.files:
            yield f"{shown(path)}: is new in {name} since it was audited"
    if found.unique != origin.prompts:
        yield f"{name}: gives {found.unique:,} prompts, and gave {origin.prompts:,} when audited"

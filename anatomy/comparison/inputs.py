"""Which findings to compare, and what each is called: `PATH` or `LABEL=PATH`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.findings import FILE_NAME, Findings

_LABEL = re.compile(r"\w[\w.+-]{0,31}")
_LONGEST = 32


def load(arguments: Sequence[str]) -> dict[str, Findings]:
    """The findings that the arguments name, by label, in their order.

    Each argument is a findings.json, or the folder of one, with or without a label before it. What
    exists as a path is one. Without a label the folder's name is it, or the file's where the file
    is not called findings.json; parents or numbers make it unique.

    Raises
    ------
    InputError
        For fewer than two, a label that is no word or stands twice, or a file that `Findings.load`
        refuses.
    """
    if len(arguments) < 2:
        raise InputError(
            f"compare: {len(arguments)} given; name two findings.json or more, the baseline first"
        )
    named = [_split(argument) for argument in arguments]
    given = [label for label, _ in named if label]
    for label in given:
        if given.count(label) > 1:
            raise InputError(f"{shown(label)}: two audits have this label; give each its own")
    paths = [path for _, path in named]
    labels = [label for label, _ in named]
    unnamed = [at for at, label in enumerate(labels) if not label]
    for at, name in zip(unnamed, _derived([paths[at] for at in unnamed]), strict=True):
        number = 1
        labels[at] = name
        while labels.count(labels[at]) > 1:  # the same file again, or a label that was given
            number += 1
            labels[at] = f"{name} ({number})"
    return {label: Findings.load(path) for label, path in zip(labels, paths, strict=True)}


def _split(argument: str) -> tuple[str, Path]:
    label, equals, rest = argument.partition("=")
    if not equals or os.path.lexists(argument):
        return "", Path(argument)
    if not _LABEL.fullmatch(label):
        raise InputError(
            f"{shown(argument)}: {shown(label) or 'nothing'} is no label; use up to {_LONGEST} "
            "letters, digits and ._+-"
        )
    return label, Path(rest)


def _derived(paths: Sequence[Path]) -> list[str]:
    """A name for each path; where two differ, with as many parents as tell them apart."""
    parts = []
    for path in paths:
        whole = Path(os.path.abspath(path))  # noqa: PTH100 (which follows no links)
        own = whole.with_name(whole.name.removesuffix(".json"))
        parts.append((whole.parent if whole.name == FILE_NAME else own).parts[1:] or ("root",))
    depth = dict.fromkeys(parts, 1)
    for _ in range(max(map(len, parts), default=0)):
        counts = Counter(part[-depth[part] :] for part in depth)
        for part in depth:
            depth[part] += counts[part[-depth[part] :]] > 1
    return [_short("/".join(part[-depth[part] :])) for part in parts]


def _short(name: str) -> str:
    """The end of a name, which tells it from others, without what a terminal cannot show."""
    clean = shown(name)
    return clean if len(clean) <= _LONGEST else f"…{clean[1 - _LONGEST :]}"

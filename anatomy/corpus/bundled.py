"""The names that ship with this package: LVIS v1's, a public table of facts (CC BY 4.0)."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import resources
from typing import Any

import pyarrow as pa

from anatomy.corpus.model import Reading, SourceFile

_FOLDER = "anatomy.corpus"
_FILE = "data/lvis_v1_names.json"


def lvis_names() -> tuple[str, ...]:
    """LVIS v1's 1,203 category names in the order of their ids, "_" as space."""
    return tuple(name.replace("_", " ") for name in lvis_names_as_given())


def lvis_names_as_given() -> tuple[str, ...]:
    """The same names as LVIS's files have them, "_" kept."""
    return tuple(_document()[1]["names"])


def read_lvis_names() -> Reading:
    """The bundled names as the LVIS reader would give them."""
    raw, document = _document()
    names = pa.array(lvis_names(), type=pa.large_string())
    record = SourceFile(
        f"{_FOLDER.replace('.', '/')}/{_FILE}", len(raw), hashlib.sha256(raw).hexdigest()
    )
    return Reading(names, (record,), len(names), {}, {"synonyms": document["synonyms"]})


@cache
def _document() -> tuple[bytes, dict[str, Any]]:
    raw = resources.files(_FOLDER).joinpath(_FILE).read_bytes()
    return raw, json.loads(raw)

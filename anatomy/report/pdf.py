"""A document as a PDF, typeset with typst: no system library, no network, fonts that are at hand.

The template reads the document as data and never evaluates a word of it. Fonts are typst's own and
DejaVu Sans, which comes with matplotlib; what none of them can draw is shown as an escape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import typst
from matplotlib.ft2font import FT2Font

from anatomy.report.blocks import (
    Block,
    Bullets,
    Cards,
    Cell,
    Code,
    Definitions,
    Document,
    Entry,
    Explorer,
    FigureBlock,
    Fold,
    Heading,
    Inline,
    Link,
    Paragraph,
    Row,
    Section,
    Strong,
    Table,
    Text,
    pieces,
)
from anatomy.report.figures import Rendered

Paper = Literal["a4", "letter"]
PAPERS: tuple[Paper, ...] = ("a4", "letter")

_MOST_COLUMNS = 14  # of a table that is still legible across one page
_LONG_WORD = re.compile(r"\S{24,}")
_CHUNK = 12
_BREAK = "\N{ZERO WIDTH SPACE}"


def render(document: Document, figures: Sequence[Rendered], paper: Paper = "a4") -> bytes:
    """The PDF's bytes; the same document and figures give the same bytes.

    A comment after its end carries the document's hash.
    """
    compiled: bytes = typst.compile(  # type: ignore[misc]
        (files("anatomy.report") / "templates" / "report.typ").read_bytes(),
        sys_inputs={"data": json.dumps(_data(document, figures, paper))},
        font_paths=[str(_fonts())],
        ignore_system_fonts=True,
        timestamp=int(datetime.fromisoformat(document.made).timestamp()),
    )
    return compiled + f"\n%{document.mark} {document.digest}\n".encode()


def _data(document: Document, figures: Sequence[Rendered], paper: Paper) -> dict[str, Any]:
    return {
        **{
            name: _printable(getattr(document, name))
            for name in ("title", "short", "subtitle", "foot", "mark", "digest", "generator")
        },
        "paper": {"a4": "a4", "letter": "us-letter"}[paper],
        "made": document.made.replace("T", " ").replace("+00:00", " UTC"),
        "notice": _words(document.notice) if document.notice else [],
        "closing": _words(document.closing),
        "references": [_words(reference) for reference in document.references],
        "sections": [_section(section) for section in document.sections],
        "figures": {
            figure.name: {
                "svg": figure.svg.decode("utf-8"),
                "caption": _printable(figure.caption),
                "alternative": _printable(figure.alternative),
                "columns": figure.columns,
            }
            for figure in figures
        },
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": _printable(section.title),
        "blocks": [data for block in section.blocks if (data := _block(block))],
    }


def _block(block: Block) -> dict[str, Any] | None:
    """A block as data for the template; None for what paper cannot do."""
    match block:
        case Explorer():
            return None
        case Paragraph():
            fields: dict[str, Any] = {"tone": block.tone, "text": _words(block.text)}
        case Heading():
            fields = {"id": block.id, "title": _printable(block.title)}
        case Bullets():
            fields = {"items": [_words(item) for item in block.items]}
        case Definitions():
            fields = {"items": [(_words(term), _words(text)) for term, text in block.items]}
        case Cards():
            fields = {"cards": [_strings(asdict(card)) for card in block.cards]}
        case FigureBlock():
            fields = {"name": block.name}
        case Entry():
            facts = [[_printable(part) for part in fact] for fact in block.facts]
            fields = {**_strings({**asdict(block), "facts": ""}), "facts": facts, "id": block.id}
        case Fold():
            fields = {"blocks": [data for inner in block.blocks if (data := _block(inner))]}
        case Table():
            fields = _table(block)
    return {"kind": block.kind, **fields}


def _table(table: Table) -> dict[str, Any]:
    """A table; one that is too wide in several parts, each with the rows' headings."""
    first, rest = table.columns[:1], range(1, len(table.columns))
    spans = any(cell.columns > 1 for row in table.rows for cell in row.cells)
    step = len(table.columns) if spans else _MOST_COLUMNS - 1
    parts = []
    for start in range(1, len(table.columns), step):
        columns = (*first, *(table.columns[at] for at in rest[start - 1 : start - 1 + step]))
        runs = [(group, len(list(run))) for group, run in groupby(columns[1:], lambda c: c.group)]
        rows = [
            {
                "kind": row.kind,
                "cells": [_strings(asdict(cell)) for cell in _slice(row, start, start + step)],
            }
            for row in table.rows
        ]
        parts.append(
            {
                "columns": [{"title": _printable(c.title), "left": c.left} for c in columns],
                "groups": [{"title": _printable(title), "columns": n} for title, n in runs]
                if any(title for title, _ in runs)
                else [],
                "rows": rows,
            }
        )
    return {
        "id": table.id,
        "caption": _words(table.caption),
        "narrow": table.narrow,
        "parts": parts,
    }


def _slice(row: Row, start: int, end: int) -> tuple[Cell, ...]:
    return (row.cells[0], *row.cells[start:end])


def _words(text: Text) -> list[dict[str, str]]:
    """A text as the template's words."""
    return [_word(part) for part in pieces(text)]


def _word(part: Inline) -> dict[str, str]:
    match part:
        case Code():
            return {"kind": "code", "text": _printable(part.text)}
        case Strong():
            return {"kind": "strong", "text": _printable(part.text)}
        case Link():
            return {"kind": "link", "text": _printable(part.text), "target": part.target}
        case str():
            return {"kind": "plain", "text": _printable(part)}


def _strings(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _printable(value) if isinstance(value, str) else value
        for name, value in fields.items()
    }


@cache
def _drawn() -> frozenset[str]:
    """Every character that some font at hand can draw."""
    font = FT2Font(str(_fonts() / "DejaVuSans.ttf"))
    return frozenset(map(chr, font.get_charmap()))


def _fonts() -> Path:
    return Path(mpl.get_data_path()) / "fonts" / "ttf"


def _printable(text: str) -> str:
    """`text` with what no font draws as escapes, and long words made breakable."""
    shown = "".join(
        c
        if c.isprintable() and c in _drawn()
        else c.encode("unicode_escape", "backslashreplace").decode("ascii")
        for c in text
    )
    whole = _LONG_WORD.sub(lambda word: _BREAK.join(_chunks(word.group())), shown)
    return whole.replace(" %", "\N{NO-BREAK SPACE}%")


def _chunks(word: str) -> list[str]:
    return [word[at : at + _CHUNK] for at in range(0, len(word), _CHUNK)]

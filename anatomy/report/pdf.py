"""A document as a PDF, typeset with typst: no system library, no network, fonts that are at hand.

The template reads the document as data and never evaluates a word of it. Fonts are typst's own and
DejaVu Sans, which comes with matplotlib; what none of them can draw is shown as an escape.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any, assert_never

import typst

from anatomy.report.blocks import (
    Block,
    Bullets,
    Cards,
    Cell,
    Cite,
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
    Ref,
    Row,
    Section,
    Strong,
    Table,
    Text,
    pieces,
)
from anatomy.report.figures import Rendered
from anatomy.report.formats import Paper
from anatomy.report.printable import breakable, fonts, kept, printable

_MOST_COLUMNS = 14  # of a table that is still legible across one page
_LONG = {"code": 30, "words": 66, "": 44}  # letters, above which a cell is set in several lines
_LONG_HEADING = 22
_SHORT = 1200  # letters, of a note that stays on one page
_MOST_ENTRIES = 44  # of the contents; with more of them, the sections alone


def render(document: Document, figures: Sequence[Rendered], paper: Paper = "a4") -> bytes:
    """The PDF's bytes; the same document and figures give the same bytes.

    A comment after its end carries the document's hash.
    """
    with fonts() as folder:
        compiled: bytes = typst.compile(  # type: ignore[call-overload]
            _template(),
            sys_inputs={"data": json.dumps(_data(document, figures, paper))},
            font_paths=[str(folder)],
            ignore_system_fonts=True,
            timestamp=int(datetime.fromisoformat(document.made).timestamp()),
        )
    return compiled + f"\n%{document.mark} {document.digest}\n".encode()


@cache
def _template() -> dict[str, bytes]:
    folder = files("anatomy.report") / "templates" / "paper"
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def _data(document: Document, figures: Sequence[Rendered], paper: Paper) -> dict[str, Any]:
    setter = _Setter(document)
    parts = setter.parts()
    return {
        "paper": paper,
        **{
            name: printable(getattr(document, name))
            for name in ("short", "mark", "digest", "generator")
        },
        **{name: breakable(getattr(document, name)) for name in ("title", "subtitle", "foot")},
        "made": document.made.replace("T", " ").replace("+00:00", " UTC"),
        "notice": setter.words(document.notice) if document.notice else [],
        "contents": _halves(setter.contents),
        "parts": parts,
        "figures": {
            figure.name: {
                "svg": figure.svg.decode("utf-8"),
                "caption": breakable(figure.caption),
                "alternative": printable(figure.alternative),
                "columns": figure.columns,
            }
            for figure in figures
        },
    }


class _Setter:
    """A document's sections as data for the template."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._places = dict(_places(document))  # and whether their pages are worth naming
        self.contents: list[dict[str, Any]] = []

    def parts(self) -> list[dict[str, Any]]:
        """Runs of blocks that stand in the same number of columns, the references at the end."""
        parts: list[dict[str, Any]] = []
        for columns, run in groupby(enumerate(self._document.sections, 1), lambda s: s[1].columns):
            sections = [self._section(number, section) for number, section in run]
            blocks = [block for section in sections for block in section]
            if columns == 2:  # begins across the page, up to its first heading within
                inner = (at for at, block in enumerate(sections[0][1:], 1) if "level" in block)
                start = next(inner, len(sections[0]))
                parts.append({"columns": 1, "blocks": blocks[:start]})
                blocks = blocks[start:]
            parts.append({"columns": columns, "blocks": blocks})
        if self._document.references:
            parts[-1]["blocks"] += [
                self._heading(1, "", "References", "references"),
                {
                    "kind": "references",
                    "items": [
                        {"id": f"reference-{number}", "text": breakable(text)}
                        for number, text in enumerate(self._document.references, 1)
                    ],
                },
            ]
        parts[-1]["blocks"].append({"kind": "closing", "text": self.words(self._document.closing)})
        return _joined(parts)

    def _heading(self, level: int, number: str, title: str, target: str) -> dict[str, Any]:
        entry = {"level": level, "number": number, "title": breakable(title), "id": target}
        self.contents.append({**entry, "title": breakable(title.split(":")[0])})
        return {"kind": "heading", **entry}

    def _section(self, number: int, section: Section) -> list[dict[str, Any]]:
        blocks = [self._heading(1, f"{number}", section.title, section.id)]
        headings = 0
        for block in section.blocks:
            if isinstance(block, Heading):
                headings += 1
                blocks.append(self._heading(2, f"{number}.{headings}", block.title, block.id))
            else:
                blocks += self._block(block)
        return blocks

    def _block(self, block: Block) -> list[dict[str, Any]]:
        """A block as data for the template; nothing for what paper cannot do."""
        fields: dict[str, Any]
        match block:
            case Explorer():
                return []
            case Fold():
                inner = [data for part in block.blocks for data in self._block(part)]
                if isinstance(block.blocks[0], Table):  # whose caption says it
                    return inner
                return [{"kind": "fold-title", "text": breakable(block.title)}, *inner]
            case Paragraph():
                fields = {"tone": block.tone, **self._sentences(block.text)}
            case Heading():  # of a fold
                fields = {"level": 3, "number": "", "title": breakable(block.title), "id": block.id}
            case Bullets():
                return [{"kind": "bullet", **self._sentences(item)} for item in block.items]
            case Definitions():
                fields = {"items": [[self.words(a), self.words(b)] for a, b in block.items]}
            case Cards():
                fields = {"cards": [_strings(asdict(card)) for card in block.cards]}
            case FigureBlock():
                fields = {"name": block.name, "number": block.number}
            case Entry():
                facts = [[breakable(part) for part in fact] for fact in block.facts]
                fields = {**_strings(asdict(block)), "facts": facts, "id": block.id}
                fields["where"] = f"In the paper: {fields['where']}"
            case Table():
                fields = {
                    "id": block.id,
                    "number": block.number,
                    "caption": self.words(block.caption),
                    "narrow": block.narrow,
                    "parts": _table(block),
                }
            case _:
                assert_never(block)
        return [{"kind": block.kind, **fields}]

    def _sentences(self, text: Text) -> dict[str, Any]:
        words = self.words(text)
        return {"text": words, "short": sum(len(word["text"]) for word in words) < _SHORT}

    def words(self, text: Text) -> list[dict[str, Any]]:
        """A text as the template's words."""
        words: list[dict[str, Any]] = []
        for part in pieces(text):
            word = self._word(part)
            cited = word["kind"] == "link" and word["target"].startswith("reference-")
            if cited and words and words[-1]["text"].endswith(" "):  # stays with what it is for
                words[-1]["text"] = words[-1]["text"][:-1] + "\N{NO-BREAK SPACE}"
            words.append(word)
        return words

    def _word(self, part: Inline) -> dict[str, Any]:
        match part:
            case str():
                return {"kind": "plain", "text": breakable(part)}
            case Code():
                return {"kind": "code", "text": breakable(part.text)}
            case Strong():
                return {"kind": "strong", "text": breakable(part.text)}
            case Link():
                if part.target not in self._places:
                    return {"kind": "plain", "text": breakable(part.text)}
                number = part.target.startswith(("table-", "figure-"))
                return {
                    "kind": "link",
                    "text": kept(part.text) if number else breakable(part.text),
                    "target": part.target,
                    "paged": self._places[part.target],
                }
            case Cite() | Ref():
                raise ValueError(f"{part} has no number; see references.resolved")
            case _:
                assert_never(part)


def _places(document: Document) -> Iterator[tuple[str, bool]]:
    """Where links may lead on paper, and whether a link there names the page."""
    for section in document.sections:
        yield section.id, False
    for block in document.walk():
        match block:
            case Heading():
                yield block.id, False
            case Table():
                yield f"table-{block.id}", False
            case FigureBlock():
                yield f"figure-{block.name}", False
            case Entry():
                yield block.id, True
    for number, _ in enumerate(document.references, 1):
        yield f"reference-{number}", False


def _joined(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours with the same number of columns as one part."""
    return [
        {"columns": columns, "blocks": [block for part in run for block in part["blocks"]]}
        for columns, run in groupby(parts, lambda part: part["columns"])
    ]


def _halves(entries: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The contents in two columns of about the same length."""
    if len(entries) > _MOST_ENTRIES:
        entries = [entry for entry in entries if entry["level"] == 1]
    middle = -(-len(entries) // 2)
    while middle < len(entries) and entries[middle]["level"] > entries[middle - 1]["level"]:
        middle += 1  # a section's first part stays below it
    return [entries[:middle], entries[middle:]]


def _table(table: Table) -> list[dict[str, Any]]:
    """A table; one that is too wide in several parts, each with the rows' headings."""
    first, rest = table.columns[0], table.columns[1:]
    spans = any(cell.columns > 1 for row in table.rows for cell in row.cells)
    count = 1 if spans else max(1, -(-len(rest) // (_MOST_COLUMNS - 1)))
    step = max(1, -(-len(rest) // count))
    parts = []
    for start in range(0, len(rest), step):
        columns = rest[start : start + step]
        runs = [(group, len(list(run))) for group, run in groupby(columns, lambda c: c.group)]
        parts.append(
            {
                "columns": [
                    {
                        "title": breakable(column.title),
                        "left": column.left,
                        "long": len(column.title) > _LONG_HEADING,
                    }
                    for column in (first, *columns)
                ],
                "groups": [{"title": breakable(title), "columns": n} for title, n in runs]
                if any(title for title, _ in runs)
                else [],
                "rows": [
                    {"kind": row.kind, "cells": [_cell(c) for c in _slice(row, start, step)]}
                    for row in table.rows
                ],
            }
        )
    return parts


def _slice(row: Row, start: int, step: int) -> tuple[Cell, ...]:
    return (row.cells[0], *row.cells[1 + start : 1 + start + step])


def _cell(cell: Cell) -> dict[str, Any]:
    text = f"{cell.text} {cell.note}".strip()
    return {**_strings(asdict(cell)), "long": len(text) > _LONG.get(cell.style, _LONG[""])}


def _strings(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: breakable(value) if isinstance(value, str) else value
        for name, value in fields.items()
    }

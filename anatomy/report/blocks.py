"""What a document is made of, whatever it is rendered to.

The chapters say once what stands in a report, in which order and with which numbers; the page
(`html`) and the paper (`pdf`) only set it. All text here is plain: a renderer escapes it, or passes
it as data, so that nothing in a prompt or a name is ever markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Code:
    """Words set as code: a path, a command, a hash."""

    text: str


@dataclass(frozen=True)
class Strong:
    """Words that matter."""

    text: str


@dataclass(frozen=True)
class Link:
    """Words that lead to the place `target` of the same document."""

    text: str
    target: str


@dataclass(frozen=True)
class Cite:
    """A reference, by its text; `references.resolved` makes a numbered link of it."""

    reference: str


@dataclass(frozen=True)
class Ref:
    """A table or figure ("table-ID", "figure-NAME"); a numbered link comes of it likewise."""

    target: str


Inline = str | Code | Strong | Link | Cite | Ref
Text = str | tuple[Inline, ...]


def pieces(text: Text) -> tuple[Inline, ...]:
    """The parts of a text, also where it is a plain string."""
    return (text,) if isinstance(text, str) else text


@dataclass(frozen=True)
class Paragraph:
    """Some sentences; `tone` says what kind they are."""

    text: Text
    tone: Literal["plain", "advice", "absent", "notice"] = "plain"
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Heading:
    """A heading within a section, which a link can lead to."""

    id: str
    title: str
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[Text, ...]
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True)
class Definitions:
    """Terms and what stands for each."""

    items: tuple[tuple[Text, Text], ...]
    kind: ClassVar[str] = "definitions"


@dataclass(frozen=True)
class Card:
    """A headline number."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Cards:
    """The headline numbers."""

    cards: tuple[Card, ...]
    kind: ClassVar[str] = "cards"


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and the heading that it shares with its neighbours."""

    title: str
    left: bool = False
    group: str = ""
    opens: bool = False  # a rule stands before it


@dataclass(frozen=True)
class Cell:
    """A cell: its text, what stands beside it in a lower voice, and how it is set.

    "words" is for sentences, which break into lines; all else stays on one.
    """

    text: str
    note: str = ""
    style: Literal["", "code", "tag", "self", "left", "words"] = ""
    columns: int = 1


@dataclass(frozen=True)
class Row:
    """A row: its heading and its cells. Rows of a kind are told apart and keep their place."""

    cells: tuple[Cell, ...]
    kind: Literal["", "all", "chosen", "paper"] = ""


@dataclass(frozen=True)
class Table:
    """A table with a caption. The first column holds the rows' headings.

    With `narrow` it is set in several columns on paper; with `stacked` a screen that is too small
    for it sets a row's cells below each other, as it should be where they explain themselves.
    """

    id: str
    label: str  # in two or three words, for those who hear it
    caption: Text
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    number: int = 0
    narrow: bool = False
    stacked: bool = False
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class FigureBlock:
    """The place of a figure, by its name."""

    name: str
    number: int = 0
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True)
class Explorer:
    """A table at one context length, which a page with scripts lets its reader choose.

    Its caption says the length in `Strong` words; `figure` names the figure that shows the choice.
    """

    id: str
    encoder: str
    start: int
    limit: int
    bound: float
    table: Table
    histograms: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]  # group, (tokens, prompts)
    figure: str = ""
    kind: ClassVar[str] = "explorer"


@dataclass(frozen=True)
class Entry:
    """One claim of the ledger."""

    id: str
    verdict: str
    title: str
    where: str
    claim: str
    facts: tuple[tuple[str, str], ...]
    explanation: str
    kind: ClassVar[str] = "entry"


@dataclass(frozen=True)
class Fold:
    """Details that a page shows on demand, and paper always."""

    title: str
    blocks: tuple[Block, ...]
    kind: ClassVar[str] = "fold"


Block = (
    Paragraph
    | Heading
    | Bullets
    | Definitions
    | Cards
    | Table
    | FigureBlock
    | Explorer
    | Entry
    | Fold
)


@dataclass(frozen=True)
class Section:
    """A numbered section; one without tables and figures may stand in two columns on paper."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    columns: Literal[1, 2] = 1


@dataclass(frozen=True)
class Document:
    """A whole document.

    Attributes
    ----------
    short : str
        The title where there is little room: a window's, a page's foot.
    notice : Text
        What must be seen before anything else; empty where there is nothing of the kind.
    foot : str
        The notice in one line, for the foot of every page; empty likewise.
    mark, digest : str
        Name and value of the hash that every file rendered from the same findings carries.
    made : str
        When the findings were made: ISO 8601.
    references : tuple of str
        In the order of their numbers, which begin at 1.
    """

    title: str
    short: str
    subtitle: str
    notice: Text
    foot: str
    sections: tuple[Section, ...]
    references: tuple[str, ...]
    closing: Text
    mark: str
    digest: str
    generator: str
    made: str

    def walk(self) -> Iterator[Block]:
        """Every block, those inside others too, in reading order."""
        for section in self.sections:
            yield from walk(section.blocks)

    @property
    def tables(self) -> list[Table]:
        """The numbered tables, in order."""
        return [block for block in self.walk() if isinstance(block, Table)]

    @property
    def figures(self) -> list[FigureBlock]:
        """The figures' places, in order."""
        return [block for block in self.walk() if isinstance(block, FigureBlock)]


def closing(name: str) -> Text:
    """The last words of a document whose numbers are all in the file of this name."""
    return (
        "Figures are also in ",
        Code("figures/"),
        " as SVG and PNG, with the data behind each as CSV; every number is in ",
        Code(name),
        ".",
    )


def walk(blocks: Iterable[Block]) -> Iterator[Block]:
    """Every block, those inside others too, in reading order."""
    for block in blocks:
        yield block
        if isinstance(block, Fold):
            yield from walk(block.blocks)


@dataclass
class _Counts:
    figures: int = 0
    tables: int = 0


def numbered(sections: Sequence[Section]) -> tuple[Section, ...]:
    """The sections with their tables and figures numbered, so that every renderer agrees."""
    counts = _Counts()
    return tuple(replace(s, blocks=_numbered(s.blocks, counts)) for s in sections)


def _numbered(blocks: Sequence[Block], counts: _Counts) -> tuple[Block, ...]:
    done: list[Block] = []
    for block in blocks:
        if isinstance(block, Table):
            counts.tables += 1
            done.append(replace(block, number=counts.tables))
        elif isinstance(block, FigureBlock):
            counts.figures += 1
            done.append(replace(block, number=counts.figures))
        elif isinstance(block, Fold):
            done.append(replace(block, blocks=_numbered(block.blocks, counts)))
        else:
            done.append(block)
    return tuple(done)

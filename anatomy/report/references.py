"""What the definitions, the estimators and the checked figures come from, and how it is cited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import assert_never

from anatomy.report.blocks import (
    Block,
    Bullets,
    Cards,
    Cite,
    Code,
    Definitions,
    Entry,
    Explorer,
    FigureBlock,
    Fold,
    Heading,
    Inline,
    Link,
    Paragraph,
    Ref,
    Section,
    Strong,
    Table,
    Text,
    pieces,
    walk,
)

PAPER = (
    "C. Zeng, Y. Jiang, G. Gao, S. Wang, D. Danier, B. Zhu, S. Rudinac, D. Bull, F. Zhang. "
    "SAM3-LiteText: An Anatomical Study of the SAM3 Text Encoder for Efficient Vision-Language "
    "Segmentation. 2026."
)
EFFECTIVE_RANK = (
    "O. Roy, M. Vetterli. The effective rank: A measure of effective dimensionality. EUSIPCO, 2007."
)
TWO_NN = (
    "E. Facco, M. d'Errico, A. Rodriguez, A. Laio. Estimating the intrinsic dimension of "
    "datasets by a minimal neighborhood information. Scientific Reports 7, 2017."
)
MLE = "E. Levina, P. J. Bickel. Maximum likelihood estimation of intrinsic dimension. NIPS, 2004."
HARMONIC = (
    "D. J. C. MacKay, Z. Ghahramani. Comments on 'Maximum likelihood estimation of intrinsic "
    "dimension' by E. Levina and P. Bickel. 2005."
)
GRIDE = (
    "F. Denti, D. Doimo, A. Laio, A. Mira. The generalized ratios intrinsic dimension "
    "estimator. Scientific Reports 12, 2022."
)
DIFFERENCE = (
    "G. Y. Zou, A. Donner. Construction of confidence limits about effect measures: A general "
    "approach. Statistics in Medicine 27, 2008."
)
RAREFACTION = (
    "S. H. Hurlbert. The nonconcept of species diversity: a critique and alternative "
    "parameters. Ecology 52, 1971."
)


def resolved(sections: Sequence[Section]) -> tuple[tuple[Section, ...], tuple[str, ...]]:
    """Numbered sections with every `Cite` and `Ref` as a link, and the list of references.

    References are numbered in the order in which they are first cited; what nothing cites is not
    in the list.
    """
    names: dict[str, str] = {}
    for block in walk(block for section in sections for block in section.blocks):
        if isinstance(block, Table):
            names[f"table-{block.id}"] = f"Table {block.number}"
        elif isinstance(block, FigureBlock):
            names[f"figure-{block.name}"] = f"Figure {block.number}"
    texts = _Texts(names)
    done = tuple(replace(s, blocks=tuple(texts.block(b) for b in s.blocks)) for s in sections)
    return done, tuple(texts.cited)


class _Texts:
    """Replaces what stands for a number by a link that shows it."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        self.cited: dict[str, int] = {}

    def block(self, block: Block) -> Block:
        match block:
            case Paragraph():
                return replace(block, text=self._text(block.text))
            case Bullets():
                return replace(block, items=tuple(map(self._text, block.items)))
            case Definitions():
                items = tuple((self._text(a), self._text(b)) for a, b in block.items)
                return replace(block, items=items)
            case Table():
                return replace(block, caption=self._text(block.caption))
            case Fold():
                return replace(block, blocks=tuple(map(self.block, block.blocks)))
            case Heading() | Cards() | FigureBlock() | Explorer() | Entry():
                return block
            case _:
                assert_never(block)

    def _text(self, text: Text) -> Text:
        return text if isinstance(text, str) else tuple(self._inlines(pieces(text)))

    def _inlines(self, parts: Iterable[Inline]) -> Iterable[Inline]:
        for part in parts:
            match part:
                case Cite():
                    number = self.cited.setdefault(part.reference, len(self.cited) + 1)
                    yield Link(f"[{number}]", f"reference-{number}")
                case Ref():
                    yield Link(self._names[part.target], part.target)
                case str() | Code() | Strong() | Link():
                    yield part
                case _:
                    assert_never(part)

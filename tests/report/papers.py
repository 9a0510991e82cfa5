"""A PDF read back, and blank figures to set one without drawing."""

from __future__ import annotations

import io
import re

from pypdf import PdfReader
from pypdf.generic import ArrayObject, ContentStream, DictionaryObject

from anatomy.report import pdf
from anatomy.report.blocks import Document, pieces
from anatomy.report.document import document
from anatomy.report.figures import Rendered

MM = 72 / 25.4  # points


class Print:
    """A PDF that was read: its pages' text, and what else is in the file."""

    def __init__(self, data: bytes) -> None:
        self.reader = PdfReader(io.BytesIO(data))
        self.pages = [page.extract_text() for page in self.reader.pages]
        self.text = "\n".join(self.pages).replace("\N{NO-BREAK SPACE}", " ")
        self.dense = dense(self.text)

    def dictionaries(self):
        """Every dictionary and stream of the file."""
        for number in range(1, self.reader.trailer["/Size"]):
            waiting = [self.reader.get_object(number)]
            while waiting:
                thing = waiting.pop()
                if isinstance(thing, DictionaryObject):
                    yield thing
                    waiting += [v for v in thing.values() if isinstance(v, dict | list)]
                elif isinstance(thing, ArrayObject):
                    waiting += [v for v in thing if isinstance(v, dict | list)]

    def lines(self):
        """Where each line of text stands: page, points from its top, the line."""
        for number, page in enumerate(self.reader.pages):
            found: dict[float, str] = {}

            def visit(text, outer, inner, *_, page=page, found=found):
                up = inner[4] * outer[1] + inner[5] * outer[3] + outer[5]
                y = round(float(page.mediabox.top) - up, 1)
                found[y] = found.get(y, "") + text

            page.extract_text(visitor_text=visit)
            for y, text in sorted(found.items()):
                if text.strip():
                    yield number, y, text.strip()

    def glyphs(self):
        """Number of each glyph that the pages draw, with the font's name."""
        for page in self.reader.pages:
            fonts = page["/Resources"]["/Font"]
            font = None
            for operands, operator in ContentStream(page.get_contents(), self.reader).operations:
                if operator == b"Tf":
                    font = fonts[operands[0]]["/BaseFont"]
                elif operator in (b"Tj", b"TJ"):
                    parts = operands[0] if operator == b"TJ" else operands
                    for part in parts:
                        if isinstance(part, str | bytes):
                            codes = getattr(part, "original_bytes", part)
                            for at in range(0, len(codes), 2):
                                yield font, int.from_bytes(codes[at : at + 2], "big")


def dense(text: str) -> str:
    """A text without the spaces and line breaks that typesetting moves."""
    return re.sub(r"\s+", "", text)


def plain(text) -> str:
    """The words of a text of several parts."""
    return "".join(part if isinstance(part, str) else part.text for part in pieces(text))


def blanks(whole: Document, height: int = 180) -> list[Rendered]:
    """A blank figure, `height` points high, for each place of a document."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="500pt" height="{height}pt"/>'.encode()
    return [
        Rendered(block.name, f"Caption of {block.name}.", "Nothing.", svg, b"", b"", 2, {})
        for block in whole.figures
    ]


def printed(findings, paper="a4", height: int = 180) -> Print:
    """The PDF of some findings, without their figures."""
    whole = document(findings)
    return Print(pdf.render(whole, blanks(whole, height), paper))

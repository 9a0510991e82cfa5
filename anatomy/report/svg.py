"""Figures as parts of one page: what they share stands once, and their colours follow the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from markupsafe import Markup

from anatomy.report.figures import Rendered
from anatomy.report.style import DARK

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.\d+")
_LEFT_OUT = {"metadata", "title", "style"}  # the page has its own


@dataclass(frozen=True)
class Inlined:
    """Figures to put into one page.

    Attributes
    ----------
    shapes : Markup
        An SVG without extent that holds what the others use: letters, marks, ticks.
    figures : dict of str to Markup
        The SVG of each figure, by name.
    """

    shapes: Markup
    figures: dict[str, Markup]


def inline(figures: Sequence[Rendered]) -> Inlined:
    """Put figures into one page: a third of the bytes, and no id twice."""
    shapes = _Shapes()
    markup = {figure.name: _Figure(figure, shapes).markup() for figure in figures}
    # Drawn by matplotlib from text it has turned into paths: nothing of a prompt is markup here.
    return Inlined(
        Markup(shapes.markup()),  # noqa: S704
        {name: Markup(svg) for name, svg in markup.items()},  # noqa: S704
    )


def variable(colour: str) -> str:
    """The page's name for a colour of the figures that changes in the dark."""
    return f"--c{colour[1:]}"


@dataclass
class _Shapes:
    """Shapes that figures use, each once: a letter is the same in all of them."""

    ids: dict[tuple[tuple[str, str], ...], str] = field(default_factory=dict)

    def id(self, shape: ET.Element) -> str:
        key = tuple(sorted((name, value) for name, value in shape.items() if name != "id"))
        return self.ids.setdefault(key, f"s{len(self.ids)}")

    def markup(self) -> str:
        root = ET.Element("svg", {"class": "shapes", "aria-hidden": "true", "focusable": "false"})
        defs = ET.SubElement(root, "defs")
        for attributes, name in self.ids.items():
            ET.SubElement(defs, "path", {"id": name, **dict(attributes)})
        return ET.tostring(root, encoding="unicode")


class _Figure:
    """One figure on its way into the page."""

    def __init__(self, figure: Rendered, shapes: _Shapes) -> None:
        self.name = figure.name
        self.shapes = shapes
        self.root = ET.fromstring(figure.svg)  # noqa: S314 - our own
        self.ids: dict[str, str] = {}  # of what others refer to: the figure's -> the page's

    def markup(self) -> str:
        used = {link[1:] for e in self.root.iter() if (link := e.get(_LINK))}
        used |= set(re.findall(r"url\(#([^)]+)\)", " ".join(_values(self.root))))
        self._collect(self.root, used)
        self._rewrite(self.root)
        for name in ("version", "width", "height"):  # the page's style says how wide
            self.root.attrib.pop(name, None)
        self.root.set("aria-hidden", "true")
        self.root.set("focusable", "false")
        return ET.tostring(self.root, encoding="unicode")

    def _collect(self, parent: ET.Element, used: set[str]) -> None:
        """Move shapes to where all figures share them, and drop what the page has no use for."""
        for child in list(parent):
            name = child.get("id", "")
            if _tag(child) in _LEFT_OUT:
                parent.remove(child)
            elif _tag(parent) == "defs" and _tag(child) == "path":
                self._tidy(child)
                self.ids[name] = self.shapes.id(child)
                parent.remove(child)
            else:
                if name in used:
                    self.ids[name] = f"{self.name}-{len(self.ids)}"
                self._collect(child, used)
                if _tag(child) == "defs" and not len(child):
                    parent.remove(child)

    def _rewrite(self, element: ET.Element) -> None:
        element.tag = _tag(element)
        element.text, element.tail = (element.text or "").strip(), None
        name = element.attrib.pop("id", None)
        if name in self.ids:
            element.set("id", self.ids[name])
        link = element.attrib.pop(_LINK, None)
        if link:
            element.set("href", f"#{self.ids.get(link[1:], '')}" if link[0] == "#" else link)
        self._tidy(element)
        for key, value in element.items():
            if "url(#" in value:
                element.set(
                    key, re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{self.ids[m[1]]})", value)
                )
        for child in element:
            self._rewrite(child)
        element[:] = [inner for child in element for inner in _unwrapped(child)]

    def _tidy(self, element: ET.Element) -> None:
        """Hundredths of a point are enough; colours become the page's variables."""
        for key in ("d", "x", "y", "points"):
            if value := element.get(key):
                element.set(key, " ".join(_NUMBER.sub(_hundredths, value).split()))
        if style := element.get("style"):
            element.set("style", re.sub(r"(?<=: )#[0-9a-f]{6}(?=;|$)", _themed, style))
        if (move := element.get("transform")) and move.startswith("translate"):
            moved = re.sub(r"translate\([^)]*\)", lambda m: _NUMBER.sub(_hundredths, m[0]), move)
            element.set("transform", moved)


def _tag(element: ET.Element) -> str:
    return element.tag.removeprefix(f"{{{_SVG}}}")


def _unwrapped(element: ET.Element) -> list[ET.Element]:
    """The element; or what it holds, where it is a group that says nothing."""
    return list(element) if element.tag == "g" and not element.attrib else [element]


def _values(root: ET.Element) -> list[str]:
    return [value for element in root.iter() for value in element.attrib.values()]


def _hundredths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _themed(colour: re.Match[str]) -> str:
    found = colour[0]
    return f"var({variable(found)})" if found in DARK else found

"""A document as one HTML file: no network, figures inside, a small script it can do without."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from anatomy.report.blocks import Code, Document, Table, pieces
from anatomy.report.figures import Rendered
from anatomy.report.style import DARK
from anatomy.report.svg import inline, variable

_STYLES = ("page.css", "paper.css")
_SCRIPTS = ("numbers.js", "figures.js", "explorer.js", "tables.js", "reading.js")
# Blanks of "5 %", "5 MB", "Table 5", "Figure 5", "L = 5".
_TIES = re.compile(
    r" (?=%)|(?<=\d) (?=MB?\b)|(?:(?<=\bTable)|(?<=\bFigure)|(?<=\bL =)) (?=\d)|(?<=\bL) (?== \d)"
)
_SHORT = 11  # letters of a heading that is not worth breaking


def render(document: Document, figures: Sequence[Rendered]) -> bytes:
    """The page's bytes; the same document and figures give the same bytes."""
    script = _script()
    inlined = inline(figures)
    page = (
        _environment()
        .get_template("document.html.j2")
        .render(
            document=document,
            figures={figure.name: figure for figure in figures},
            shapes=inlined.shapes,
            drawn=inlined.figures,
            hover={figure.name: figure.hover for figure in figures},
            policy=_policy(script),
            # Our own, without a word of a prompt in them.
            script=Markup(script),  # noqa: S704
            styles=Markup("".join(map(_template, _STYLES)) + _themes()),  # noqa: S704
        )
    )
    return page.encode("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("anatomy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "pieces": pieces,
        "groupby_run": _runs,
        "css_string": _css_string,
        "headings": _headings,
        "tied": _tied,
    }
    environment.filters.update(filters)
    environment.tests["code"] = lambda part: isinstance(part, Code)
    environment.policies["json.dumps_kwargs"] = {
        "sort_keys": False,
        "ensure_ascii": False,
        "separators": (",", ":"),
    }
    return environment


def _policy(script: str) -> str:
    """What the page may do: run this script, and neither load nor send anything."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _runs(items: Iterable[Any], name: str) -> list[tuple[Any, list[Any]]]:
    """Neighbours that share an attribute, together."""
    return [(key, list(part)) for key, part in groupby(items, lambda item: getattr(item, name))]


def _css_string(text: str) -> Markup:
    """A string of CSS: whatever is no plain letter as its code, so that nothing can end it."""
    plain = "".join(c if c.isalnum() and c.isascii() else f"\\{ord(c):x} " for c in text)
    return Markup(f'"{plain}"')  # noqa: S704


def _headings(table: Table) -> Markup:
    """How long the rows' headings are, and the parts of them that should stay in one piece."""
    headings = [row.cells[0].text for row in table.rows]
    parts = [part for heading in headings for part in re.split(r"\s+|(?<=-)", heading)]
    kept = [*map(len, parts), *(min(len(heading), _SHORT) for heading in headings)]
    longest, whole = max(kept, default=0), max(map(len, headings), default=0)
    return Markup(f"--longest:{longest};--whole:{whole}")  # noqa: S704 - two numbers


def _tied(text: str) -> str:
    """A text whose numbers keep what belongs to them at a line's end."""
    return _TIES.sub("\N{NO-BREAK SPACE}", text)


def _script() -> str:
    """The page's script: its parts, which share their functions and leave no name outside."""
    parts = "\n".join(_template(f"script/{name}") for name in _SCRIPTS)
    return f'"use strict";\n// The page stands without this script.\n(() => {{\n{parts}}})();\n'


def _template(name: str) -> str:
    return (files("anatomy.report") / "templates" / name).read_text("utf-8")


def _themes() -> str:
    """The figures' colours by day and by night."""
    both = "".join(f"{variable(light)}:light-dark({light},{dark});" for light, dark in DARK.items())
    return f":root {{ {both} }}\n"

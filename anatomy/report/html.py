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

from anatomy.report.blocks import Code, Document, pieces
from anatomy.report.figures import Rendered
from anatomy.report.style import DARK


def render(document: Document, figures: Sequence[Rendered]) -> bytes:
    """The page's bytes; the same document and figures give the same bytes."""
    script = _template("report.js")
    page = (
        _environment()
        .get_template("document.html.j2")
        .render(
            document=document,
            figures={figure.name: figure for figure in figures},
            inline=_inline,
            hover={figure.name: figure.hover for figure in figures},
            policy=_policy(script),
            # Our own, without a word of a prompt in them.
            script=Markup(script),  # noqa: S704
            styles=Markup(_template("report.css") + _themes()),  # noqa: S704
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


def _template(name: str) -> str:
    return (files("anatomy.report") / "templates" / name).read_text("utf-8")


def _variable(colour: str) -> str:
    return f"--c{colour[1:]}"


def _themes() -> str:
    """The figures' colours by day and by night."""
    day = "".join(f"{_variable(light)}:{light};" for light in DARK)
    night = "".join(f"{_variable(light)}:{dark};" for light, dark in DARK.items())
    return (
        f":root {{ {day} }}\n"
        "@media screen and (prefers-color-scheme: dark) "
        f"{{ :root:not([data-theme=light]) {{ {night} }} }}\n"
        f"@media screen {{ :root[data-theme=dark] {{ {night} }} }}\n"
    )


def _inline(figure: Rendered) -> Markup:
    """An SVG to put into a page that holds others: its ids made its own, its prologue left out.

    Its colours become the page's variables, so that it follows the page into the dark.
    """
    svg = figure.svg.decode("utf-8")
    svg = svg[svg.index("<svg ") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{figure.name}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\g<1>#{figure.name}-", svg)
    svg = re.sub(r"(?<=: )#[0-9a-f]{6}(?=[;\"])", _themed, svg)
    svg = svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
    # Drawn by matplotlib from text it has turned into paths: nothing of a prompt is markup here.
    return Markup(svg)  # noqa: S704


def _themed(colour: re.Match[str]) -> str:
    found = colour.group()
    return f"var({_variable(found)})" if found in DARK else found

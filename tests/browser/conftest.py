"""A browser, and pages to open in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from anatomy.findings import Findings
from anatomy.report import figures, html
from anatomy.report.blocks import Document
from anatomy.report.document import document
from anatomy.report.figures import Rendered
from tests.inside.samples import run, save
from tests.report.conftest import HOSTILE_PROMPTS

HOSTILE_NAME = '"><img src=x onerror=alert(1)>{{7*7}}'
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = [
    "--no-sandbox",  # containers run as root; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Open = Callable[..., AbstractContextManager[Page]]


def missing(what: str) -> NoReturn:
    """Skip for want of something; fail where it was promised."""
    if os.environ.get("ANATOMY_REQUIRE_BROWSER"):
        pytest.fail(f"{what}, but ANATOMY_REQUIRE_BROWSER is set")
    pytest.skip(what)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Chromium; closed after these tests, because its event loop would be in others' way."""
    named = os.environ.get("ANATOMY_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if not found:
        missing("no Chromium on PATH; install it, or set ANATOMY_CHROMIUM to one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def axe() -> str:
    """The source of axe-core."""
    if not AXE.is_file():
        missing("no axe-core; `make browser` brings it from npm")
    return AXE.read_text("utf-8")


@pytest.fixture(scope="package")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Three sources, one with a hostile name and hostile prompts; one encoder without weights."""
    folder = save(tmp_path_factory.mktemp("audited"))
    (folder / f"{HOSTILE_NAME}.txt").write_text("\n".join(HOSTILE_PROMPTS), encoding="utf-8")
    sources = [f"{HOSTILE_NAME}.txt", "one.txt", "two.txt"]
    return run(folder, ["sam3", "minilm=DIR/bert"], sources, sample=60)


@pytest.fixture(scope="package")
def drawn(findings: Findings) -> list[Rendered]:
    """The figures; those of context lengths with values to hover over, made up."""
    made_up = {
        "series": [
            {"panel": panel, "name": name, "x": "L", "y": "share", "points": points}
            for panel, left in (("(a)", 0.1), ("(b)", 0.6))
            for name, points in (
                (
                    "<b>one</b>",
                    [[left + at / 100, 0.8 - at / 50, str(at), "1 %"] for at in (1, 32)],
                ),
                ("two", [[left + at / 100, 0.9, str(at), "2 %"] for at in (1, 16, 32)]),
            )
        ],
        "grids": [],
    }
    grid = {
        "panel": "shared",
        "box": [0.2, 0.1, 0.6, 0.6],
        "rows": ["one", "two", "three"],
        "columns": ["one", "two", "three"],
        "values": [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]],
    }
    hovers = {"context-sam3": made_up, "overlap": {"series": [], "grids": [grid]}}
    empty: dict[str, Any] = {"series": [], "grids": []}
    return [replace(f, hover=hovers.get(f.name, empty)) for f in figures.render(findings)]


@pytest.fixture(scope="package")
def report(findings: Findings) -> Document:
    """What stands in the report."""
    return document(findings)


@pytest.fixture(scope="package")
def address(
    report: Document, drawn: list[Rendered], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Where the page is."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(html.render(report, drawn))
    return path.as_uri()


@pytest.fixture
def visit(chromium: Browser, address: str) -> Open:
    """Opens a page: the report, unless told. It must ask for nothing and complain of nothing."""

    @contextmanager
    def visited(
        url: str = address,
        *,
        width: int = 1200,
        forgiven: tuple[str, ...] = (),
        **options: Any,
    ) -> Iterator[Page]:
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        page = context.new_page()
        plain = url.partition("#")[0]
        asked: list[str] = []
        complaints: list[str] = []

        def on_request(route: Route) -> None:  # what the page's policy stops does not come here
            if route.request.url.partition("#")[0] == plain:
                route.continue_()
            else:
                asked.append(route.request.url)
                route.abort()

        context.route("**/*", on_request)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        try:
            page.goto(url)
            yield page
            assert asked == []
            assert [c for c in complaints if not any(f in c for f in forgiven)] == []
        finally:
            context.close()

    return visited

"""The folder of a run, and the reports of one and of audits compared."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

from anatomy import comparison
from anatomy.report import html
from anatomy.report.comparison.document import document as compared
from anatomy.report.files import refusing as rendering
from distill.metrics import FILE_NAME
from distill.recipe import Recipe
from distill.report.document import document
from distill.report.view import CURVE, read
from tests.distill import audited
from tests.distill.ended import ended
from tests.fuzz import mutate
from tests.fuzz.documents import findings
from tests.fuzz.reports import check_page
from tests.fuzz.target import Target, each, packed, put, refusing, scratch, unpacked
from tests.report.papers import blanks

_FOLDER = "page-run"  # another target of this process may have a "run"
_TIMES = ("seconds", "targets_seconds", "prompts_per_second")


@cache
def _runs() -> list[bytes]:
    """Metrics and curve of a run, with and without what is measured on demand."""
    done = ended(audited.make(scratch() / "seeds"), scratch(), epochs=2, name=_FOLDER)
    found = _timeless(json.loads((done.folder / FILE_NAME).read_bytes()))
    del found["digest"]
    found["run"]["recipe_digest"] = "fits"  # the recipe names this process's folder
    curve = [
        _timeless(json.loads(line)) for line in (done.folder / CURVE).read_bytes().split(b"\n")[:-1]
    ]
    bare = found | dict.fromkeys(("evaluation", "robustness", "ablation", "benchmark"))
    lines = b"\n".join(json.dumps(line).encode() for line in curve[:20])
    return [packed(json.dumps(one).encode(), lines) for one in (found, bare)]


def _timeless(found: Any) -> Any:
    """The same in every process: what tells the time, or depends on it, is fixed."""
    if isinstance(found, dict):
        fixed = {"made": "2026-01-01T00:00:00+00:00"} | dict.fromkeys(_TIMES, 1.5)
        return {
            n: fixed[n] if n in fixed and v is not None else _timeless(v) for n, v in found.items()
        }
    return [_timeless(value) for value in found] if isinstance(found, list) else found


def _lines(random: Random, data: bytes) -> bytes:
    """A JSON value of one line of a file changed; or its text."""
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    changed = mutate.document if random.random() < 0.8 else mutate.text
    return b"\n".join([*lines[:at], changed(random, lines[at]), *lines[at + 1 :]])


def _either(random: Random, data: bytes) -> bytes:
    """A document that is changed, or the same one that says other things."""
    return (mutate.document if random.random() < 0.5 else mutate.strings)(random, data)


def _run(data: bytes) -> None:
    found, curve = unpacked(data, 2)
    put(f"{_FOLDER}/{CURVE}", curve)
    digest = Recipe.load(scratch() / _FOLDER / "recipe.yaml").digest.encode()
    folder = put(f"{_FOLDER}/{FILE_NAME}", found.replace(b'"fits"', b'"%b"' % digest)).parent
    with refusing():
        view = read(folder)
        with rendering("the run's report", "run it again"):
            whole = document(view)
            page = html.render(whole, blanks(whole))
        check_page(page)


def _comparison(data: bytes) -> None:
    one, two = unpacked(data, 2)
    places = [str(put(f"{name}/findings.json", part)) for name, part in (("1", one), ("2", two))]
    with refusing():
        found = comparison.compare(comparison.load([f"a={places[0]}", f"b={places[1]}"]))
        with rendering("the comparison's report", "compare them again"):
            whole = compared(found)
            page = html.render(whole, blanks(whole))
        check_page(page)


TARGETS = [
    Target("run-page", _run, _runs, each(_either, _lines), 10),
    Target(
        "comparison-page",
        _comparison,
        lambda: [packed(one, two) for one in findings() for two in findings()],
        each(_either, mutate.strings),
        10,
    ),
]

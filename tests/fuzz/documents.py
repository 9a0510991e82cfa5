"""JSON documents that are ours: findings, metrics; and audits compared."""

from __future__ import annotations

import hashlib
import json
from functools import cache

from anatomy import comparison
from anatomy.findings import Findings
from anatomy.inside import InsideOptions
from anatomy.pipeline import audit
from distill import metrics
from distill.metrics import Metrics
from tests.fuzz import mutate
from tests.fuzz.example import example
from tests.fuzz.target import BrokenError, Target, each, packed, put, refusing, scratch, unpacked

_WEIGHTS = b"a student's weights"
_PROMPTS = "a dog\na cat\n<b>x</b>\nthe red dog on the mat\nthe man's hat\n"


def _found(*encoders: str, prompts: str = _PROMPTS) -> bytes:
    """Findings of a small audit, without their digest: they may be changed on purpose."""
    source = put("seeds/mine.txt", prompts.encode())
    inside = InsideOptions(device="cpu", sample=40, cache=None)
    made = audit([str(source)], data=scratch(), encoders=encoders, inside=inside)
    # The same in every process: neither its folder's name nor its time.
    found = json.loads(made.to_json().replace(str(scratch()).encode(), b"/scratch"))
    del found["digest"]
    for name, value in found["run"].items():
        found["run"][name] = "x" if isinstance(value, str) else value
    found["run"] |= {"started": "2026-01-01T00:00:00+00:00", "seconds": 1.5}
    return json.dumps(found).encode()


@cache
def findings() -> list[bytes]:
    """Of one encoder without weights, and of one with them."""
    from tests.encoders import tiny
    from tests.inside.samples import PROMPTS

    tiny.save_bert(scratch() / "seeds" / "bert")
    prompts = "\n".join(PROMPTS[:60])
    return [_found("sam3"), _found(f"minilm={scratch() / 'seeds' / 'bert'}", prompts=prompts)]


def _findings(data: bytes) -> None:
    with refusing():
        found = Findings.load(put("findings.json", data))
        str(found)
        # Numbers are rounded as they are read; from then on what is written is what is read.
        again = Findings.load(put("again.json", found.to_json()))
        if Findings.load(put("again.json", again.to_json())) != again:
            raise BrokenError("findings that are written do not come back")


def _compared(data: bytes) -> None:
    """Arguments as a user gives them, one a line; both files are there."""
    words, one, two = unpacked(data, 3)
    places = {b"ONE": put("one/findings.json", one), b"TWO": put("two/findings.json", two)}
    for name, path in places.items():
        words = words.replace(name, str(path).encode())
    with refusing():
        audits = comparison.load(words.decode("utf-8", "surrogateescape").split("\n"))
        comparison.compare(audits).to_json()


@cache
def _metrics() -> list[bytes]:
    found = example(Metrics, hashlib.sha256(_WEIGHTS).hexdigest())
    bare = found | dict.fromkeys(("evaluation", "robustness", "ablation", "benchmark"))
    return [json.dumps(found).encode(), json.dumps(bare).encode()]


def _measured(data: bytes) -> None:
    put("run/student/student.safetensors", _WEIGHTS)
    path = put("run/metrics.json", data)
    with refusing():
        metrics.save(path.parent, metrics.load(path.parent))
        again = metrics.load(path.parent)
        metrics.save(path.parent, again)
        if metrics.load(path.parent) != again:
            raise BrokenError("metrics that are written do not come back")


TARGETS = [
    Target("findings", _findings, findings, mutate.document, 150),
    Target(
        "comparison",
        _compared,
        lambda: (
            [packed(w, *findings()) for w in (b"ONE\nTWO", b"a=ONE\nb=TWO\nONE")]
            + [packed(b"ONE\nx=TWO", findings()[0], findings()[0])]
        ),
        each(mutate.text, mutate.document, mutate.document),
        60,
    ),
    Target("metrics", _measured, _metrics, mutate.document, 150),
]

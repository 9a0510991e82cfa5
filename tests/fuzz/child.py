"""The process of one target: its cases by either engine, its memory bounded, and a report."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import mutate
from tests.fuzz.cases import Result, one
from tests.fuzz.target import Target

_MEMORY = 4 * 2**30  # for atheris: of the process
# Beyond what `cases` looks at: no single request for more. Address space is not memory, and some
# libraries lose a little of it with every damaged file.
_ADDRESSES = 2**38
_HOUR = 3600  # seconds
_INSTRUMENTED = ["anatomy", "distill", "yaml", "zipfile", "tarfile"]
_LEFT_OUT = ["anatomy.measures"]  # numba compiles what is there


def work(asked: argparse.Namespace) -> int:
    """Run the cases that are asked for; `asked.child` is the folder in which all is told."""
    if asked.engine == "random":
        target = _ready(found(asked.target))
        begin, result = time.process_time(), Result()
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES,) * 2)
        with (asked.child / "state").open("r+b", buffering=0) as state:
            for number in range(asked.first, asked.first + asked.cases):
                os.pwrite(state.fileno(), number.to_bytes(8, "little"), 0)
                one(target, target.case(asked.seed, number), result)
        _report(target, result, time.process_time() - begin, asked)
        return 0
    import atheris

    with atheris.instrument_imports(include=_INSTRUMENTED, exclude=_LEFT_OUT):
        target = found(asked.target)
    _guided(atheris, _ready(target), asked)
    return 0


def found(name: str) -> Target:
    """A target by its name; what it tests is loaded."""
    from tests.fuzz.targets import find

    target = find(name)
    if target is None:
        raise KeyError(name)
    return target


def save(name: str, data: bytes, folder: Path) -> Path:
    """Keep an input that failed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return path


def _ready(target: Target) -> Target:
    """Have made and loaded what is first needed by a case, so that no case pays for it."""
    for seed in target.seeds()[:3]:
        target.run(seed)
    return target


def _guided(atheris: Any, target: Target, asked: argparse.Namespace) -> None:
    """Cases that libFuzzer chooses by what the ones before executed. Does not return."""
    begin, result = time.process_time(), Result()
    state = os.open(asked.child / "state", os.O_WRONLY)
    current = asked.child / "current"

    def test(data: bytes) -> None:
        os.pwrite(state, (asked.first + result.cases).to_bytes(8, "little"), 0)
        current.write_bytes(data)
        one(target, data, result)
        if result.cases >= asked.cases:
            _report(target, result, time.process_time() - begin, asked)
            os._exit(0)  # libFuzzer ends a process as it likes

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.4:
            return bytes(atheris.Mutate(data, most))
        try:
            return target.mutated(random, data)[:most]
        except Exception:  # it makes cases of valid files, and this is one that was kept
            return mutate.binary(random, data)[:most]

    seeds = target.seeds()
    corpus = asked.child / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / f"{number}").write_bytes(seed)
    longest = 2 * max(map(len, seeds)) + 4096
    atheris.Setup(
        [
            *(sys.argv[0], str(corpus), f"-max_len={longest}", f"-seed={asked.seed + 1}"),
            # The time of a case is ours to bound (0 would be a second to atheris); of its memory
            # libFuzzer knows how.
            *(f"-timeout={_HOUR}", f"-rss_limit_mb={_MEMORY >> 20}", "-verbosity=0"),
            f"-artifact_prefix={asked.child}/",
        ],
        test,
        custom_mutator=mutated,
    )
    atheris.Fuzz()


def _report(target: Target, result: Result, seconds: float, asked: argparse.Namespace) -> None:
    failures = []
    for where, (data, told, times) in result.failures.items():
        path = save(target.name, data, asked.save)
        path.with_name(f"{path.name}.txt").write_text(told, errors="backslashreplace")
        last = " ".join(told.strip().splitlines()[-1].split())[:200]
        failures.append(f"{where} ({times} times): {last}; saved as {path}")
    told = {"cases": result.cases, "seconds": seconds, "peak": _peak(), "failures": failures}
    (asked.child / "report").write_text(json.dumps(told))


def _peak() -> int:
    """MB that this process took at most."""
    told = Path("/proc/self/status").read_text()
    return int(told.partition("VmHWM:")[2].split()[0]) >> 10

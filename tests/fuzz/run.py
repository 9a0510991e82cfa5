"""The runner: `python -m tests.fuzz.run --target all --cases 1000 --seed 0`.

Each target runs in a process of its own, one after the other, so that one that is killed is told
of like any other failure, and its next case follows. The engine `atheris` lets what was executed
guide the next case (extra `fuzz`); `random` takes its cases from the seed alone, so that a case is
repeated by its number. Inputs that fail are saved, and `--replay FILE` runs one again.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from tests.fuzz import child
from tests.fuzz.cases import Result, one
from tests.fuzz.target import SCRATCH, memory

ENGINES = ("atheris", "random")
SAVED = Path("fuzz-failures")


def main() -> int:
    """Run what the command line asks for; 1 if anything failed."""
    options = _options()
    if options.child:
        return child.work(options)
    from tests.fuzz.targets import every, find

    names = [*every()] if options.list or options.target == "all" else options.target.split(",")
    if options.list:
        print("\n".join(names))
        return 0
    unknown = [name for name in names if find(name) is None]
    if unknown:
        print(f"no target {unknown[0]!r}; there are: {', '.join(every())}", file=sys.stderr)
        return 2
    if options.replay:
        return _replay(options)
    counts = dict.fromkeys(names, options.cases)
    if options.total:
        few = {name: child.found(name).few for name in names}
        counts = {name: -(-options.total * few[name] // sum(few.values())) for name in names}
    print(f"engine {options.engine}, seed {options.seed}, {sum(counts.values()):,} cases in all")
    print(f"{'target':<22}{'cases':>10}{'CPU s':>9}{'cases/s':>9}{'peak MB':>9}{'failures':>9}")
    total = failed = 0
    for name in names:
        told = _target(name, counts[name], options)
        total += told["cases"]
        failed += len(told["failures"])
        rate = told["cases"] / max(told["seconds"], 1e-9)
        print(
            f"{name:<22}{told['cases']:>10,}{told['seconds']:>9.1f}{rate:>9,.0f}"
            f"{told['peak']:>9,}{len(told['failures']):>9}",
            flush=True,
        )
        for failure in told["failures"]:
            print(f"  {failure}", flush=True)
    print(f"{total:,} cases, {failed} kinds of failures")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz.run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--target", default="all", help="names with commas between, or all")
    parser.add_argument("--cases", type=int, default=1000, help="of each target (1000)")
    parser.add_argument("--total", type=int, help="in all instead, most of them of cheap targets")
    parser.add_argument("--first", type=int, default=0, help="number of the first (random)")
    parser.add_argument("--seed", type=int, default=0)
    found = importlib.util.find_spec("atheris") is not None
    parser.add_argument("--engine", choices=ENGINES, default="atheris" if found else "random")
    parser.add_argument("--save", type=Path, default=SAVED, help="folder for inputs that fail")
    parser.add_argument("--replay", type=Path, help="an input that was saved; with --target")
    parser.add_argument("--list", action="store_true", help="the targets")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _target(name: str, cases: int, options: argparse.Namespace) -> dict[str, Any]:
    """All cases of a target, in as many processes as are killed, and one more."""
    first, last = options.first, options.first + cases
    told: dict[str, Any] = {"cases": 0, "seconds": 0.0, "peak": 0, "failures": []}
    while first < last:
        with tempfile.TemporaryDirectory(prefix="anatomy-fuzz-", dir=memory()) as folder:
            here = Path(folder)
            (here / "state").write_bytes(first.to_bytes(8, "little"))
            asked = argparse.Namespace(**vars(options))
            asked.target, asked.first, asked.cases, asked.child = name, first, last - first, here
            status = (_forked if options.engine == "random" else _started)(asked)
            if (here / "report").is_file():
                part = json.loads((here / "report").read_text())
                first = last
            else:
                part = _ended(status, asked)
                first = asked.first + part["cases"]
        told["cases"] += part["cases"]
        told["seconds"] += part["seconds"]
        told["peak"] = max(told["peak"], part["peak"])
        told["failures"] += part["failures"]
    return told


def _forked(asked: argparse.Namespace) -> int:
    """The target's cases in a fork, which has loaded already what it tests."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    status = 1
    try:
        os.environ[SCRATCH] = str(asked.child)
        log = os.open(asked.child / "log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        status = child.work(asked)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _started(asked: argparse.Namespace) -> int:
    """The same in a process that has loaded nothing: atheris has to see it being loaded."""
    given = [f"--{key}={value}" for key, value in vars(asked).items() if value not in (None, False)]
    with (asked.child / "log").open("wb") as log:
        return subprocess.run(
            [sys.executable, "-m", "tests.fuzz.run", *given],
            env=os.environ | {SCRATCH: str(asked.child)},
            stdout=log,
            stderr=log,
            check=False,
        ).returncode


def _ended(status: int, asked: argparse.Namespace) -> dict[str, Any]:
    """What is told of a process that did not come to its end: its last case is a failure."""
    log = (asked.child / "log").read_text("utf-8", "replace")
    if status == 1:  # no case's doing: the runner's own, or a mutator's
        raise SystemExit(f"{log}\n{asked.target}: the fuzzing itself failed")
    number = int.from_bytes((asked.child / "state").read_bytes(), "little")
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    again = f"--target {asked.target} --engine {asked.engine} --seed {asked.seed}"
    told = f"the process ended ({how}) in case {number}; again: {again} --first {number} --cases 1"
    current = asked.child / "current"
    if current.is_file():
        told += f"; saved as {child.save(asked.target, current.read_bytes(), asked.save)}"
    cases = number + 1 - asked.first
    return {"cases": cases, "seconds": 0.0, "peak": 0, "failures": [told]}


def _replay(options: argparse.Namespace) -> int:
    result = Result()
    one(child.found(options.target), options.replay.read_bytes(), result)
    for _, told, _ in result.failures.values():
        print(told)
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())

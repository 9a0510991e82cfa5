"""Run something in a fresh process and say how long it took and how much memory it had."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Median wall seconds and largest peak memory (MB) over the repeats, and what was printed."""

    seconds: float
    megabytes: float
    output: str


def cost_of(command: Sequence[str], repeats: int) -> Cost:
    """Run a command in a fresh process, several times.

    A process that prints a JSON object with "seconds" on its last line times itself (to leave out
    imports); else its wall time counts.
    """
    seconds, peaks, output = [], [], ""
    for _ in range(repeats):
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed: {output}")
        last = output.strip().splitlines()[-1] if output.strip() else ""
        seconds.append(json.loads(last)["seconds"] if last.startswith("{") else wall)
        peaks.append(usage.ru_maxrss / 1024)
    return Cost(statistics.median(seconds), max(peaks), output)


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def anatomy(*arguments: str) -> list[str]:
    """The `anatomy` command, by this interpreter and from this source tree."""
    return [sys.executable, "-c", "from anatomy.cli import main; main()", *arguments]

"""A command that is stopped by a signal in the middle of its work."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

# What the signals are said to do, and the exit status of each.
SIGNALS = [(signal.SIGTERM, 143, "terminated; "), (signal.SIGINT, 130, "interrupted; ")]


def assert_stops_in_one_line(
    command: Sequence[Any],
    at_work: Callable[[], bool],
    number: int,
    status: int,
    word: str,
    **options: Any,
) -> None:
    """Start a command, signal it once it is at work, and look at what it says."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    while not at_work():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    out, error = process.communicate(timeout=60)
    assert process.returncode == status and out == ""
    told = f"error: {word}every file that was written is whole, and the same command goes on"
    assert error.strip() == told

"""The device that a benchmark runs on: its name, its matrix rate, and waiting for it."""

from __future__ import annotations

import platform
import time
from pathlib import Path

import torch


def found() -> str:
    """ "cuda" where there is a GPU, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def name(device: str) -> str:
    """What it is called, with the threads that torch uses of a CPU."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {torch.get_num_threads()} threads"


def wait(device: str) -> None:
    """Until all that was asked of it is done."""
    if device == "cuda":
        torch.cuda.synchronize()


def matrix_rate(device: str, dtype: torch.dtype, size: int, seconds: float = 1.0) -> float:
    """Floating-point operations a second of square matrix products, the best of five spells."""
    one, other = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(one)
    torch.mm(one, other, out=out)
    wait(device)
    best = 0.0
    for _ in range(5):
        done, begin = 0, time.perf_counter()
        while done == 0 or time.perf_counter() - begin < seconds / 5:
            torch.mm(one, other, out=out)
            wait(device)
            done += 1
        best = max(best, done * 2 * size**3 / (time.perf_counter() - begin))
    return best

"""With what something was measured: the student, the machine, the prompts, the seed, the time."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from distill.recipe import Part

Device = Literal["cpu", "cuda"]


class Conditions(Part):
    """What a measurement hangs on besides the recipe."""

    student_sha256: str = Field(description="Of student.safetensors")
    device: Device
    device_name: str
    threads: int = Field(description="That torch used of the CPU")
    torch: str = Field(description="Its version")
    prompts: int = Field(description="That were read")
    seed: int
    made: str = Field(description="When: ISO 8601, UTC")
    seconds: float


class Section(Part):
    """A part of metrics.json that can be measured again without the others."""

    conditions: Conditions


def conditions(
    student_sha256: str, device: Device, *, prompts: int, seed: int, seconds: float
) -> Conditions:
    """Those of this process, now."""
    import torch

    return Conditions(
        student_sha256=student_sha256,
        device=device,
        device_name=device_name(device),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        prompts=prompts,
        seed=seed,
        made=now(),
        seconds=round(seconds, 2),
    )


def now() -> str:
    """The time, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def device_name(device: str) -> str:
    """What a GPU, or this machine's processor, is called."""
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()

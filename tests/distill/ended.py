"""Recipes of few epochs on the small audited world, and a run of one to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distill.plan import Planned, Wishes, prepare
from distill.run import Run, run
from tests.distill.audited import World

QUICK = ("schedule.batch=32", "schedule.accumulation=1", "schedule.precision=float32")


def planned(world: World, *settings: str, **wishes: Any) -> Planned:
    """A recipe of few epochs, so that nothing is timed."""
    wishes = {"epochs": 3, "name": "r", "settings": (*QUICK, *settings)} | wishes
    return prepare(world.findings, world.path, Wishes(**wishes))


def ended(world: World, out: Path, **wishes: Any) -> Run:
    """A run that has ended, in the folder ``out / "r"``."""
    return run(planned(world, **wishes), out)

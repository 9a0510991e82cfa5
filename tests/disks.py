"""Small disks, full ones and read-only ones, where this user may mount them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Disk:
    """A file system in memory, mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resize(self, size: str) -> None:
        """Give it another size: "300k"."""
        self._remount(f"size={size}")

    def read_only(self) -> None:
        """Let nobody write, not even root."""
        self._remount("ro")

    def fill(self) -> Path:
        """Use up all that is left; gives the file to delete."""
        filler = self.path / "filler"
        with filler.open("wb", buffering=0) as stream:
            free = os.statvfs(self.path)
            stream.write(bytes(free.f_bavail * free.f_frsize))
        return filler

    def _remount(self, options: str) -> None:
        command = ["mount", "-o", f"remount,{options}", str(self.path)]
        subprocess.run(command, check=True, capture_output=True)


@contextmanager
def mounted(path: Path, size: str) -> Iterator[Disk]:
    """A disk of a size; the test skips where it cannot be had."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a small disk here")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True, capture_output=True)

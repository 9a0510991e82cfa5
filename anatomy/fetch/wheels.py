"""A wheel of the package index as a file: pip downloads it and installs nothing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from anatomy.files import shown


class NoWheelError(Exception):
    """Why a wheel cannot be had, for the middle of a sentence."""


def download_wheel(requirement: str, folder: Path) -> Path:
    """The wheel NAME==VERSION, downloaded into an empty `folder`.

    Which index, proxy and certificates are used is what pip's own settings say.

    Raises
    ------
    NoWheelError
        There is no pip, or it brings no wheel; with pip's first line on why.
    """
    if importlib.util.find_spec("pip") is None:
        raise NoWheelError(f"this Python has no pip; `{shown(sys.executable)} -m ensurepip`")
    done = run_pip(
        *("download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), requirement)
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    reason = next(iter([*errors, *lines[-1:]]), f"exit status {done.returncode}")
    raise NoWheelError(f"pip on {requirement}: {shown(reason)[:200]}")


def run_pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python's pip, which asks nothing."""
    return subprocess.run(  # noqa: S603  (no argument is a user's)
        # -P: a pip.py in the folder that the user stands in is not pip.
        [
            *(sys.executable, "-P", "-m", "pip", "--no-input", "--disable-pip-version-check"),
            *arguments,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )

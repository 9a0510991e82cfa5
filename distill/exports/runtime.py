"""What running a student costs: latency and memory of onnxruntime and of torch.

Each is measured in a process of its own, so that neither's libraries weigh on the other.
"""

from __future__ import annotations

import json
import subprocess  # starts this module again
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from anatomy.errors import InputError
from anatomy.files import shown

Library = Literal["torch", "onnxruntime"]
_SECONDS = 2.0  # of measuring at each batch, at the least
_ROUNDS = 5


@dataclass(frozen=True)
class Cost:
    """Of one student in one library, on the CPU.

    Attributes
    ----------
    library : {"torch", "onnxruntime"}
    length : int
        Tokens of each prompt.
    threads : int
    milliseconds : dict of int to float
        Batch -> median time of one call.
    loaded_bytes : int
        Resident memory with library and weights, before the first call.
    resident_bytes : int
        Resident memory after all calls.
    library_bytes : int
        Of these, what the library alone takes, without a student.
    """

    library: Library
    length: int
    threads: int
    milliseconds: dict[int, float]
    library_bytes: int
    loaded_bytes: int
    resident_bytes: int


def measure(
    library: Library,
    place: Path,
    *,
    length: int,
    tokens: int,
    batches: Sequence[int] = (1, 64),
    threads: int = 1,
    seconds: float = _SECONDS,
) -> Cost:
    """Run a student in a new process.

    Parameters
    ----------
    library : {"torch", "onnxruntime"}
    place : Path
        torch: the folder of a run's student. onnxruntime: an exported model.
    length : int
        Tokens of each prompt; L for a student that must be padded.
    tokens : int
        Of the vocabulary: ids are drawn below it.
    batches : sequence of int
    threads : int
        Of the library.
    seconds : float
        Of measuring at each batch, at the least.

    Raises
    ------
    InputError
        If the process fails; with the last line that it said.
    """
    if not place.exists():
        raise InputError(f"{shown(place)}: is not there; `distill export` writes it")
    asked = {
        "library": library,
        "place": str(place),
        "length": length,
        "tokens": tokens,
        "batches": list(batches),
        "threads": threads,
        "seconds": seconds,
    }
    command = [sys.executable, "-m", __name__, json.dumps(asked)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise InputError(f"{shown(place)}: {library} failed on it ({shown(said[-1])[:200]})")
    found = json.loads(ended.stdout.splitlines()[-1])
    times = {int(batch): time for batch, time in found.pop("milliseconds").items()}
    return Cost(library, length, threads, times, **found)


def _here(
    library: Library,
    place: Path,
    length: int,
    tokens: int,
    batches: Sequence[int],
    threads: int,
    seconds: float,
) -> dict[str, Any]:
    """`measure` in this process."""
    run: Any
    if library == "torch":
        import torch

        from distill.students import Student

        torch.set_num_threads(threads)
        alone = _resident()
        student = Student.load(place)

        def run(ids: np.ndarray, mask: np.ndarray) -> None:
            with torch.inference_mode():
                student(torch.from_numpy(ids), torch.from_numpy(mask))

    else:
        import onnxruntime  # noqa: F401 (what it alone weighs)

        from distill.exports.onnx_files import outputs, session

        alone = _resident()
        opened = session(place, threads)

        def run(ids: np.ndarray, mask: np.ndarray) -> None:
            outputs(opened, ids, mask)

    loaded = _resident()
    times = {}
    for batch in batches:
        ids = np.random.default_rng(0).integers(0, tokens, (batch, length))
        mask = np.ones(ids.shape, dtype=bool)
        run(ids, mask)
        taken: list[float] = []
        while sum(taken) < seconds or len(taken) < _ROUNDS:
            start = time.perf_counter()
            run(ids, mask)
            taken.append(time.perf_counter() - start)
        times[batch] = 1e3 * float(np.median(taken))
    return {
        "milliseconds": times,
        "library_bytes": alone,
        "loaded_bytes": loaded,
        "resident_bytes": _resident(),
    }


def _resident() -> int:
    """Bytes of this process in memory now."""
    import psutil  # type: ignore[import-untyped]

    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(_here(**(given | {"place": Path(given["place"])}))))

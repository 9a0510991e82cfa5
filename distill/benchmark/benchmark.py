"""The benchmark, top to bottom: encoders -> sizes and operations -> times -> memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa

from anatomy.errors import InputError
from anatomy.files import sha256_of, shown
from anatomy.inside.options import found_device
from anatomy.progress import Steps, quiet
from anatomy.tokens.clip import ClipTokenizer
from anatomy.tokens.ragged import rows, truncate
from distill.benchmark.speeds import call, speeds
from distill.benchmark.subjects import Forward, Subject, flops, of_peer, of_student, of_teacher
from distill.exports.runtime import measure
from distill.exports.trained import read_run
from distill.folder import STUDENT
from distill.metrics import load
from distill.metrics.benchmark import Benchmark, LibraryCost, ModelCost, Speed
from distill.metrics.conditions import conditions
from distill.peers import peers
from distill.plan import revisit
from distill.student_files import WEIGHTS
from distill.students import sizes_of
from distill.teacher import Teacher

if TYPE_CHECKING:
    from distill.exports.trained import TrainedRun

Dtype = Literal["float32", "bfloat16"]
OWN = ("teacher", "student")
ONNX = Path("exports") / "onnx" / "model.onnx"
BATCHES = (1, 64)
SECONDS = 40.0
_PROMPTS = 2000
_MEMORY = 0.6  # of what is free may be taken
_LIBRARY_SECONDS = 1.0


def known() -> list[str]:
    """Names that `models` may hold."""
    return [*OWN, *peers()]


def benchmark(
    folder: Path,
    *,
    models: Sequence[str] | None = None,
    batches: Sequence[int] = BATCHES,
    seconds: float = SECONDS,
    device: str = "auto",
    dtype: str = "auto",
    steps: Steps = quiet,
) -> Benchmark:
    """Measure what a run's student costs, beside its teacher and the encoders of Table 8.

    All compute in one precision and read the same held-out prompts.

    Parameters
    ----------
    folder : Path
        Of a run that has ended.
    models : sequence of str, optional
        Of `known`; None: all.
    batches : sequence of int
    seconds : float
        Of timing, about; a few turns are taken however long they are.
    device : {"auto", "cpu", "cuda"}
    dtype : {"auto", "float32", "bfloat16"}
        "auto": bfloat16 on a GPU.
    steps : Steps

    Raises
    ------
    InputError
        For an unknown model, or if the folder is no run's that has ended, or its teacher or prompts
        are not those that it was trained with.
    """
    clock = time.perf_counter()
    wanted = known() if models is None else list(dict.fromkeys(models))
    for name in wanted:
        if name not in known():
            raise InputError(f"--models {shown(name)}: is none; there are {', '.join(known())}")
    place = found_device(device)
    half = dtype == "bfloat16" or (dtype == "auto" and place == "cuda")
    chosen: Dtype = "bfloat16" if half else "float32"
    load(folder)
    run = read_run(folder)
    subjects, mean, number = _subjects(run, wanted, steps)
    forwards: dict[str, Forward] = {}
    absent: dict[str, str] = {}
    for subject in subjects:
        steps(f"Preparing {subject.title}")
        why = _too_large(subject, place, chosen)
        if why:
            absent[subject.name] = why
        else:
            forwards[subject.name] = subject.open(place, chosen)
    timed = [subject for subject in subjects if subject.name in forwards]
    steps(f"Timing {len(timed)} encoders in turns")
    found = speeds(timed, forwards, batches, device=place, seconds=seconds)
    costs = []
    for subject in subjects:
        steps(f"Counting the operations of {subject.title}")
        why = absent.get(subject.name, "")
        forward = forwards.get(subject.name)
        costs.append(_cost(subject, forward, found.get(subject.name, []), place, chosen, why))
    forwards.clear()
    return Benchmark(
        dtype=chosen,
        batches=list(batches),
        mean_length=mean,
        models=costs,
        libraries=_libraries(run, batches, steps) if "student" in wanted else [],
        conditions=conditions(
            sha256_of(folder / STUDENT / WEIGHTS),
            "cuda" if place == "cuda" else "cpu",
            prompts=number,
            seed=0,
            seconds=time.perf_counter() - clock,
        ),
    )


def _subjects(
    run: TrainedRun, wanted: Sequence[str], steps: Steps
) -> tuple[list[Subject], float, int]:
    """Those wanted, the mean length of the prompts in tokens, and how many there are."""
    planned = revisit(run.recipe, steps)
    teacher = Teacher(planned.encoder, planned.model)
    prompts = planned.prompts
    held_out = np.flatnonzero(prompts.held_out)
    few = held_out[:: max(1, -(-len(held_out) // _PROMPTS))]
    theirs = rows(prompts.tokens, few)
    texts = prompts.texts.take(pa.array(few))
    everything = np.unique(prompts.tokens.ids)
    known_peers = peers()
    clip = ClipTokenizer()
    by_clip = clip.encode(texts)
    found = []
    for name in wanted:
        if name == "teacher":
            found.append(of_teacher(teacher, theirs, len(everything)))
        elif name == "student":
            special = run.tokenizer.special_ids
            cut = truncate(run.tokenizer.encode(texts), run.context, special)
            used = np.isin(run.tokenizer.kept, everything)
            size = (run.folder / STUDENT / WEIGHTS).stat().st_size
            sizes = sizes_of(run.student)
            found.append(of_student(run.student, cut, int(used.sum()), sizes, size))
        else:
            found.append(of_peer(known_peers[name], by_clip, clip.special_ids))
    special = planned.encoder.tokenizer.special_ids
    mean = float(truncate(theirs, planned.model.context, special).lengths.mean())
    return found, mean, len(few)


def _too_large(subject: Subject, device: str, dtype: Dtype) -> str:
    """Why an encoder is not loaded; empty if it can be."""
    import torch

    needed = subject.bytes[dtype]
    if device == "cuda":
        free = torch.cuda.mem_get_info()[0]
    else:
        import psutil  # type: ignore[import-untyped]

        free = int(psutil.virtual_memory().available)
    if needed <= _MEMORY * free:
        return ""
    return f"needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free"


def _cost(
    subject: Subject,
    forward: Forward | None,
    timed: list[Speed],
    device: str,
    dtype: Dtype,
    absent: str,
) -> ModelCost:
    padded = trimmed = peak = None
    if forward is not None:
        length = max(1, min(subject.context, round(float(subject.table.lengths.mean()))))
        if "padded" in subject.ways:
            padded = flops(forward, subject.context, device)
        if "trimmed" in subject.ways:
            trimmed = flops(forward, length, device)
        if device == "cuda":
            most = max((speed.rows for speed in timed), default=1)
            peak = _peak(subject, forward, most) + subject.bytes[dtype]
    return ModelCost(
        name=subject.name,
        title=subject.title,
        kind=subject.kind,
        note=subject.note,
        context=subject.context,
        parameters=subject.parameters,
        used=subject.used,
        bytes=subject.bytes,
        file_bytes=subject.file_bytes,
        flops=padded,
        flops_trimmed=trimmed,
        peak_bytes=peak,
        speeds=timed,
        published=subject.published,
        absent=absent,
    )


def _peak(subject: Subject, forward: Forward, batch: int) -> int:
    """Bytes of the GPU's memory that an encoder's largest batch takes, beside its weights."""
    import torch

    encode = call(subject, forward, batch, subject.ways[0], "cuda")
    encode()
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    encode()
    torch.cuda.synchronize()
    return int(torch.cuda.max_memory_allocated() - before)


def _libraries(run: TrainedRun, batches: Sequence[int], steps: Steps) -> list[LibraryCost]:
    """The student in processes of its own: with torch, and with onnxruntime if it was exported."""
    import torch

    places = {"torch": Path(STUDENT), "onnxruntime": ONNX}
    found = []
    for library, place in places.items():
        if not (run.folder / place).exists():
            continue
        steps(f"Running the student with {library} in a process of its own")
        cost = measure(
            "torch" if library == "torch" else "onnxruntime",
            run.folder / place,
            length=run.context,
            tokens=run.tokenizer.vocabulary_size,
            batches=batches,
            threads=torch.get_num_threads(),
            seconds=_LIBRARY_SECONDS,
        )
        found.append(
            LibraryCost(
                library=cost.library,
                file=str(place),
                threads=cost.threads,
                milliseconds=cost.milliseconds,
                library_bytes=cost.library_bytes,
                loaded_bytes=cost.loaded_bytes,
                resident_bytes=cost.resident_bytes,
            )
        )
    return found

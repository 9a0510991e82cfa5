"""Kill -9 at random moments of a whole pipeline, and see that it ends as if nothing had happened.

    python -m benchmarks.kills [--kills 50] [--seed 0] [--prompts 30000] [--epochs 1]

The pipeline is `anatomy audit` with two tokenizers and an encoder's weights, and `distill run` of
what it found. The audit's census goes through the disk, as that of a corpus beyond a million
prompts does: it may hold a tenth of the prompts (`benchmarks.pipeline` sets the constant and calls
the command), so that they are dealt out to 256 shards in the cache and counted shard by shard; an
audit that was killed there goes on with the shards that it had counted.

The pipeline runs unbroken first, which says how long it computes: processor time, so that a moment
is the same part of the work however busy the machine is. Then the same commands run again and
again, each time in a fresh folder and with an empty cache. A moment is drawn from the whole of that
time; when it comes, the process group of the command at work gets SIGKILL, and the same command
starts again, and what comes after it. So a pipeline is killed up to three times. What is in its
folder when it ends is compared with the unbroken run: findings.json byte for byte but for its block
`run`, the student's weights byte for byte, what was measured of it, that both reports are whole,
and that nothing temporary is left.

Prints one row for each kill and ends with status 1 if any pipeline ended otherwise.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from anatomy.files import TEMPORARY_SUFFIX, sha256_of
from anatomy.report.write import REPORT, is_mix
from benchmarks.pipeline import (
    audit_command,
    distill_command,
    environment,
    findings_but_run,
    write_encoder,
    write_prompts,
)
from distill.metrics import load
from distill.report.render import is_current

_OUT, _RUNS, _NAME, _CACHE = "report", "runs", "student", "cache"
_COMMANDS = ("audit", "distill")
_EACH = 3  # kills of a pipeline at most: what comes first is always new then


@dataclass(frozen=True)
class Kill:
    """One SIGKILL: in which pipeline, after how much computing since its last start, at what."""

    pipeline: int
    seconds: float
    stage: str


@dataclass(frozen=True)
class Work:
    """What every pipeline is given."""

    prompts: Path
    encoder: Path
    epochs: int
    in_memory: int  # prompts that the audit's census may hold

    def commands(self, folder: Path) -> list[list[str]]:
        """The pipeline's commands, in their order."""
        return [
            audit_command(
                *(f"mine={self.prompts}", f"sam3,hf:{self.encoder}", folder / _OUT),
                *("--sample", "1500"),
                in_memory=self.in_memory,
            ),
            distill_command(
                *(folder / _OUT, folder / _RUNS, _NAME, "--student", "shallow:2"),
                *("--epochs", str(self.epochs), "--set", "schedule.precision=float32"),
                *("--set", "schedule.checkpoint_seconds=1"),
            ),
        ]


def run(
    work: Work, folder: Path, most: float | None = None, start: str = _COMMANDS[0]
) -> tuple[str | None, float]:
    """Run a pipeline in its folder, to its end or until it has computed for `most` seconds.

    It starts with the command `start`. Returns the one that was killed, or None; and the seconds
    that it computed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = 0.0
    with (folder / "printed.txt").open("a", encoding="utf-8") as printed:
        for name, command in zip(_COMMANDS, work.commands(folder), strict=True):
            if _COMMANDS.index(name) < _COMMANDS.index(start):
                continue
            process = subprocess.Popen(
                command,
                env=environment(folder / _CACHE),
                cwd=folder,
                stdout=printed,
                stderr=printed,
                start_new_session=True,  # a process group of its own
            )
            watched, spent = psutil.Process(process.pid), 0.0
            try:
                while process.poll() is None:
                    times = watched.cpu_times()
                    spent = times.user + times.system
                    if most is not None and before + spent >= most:
                        return name, before + spent
                    time.sleep(0.002)
            finally:  # also where this process is stopped
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            before += spent
            if process.returncode:
                text = (folder / "printed.txt").read_text("utf-8")
                raise SystemExit(f"{name} ended with {process.returncode}:\n{text[-2000:]}")
    return None, before


def stage(folder: Path, command: str) -> str:
    """What a pipeline was at, by what it has left."""
    report, own = folder / _OUT, folder / _RUNS / _NAME
    if command == "audit":
        if (report / REPORT.document).exists():
            return "audit: at its end"
        if any(report.glob("figures/*")):
            return "audit: writing the report"
        if any(folder.glob(f"{_CACHE}/outputs/*/*.outputs")):
            return "audit: encoding, measuring, drawing"
        if census := _census(folder):
            counting = any((part / "counts").is_dir() for part in census)
            return f"audit: census on disk, {'counting' if counting else 'reading'}"
        return "audit: starting, or after the census"
    if not (own / "recipe.yaml").exists():
        return "distill: starting, planning"
    if not any(own.glob("targets/*/targets.json")):
        return "distill: teacher's outputs"
    if not (own / "student" / "student.json").exists():
        checkpoint = any(own.glob("checkpoints/*.safetensors"))
        return f"distill: training, {'with' if checkpoint else 'before'} a checkpoint"
    if not (own / "metrics.json").exists():
        return "distill: evaluation"
    if (own / "report.pdf").exists():
        return "distill: at its end"
    return "distill: report"


def differences(folder: Path, whole: Path) -> list[str]:
    """What is not as in the unbroken pipeline."""
    found = []
    if findings_but_run(folder / _OUT) != findings_but_run(whole / _OUT):
        found.append("findings.json")
    student = Path(_RUNS, _NAME, "student", "student.safetensors")
    if sha256_of(folder / student) != sha256_of(whole / student):
        found.append("weights")
    own, unbroken = (load(each / _RUNS / _NAME) for each in (folder, whole))
    assert own.evaluation is not None and unbroken.evaluation is not None
    if own.evaluation.groups != unbroken.evaluation.groups:
        found.append("evaluation")
    if is_mix(folder / _OUT) or _files(folder / _OUT) != _files(whole / _OUT):
        found.append("the audit's report")
    run_folder = folder / _RUNS / _NAME
    if not is_current(run_folder, own.digest) or _files(run_folder) != _files(
        whole / _RUNS / _NAME
    ):
        found.append("the run's report")
    left = [path.name for path in (*folder.rglob(f"*{TEMPORARY_SUFFIX}"), *_census(folder))]
    return found + [f"left behind: {name}" for name in left]


def _census(folder: Path) -> list[Path]:
    """What a census keeps until it ends."""
    return [path for path in folder.glob(f"{_CACHE}/census/*") if path.is_dir()]


def _files(folder: Path) -> list[str]:
    """The files of a folder; of a checkpoint only that there is one."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def killed(
    work: Work, root: Path, kills: int, seed: int, seconds: float
) -> tuple[list[Kill], dict[int, list[str]]]:
    """Kill pipelines `kills` times; each kill, and what was different at each pipeline's end."""
    chance = random.Random(seed)
    done: list[Kill] = []
    found: dict[int, list[str]] = {}
    number = 0
    while len(done) < kills:
        number += 1
        folder = root / f"pipeline-{number}"
        hit: str | None = _COMMANDS[0]
        before = len(done)
        while hit is not None:
            more = len(done) < min(kills, before + _EACH)
            hit, spent = run(work, folder, chance.uniform(0, seconds) if more else None, hit)
            if hit is not None:
                done.append(Kill(number, spent, stage(folder, hit)))
                print(f"  {len(done)} of {kills}: {done[-1].stage}", flush=True)
        found[number] = differences(folder, root / "whole")
        print(f"  pipeline {number}: {', '.join(found[number]) or 'equal'}", flush=True)
        if not found[number]:
            shutil.rmtree(folder)
    return done, found


def table(kills: Sequence[Kill], found: dict[int, list[str]]) -> str:
    """A row for each kill."""
    lines = ["| kill | pipeline | seconds | hit | the pipeline's end |", "| --- " * 5 + "|"]
    for number, kill in enumerate(kills, 1):
        result = ", ".join(found[kill.pipeline]) or "equal"
        lines.append(
            f"| {number} | {kill.pipeline} | {kill.seconds:.1f} | {kill.stage} | {result} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prompts", type=int, default=30_000)
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    begun = time.perf_counter()
    root = Path(tempfile.mkdtemp(prefix="kills-"))
    prompts = write_prompts(root / "prompts.txt", options.prompts)
    encoder = write_encoder(root / "encoder", prompts)
    work = Work(prompts, encoder, options.epochs, options.prompts // 10)
    _, seconds = run(work, root / "whole")
    print(f"Unbroken: {seconds:.1f} s of processor time", flush=True)
    kills, found = killed(work, root, options.kills, options.seed, seconds)
    print(table(kills, found))
    bad = [number for number, what in found.items() if what]
    for name, count in Counter(kill.stage for kill in kills).most_common():
        print(f"{count:>4}  {name}")
    print(
        f"{len(kills)} kills in {len(found)} pipelines: {len(found) - len(bad)} ended as the "
        f"unbroken one, {len(bad)} otherwise; {(time.perf_counter() - begun) / 60:.1f} minutes"
    )
    if bad:
        print(f"Left to look at: {root}")
        raise SystemExit(1)
    shutil.rmtree(root)


if __name__ == "__main__":
    main()

"""What a target is, and what it may do with what it is given."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from anatomy.errors import LONGEST, InputError
from tests.fuzz import mutate

SCRATCH = "ANATOMY_FUZZ_SCRATCH"  # names `scratch` to a process that was started for a target
_MEMORY = Path("/dev/shm")  # noqa: S108 (a folder in memory, of our own name)


class BrokenError(AssertionError):
    """A target did what it may not."""


@dataclass(frozen=True)
class Target:
    """A function under test.

    Attributes
    ----------
    name : str
    run : callable of bytes
        Returns, or raises what is then a bug.
    seeds : callable
        Valid inputs, made when first asked for.
    mutated : callable of (Random, bytes)
        An input made from another; knows the format.
    few : int
        Cases of it that a run of the test suite affords.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    mutated: Callable[[Random, bytes], bytes] = mutate.binary
    few: int = 200

    def case(self, seed: int, number: int) -> bytes:
        """Case `number` of a seeded run: the seeds themselves first, then what is made of them."""
        seeds = self.seeds()
        if number < len(seeds):
            return seeds[number]
        random = Random(f"{self.name} {seed} {number}")
        if random.random() < 0.01:
            return random.randbytes(random.randrange(200))
        return self.mutated(random, random.choice(seeds))


@contextmanager
def refusing() -> Iterator[None]:
    """Lets a refusal pass, if it is one printable line."""
    try:
        yield
    except InputError as error:
        message = str(error)
        if not message or not message.isprintable() or len(message) > LONGEST:
            raise BrokenError(f"no single printable line: {message[:200]!r}") from error


def memory() -> Path | None:
    """A place for files in memory, where there is one: cases write many, and keep none."""
    return _MEMORY if os.access(_MEMORY, os.W_OK) else None


@cache
def scratch() -> Path:
    """This process's folder for the files of cases."""
    if SCRATCH in os.environ:  # whoever started this process removes it
        return Path(os.environ[SCRATCH])
    folder = Path(tempfile.mkdtemp(prefix="anatomy-fuzz-", dir=memory()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def put(name: str, data: bytes) -> Path:
    """A file of these bytes in the scratch folder."""
    path = scratch() / name
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


def packed(*parts: bytes) -> bytes:
    """Several files as one input."""
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts[:-1]) + parts[-1]


def unpacked(data: bytes, count: int) -> list[bytes]:
    """The `count` files of any input."""
    parts = []
    for _ in range(count - 1):
        length = int.from_bytes(data[:4], "little")
        parts.append(data[4 : 4 + length])
        data = data[4 + length :]
    return [*parts, data]


def each(
    *mutators: Callable[[Random, bytes], bytes],
) -> Callable[[Random, bytes], bytes]:
    """A mutator of inputs of several files: one of the files, by its own."""

    def mutated(random: Random, data: bytes) -> bytes:
        parts = unpacked(data, len(mutators))
        at = random.randrange(len(parts))
        parts[at] = mutators[at](random, parts[at])
        return packed(*parts)

    return mutated

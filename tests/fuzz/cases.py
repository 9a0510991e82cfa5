"""Running a target's cases: one after the other, each within its time, failures gathered."""

from __future__ import annotations

import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.target import Target

SECONDS = 10.0  # of the processor's time, for one case
BYTES = 2**31  # of memory
_LOOK = 0.05  # seconds between two looks

_ROOT = Path(__file__).resolve().parents[2]


class TooMuchError(BaseException):
    """A case took more than it may; no `Exception`, so that nobody takes it for his own."""


@dataclass
class Result:
    """What came of a target's cases.

    Attributes
    ----------
    cases : int
    seconds : float
    failures : dict of str to (bytes, str, int)
        Kind and place of an exception -> an input that raised it, its traceback, and how often.
    """

    cases: int = 0
    seconds: float = 0.0
    failures: dict[str, tuple[bytes, str, int]] = field(default_factory=dict)

    def note(self, data: bytes, error: BaseException) -> None:
        """Count a failure, with the shortest input of its kind."""
        where = _place(error)
        old = self.failures.get(where)
        if old is None or len(data) < len(old[0]):
            told = "".join(traceback.format_exception(error, limit=-12))
            self.failures[where] = (data, told, (old[2] if old else 0) + 1)
        else:
            self.failures[where] = (old[0], old[1], old[2] + 1)


def run(target: Target, cases: int, seed: int, first: int = 0) -> Result:
    """Cases `first` to `first + cases` of a target."""
    result = Result()
    target.seeds()
    begin = time.monotonic()
    for number in range(first, first + cases):
        one(target, target.case(seed, number), result)
    result.seconds = time.monotonic() - begin
    return result


def one(target: Target, data: bytes, result: Result) -> None:
    """One case: the target is called, and what it raises is noted."""
    result.cases += 1
    unseen: list[BaseException] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda raised: unseen.append(raised.exc_value or RuntimeError("unseen"))
    try:
        with _limited():
            target.run(data)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        result.note(data, error)
    finally:
        sys.unraisablehook = before
    for error in unseen:  # a callback's, which Python prints and forgets
        result.note(data, error)


@contextmanager
def _limited() -> Iterator[None]:
    """Look now and then, by the processor's clock, at what a case has taken."""
    begin, held = time.process_time(), resident()

    def look(*_: object) -> None:
        if time.process_time() - begin > SECONDS:
            raise TooMuchError(f"more than {SECONDS:g} s of the processor's time")
        if resident() - held > BYTES:
            raise TooMuchError(f"more than {BYTES >> 20:,} MB")

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, _LOOK, _LOOK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def resident() -> int:
    """Bytes of memory that this process has; 0 where the system does not say."""
    told = Path("/proc/self/statm")
    return int(told.read_text().split()[1]) * resource.getpagesize() if told.exists() else 0


def _place(error: BaseException) -> str:
    """The exception's kind and the last place of ours that it came through."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_ROOT)
        and "tests/fuzz" not in frame.filename
        and "site-packages" not in frame.filename
    ]
    frames = own or traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    name = Path(last.filename)
    place = name.relative_to(_ROOT) if name.is_relative_to(_ROOT) else name.name
    return f"{type(error).__name__} at {place}:{last.lineno}"

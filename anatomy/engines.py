"""Who works: this process, or the processes of a Ray cluster.

The work is the same pure function in either: of a state (an encoder that is open, a cloud of
points) and an item (rows of token ids, a block of rows). Results come in the order of the items,
so whoever puts them together cannot tell one engine from the other. What dies on a cluster is
replaced, and its item done again.
"""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, Protocol, TypeVar

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.measures.neighbours import Spread

Name = Literal["local", "ray"]
State = TypeVar("State")
Item = TypeVar("Item")
Result = TypeVar("Result")
Held = TypeVar("Held", covariant=True)

_AHEAD = 2  # items at a worker: the next one is there when it is done with one
_TRIES = 3  # of an item whose workers die, after the first


class Run(Protocol[Held]):
    """``run(work, items)`` gives ``work(state, item)`` of each item, in order, when it is asked."""

    def __call__(
        self, work: Callable[[Held, Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]: ...


class Engine(Protocol):
    """Where work can be done."""

    def device(self, wanted: str) -> str:
        """Of the work, "cpu" or "cuda": for "auto", what there is; InputError if it is not."""

    def here(self, wanted: str) -> str:
        """Of what this process does itself: a state may be opened here that works elsewhere."""

    def opened(self, state: State, again: Callable[[], State], device: str) -> Run[State]:
        """By a state that is open here, or by those that workers make with `again`."""

    def spread(self, device: str) -> Spread | None:
        """By workers that need nothing but the state; None where only this process is one."""


class Local:
    """This process."""

    def device(self, wanted: str) -> str:
        """As torch finds it here."""
        from anatomy.inside.options import found_device

        return found_device(wanted)

    here = device

    def opened(self, state: State, again: Callable[[], State], device: str) -> Run[State]:
        """By `state` itself, one item after the other."""
        return here(state)

    def spread(self, device: str) -> None:
        """Nobody else."""


def here(state: State) -> Run[State]:
    """By a state in this process, one item after the other."""

    def run(work: Callable[[State, Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        return (work(state, item) for item in items)

    return run


class Ray:
    """A Ray cluster.

    Parameters
    ----------
    address : str, optional
        Of the cluster ("auto": the one that this machine belongs to). None: processes here.

    Raises
    ------
    InputError
        No Ray, or no cluster at this address.
    """

    def __init__(self, address: str | None = None) -> None:
        self._ray = connected(address)

    def device(self, wanted: str) -> str:
        """ "cuda" where the cluster has GPUs, unless told otherwise."""
        if wanted == "cpu" or self._ray.cluster_resources().get("GPU", 0) >= 1:
            return "cpu" if wanted == "cpu" else "cuda"
        if wanted == "cuda":
            raise InputError(
                "--device cuda: the Ray cluster has no GPU; give --device cpu, or leave it out"
            )
        return "cpu"

    def here(self, wanted: str) -> str:
        """The CPU: this process may be on a machine of the cluster that has no GPU."""
        return "cpu"

    def opened(self, state: State, again: Callable[[], State], device: str) -> Run[State]:
        """By actors, each with a GPU or with the cores that its threads need."""

        def run(work: Callable[[State, Item], Result], items: Iterable[Item]) -> Iterator[Result]:
            needs = self._needs(device, _threads())
            worker = self._ray.remote(max_restarts=-1, max_task_retries=_TRIES, **needs)(_Worker)
            actors: list[Any] = []
            at: dict[Any, int] = {}  # results that are not there yet, and whose they will be
            most = self._most(needs)

            def submit(item: Item) -> Any:
                if at:
                    done, _ = self._ray.wait(list(at), num_returns=len(at), timeout=0)
                    for result in done:
                        del at[result]
                load = Counter(at.values())
                least = min(range(len(actors)), key=lambda number: load[number], default=-1)
                if len(actors) < most and (least < 0 or load[least]):
                    actors.append(worker.remote(again))
                    least = len(actors) - 1
                result = actors[least].work.remote(work, item)
                at[result] = least
                return result

            try:
                yield from self._in_order(submit, items, most)
            finally:
                for actor in actors:
                    self._ray.kill(actor)

        return run

    def spread(self, device: str) -> Spread:
        """By tasks, each with a GPU or one core."""

        def spread(
            work: Callable[[State, Item], Result], state: State, items: Iterable[Item]
        ) -> Iterator[Result]:
            needs = self._needs(device, 1)
            task = self._ray.remote(max_retries=_TRIES, **needs)(_outcome)
            held = self._ray.put(state)

            def submit(item: Item) -> Any:
                return task.remote(work, held, item)

            return self._in_order(submit, items, self._most(needs))

        return spread

    def _needs(self, device: str, threads: int) -> dict[str, int]:
        """Resources of a worker; a machine with fewer cores than threads still takes it."""
        if device == "cuda":
            return {"num_gpus": 1, "num_cpus": 1}
        cores = max(node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"])
        return {"num_cpus": max(1, min(threads, int(cores)))}

    def _most(self, needs: dict[str, int]) -> int:
        """Workers that the cluster has room for."""
        there = self._ray.cluster_resources()
        if "num_gpus" in needs:
            return max(1, int(there.get("GPU", 0)))
        return max(1, int(there.get("CPU", 0)) // needs["num_cpus"])

    def _in_order(
        self, submit: Callable[[Item], Any], items: Iterable[Item], workers: int
    ) -> Iterator[Any]:
        """Results one by one; a bounded number of them waits for the first."""
        under_way: deque[Any] = deque()
        for item in items:
            if len(under_way) >= (_AHEAD + 1) * workers:
                yield self._result(under_way.popleft())
            under_way.append(submit(item))
        while under_way:
            yield self._result(under_way.popleft())

    def _result(self, reference: Any) -> Any:
        faults = self._ray.exceptions
        try:
            problem, result = self._ray.get(reference)
        except (faults.RayActorError, faults.WorkerCrashedError, faults.OutOfMemoryError) as error:
            raise InputError(
                f"--engine ray: workers died {_TRIES + 1} times at the same piece of work "
                f"({type(error).__name__}): they need more memory, or a smaller encoder; what is "
                "done is kept, and the same command goes on"
            ) from error
        if problem is not None:
            raise InputError(problem)
        return result


class _Worker:
    """On the cluster: a state that is opened when it is first needed, and works from then on."""

    def __init__(self, again: Callable[[], Any]) -> None:
        self._again, self._state = again, None

    def work(self, work: Callable[[Any, Any], Any], item: Any) -> tuple[str | None, Any]:
        """Its result, or what the user is told instead."""
        try:
            if self._state is None:
                self._state = self._again()
        except InputError as error:
            return str(error), None
        return _outcome(work, self._state, item)


def _outcome(work: Callable[[Any, Any], Any], state: Any, item: Any) -> tuple[str | None, Any]:
    try:
        return None, work(state, item)
    except InputError as error:  # its line, without what Ray says around an exception
        return str(error), None


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def engine(name: Name, address: str | None = None) -> Engine:
    """By name; see `Ray` for the address."""
    return Ray(address) if name == "ray" else Local()


def connected(address: str | None) -> Any:
    """Ray, connected to a cluster; see `Ray`."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError("--engine ray: needs Ray; pip install 'prompt-anatomy[ray]'") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if not ray.is_initialized():
        try:
            ray.init(
                address=address,
                include_dashboard=False if address is None else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise InputError(
                f"--address {shown(address)}: no Ray cluster answers ({shown(error)[:200]}); start "
                "one with `ray start --head`, or leave the address out"
            ) from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray

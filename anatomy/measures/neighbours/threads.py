"""One Python thread a core, each with matrix products on its own core only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Progress = Callable[[int, int], None]
_Task = TypeVar("_Task")
_SECONDS_BETWEEN_REPORTS = 0.2


def run(
    tasks: Iterable[_Task],
    work: Callable[[_Task], None],
    total: int = 0,
    progress: Progress | None = None,
) -> None:
    """Do `work` for every task, on as many threads as numpy's matrix products would use.

    The first error stops all and is raised. `progress` hears of tasks done, in the caller's
    thread. BLAS is held to one thread meanwhile (so that its threads and ours do not wait for
    each other), then set back.
    """
    queue, taking, stop, done = iter(tasks), Lock(), Event(), [0]

    def loop() -> None:
        try:
            while not stop.is_set():
                with taking:
                    task = next(queue, None)
                if task is None:
                    return
                work(task)
                with taking:
                    done[0] += 1
        except BaseException:
            stop.set()
            raise

    controller = ThreadpoolController()
    blas = [pool["num_threads"] for pool in controller.info() if pool["user_api"] == "blas"]
    workers = max(blas, default=os.cpu_count() or 1)
    with controller.limit(limits=1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(loop) for _ in range(workers)}
        try:
            waiting = futures
            while waiting:
                _, waiting = wait(waiting, timeout=_SECONDS_BETWEEN_REPORTS)
                if progress is not None and not stop.is_set():
                    progress(done[0], total)
        finally:
            stop.set()  # an interrupt, too, ends the others at their next task
    for future in futures:
        future.result()

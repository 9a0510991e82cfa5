"""Encoding, targets and neighbours by others: the local ones, bit for bit, whoever dies."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anatomy import engines
from anatomy.encoders import resolve
from anatomy.encoders.again import opens_again
from anatomy.engines import Local, Ray, here
from anatomy.errors import InputError
from anatomy.inside import InsideOptions, cloud, encode
from anatomy.measures import neighbours
from anatomy.measures.neighbours import nearest
from anatomy.pipeline import audit
from anatomy.tokens.table import TokenTable
from distill import targets
from distill.teacher import Teacher
from tests.encoders.tiny import save_bert
from tests.inside.samples import save
from tests.inside.test_encode import FakeModel
from tests.inside.test_encode import run as encoded


class Sent:
    """An engine whose workers get copies, and are asked for all items before the first result."""

    def __init__(self) -> None:
        self.items = 0

    def spread(self, work: Callable, state: Any, items: Iterable) -> Iterator:
        import pickle

        sent = [pickle.dumps((work, state, item)) for item in items]
        self.items += len(sent)
        for content in sent:
            work, state, item = pickle.loads(content)
            yield work(state, item)


def test_here_is_asked_for_one_item_at_a_time():
    asked: list[int] = []

    def items() -> Iterator[int]:
        for number in range(3):
            asked.append(number)
            yield number

    found = here(10)(lambda state, item: state + item, items())
    assert asked == [] and next(found) == 10 and asked == [0]
    assert list(found) == [11, 12]


def test_shards_that_others_encode_are_those_encoded_here(tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "SHARD", 2)
    expected = encoded(FakeModel())
    others = Sent()
    monkeypatch.setattr(
        "tests.inside.test_encode.here", lambda model: lambda *a: others.spread(a[0], model, a[1])
    )
    found = encoded(FakeModel(), tmp_path)
    assert others.items > 1
    assert np.array_equal(found.pooled, expected.pooled)
    assert np.array_equal(found.tokens, expected.tokens)
    before = others.items
    assert encoded(FakeModel(), tmp_path).reused == len(found.pooled) and others.items == before


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("some", [False, True])
def test_neighbours_by_blocks_are_the_neighbours(monkeypatch, kind, some):
    monkeypatch.setattr(neighbours, "BLOCK", 96)
    generator = np.random.default_rng(5)
    points = generator.normal(size=(700, 24)).astype(kind)
    points[100:140] = points[7]  # copies: more than are neighbours
    rows = generator.permutation(700)[:333] if some else None
    others, told = Sent(), []
    found = nearest(
        points, 9, rows=rows, spread=others.spread, progress=lambda *done: told.append(done)
    )
    expected = nearest(points, 9, rows=rows)
    assert np.array_equal(found.distances, expected.distances)
    assert np.array_equal(found.indices, expected.indices)
    assert found.exact and others.items == len(told) > 3


def test_only_searches_that_take_long_are_shared(monkeypatch):
    others = Sent()
    method = cloud.Method("exact", spread=others.spread)
    points = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    method.nearest(points, 5)
    assert not others.items
    monkeypatch.setattr(cloud, "SHARED_FROM", 0)
    found = method.nearest(points, 5)
    assert others.items and np.array_equal(found.distances, nearest(points, 5).distances)


def test_an_encoder_opened_again_is_the_same_or_refused(tmp_path, monkeypatch):
    save_bert(tmp_path / "bert")
    monkeypatch.chdir(tmp_path)
    (encoder,) = resolve(["hf:bert"])
    model = encoder.open("cpu", "float32")
    again = opens_again(encoder, model, "cpu")
    monkeypatch.chdir("/")  # a worker stands elsewhere
    assert again().weights_hash == model.weights_hash
    with pytest.raises(InputError, match="a worker has torch"):
        again_with = partial(again.func, *again.args[:-1], {**again.args[-1], "torch": "0"})
        again_with()
    save_bert(tmp_path / "bert", intermediate_size=40)
    with pytest.raises(InputError, match="other weights"):
        again()


def test_without_ray_a_run_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'prompt-anatomy\[ray\]'"):
        engines.engine("ray")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Three processes, one of which says that it has a GPU."""
    ray = pytest.importorskip("ray", reason="Ray is an extra, and is not installed here")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=3, num_gpus=1, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def threads() -> Iterator[None]:
    """Not the number that Ray's workers start with."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_an_audit_on_a_cluster_is_the_local_one(cluster, tmp_path, monkeypatch, threads):
    monkeypatch.setattr(encode, "SHARD", 50)
    monkeypatch.setattr(cloud, "SHARED_FROM", 1e6)
    monkeypatch.setattr(neighbours, "BLOCK", 100)
    save(tmp_path)
    asked = Counter()
    for name in ("opened", "spread"):
        by_ray = getattr(Ray, name)

        def counted(*given: Any, by_ray: Any = by_ray, name: str = name) -> Any:
            inner = by_ray(*given)

            def run(*arguments: Any) -> Iterator:
                for result in inner(*arguments):
                    asked[name] += 1
                    yield result

            return run

        monkeypatch.setattr(Ray, name, counted)

    def run(engine: str, cache: str) -> Any:
        return audit(
            [f"{tmp_path}/one.txt", f"{tmp_path}/two.txt"],
            encoders=f"minilm={tmp_path / 'bert'}",
            inside=InsideOptions(device="cpu", sample=None, cache=tmp_path / cache),
            engine=engine,
        )

    expected, found = run("local", "here"), run("ray", "there")
    assert found.model_dump(exclude={"run"}) == expected.model_dump(exclude={"run"})
    kept = {path.relative_to(tmp_path / "here") for path in tmp_path.glob("here/*/*.outputs")}
    assert asked["opened"] == len(kept) > 4 and asked["spread"] > 4
    for path in kept:
        assert (tmp_path / "there" / path).read_bytes() == (tmp_path / "here" / path).read_bytes()


def _deadly(state: int, item: int, *, once: Path) -> tuple[int, int]:
    if item == 5:
        try:
            once.touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return item, state + item


def _hundred() -> int:
    return 100


def _refuses() -> int:
    raise InputError("weights: are not here")


@pytest.mark.slow
def test_workers_that_are_killed_are_replaced(cluster, tmp_path):
    engine = Ray()
    expected = [(number, 100 + number) for number in range(12)]
    run = engine.opened(0, _hundred, "cpu")
    assert list(run(partial(_deadly, once=tmp_path / "actor"), range(12))) == expected
    spread = engine.spread("cpu")
    assert list(spread(partial(_deadly, once=tmp_path / "task"), 100, range(12))) == expected
    assert {path.name for path in tmp_path.iterdir()} == {"actor", "task"}


@pytest.mark.slow
def test_what_cannot_be_on_a_cluster_is_one_line(cluster, tmp_path, monkeypatch):
    engine = Ray()
    with pytest.raises(InputError, match=r"^weights: are not here$"):
        list(engine.opened(0, _refuses, "cpu")(_deadly, range(2)))
    assert engine.device("auto") == "cuda" and engine.device("cpu") == "cpu"
    save_bert(tmp_path)
    (encoder,) = resolve([f"hf:{tmp_path}"])
    if not torch.cuda.is_available():
        again = opens_again(encoder, encoder.open("cpu", "float32"), "cuda")
        with pytest.raises(InputError, match="torch finds no CUDA device"):
            list(engine.opened(0, again, "cuda")(_deadly, range(2)))
    monkeypatch.setattr(engine._ray, "cluster_resources", lambda: {"CPU": 3})
    assert engine.device("auto") == "cpu"
    with pytest.raises(InputError, match="the Ray cluster has no GPU"):
        engine.device("cuda")


@pytest.mark.slow
def test_targets_of_a_cluster_are_the_local_ones_and_go_on(cluster, tmp_path, monkeypatch, threads):
    save_bert(tmp_path / "bert")
    (encoder,) = resolve([f"hf:{tmp_path / 'bert'}"])
    teacher = Teacher(encoder, encoder.open("cpu", "float32"))
    generator = np.random.default_rng(1)
    lengths = generator.integers(3, 22, 900)
    ids = generator.integers(4, 12, lengths.sum()).astype(np.uint16)
    table = TokenTable(ids, np.concatenate([[0], np.cumsum(lengths)]))

    class Stopped(Ray):
        def opened(self, *given: Any) -> Any:
            run = super().opened(*given)

            def some(*asked: Any) -> Iterator:
                for number, result in enumerate(run(*asked)):
                    if number == 3:
                        raise KeyboardInterrupt
                    yield result

            return some

    def made(folder: str, engine: Any) -> dict[str, bytes]:
        found = targets.make_targets(
            teacher, table, tmp_path / folder, pooling="mean", engine=engine
        )
        files = (tmp_path / folder).rglob("*.bin")
        return {path.name: path.read_bytes() for path in files} | {"reused": found.reused}

    monkeypatch.setattr(targets, "JOURNAL_SECONDS", -1.0)
    expected = made("here", Local())
    with pytest.raises(KeyboardInterrupt):
        made("there", Stopped())
    found = made("there", Ray())
    assert 0 < found.pop("reused") < 900 and expected.pop("reused") == 0
    assert found == expected

"""The census on a local Ray cluster: the local one's counts, byte for byte, whoever dies."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anatomy.census import Ask, local
from anatomy.census.stored import to_bytes
from anatomy.cli import main
from anatomy.corpus import tables
from anatomy.corpus.build import open_sources
from anatomy.corpus.model import Reading
from anatomy.encoders import resolve
from anatomy.errors import InputError
from anatomy.pipeline import audit
from tests.encoders.tiny import save_bert

ONE = ["a dog", "A  dog", "a dog", "two dogs", "&amp;", "\ufb01sh", "the man's red shirt"] * 3
TWO = ["a dog", "fish", "FISH", "&", *(f"cat number {n}" for n in range(300))]


def test_without_ray_it_is_said_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "p.txt").write_text("a dog\n")
    monkeypatch.setattr(
        sys,
        "argv",
        ["anatomy", "audit", "--sources", f"{tmp_path}/p.txt", "--engine", "ray", "--out", "x"],
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "pip install 'prompt-anatomy[ray]'" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "x" / "findings.json").exists()


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray = pytest.importorskip("ray", reason="Ray is an extra, and is not installed here")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def sources(tmp_path):
    for number in range(3):
        part = [*ONE, *TWO[number * 100 : 150 + number * 100]]
        pq.write_table(
            pa.table({"caption": part}), tmp_path / f"part-{number}.parquet", row_group_size=40
        )
    (tmp_path / "two.txt").write_text("".join(f"{prompt}\n" for prompt in TWO), encoding="utf-8")
    return [f"one={tmp_path}/part-*.parquet:caption", f"{tmp_path}/two.txt", "lvis"]


@pytest.mark.slow
def test_the_engines_agree(cluster, sources, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "TEXT_PIECE", 500)  # the text is read in several pieces there
    save_bert(tmp_path / "encoder")
    asked = {"encoders": ["sam3", f"hf:{tmp_path / 'encoder'}"], "data": tmp_path}
    here = audit(sources, **asked)
    there = audit(sources, engine="ray", **asked)
    assert there.encoders[1].inside is not None
    assert there.model_dump(exclude={"run"}) == here.model_dump(exclude={"run"})
    assert there.digest == here.digest


@pytest.mark.slow
def test_the_engines_estimate_the_same(cluster, sources, tmp_path, monkeypatch):
    pytest.importorskip("datasketches", reason="an extra (sketch), not installed here")
    from anatomy.census import sketch, sketch_on_ray

    for way in (sketch, sketch_on_ray):
        monkeypatch.setitem(way.census.__kwdefaults__, "hashes", 64)
    here, there = (
        audit(sources, engine=engine, approximate=True, data=tmp_path)
        for engine in ("local", "ray")
    )
    assert there.corpus.approximation is not None
    assert there.model_dump(exclude={"run"}) == here.model_dump(exclude={"run"})


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(cluster, sources, tmp_path):
    from anatomy.census import on_ray

    opened = open_sources(sources, tmp_path, False, 0)
    ask = Ask(sources=3, official=(2,), lvis=2, sample=7, seed=1)
    encoders = resolve(["sam3"])
    here = local.census(opened, encoders, ask)
    once = tmp_path / "killed"

    def deadly(read):
        def parts() -> Iterator[Reading]:
            for part in read():
                yield part
                if not once.exists():
                    once.touch()
                    os.kill(os.getpid(), signal.SIGKILL)

        return parts

    first = opened[0]
    opened[0] = replace(first, pieces=tuple(deadly(read) for read in first.pieces))
    there = on_ray.census(opened, encoders, ask)
    assert once.exists()
    assert there.summaries == here.summaries
    assert to_bytes(there.counts) == to_bytes(here.counts)
    assert (there.cleaned[0].shared == here.cleaned[0].shared).all()


@pytest.mark.slow
def test_what_a_reader_refuses_is_one_line(cluster, tmp_path):
    (tmp_path / "bad.csv").write_text('prompt\n"never closed\n')
    with pytest.raises(InputError, match=r"bad\.csv: has a quote that is never closed"):
        audit([f"{tmp_path}/bad.csv"], engine="ray")
    Path(tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(InputError, match=r"empty\.txt: has no usable prompt; rows refused"):
        audit([f"{tmp_path}/empty.txt"], engine="ray")

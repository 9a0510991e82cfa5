from __future__ import annotations

import hashlib
import json
import re
from importlib import resources

import pytest

from anatomy.corpus import bundled, registry
from anatomy.corpus.model import Download, HubFiles
from anatomy.errors import InputError


def test_the_papers_counts():
    counts = {source.name: source.published_count for source in registry.ALL}
    assert counts == {
        "rf100vl": 554,
        "lvis": 1_199,
        "refcoco": 246_040,
        "saco-gold": 51_577,
        "saco-silver": 54_178,
        "saco-veval": 51_248,
    }
    assert sum(counts.values()) == 404_796


@pytest.mark.parametrize("source", registry.ALL, ids=registry.NAMES)
def test_facts_are_filled_in(source):
    assert registry.by_name(source.name) is source
    for text in (source.title, source.citation, source.licence, source.prompt_field, source.size):
        assert text
        assert "\n" not in text
    assert source.homepage.startswith("https://")
    if isinstance(source.remote, tuple):
        for download in source.remote:
            assert isinstance(download, Download)
            assert download.url.startswith("https://")
            assert download.sha256 is None or re.fullmatch("[0-9a-f]{64}", download.sha256)
        known = [d.bytes for d in source.remote if d.bytes is not None]
        assert source.size == f"{sum(known) / 1e6:.0f} MB"
    elif isinstance(source.remote, HubFiles):
        assert source.homepage.endswith(source.remote.repository)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("lvsi", "lvis"), ("saco_gold", "saco-gold"), ("RefCOCO", "refcoco"), ("saco", "saco-gold")],
)
def test_the_nearest_name_is_offered(wrong, near):
    with pytest.raises(InputError, match=f"did you mean {near}") as caught:
        registry.by_name(wrong)
    for name in registry.NAMES:
        assert name in str(caught.value)


def test_hostile_names_are_shown_safely():
    with pytest.raises(InputError) as caught:
        registry.by_name("x\x1b[31m\n")
    assert str(caught.value).isprintable()


def test_bundled_names():
    names = bundled.lvis_names()
    assert len(names) == len(set(names)) == 1_203
    assert names[0] == "aerosol can"
    assert names[-1] == "zucchini"
    assert not any("_" in name for name in names)


def test_bundled_reading():
    reading = bundled.read_lvis_names()
    (file,) = reading.files
    raw = resources.files("anatomy").joinpath("corpus/data/lvis_v1_names.json").read_bytes()
    assert file.path == "anatomy/corpus/data/lvis_v1_names.json"
    assert (file.bytes, file.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
    assert reading.rows == len(reading.prompts) == 1_203
    document = json.loads(raw)
    assert document["licence"].startswith("CC BY 4.0")
    assert "Gupta" in document["attribution"]
    assert document["source"].startswith("https://")


def test_bundled_names_are_the_official_ones(corpora):
    source = registry.by_name("lvis")
    official = source.read(source.locate(corpora), corpora)
    assert tuple(official.prompts.to_pylist()) == bundled.lvis_names()
    assert official.notes == bundled.read_lvis_names().notes

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.errors import InputError
from anatomy.findings import Findings, from_ranges, ranges, schema
from anatomy.pipeline import audit


@given(st.sets(st.integers(0, 300)).map(sorted))
def test_ranges_come_back(ids):
    assert from_ranges(ranges(ids)) == ids


def test_ranges_are_written_as_people_would():
    assert ranges([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
    assert ranges([]) == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"", "not JSON"),
        (b'{"schema_version": 2, "sour', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a findings.json"),
        (b'{"schema_version": 99}', "schema version 99"),
        (b'{"schema_version": 2}', "field"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_what_is_no_findings_document_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "findings.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        Findings.load(path)
    assert "\n" not in str(error.value)


def test_the_digest_follows_the_content_and_not_the_run(tmp_path):
    findings = audit(["lvis"], data=tmp_path)
    other_run = findings.run.model_copy(update={"seconds": 1e6})
    other_seed = findings.settings.model_copy(update={"seed": 7})
    assert findings.model_copy(update={"run": other_run}).digest == findings.digest
    assert findings.model_copy(update={"settings": other_seed}).digest != findings.digest


def test_the_schema_describes_the_document():
    assert {"schema_version", "sources", "encoders", "ledger", "run", "digest"} <= set(
        schema()["properties"]
    )


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """The document of an audit of one source, as JSON."""
    return json.loads(audit(["lvis"], data=tmp_path_factory.mktemp("data")).to_json())


def changed(document, *path, to):
    """A copy of the document with another value at a path."""
    copy = json.loads(json.dumps(document))
    part = copy
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = to
    return copy


def test_a_name_that_no_disk_takes_is_refused():
    with pytest.raises(InputError, match="cannot be read \\(File name too long\\)"):
        Findings.load("x" * 300)


@pytest.mark.parametrize("path", [("run", "host"), ("generator",), ("sources", 0, "title")])
def test_a_text_that_no_file_can_hold_is_refused(tmp_path, document, path):
    (tmp_path / "x.json").write_text(json.dumps(changed(document, *path, to="\ud800")))
    with pytest.raises(InputError, match="holds a lone surrogate"):
        Findings.load(tmp_path / "x.json")


def test_a_field_of_any_length_makes_a_line_that_can_be_read(tmp_path, document):
    (tmp_path / "x.json").write_text(json.dumps(document | {"y" * 10**6: 1}))
    with pytest.raises(InputError, match=r"x\.json: field yyy.*; run the audit again$") as error:
        Findings.load(tmp_path / "x.json")
    assert len(str(error.value)) <= 2000


LENGTHS = ("encoders", 0, "lengths", 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*LENGTHS, "histogram"), []),
        ((*LENGTHS, "histogram"), [[3, 1203], [3, 0]]),
        ((*LENGTHS, "histogram"), [[10**12, 1]]),
        ((*LENGTHS, "tokens"), 7),
        ((*LENGTHS, "group"), "lvis"),
        ((*LENGTHS, "mean"), float("nan")),
        ((*LENGTHS, "contexts", 0, "length"), 0),
        (("settings", "contexts", 0), 0),
        (("settings", "contexts", 0), 10**12),
        (("encoders", 0, "lengths"), []),
        (("encoders", 0, "vocabulary"), []),
        (("encoders", 0, "vocabulary_size"), 0),
        (("encoders", 0, "kept_ids"), "1-2,x"),
        (("encoders", 0, "kept_ids"), "0-99999999999999"),
        (("encoders", 0, "kept_ids"), "5,5"),
        (("encoders", 0, "kept_ids"), "9-3"),
        (("encoders", 0, "vocabulary_size"), 10**15),
        (("corpus", "shared"), [[1, 2]]),
        (("corpus", "unique"), 10**400),  # a comparison divided by the other one's
        (("encoders", 0, "recommended_context", "aligned"), 10**400),
        (("corpus", "unique"), -1),
        (("corpus", "approximation"), {"method": "", "hashes": 1, "confidence": 0.95}),
        (("sources",), []),
        (("run", "started"), "yesterday"),
        (("run", "started"), "2026-01-01T00:00:00"),
        (("corpus", "\x1b[31m"), 1),
    ],
)
def test_findings_whose_parts_disagree_are_refused_in_one_line(tmp_path, document, path, value):
    (tmp_path / "x.json").write_text(json.dumps(changed(document, *path, to=value)))
    with pytest.raises(InputError, match=r"x\.json: field .*; run the audit again") as error:
        Findings.load(tmp_path / "x.json")
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)

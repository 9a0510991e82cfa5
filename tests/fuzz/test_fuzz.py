"""A few cases of every target with the suite, and that the targets would see a bug."""

from __future__ import annotations

import json
import zipfile
from random import Random

import pytest

from anatomy.errors import InputError
from tests.fuzz import mutate
from tests.fuzz.cases import Result, one, run
from tests.fuzz.example import example
from tests.fuzz.target import BrokenError, Target, packed, refusing, unpacked
from tests.fuzz.targets import every

SEED = 0


@pytest.mark.parametrize("name", every())
def test_hostile_input_is_read_or_refused_in_one_line(name):
    target = every()[name]
    result = run(target, target.few, SEED)
    told = [f"{where}\n{told}" for where, (_, told, _) in result.failures.items()]
    assert not told, "\n\n".join(told)


@pytest.mark.parametrize("name", every())
def test_a_case_is_repeated_by_its_number_and_seeds_come_first(name):
    target = every()[name]
    seeds = list(target.seeds())
    assert [target.case(SEED, number) for number in range(len(seeds))] == seeds
    cases = [target.case(SEED, len(seeds) + number) for number in range(20)]
    assert cases == [target.case(SEED, len(seeds) + number) for number in range(20)]
    assert len(set(cases)) > 5
    assert cases != [target.case(SEED + 1, len(seeds) + number) for number in range(20)]


def _raises(error: BaseException):
    def target(_: bytes) -> None:
        with refusing():
            raise error

    return target


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("x"), "ValueError"),
        (MemoryError(), "MemoryError"),
        (SystemExit(1), "SystemExit"),
        (InputError("two\nlines"), "BrokenError"),
        (InputError("\x1b[31m"), "BrokenError"),
        (InputError(""), "BrokenError"),
    ],
)
def test_what_breaks_the_contract_is_told_once_with_its_shortest_input(error, kind):
    target = Target("t", _raises(error), lambda: [b"abc"])
    result = Result()
    for data in (b"long", b"x", b"longer"):
        one(target, data, result)
    ((where, (data, told, times)),) = result.failures.items()
    assert where.startswith(kind) and data == b"x" and times == 3 and kind in told


def test_a_refusal_in_one_line_is_none():
    result = run(Target("t", _raises(InputError("x: no y; give z")), lambda: [b"abc"]), 20, SEED)
    assert (result.cases, result.failures) == (20, {})


def test_a_case_that_takes_too_long_is_told(monkeypatch):
    monkeypatch.setattr("tests.fuzz.cases.SECONDS", 0.05)

    def hangs(_: bytes) -> None:
        while True:
            pass

    result = Result()
    one(Target("t", hangs, lambda: [b""]), b"", result)
    assert "TooMuchError" in next(iter(result.failures))


def test_a_case_that_takes_too_much_memory_is_told(monkeypatch):
    monkeypatch.setattr("tests.fuzz.cases.BYTES", 2**27)

    def swells(_: bytes) -> None:
        held = []
        while True:
            held.append(b"x" * 2**20)

    result = Result()
    one(Target("t", swells, lambda: [b""]), b"", result)
    assert "TooMuchError" in next(iter(result.failures))


def test_several_files_are_one_input():
    assert unpacked(packed(b"", b"abc", b"d"), 3) == [b"", b"abc", b"d"]
    for number in range(200):  # of any bytes
        assert len(unpacked(Random(number).randbytes(number), 3)) == 3


def test_mutated_documents_are_mostly_documents_still():
    data = json.dumps({"a": [1, 2.5, "x", None, True], "b": {"c": {"d": [["e"]]}}}).encode()
    changed = [mutate.document(Random(number), data) for number in range(300)]
    valid = 0
    for text in changed:
        try:
            json.loads(text)
            valid += 1
        except (ValueError, RecursionError):
            pass
    assert valid > 250 and len({*changed}) > 200


def test_repacked_archives_have_sound_checksums(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as package:
        package.writestr("a", b"content" * 20)
    data = (tmp_path / "x.zip").read_bytes()
    sound = 0
    for number in range(100):
        (tmp_path / "y.zip").write_bytes(mutate.repacked(Random(number), data))
        try:
            with zipfile.ZipFile(tmp_path / "y.zip") as package:
                sound += package.testzip() is None and package.read("a") != b"content" * 20
        except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError, ValueError, EOFError):
            pass
    assert sound > 40


def test_examples_of_models_are_valid():
    from anatomy.comparison import Comparison
    from distill.metrics import Metrics

    for model in (Comparison, Metrics):
        model.model_validate(example(model))


def test_a_report_with_live_markup_would_be_seen():
    from tests.fuzz.reports import check_page

    for page in (
        f"<p><{mutate.MARK}></p>",
        "<p onclick=x>",
        "<a href='https://example.com'>",
        "<img>",
        f"<!-- {mutate.MARK} -->",
    ):
        with pytest.raises(BrokenError):
            check_page(page.encode())
    check_page(b"<p id=x><a href='#x'>&lt;fuzz-x&gt;</a></p>")

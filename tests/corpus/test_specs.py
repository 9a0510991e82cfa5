from __future__ import annotations

import os
from pathlib import Path

import pytest
from upath import UPath

from anatomy.corpus import registry, specs
from anatomy.corpus.model import joined
from anatomy.corpus.specs import UserFile, parse
from anatomy.corpus.tables import stream_table
from anatomy.errors import InputError
from tests.corpus.layouts import put


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("p.txt", "mine.parquet", "q.jsonl.gz", "odd,=:.csv", "p.txt:x", "lvis.txt"):
        put(tmp_path / name, b"")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p.txt", UserFile("p", Path("p.txt"))),
        ("mine.parquet:caption", UserFile("mine", Path("mine.parquet"), "caption")),
        ("mine.parquet:a:b", UserFile("mine", Path("mine.parquet"), "a:b")),
        ("q.jsonl.gz:text", UserFile("q", Path("q.jsonl.gz"), "text")),
        ("ours=mine.parquet:text", UserFile("ours", Path("mine.parquet"), "text")),
        ("odd,=:.csv", UserFile("odd,=:", Path("odd,=:.csv"))),
        ("odd=odd,=:.csv", None),  # the comma splits it
        ("p.txt:x", UserFile("p", Path("p.txt:x"))),  # what exists wins
        ("my-lvis=lvis.txt", UserFile("my-lvis", Path("lvis.txt"))),
        (" p.txt ", UserFile("p", Path("p.txt"))),
    ],
)
def test_files(text, expected):
    if expected is None:
        with pytest.raises(InputError):
            parse([text])
    else:
        assert parse([text]) == [expected]


def test_a_file_whose_name_looks_like_a_pattern(here):
    put(here / "{{7*7}}[x].txt", b"")
    for text in ("{{7*7}}[x].txt", f"{here}/{{{{7*7}}}}[x].txt"):
        (found,) = parse([text])
        assert (found.name, found.paths) == ("{{7*7}}[x]", (Path(text),))


def test_absolute_paths(here):
    assert parse([f"{here}/p.txt"]) == [UserFile("p", here / "p.txt")]


@pytest.mark.parametrize(
    ("text", "name", "paths", "column"),
    [
        ("part-*.parquet", "part", ["part-0.parquet", "part-1.parquet"], None),
        ("part-*.parquet:caption", "part", ["part-0.parquet", "part-1.parquet"], "caption"),
        ("x=part-?.parquet:a", "x", ["part-0.parquet", "part-1.parquet"], "a"),
        ("deep/**/*.txt", "deep", ["deep/er/b.txt"], None),
        ("both=@list.txt", "both", ["part-1.parquet", "p.txt"], None),
        ("both=@list.txt:c", "both", ["part-1.parquet", "p.txt"], "c"),
    ],
)
def test_several_files_are_one_source(here, text, name, paths, column):
    for made in ("part-1.parquet", "part-0.parquet", "deep/er/b.txt"):
        put(here / made, b"")
    put(here / "list.txt", b"part-1.parquet\n\n p.txt \n")
    (found,) = parse([text])
    assert (found.name, found.column) == (name, column)
    assert found.paths == tuple(map(Path, paths))
    assert found.title in text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nothing-*.txt", "nothing-*.txt: no such files; check the pattern"),
        ("x=@nothing.txt", "nothing.txt: is no list of files"),
        ("http://localhost/p.txt", "files of http:// are not read; use s3://"),
        ("file:///etc/passwd", "files of file:// are not read"),
        ("x=ssh://host/p.txt:c", "files of ssh:// are not read"),
        ("memory://none/*.txt", "no such files"),
    ],
)
def test_places_that_cannot_be_read(text, problem):
    with pytest.raises(InputError) as caught:
        parse([text])
    assert problem in str(caught.value) and "\n" not in str(caught.value)


def test_files_of_a_store():
    stored = UPath("memory://specs/one.txt")
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(b"a dog\n")
    UPath("memory://specs/two.jsonl").write_bytes(b'{"caption": "a cat"}\n')
    one, two = parse(["memory://specs/one.txt", "memory://specs/two.jsonl:caption"])
    assert (one.name, one.column, two.name, two.column) == ("one", None, "two", "caption")
    reading = joined(stream_table(two.path, two.column))
    assert reading.prompts.to_pylist() == ["a cat"]
    assert reading.files[0].path == "memory://specs/two.jsonl"
    (every,) = parse(["every=memory://specs/*"])
    assert [str(path) for path in every.paths] == [str(one.path), str(two.path)]
    with pytest.raises(InputError, match=r"gone\.txt: cannot be read"):
        joined(stream_table(parse(["memory://specs/gone.txt"])[0].path))


def test_titles():
    assert [s.title for s in parse(["p.txt,mine.parquet:caption"])] == [
        "p.txt",
        "mine.parquet:caption",
    ]


def test_names():
    assert parse(["all"]) == list(registry.ALL)
    assert [s.name for s in parse(["saco-veval, lvis", "p.txt"])] == ["saco-veval", "lvis", "p"]


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        ([], "no sources"),
        (["", " , "], "no sources"),
        (["lvis", "lvis"], "lvis: two sources have this name"),
        (["all", "refcoco"], "refcoco: two sources have this name"),
        (["p.txt", "p=mine.parquet"], "p: two sources have this name"),
        (["lvsi"], "did you mean lvis"),
        (["nothing"], "no such source"),
        (["nothing.txt"], "nothing.txt: no such file"),
        (["nothing.csv:a"], "nothing.csv: no such file"),
        (["folder/nothing"], "folder/nothing: no such file"),
        (["x=nothing.csv:a"], "nothing.csv: no such file"),
        (["lvis.txt"], "lvis is a name that anatomy uses itself; give your file another, my-lvis="),
        (["all=p.txt"], "all is a name that anatomy uses itself"),
        (["a b=p.txt"], "a b is no label"),
        (["=p.txt"], "nothing is no label"),
        (["p.txt:"], "no column after the colon"),
        (["p\0.txt"], "NUL"),
        (["\udcff.txt"], "is not valid UTF-8"),
        (["x\x1b[31m"], "x\\x1b[31m: no such source"),
        (["a" * 5000 + ".txt"], "no such file"),
    ],
)
def test_refusals(sources, problem):
    with pytest.raises(InputError) as caught:
        parse(sources)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stem_is_shown_safely(here):
    put(here / "a\x1b[31m.txt", b"")
    assert specs.parse(["a\x1b[31m.txt"])[0].name == "a\\x1b[31m"


@pytest.mark.skipif(os.sep != "/", reason="paths of POSIX")
def test_a_dangling_link_is_a_file_that_cannot_be_read(here):
    (here / "gone.txt").symlink_to(here / "nowhere")
    assert parse(["gone.txt"]) == [UserFile("gone", Path("gone.txt"))]

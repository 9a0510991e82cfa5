from __future__ import annotations

import gzip
import hashlib
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.corpus import packed, rawfiles, separated, tables
from anatomy.corpus.model import joined
from anatomy.corpus.tables import pieces, read_table, stream_table
from anatomy.errors import InputError
from tests.corpus.layouts import put


def prompts(path, column=None):
    return read_table(path, column).prompts.to_pylist()


def refusal(path, column=None):
    with pytest.raises(InputError) as caught:
        read_table(path, column)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


# ---- lines


def test_txt(tmp_path):
    raw = "\ufeffa cat\r\nb\u2028c\x0cd\r e\n\n  \nNA\nlast".encode()
    reading = read_table(put(tmp_path / "p.txt", raw))
    assert reading.prompts.to_pylist() == ["a cat", "b\u2028c\x0cd\r e", "NA", "last"]
    assert (reading.rows, reading.refused) == (6, {"empty": 2})
    (file,) = reading.files
    assert file.path == str(tmp_path / "p.txt")
    assert (file.bytes, file.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())


@given(
    st.lists(
        st.text(
            alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"),
            min_size=1,
        )
    )
)
def test_txt_lines_come_back(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("lines") / "p.txt"
    put(path, "".join(line + "\n" for line in lines))
    reading = read_table(path)
    assert reading.rows == len(lines)
    if not (lines and lines[0].startswith("\ufeff")):
        assert reading.prompts.to_pylist() == [x for x in lines if not x.isspace()]


def test_single_lines_that_are_not_utf8_are_counted(tmp_path):
    reading = read_table(put(tmp_path / "p.txt", b"a\ncaf\xe9\r\nb\n\xed\xa0\x80\n"))
    assert reading.prompts.to_pylist() == ["a", "b"]
    assert (reading.rows, reading.refused) == (4, {"not UTF-8": 2})


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"caf\xe9\n\nna\xefve", "is not UTF-8 at byte 3 (line 1: 0xe9); save it as UTF-8"),
        (b"\xef\xbb\xbf\n\ncaf\xe9", "is not UTF-8 at byte 8 (line 3: 0xe9); save it as UTF-8"),
        ("a cat\n".encode("utf-16"), "looks like UTF-16, not UTF-8; save it as UTF-8"),
        ("a cat\n".encode("utf-16-be"), "looks like UTF-16, not UTF-8; save it as UTF-8"),
    ],
)
def test_other_encodings(tmp_path, raw, problem):
    assert refusal(put(tmp_path / "p.txt", raw)) == problem


def test_txt_has_no_columns(tmp_path):
    assert refusal(put(tmp_path / "p.txt", "a"), "x") == "a .txt has no columns; leave out :x"


def test_empty_files_have_no_rows(tmp_path):
    for name in ("p.txt", "p.jsonl"):
        assert read_table(put(tmp_path / name, b"")).rows == 0


# ---- tables


def test_csv(tmp_path):
    table = 'id,prompt\r\n1,a cat\r\n2,"b, ""c""\nd"\n3,NA\n4,\n5,007\nshort\n7,too,long\n'
    reading = read_table(put(tmp_path / "p.csv", table))
    assert reading.prompts.to_pylist() == ["a cat", 'b, "c"\nd', "NA", "007"]
    assert reading.refused == {separated.WRONG_WIDTH: 2, "empty": 1}
    assert reading.rows == 7


def test_csv_rows_that_are_not_utf8(tmp_path):
    reading = read_table(put(tmp_path / "p.csv", b"prompt,x\ncaf\xe9,1\nb,\xff\n"))
    assert reading.prompts.to_pylist() == ["b"]
    assert reading.refused == {"not UTF-8": 1}


def test_csv_with_one_column_and_a_mark(tmp_path):
    assert prompts(put(tmp_path / "p.csv", b"\xef\xbb\xbfwhatever\na\n\nb")) == ["a", "b"]


def test_tsv(tmp_path):
    assert prompts(put(tmp_path / "p.tsv", "x\ttext\n1\ta, b\n")) == ["a, b"]


FIELD = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=6)


@given(st.lists(st.tuples(FIELD, FIELD), max_size=6), st.sampled_from(["csv", "tsv"]))
def test_quoted_tables_come_back(tmp_path_factory, table, kind):
    separator = "," if kind == "csv" else "\t"

    def quoted(field: str) -> str:
        return '"' + field.replace('"', '""') + '"'

    text = "".join(separator.join(map(quoted, row)) + "\r\n" for row in [("id", "prompt"), *table])
    reading = read_table(put(tmp_path_factory.mktemp("table") / f"p.{kind}", text))
    wanted = [field for _, field in table if field.strip() and "\0" not in field]
    assert reading.prompts.to_pylist() == wanted
    assert reading.rows == len(table)


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("", None, "is empty; it needs a header row and rows"),
        ("a,b\n1,2\n", None, "which column? name one, {}:COLUMN; it has a, b"),
        ("a,b\n1,2\n", "c", "has no column c; it has a, b"),
        ("text,text\n1,2\n", None, "has 2 columns called text; rename them"),
        ('prompt\n"a\nb\nc\n', None, "has a quote that is never closed; check its last rows"),
        ('x,prompt\n"a,1\nb,2\n', "prompt", "has a quote that is never closed; check its last"),
        ("\x1b[31m,b\n1,2\n", None, "which column? name one, {}:COLUMN; it has \\x1b[31m, b"),
        (",".join(f"c{i}" for i in range(40)), None, "c19 and 20 more"),
        ("\n\n a \n", None, "which column?"),
    ],
)
def test_csv_problems(tmp_path, text, column, problem):
    path = put(tmp_path / "p.csv", text)
    assert problem.format(path) in refusal(path, column)


def test_other_columns_may_be_called_the_same(tmp_path):
    assert prompts(put(tmp_path / "p.csv", "x,prompt,x,\n1,a,2,\n")) == ["a"]


def test_usual_columns(tmp_path):
    assert prompts(put(tmp_path / "p.csv", "name,caption\na,b\n")) == ["b"]
    assert prompts(put(tmp_path / "p.csv", "name,caption\na,b\n"), "name") == ["a"]


# ---- JSON


def test_jsonl(tmp_path):
    text = '"a"\n{"prompt": "b\u2028c", "id": 1}\r\n\n3\nnull\n"\\ud800"\n{"id": 2}\n'
    reading = read_table(put(tmp_path / "p.jsonl", text), "prompt")
    assert reading.prompts.to_pylist() == ["a", "b\u2028c"]
    assert reading.rows == 7
    assert reading.refused == {
        "not a string": 3,
        "not valid Unicode (lone surrogate)": 1,
        "empty": 1,
    }


def test_jsonl_line_that_is_not_utf8(tmp_path):
    reading = read_table(put(tmp_path / "p.jsonl", b'"a"\n"\xff"\n'))
    assert (reading.prompts.to_pylist(), reading.refused) == (["a"], {"not UTF-8": 1})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('"a"\n{"prompt": "b\n', 'line 2 is not JSON ({"prompt": "b); fix or remove it'),
        ('"a", "b"\n', 'line 1 is not JSON ("a", "b"); fix or remove it'),
        ("[" * 100_000, "line 1 is not JSON ("),
        ("9" * 5_000, "line 1 is not JSON ("),
        ('{"x": "1"}\n{"y": "2"}\n', "which column? name one, {}:COLUMN; it has x, y"),
    ],
)
def test_jsonl_problems(tmp_path, text, problem):
    path = put(tmp_path / "p.jsonl", text)
    assert problem.replace("{}", str(path)) in refusal(path)


@pytest.mark.parametrize(
    ("document", "column", "expected"),
    [
        (["a", "b", 1], None, ["a", "b"]),
        ([{"text": "a"}, {"text": "b"}], None, ["a", "b"]),
        ([{"text": "a", "x": "b"}, "c"], "x", ["b", "c"]),
        ({"prompt": ["a", "b"], "id": [1, 2], "version": 3}, None, ["a", "b"]),
        ({"info": {}, "whatever": ["a"]}, None, ["a"]),
    ],
)
def test_json(tmp_path, document, column, expected):
    assert prompts(put(tmp_path / "p.json", json.dumps(document)), column) == expected


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("", None, "is empty"),
        ("[", None, "is not whole JSON"),
        ('"a"', None, "has neither a list of prompts nor columns of them"),
        ('{"a": 1}', None, "has neither a list of prompts nor columns of them"),
        ('["a"]', "x", "has no columns; leave out :x"),
        ('{"a": ["b"]}', "x", "has no column x; it has a"),
    ],
)
def test_json_problems(tmp_path, text, column, problem):
    assert problem in refusal(put(tmp_path / "p.json", text), column)


# ---- compressed


@pytest.mark.parametrize("name", ["p.txt", "p.jsonl", "p.JSON", "p.csv", "p.tsv"])
@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
def test_compressed(tmp_path, name, suffix, pack):
    content = {"p.JSON": b'["a"]', "p.jsonl": b'"a"\n', "p.txt": b"a\n"}.get(name, b"x\na\n")
    path = put(tmp_path / (name + suffix), pack(content))
    assert prompts(path) == ["a"]
    assert tables.stem_of(path) == "p"


@pytest.mark.parametrize("name", ["p.txt", "p.jsonl", "p.csv", "p.txt.gz", "p.csv.zst"])
def test_a_file_of_many_pieces_is_read_as_one_of_a_single_piece(tmp_path, name, monkeypatch):
    words = ["a cat", 'b, "c"', "été", "", "x" * 50, "  "] * 40
    text = {
        "txt": "".join(f"{word}\r\n" for word in words),
        "jsonl": "".join(json.dumps({"id": i, "prompt": w}) + "\n" for i, w in enumerate(words)),
        "csv": "prompt,id\n" + "".join('"' + w.replace('"', '""') + '",1\n' for w in words),
    }[name.split(".")[1]]
    raw = text.encode() + b"short" * name.startswith("p.csv")
    pack = {"gz": gzip.compress, "zst": zstd}.get(name.split(".")[-1], bytes)
    path = put(tmp_path / name, pack(raw))
    whole = read_table(path)
    monkeypatch.setattr(packed.Packed.read, "__defaults__", (64,))
    monkeypatch.setattr(separated, "_BLOCK", 256)
    parts = list(tables.stream_table(path))
    assert len(parts) > 10
    again = joined(parts)
    assert again.prompts == whole.prompts and again.prompts.to_pylist() == [
        word for word in words if word.strip()
    ]
    assert (again.rows, again.refused, again.files) == (whole.rows, whole.refused, whole.files)


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(packed.Packed.read, "__defaults__", (64,))
    monkeypatch.setattr(packed, "LONGEST_LINE", 2**20)
    assert "has a line of more than 1 MiB" in refusal(put(tmp_path / "p.txt", "a" * 2**21))


def test_compressed_in_several_parts(tmp_path):
    for suffix, pack in ((".gz", gzip.compress), (".zst", zstd)):
        assert prompts(put(tmp_path / f"p.txt{suffix}", pack(b"a\n") + pack(b"b\n"))) == ["a", "b"]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
def test_compressed_problems(tmp_path, suffix, pack, monkeypatch):
    path = tmp_path / f"p.txt{suffix}"
    assert f"is not a whole {suffix} file" in refusal(put(path, b"not compressed"))
    assert f"is not a whole {suffix} file" in refusal(put(path, pack(b"abc\n" * 100)[:-5]))
    monkeypatch.setattr(rawfiles, "FREE_BYTES", 2**20)
    assert "unpacks to more than 200 times its size" in refusal(put(path, pack(b"a" * 2**21)))
    monkeypatch.setattr(rawfiles, "MAX_UNPACKED", 2**18)
    document = pack(b'["' + b"a" * 2**19 + b'"]')
    assert "unpacks to more than 0 GiB" in refusal(put(tmp_path / f"p.json{suffix}", document))


# ---- parquet


def test_parquet(tmp_path):
    path = tmp_path / "p.parquet"
    words = pa.array(["a", None, "b", " "])
    pq.write_table(
        pa.table({"caption": words, "n": [1, 2, 3, 4], "x.y:z": words.dictionary_encode()}), path
    )
    for column in (None, "caption", "x.y:z"):
        reading = read_table(path, column)
        assert reading.prompts.to_pylist() == ["a", "b"]
        assert (reading.rows, reading.refused) == (4, {"not a string": 1, "empty": 1})
    assert reading.files[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert refusal(path, "n") == f"column n is int64, not text; name another, {path}:COLUMN"
    assert refusal(path, "m") == "has no column m; it has caption, n, x.y:z"


@pytest.mark.parametrize("how", ["replaced", "in place"])
def test_a_parquet_that_changes_between_its_rows_and_its_hash_is_refused(tmp_path, how):
    path, other = tmp_path / "p.parquet", tmp_path / "other.parquet"
    pq.write_table(pa.table({"prompt": ["a dog"]}), path)
    pq.write_table(pa.table({"prompt": ["a cat", "a cup", "a car"]}), other)
    parts = stream_table(path)
    assert next(parts).prompts.to_pylist() == ["a dog"]
    other.replace(path) if how == "replaced" else path.write_bytes(other.read_bytes())
    with pytest.raises(InputError, match=r"p\.parquet: changed while it was read; run again"):
        list(parts)


@pytest.mark.parametrize("size", [1, 7, 64, 300])
@pytest.mark.parametrize("end", ["\n", ""])
def test_a_text_in_pieces_is_the_whole_text(tmp_path, size, end, monkeypatch):
    words = ["a cat", "été", "", "x" * 50, "  ", "🐶 two\u2028lines", "a\rb"] * 9
    path = put(tmp_path / "p.txt", "\ufeff" + "\r\n".join(words) + end)
    raw = path.read_bytes()
    path.write_bytes(raw[:100] + b"\xff" + raw[100:])
    monkeypatch.setattr(tables, "TEXT_PIECE", size)
    whole = read_table(path)
    cut = list(pieces([path], None))
    assert len(cut) == -(-path.stat().st_size // size) + 1
    again = joined(part for piece in cut for part in piece())
    assert again.prompts == whole.prompts
    assert (again.rows, again.refused, again.files) == (whole.rows, whole.refused, whole.files)
    assert whole.refused["not UTF-8"] == 1
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"p\.txt: changed while it was read; run again"):
        list(cut[-1]())


def test_a_parquet_that_changes_between_its_pieces_is_refused(tmp_path):
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"prompt": ["a dog", "a cow"]}), path, row_group_size=1)
    first, second, record = pieces([path], None)
    assert [part.prompts.to_pylist() for part in first()] == [["a dog"]]
    (same,) = record()
    assert same.files[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    pq.write_table(pa.table({"prompt": ["a dog", "a cat"]}), path, row_group_size=1)
    for piece in (second, record):
        with pytest.raises(InputError, match=r"p\.parquet: changed while it was read; run again"):
            list(piece())


def test_parquet_whose_strings_are_not_utf8(tmp_path):
    raw = pa.array([b"a", b"\xff"])
    strings = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"text": strings}), path)
    reading = read_table(path)
    assert (reading.prompts.to_pylist(), reading.refused) == (["a"], {"not UTF-8": 1})


def test_parquet_problems(tmp_path):
    path = tmp_path / "p.parquet"
    assert "is not a whole parquet file" in refusal(put(path, b"PAR1"))
    pq.write_table(pa.table({"text": ["a"] * 1000}), path)
    assert "is not a whole parquet file" in refusal(put(path, path.read_bytes()[:-20]))


# ---- what it is


def test_files_that_are_not_there_or_not_ours(tmp_path):
    assert "cannot be read (No such file" in refusal(tmp_path / "p.txt")
    assert "cannot be read (No such file" in refusal(tmp_path / "p.parquet")
    assert refusal(tmp_path) == "is a folder; name a file"
    os.mkfifo(tmp_path / "pipe.txt")
    assert refusal(tmp_path / "pipe.txt") == "is not a regular file; save it as one"
    assert "is not a kind of file that is read" in refusal(put(tmp_path / "p.docx", b""))
    assert "is not a kind of file that is read" in refusal(put(tmp_path / "p.parquet.gz", b""))


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("column", ["prompt", "é"])
def test_rows_of_another_width_are_counted_where_they_are_not_utf8(tmp_path, column):
    head = f"id,{column}\n".encode()
    rows = [b"1,cat", b"2,caf\xe9,3", "3,été".encode(), b"4,na\xefve", "5,猫,x".encode()]
    reading = read_table(put(tmp_path / "p.csv", head + b"\n".join(rows)), column)
    assert reading.prompts.to_pylist() == ["cat", "été"]
    assert (reading.rows, reading.refused) == (5, {"wrong number of columns": 2, "not UTF-8": 1})

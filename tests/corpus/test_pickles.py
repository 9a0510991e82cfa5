from __future__ import annotations

import copyreg
import io
import os
import pickle
import pickletools
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anatomy.corpus import pickles
from anatomy.corpus.pickles import load_plain
from anatomy.errors import InputError

plain = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        st.text(max_size=300),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(plain, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_data_comes_back(value, protocol):
    assert load_plain(pickle.dumps(value, protocol)) == value


def test_large_frames_and_memo():
    value = [{"sent": f"dog {i}", "tokens": ["dog", str(i)]} for i in range(20_000)]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert load_plain(pickle.dumps(value, protocol)) == value


def test_byte_strings_of_python_2():
    # cPickle of Python 2, protocols 0 and 2: [{'sent': 'a "dog"\n', 'id': 5L, 'ok': True}]
    text = b"(lp1\n(dp2\nS'sent'\np3\nS'a \"dog\"\\n'\np4\nsS'id'\np5\nL5L\nsS'ok'\np6\nI01\nsa."
    binary = b'\x80\x02]q\x01}q\x02(U\x04sentq\x03U\x08a "dog"\nq\x04U\x02idq\x05\x8a\x01\x05u'
    assert load_plain(text) == [{"sent": 'a "dog"\n', "id": 5, "ok": True}]
    assert load_plain(binary + b"a.") == [{"sent": 'a "dog"\n', "id": 5}]
    assert load_plain(b"S'caf\\xc3\\xa9'\n.") == "café"  # UTF-8
    assert load_plain(b"S'caf\\xe9'\n.") == "café"  # Latin-1
    assert load_plain(b"T\x02\0\0\0ab.") == "ab"
    assert load_plain(b"Vcaf\\u00e9\n.") == "café"


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class State:
    """Pickles with BUILD, after NEWOBJ."""

    def __init__(self):
        self.x = 1


ran = []


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path, monkeypatch):
    """Any of these would leave a trace."""
    monkeypatch.chdir(tmp_path)
    ran.clear()
    yield
    assert ran == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Call(os.system, "touch ran"), "system"),
        (Call(eval, "open('ran', 'w')"), "eval"),
        (Call(exec, "open('ran', 'w')"), "exec"),
        (Call(subprocess.Popen, ["touch", "ran"]), "Popen"),
        (Call(copyreg._reconstructor, State, object, None), "_reconstructor"),
        (Call(os.mkdir, "ran"), "mkdir"),
        (State(), ""),
        ({"sent": State}, "State"),
    ],
)
def test_calls_and_classes_are_refused_by_name(value, name, protocol):
    with pytest.raises(InputError) as caught:
        load_plain(pickle.dumps([value], protocol), name="refs(unc).p")
    message = str(caught.value)
    assert message.startswith("refs(unc).p: pickle asks for ")
    assert "GLOBAL" in message
    assert name in message
    assert "\n" not in message


GLOBAL = b"cos\nsystem\n"


@pytest.mark.parametrize(
    ("program", "refusal"),
    [
        (GLOBAL + b"(S'touch ran'\ntR.", "GLOBAL os.system"),
        (b"(S'touch ran'\nios\nsystem\n.", "INST os.system"),
        (b"(" + GLOBAL + b"S'touch ran'\no.", "GLOBAL os.system"),
        (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93.", "STACK_GLOBAL os.system"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02\x83\x01\x00.", "EXT2"),
        (b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
        (b"}S'x'\nb.", "BUILD"),
        (b"}}b.", "BUILD"),
        (b"S'x'\n)R.", "EMPTY_TUPLE"),
        (b"S'x'\n]R.", "REDUCE"),
        (b"Psomething\n.", "PERSID something"),
        (b"S'x'\nQ.", "BINPERSID"),
        (b"]]\x81.", "NEWOBJ"),
        (b"]]}\x92.", "NEWOBJ_EX"),
        (b"(]o.", "OBJ"),
        (b"\x97.", "NEXT_BUFFER"),
        (b"\x98.", "READONLY_BUFFER"),
        (b"\x96" + b"\0" * 8 + b".", "BYTEARRAY8"),
        (b"C\x01x.", "SHORT_BINBYTES"),
        (b"B\x01\0\0\0x.", "BINBYTES"),
        (b"\x8f.", "EMPTY_SET"),
        (b"(\x91.", "FROZENSET"),
        (b"K\x01K\x02\x86.", "TUPLE2"),
        (b"(K\x01t.", "TUPLE"),
        (b"c\x1b[31mos\nsystem\n.", "GLOBAL \\x1b[31mos.system"),
    ],
)
def test_opcodes_are_refused_by_name(program, refusal):
    with pytest.raises(InputError, match="nothing was run") as caught:
        load_plain(program)
    assert f"pickle asks for {refusal}" in str(caught.value)


def test_every_opcode_is_either_plain_or_refused():
    for info in pickletools.opcodes:
        code = info.code.encode("latin-1")
        if code[0] in pickles._PLAIN:
            continue
        with pytest.raises(InputError, match=f"asks for {info.name}"):
            load_plain(code + b"a\nb\n" + b"\0" * 8 + b".")


def test_the_extension_registry_and_its_cache_are_not_asked():
    copyreg.add_extension(os.system.__module__, "system", 240)
    try:
        program = pickle.dumps(os.system, 2)
        assert b"\x82\xf0" in program
        pickle.loads(program)  # now it is in the cache, where find_class is not asked
        with pytest.raises(InputError, match="EXT1"):
            load_plain(program)
    finally:
        copyreg.remove_extension(os.system.__module__, "system", 240)
        copyreg.clear_extension_cache()


def test_a_frame_cannot_hide_opcodes():
    # Where a frame ends inside an opcode, the standard unpickler drops the frame's last bytes
    # ("ab" here). What it reads from then on is two bytes late, and what looks like a string to
    # anyone else is a program to it.
    hidden = b"cbuiltins\nlen\n0"
    frame = b"\x95" + (5).to_bytes(8, "little")
    program = (
        b"\x80\x04" + frame + b"]\x8c\x0aab" + b"cdefghij" + b"U" + bytes([len(hidden)]) + hidden
    )
    program += b"0a."

    class Standard(pickle.Unpickler):
        def find_class(self, module, name):
            raise LookupError(f"{module}.{name}")

    with pytest.raises(LookupError, match="len"):
        Standard(io.BytesIO(program)).load()
    assert load_plain(program) == ["abcdefghij"]

    untrue = b"\x80\x04" + b"\x95\x02" + b"\0" * 7 + b"]\x95" + b"\0" * 8 + b"K\x01a."
    assert load_plain(untrue) == [1]


def test_the_second_wall():
    # What is left if the reading ahead were ever to miss something.
    for program in (GLOBAL + b".", b"Px\n."):
        with pytest.raises(InputError, match="do not trust"):
            pickles._Plain(io.BytesIO(program)).load()


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b"\x80\x02",
        b"\x80\x02]q\x01(X\x05\0\0\0ab",
        b"X\xff\xff\xff\xff",
        b"\x8d" + b"\xff" * 8,
        b"\x95" + b"\xff" * 7,
        b"T\xff\xff\xff\xff.",  # a negative length
        b"S'no end",
        b"K",
        b"r\x01\0",
        b"r\xff\xff\xff\xff.",  # a memo of 64 GiB
        b"]p99999999\n.",
        b"I" + b"9" * 5000 + b"\n.",
        b"\x8a\xff" + b"\x01" * 255 + b".",
        b"\x8b\x01\0\0\0\x01.",
        b".",
        b"0.",
        b"(.",
        b"h\x01.",
        b"]q\x01h\x02.",
        b"K\x01K\x02a.",  # append to a number
        b"K\x01K\x02K\x03s.",
        b"}]K\x01s.",  # a list as a key
        b"}(K\x01u.",
        b"S'x\n.",
        b"Ix\n.",
        b"Fx\n.",
        b"X\x01\0\0\0\xff.",
        b"\x80\x09].",
        b"\xff\xd8\xff\xe0 a photograph",
        b"PK\x03\x04",
        b'[{"sentences": []}]',
    ],
)
def test_broken_pickles_are_one_line(program):
    with pytest.raises(InputError) as caught:
        load_plain(program, name="refs.p")
    assert str(caught.value).startswith("refs.p: ")
    assert "\n" not in str(caught.value)


def test_every_truncation_is_refused():
    whole = pickle.dumps([{"sentences": [{"sent": "a dog", "id": 70_000}]}], 0)
    for program in (whole, pickle.dumps(load_plain(whole), 2), pickle.dumps(load_plain(whole), 4)):
        for length in range(len(program)):
            with pytest.raises(InputError):
                load_plain(program[:length])


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 4))
def test_garbage_is_refused_or_plain(noise, where, protocol):
    program = pickle.dumps([{"sentences": [{"sent": "a dog", "id": 7}]}] * 2, protocol)
    for garbled in (noise, program[:where] + noise + program[where + len(noise) :]):
        try:
            value = load_plain(garbled)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert isinstance(value, list | dict | str | int | float | None)


def test_too_large(tmp_path_factory, monkeypatch):
    monkeypatch.setattr(pickles, "MAX_BYTES", 100)
    path = tmp_path_factory.mktemp("large") / "refs.p"
    path.write_bytes(b"]" * 101 + b".")
    for source in (path, path.read_bytes()):
        with pytest.raises(InputError, match="larger than"):
            load_plain(source)


def test_a_file_that_is_not_there(tmp_path_factory):
    with pytest.raises(InputError, match="cannot be read"):
        load_plain(tmp_path_factory.mktemp("empty") / "refs.p")

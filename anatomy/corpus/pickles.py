"""Plain data out of a pickle, and nothing else.

A pickle is a program, and one that the standard library would run can call any function.
RefCOCO's annotations only come as pickles (lists and dicts of strings and numbers, written by
Python 2), so this module first reads the program through without running it. Every opcode has to
be one of those that make plain data; the ones that import, call or look up anything are refused
by name. Only a program that passes is run, by an unpickler that has no way to find a class either.

Memory and time are bounded too: memo numbers, which the unpickler uses as the size of a table,
stay below ten million; integers fit 64 bits and tuples are refused, since both can be made into
dict keys that take hours to hash or to tell apart. RefCOCO has neither. What is *not* bounded is a
walk over the result: a memo can make one list an element of another a million times, so callers
count what they visit.
"""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any, NoReturn

from anatomy.errors import InputError
from anatomy.files import shown

# RefCOCO's largest file has 34 MB. An opcode is at least a byte and makes at most an empty dict
# (64 bytes), so this also bounds the memory that a hostile file can ask for, to about 5 GiB.
MAX_BYTES = 64 * 2**20

# As many as possible of the opcodes that make plain data, arguments included. Possessive: an
# opcode is never read a second way. In the order of how often RefCOCO's files have them.
_OPCODES = re.compile(
    rb"""(?xs: (?:
        [gp] [0-9]{1,7} \n            # GET, PUT
      | [qhK] .                       # BINPUT, BINGET, BININT1
      | [(asul}\]deN012\x88\x89\x94]  # MARK, APPEND, SETITEM(S), LIST, EMPTY_DICT, EMPTY_LIST,
                                      # DICT, APPENDS, NONE, POP, POP_MARK, DUP, booleans, MEMOIZE
      | [rj] .. [\x00-\x7f] \x00      # LONG_BINPUT, LONG_BINGET, below 2 ** 23
      | [SV] [^\n]* \n                # STRING, UNICODE
      | I -? [0-9]{1,19} \n           # INT
      | L -? [0-9]{1,19} L? \n        # LONG
      | F [^\n]{1,40} \n              # FLOAT
      | M ..                          # BININT2
      | J ....                        # BININT
      | G ........                    # BINFLOAT
      | \x80 [\x00-\x05]              # PROTO
    )*+ )"""
)
# The ones that say how many bytes follow: how wide that number is.
_COUNTED = {
    0x58: 4,  # BINUNICODE
    0x8C: 1,  # SHORT_BINUNICODE
    0x8D: 8,  # BINUNICODE8
    0x54: 4,  # BINSTRING
    0x55: 1,  # SHORT_BINSTRING
    0x8A: 1,  # LONG1
    0x95: 8,  # FRAME (its content is opcodes, so only the number is skipped)
}
_STOP, _FRAME, _LONG1 = 0x2E, 0x95, 0x8A
# All of the above: one of these that does not match has an argument that is cut off or too large.
_PLAIN = rb"gpqhK(asul}]deN012rjSVILFMJG." + bytes([0x80, 0x88, 0x89, 0x94, *_COUNTED])


def load_plain(source: Path | bytes, name: str | None = None) -> Any:
    """Read a pickle of lists, dicts, strings, numbers, booleans and None.

    Parameters
    ----------
    source : Path or bytes
        The file, or what it contains; protocols 0 to 5.
    name : str, optional
        What an error calls it; the path if it is one.

    Returns
    -------
    The object. Python 2's byte strings come as str: UTF-8 if all of the file's are, else Latin-1.
    Containers may be shared or even contain themselves: bound any walk over them.

    Raises
    ------
    InputError
        An opcode that could run code or makes anything else (named; nothing has run), a
        truncated or malformed pickle, or one larger than `MAX_BYTES`.
    """
    where = shown(name if name is not None else source if isinstance(source, Path) else "pickle")
    if isinstance(source, Path):
        try:
            with source.open("rb") as stream:
                source = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise InputError(
                f"{where}: cannot be read ({error.strerror}); check the path and its permissions"
            ) from error
    if len(source) > MAX_BYTES:
        raise InputError(
            f"{where}: is larger than the {MAX_BYTES // 2**20} MiB that a pickle may be; "
            "is it the right file?"
        )
    program = _passed(source, where)
    try:
        try:
            return _Plain(io.BytesIO(program), encoding="utf-8").load()
        except UnicodeDecodeError:
            return _Plain(io.BytesIO(program), encoding="latin-1").load()
    except InputError:
        raise
    except Exception as error:
        # Opcodes in an order that makes no sense: a pop from an empty stack, a list opcode on a
        # string, an unknown memo number, ... The unpickler raises half a dozen types for them.
        _malformed(where, shown(error)[:100] or type(error).__name__)


class _Plain(pickle.Unpickler):
    """The second wall: even an opcode that `_passed` had missed would find nothing to call."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise InputError(f"pickle asks for {shown(module)}.{shown(name)}; do not trust this file")

    def persistent_load(self, pid: object) -> NoReturn:
        raise InputError("pickle asks for a persistent object; do not trust this file")


def _passed(data: bytes, where: str) -> bytes:
    """The program up to its STOP, if every opcode of it is in the tables above and whole.

    FRAMEs are left out. They only announce how much to read at once, and where one ends inside an
    opcode the standard unpickler skips bytes: it would run another program than the one read here.
    """
    at, end = 0, len(data)
    parts: list[bytes] = []
    begin = 0  # of the part after the last frame's announcement
    strings: list[bytes] = []  # the last two, which is where STACK_GLOBAL has its names
    while True:
        at = _OPCODES.match(data, at).end()  # type: ignore[union-attr]  # it matches ""
        if at >= end:
            _malformed(where, "it ends before its last opcode")
        op = data[at]
        if op == _STOP:
            return b"".join([*parts, data[begin : at + 1]])
        width = _COUNTED.get(op)
        if width is None:
            _refuse(data, at, where, strings)
        start = at + 1 + width
        count = int.from_bytes(data[at + 1 : start], "little")
        if start > end or count > end - start:
            _malformed(where, f"it ends inside the {count:,} bytes of a value")
        if op == _LONG1 and count > 8:
            _malformed(where, "it has an integer of more than 64 bits")
        if op == _FRAME:
            parts.append(data[begin:at])
            begin = at = start
        else:
            at = start + count
            strings = [*strings[-1:], data[start : min(at, start + 100)]]


def _refuse(data: bytes, at: int, where: str, strings: list[bytes]) -> NoReturn:
    """Say which opcode stands at `at`, and what it asks for."""
    import pickletools  # for its table of names only, and only here: it is slow to import

    code = chr(data[at])
    name = next((info.name for info in pickletools.opcodes if info.code == code), None)
    if name is None:
        _malformed(where, f"byte {data[at]:#04x} at {at:,} is no opcode")
    if data[at] in _PLAIN:
        _malformed(where, f"the argument of {name} at {at:,} is cut off or too large")
    argument = data[at + 1 : at + 201]
    asked = b""
    if name in ("GLOBAL", "INST") and argument.count(b"\n") >= 2:
        asked = b".".join(argument.split(b"\n")[:2])
    elif name == "STACK_GLOBAL":
        asked = b".".join(strings)
    elif name == "PERSID":
        asked = argument.split(b"\n")[0]
    what = f" {shown(asked.decode('latin-1'))}" if asked else ""
    raise InputError(
        f"{where}: pickle asks for {name}{what}; only lists, dicts, strings and numbers are "
        "read, and nothing was run; do not trust this file"
    )


def _malformed(where: str, why: str) -> NoReturn:
    raise InputError(f"{where}: is not a whole pickle of plain data ({why}); get the file again")

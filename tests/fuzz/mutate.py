"""Mutators: bytes at random, and formats by what they are made of."""

from __future__ import annotations

import gzip
import io
import json
import math
import tarfile
import warnings
import zipfile
from random import Random
from typing import Any

# Said in strings. The mark is looked for in what is rendered: nothing of it may become markup.
MARK = "fuzz-x"
STRINGS = [
    "",
    " ",
    "a",
    "x" * 3000,
    "\x00",
    "\x1b[31mred",
    "a\nb\r\nc",
    "\u2028\u2029\x85\x1c",
    "\u202edlrow",
    "\ufeff",
    "\ud800",
    "\udcff\udfff",
    "猫 👩‍🚀 क्षि שלום",
    "e\u0301\u0323" * 40,
    f"<{MARK} on{MARK}=alert(1)>",
    f"\"><{MARK}>'><{MARK}>",
    f"' on{MARK}=1 x='",
    f"</script><{MARK}></style><{MARK}></title><{MARK}>",
    f"--><{MARK}>]]><{MARK}>",
    "{{7*7}}{% raw %}{#",
    "$\\frac{1}{0}$ $x_{$",
    '#import "x.typ": * #panic() #read("/etc/passwd")',
    "`raw` *b* _i_ [l] <label> @ref \\u{41} // /* = -",
    "javascript:alert(1)",
    "=cmd|' /C calc'!A0",
    "../../../etc/passwd",
    "file:///etc/passwd",
    "%s%n%d{}{0}",
    "combined",
    "0-3,17,40-41",
    "nan",
    "-1",
    "1e999",
    "9" * 400,
    "2026-13-45",
    "NaN",
]
NUMBERS: list[Any] = [
    *(0, 1, -1, 2, 7, 255, 2**15, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30),
    *(0.5, -0.0, 1e-320, 1e308, -1e308, math.nan, math.inf, -math.inf),
]
_SIZES = [
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**62,
    2**63,
    2**64 - 1,
]
_WORDS = [text.encode("utf-8", "surrogatepass") for text in STRINGS if len(text) < 100] + [
    *(b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"\xff", b"\0" * 40),
    *(
        b"[" * 3000,
        b"{" * 200,
        b'{"a":' * 3000,
        b'"',
        b"'",
        b",",
        b"\t",
        b"\r",
        b"\n",
        b"\\u",
        b"\\",
    ),
]


def binary(random: Random, data: bytes) -> bytes:
    """A few bytes flipped, replaced, put in, taken out, doubled or cut off."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
        at = random.randrange(len(changed) + 1)
        kind = random.randrange(9)
        if kind <= 1 and changed:
            changed[at % len(changed)] ^= 1 << random.randrange(8)
        elif kind == 2 and changed:
            changed[at % len(changed)] = random.randrange(256)
        elif kind == 3:
            changed[at:at] = random.randbytes(random.choice((1, 2, 4, 30)))
        elif kind == 4:
            del changed[at : at + random.choice((1, 2, 8, 100))]
        elif kind == 5:
            changed[at:at] = changed[at : at + random.choice((1, 8, 100, 1000))]
        elif kind == 6:
            width = random.choice((1, 2, 4, 8))
            size = random.choice(_SIZES) & ((1 << 8 * width) - 1)
            changed[at : at + width] = size.to_bytes(width, random.choice(("little", "big")))
        elif kind == 7:
            changed[at:at] = random.choice(_WORDS)
        elif random.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def text(random: Random, data: bytes) -> bytes:
    """Lines of a text put elsewhere, doubled or replaced; or its bytes changed."""
    if random.random() < 0.5:
        return binary(random, data)
    lines = data.split(b"\n")
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(lines))
        kind = random.randrange(4)
        if kind == 0:
            lines.insert(at, random.choice(_WORDS))
        elif kind == 1 and len(lines) > 1:
            del lines[at]
        elif kind == 2:
            lines.insert(random.randrange(len(lines)), lines[at])
        else:
            lines[at] = binary(random, lines[at])
    return b"\n".join(lines)


def value(random: Random) -> Any:
    """Anything that JSON can say, and no reader expects."""
    kind = random.randrange(8)
    if kind <= 2:
        return random.choice(STRINGS)
    if kind <= 4:
        return random.choice(NUMBERS)
    if kind == 5:
        return random.choice((None, True, False, [], {}, [[]], [{}], {"": ""}))
    if kind == 6:
        return {random.choice(STRINGS): random.choice(NUMBERS) for _ in range(3)}
    nested: Any = random.choice(NUMBERS)
    for _ in range(random.choice((2, 30, 300))):
        nested = [nested] if random.random() < 0.5 else {"a": nested}
    return nested


def document(random: Random, data: bytes) -> bytes:
    """A JSON document with another value, one more, one less; rarely, its bytes changed."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return binary(random, data)
    if not isinstance(found, list | dict) or random.random() < 0.05:
        return binary(random, data)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        change(random, found)
    try:
        # As UTF-8 or as escapes; a lone surrogate stands in either.
        text = json.dumps(found, ensure_ascii=random.random() < 0.3)
    except (RecursionError, ValueError):
        return data
    return text.encode("utf-8", "surrogatepass")


def change(random: Random, found: Any) -> None:
    """Change one place of a value that JSON said; deep places as well as high ones."""
    while True:
        if not found:
            if isinstance(found, list):
                found.append(value(random))
            elif isinstance(found, dict):
                found[random.choice(STRINGS)] = value(random)
            return
        key: Any = (
            random.randrange(len(found)) if isinstance(found, list) else random.choice([*found])
        )
        inner = found[key]
        if isinstance(inner, list | dict) and random.random() < 0.9:
            found = inner
            continue
        kind = random.randrange(8)
        if kind <= 3:
            found[key] = _near(random, inner) if random.random() < 0.6 else value(random)
        elif kind == 4:
            del found[key]
        elif kind == 5 and isinstance(found, list):
            found.insert(random.randrange(len(found) + 1), found[key])
        elif kind == 5:
            found[random.choice(STRINGS)] = inner
        elif kind == 6:
            other = random.choice([*found]) if isinstance(found, dict) else 0
            found[key], found[other] = found[other], found[key]
        else:
            found[key] = value(random)
        return


def _near(random: Random, old: Any) -> Any:
    """Another value of the same type."""
    if isinstance(old, bool) or old is None:
        return not old
    if isinstance(old, int):
        return random.choice((old + 1, old - 1, -old, old * 1000, random.choice(NUMBERS[:15])))
    if isinstance(old, float):
        return random.choice((old * 2, -old, random.choice(NUMBERS[15:])))
    if isinstance(old, str):
        return random.choice((old + random.choice(STRINGS), old[:-1], random.choice(STRINGS)))
    return value(random)


def strings(random: Random, data: bytes) -> bytes:
    """A JSON document some of whose strings say other things, the same ones the same everywhere."""
    found = json.loads(data)
    said: dict[str, str] = {}

    def other(words: str) -> str:
        if words not in said:
            said[words] = random.choice(STRINGS) if random.random() < 0.25 else words
        return said[words]

    def walk(part: Any) -> Any:
        if isinstance(part, str):
            return other(part)
        if isinstance(part, list):
            return [walk(item) for item in part]
        if isinstance(part, dict):
            return {key: walk(item) for key, item in part.items()}
        return part

    return json.dumps(walk(found)).encode()


def header(random: Random, data: bytes) -> bytes:
    """A safetensors file whose header is changed and announced as it is; or its bytes."""
    length = int.from_bytes(data[:8], "little")
    if random.random() < 0.3 or length > len(data):
        return binary(random, data)
    head = document(random, data[8 : 8 + length])
    return len(head).to_bytes(8, "little") + head + data[8 + length :]


def archive(random: Random, data: bytes) -> bytes:
    """A zip or tar with other members; or the bytes of this one changed."""
    if random.random() < 0.5:
        return binary(random, data)
    warnings.filterwarnings("ignore", "Duplicate name", UserWarning, "zipfile")
    out = io.BytesIO()
    names = ["a.json", "b/c.json", "b", "../x", "/x", "C:/x", "a\\b", "./a.json", "x" * 300, "é"]
    chosen = [random.choice((*names, *STRINGS)) for _ in range(random.randrange(5))]
    chosen = [name.encode("utf-8", "replace").decode() or "x" for name in chosen]
    bodies = [
        random.choice((b"", b"{}", data[:300], bytes(3000), random.randbytes(50))) for _ in chosen
    ]
    if random.random() < 0.5:
        with zipfile.ZipFile(out, "w") as package:
            for name, body in zip(chosen, bodies, strict=True):
                info = zipfile.ZipInfo(name)
                info.compress_type = random.choice((0, 8, 12, 14))
                info.external_attr = random.choice((0, 0, 0, 0o120777, 0o040755, 0o100644)) << 16
                package.writestr(info, body)
    else:
        packed = random.random() < 0.5
        form = random.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT))
        with tarfile.open(fileobj=out, mode="w", format=form) as package:
            for name, body in zip(chosen, bodies, strict=True):
                info = tarfile.TarInfo(name.replace("\0", "0"))
                info.size = len(body)
                info.type = random.choice((*[tarfile.REGTYPE] * 6, *b"1 2 3 5 6 S".split()))
                package.addfile(info, io.BytesIO(body))
        if packed:
            out = io.BytesIO(gzip.compress(out.getvalue(), mtime=0))
    made = out.getvalue()
    return binary(random, made) if random.random() < 0.5 else made


def repacked(random: Random, data: bytes) -> bytes:
    """A zip file with one of its members' content changed, its checksum and all; or its bytes."""
    if random.random() < 0.3:
        return binary(random, data)
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
            members = old.infolist()
            chosen = random.choice(members)
            for info in members:
                body = old.read(info)
                new.writestr(info, binary(random, body) if info is chosen else body)
    except (zipfile.BadZipFile, IndexError, ValueError, OSError):
        return binary(random, data)
    return out.getvalue()

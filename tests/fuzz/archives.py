"""Archives: nothing leaves the folder, and what comes out is bounded."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zipfile
from functools import cache

from anatomy.fetch import archives
from tests.fuzz import mutate
from tests.fuzz.target import BrokenError, Target, put, refusing, scratch

_LIMIT = 2**26
_MEMBERS = {"a.json": b"{}" * 50, "b/c.json": b"[1, 2]", "b/d.txt": b"x" * 700}


@cache
def _seeds() -> list[bytes]:
    made = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as package:
            for name, body in _MEMBERS.items():
                info = zipfile.ZipInfo(name)  # without the hour
                info.compress_type = method
                package.writestr(info, body)
        made.append(out.getvalue())
    for packed in (False, True):
        for form in (tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w", format=form) as package:
                for name, body in (*_MEMBERS.items(), ("long/" * 30 + "é", b"1")):
                    info = tarfile.TarInfo(name)
                    info.size = len(body)
                    package.addfile(info, io.BytesIO(body))
            made.append(gzip.compress(out.getvalue(), mtime=0) if packed else out.getvalue())
    return made


def _archive(data: bytes) -> None:
    box = scratch() / "box"
    box.mkdir(exist_ok=True)
    archive = put("box/archive", data)
    out = box / "inner" / "out"
    try:
        with refusing():
            files = archives.extract(archive, out, limit_bytes=_LIMIT)
            if sorted(files) != sorted(p.relative_to(out) for p in out.rglob("*") if p.is_file()):
                raise BrokenError("other files came out than were told of")
        for path in box.rglob("*"):
            if path.is_symlink() or not (
                path == archive or out in (path, *path.parents, box / "inner" / "out")
            ):
                if path == box / "inner":
                    continue
                raise BrokenError(f"{path} was made outside")
    finally:
        shutil.rmtree(box)


TARGETS = [Target("archive", _archive, _seeds, mutate.archive)]

"""Writing a report to a folder, so that a kill at any moment leaves every file whole.

Each file is written whole or not at all, carries the digest of the findings it was rendered from,
and findings.json comes last: a folder where the digests differ is one that a kill left, and the
next run replaces it. Nothing here draws, so that a folder can be checked before anything is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from anatomy import comparison
from anatomy.errors import InputError
from anatomy.files import remove_partial_files, shown, write_whole
from anatomy.findings import FILE_NAME, MARK
from anatomy.locks import NAME, held

PAGE, PRINT = "report.html", "report.pdf"
_HEAD, _TAIL = 1 << 16, 1 << 10  # every file carries its mark near the beginning, or at its end


@dataclass(frozen=True)
class Family:
    """Files that are rendered from one document, and replaced together.

    Attributes
    ----------
    readable : tuple of str
        Names of what a reader opens: the page, the PDF.
    document : str
        Name of the document, which is written last.
    mark : str
        Precedes the document's digest in each file, and tells families in one folder apart.
    others : tuple of str
        Patterns of where the other files may lie.
    option : str
        Before the folder's name in a message: the option that it was given with.
    """

    readable: tuple[str, ...]
    document: str
    mark: str
    others: tuple[str, ...]
    option: str = "--out "

    def named(self, out: Path) -> str:
        """A folder of this family, in a message."""
        return f"{self.option}{shown(out)}"

    def digests(self, out: Path) -> dict[Path, bytes]:
        """The family's files in a folder, and the digest of what each was rendered from."""
        patterns = (self.document, *self.readable, *self.others)
        found = (path for pattern in patterns for path in sorted(out.glob(pattern)))
        own = (path for path in found if path.is_file() and not path.is_symlink())
        return {path: digest for path in own if (digest := self._digest_in(path))}

    def _digest_in(self, path: Path) -> bytes | None:
        """The digest after the mark, or, in the document itself, after its name."""
        pattern = rb"(?:%b\W{1,12}(?:content=.)?|\"digest\": \")([0-9a-f]{64})" % self.mark.encode()
        with path.open("rb") as stream:
            found = re.search(pattern, stream.read(_HEAD))
            if found is None:
                stream.seek(max(0, path.stat().st_size - _TAIL))
                found = re.search(pattern, stream.read())
        return found.group(1) if found else None


FIGURES = tuple(f"figures/*.{kind}" for kind in ("svg", "png", "csv"))
REPORT = Family(
    readable=(PAGE, PRINT),
    document=FILE_NAME,
    mark=MARK,
    others=("kept-tokens-*.json", *FIGURES),
)
COMPARISON = Family(
    readable=("compare.html", "compare.pdf"),
    document=comparison.FILE_NAME,
    mark=comparison.MARK,
    others=tuple(pattern.replace("*", "compare-*") for pattern in FIGURES),
)


@dataclass(frozen=True)
class Written:
    """What was written, and whether an interrupted run had left a mix there.

    `documents` are what a reader opens: the page, the PDF.
    """

    documents: tuple[Path, ...]
    files: int
    mended: bool

    @property
    def page(self) -> Path:
        """What to open first."""
        return self.documents[0]


@contextmanager
def alone(out: Path, family: Family = REPORT) -> Iterator[None]:
    """Hold the folder of a report, seen to be writable, from before any work to the last file.

    Raises
    ------
    InputError
        If it cannot be written, or another process holds it.
    """
    with ExitStack() as stack:
        try:
            if out.exists() and not out.is_dir():
                raise InputError(f"{family.named(out)}: is a file; give a folder")
            for name in (*family.readable, family.document):
                if (out / name).is_dir():
                    raise InputError(
                        f"{family.named(out)}: {name} is a folder there; give another folder"
                    )
            stack.enter_context(held(out / NAME, family.named(out), ", or give another folder"))
            write_whole(out / ".anatomy-check", b"")
            (out / ".anatomy-check").unlink()
        except OSError as error:
            raise InputError(
                f"{family.named(out)}: cannot be written ({error.strerror}); give another folder"
            ) from error
        yield


def write(files: Mapping[str, bytes], out: Path, family: Family = REPORT) -> Written:
    """Write what `render` gave, each file whole or not at all, and drop what older runs left.

    Raises
    ------
    InputError
        If the folder cannot be written or another run is writing there.
    """
    try:
        with held(out / NAME, family.named(out), ", or give another folder"):
            mended = is_mix(out, family)
            remove_partial_files(out)
            remove_partial_files(out / "figures")
            for name, data in files.items():
                write_whole(out / name, data)
            for path in family.digests(out):  # of an encoder or a format that is not there now
                if path.relative_to(out).as_posix() not in files:
                    path.unlink()
    except OSError as error:
        where = shown(error.filename2 or error.filename or out)
        raise InputError(
            f"{family.named(out)}: {where} cannot be written ({error.strerror}); free some space "
            "or give another folder; what was there is whole"
        ) from error
    documents = tuple(out / name for name in family.readable if name in files)
    return Written(documents=documents, files=len(files), mended=mended)


def is_mix(out: Path, family: Family = REPORT) -> bool:
    """Whether a family's files in a folder come from different documents: a run was killed."""
    return len(set(family.digests(out).values())) > 1

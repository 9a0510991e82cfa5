"""One file over https: resumed after a kill, retried after a fault, checked before it counts.

The bytes go to `<name>.part` beside the destination. `<name>.part.tag` holds the address and the
server's ETag (or date): a later run sends them back, and gets the rest of the same file or the
whole of a changed one. The `.part` is renamed once its length and checksum are right.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.errors import InputError
from anatomy.fetch.addresses import check_url, file_name, opener
from anatomy.fetch.folders import check_room, tell
from anatomy.files import shown, write_whole

if TYPE_CHECKING:
    from rich.progress import Progress

TRIES = 3  # in a row without a single new byte
TIMEOUT = 30.0  # seconds without an answer or a byte
LONGEST_PAUSE = 60.0
PART_SUFFIX = ".part"

_BLOCK = 2**18
_TRANSIENT_STATUS = frozenset((408, 425, 429, 500, 502, 503, 504))


class _TransientError(Exception):
    """A fault that may be gone on the next try; `after` is the server's wish in seconds."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


def download(
    url: str,
    destination: Path,
    *,
    size: int | None = None,
    sha256: str | None = None,
    fix: str = "try again later",
    progress: Progress | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Fetch `url` to `destination`, which then is whole; on failure it is as it was before.

    Parameters
    ----------
    url : str
        https, or http on this machine. Redirects obey the same rule.
    size : int, optional
        Published length in bytes; another one is refused before it is downloaded.
    sha256 : str, optional
        Published checksum, hexadecimal.
    fix : str
        How a user mends what this function cannot; ends each message.
    progress : rich.progress.Progress, optional
        Gets one task; nothing is printed without it.
    pause : function of seconds
        Waits between tries.

    Raises
    ------
    InputError
        The address is refused, the server says no, three tries in a row brought nothing, or the
        file is not the published one. What arrived so far stays for the next run, unless it
        is wrong.
    OSError
        The destination cannot be written.
    """
    check_url(url)
    destination.parent.mkdir(parents=True, exist_ok=True)
    transfer = _Transfer(url, destination, size, sha256, fix)
    with _Bar(progress, file_name(url), size) as bar:
        tries = 0
        while True:
            before = transfer.bytes_here()
            try:
                transfer.attempt(bar)
                break
            except _TransientError as error:
                tries = 1 if transfer.bytes_here() > before else tries + 1
                if tries >= TRIES:
                    raise InputError(f"{shown(url)}: {shown(error)}; {fix}") from error
                pause(min(LONGEST_PAUSE, error.after or 2.0 ** (tries - 1)))
    transfer.finish()


class _Transfer:
    """The state of one download between tries."""

    def __init__(
        self, url: str, destination: Path, size: int | None, sha256: str | None, fix: str
    ) -> None:
        self._url = url
        self._destination = destination
        self._size = size
        self._sha256 = sha256.lower() if sha256 else None
        self._fix = fix
        self._part = destination.with_name(destination.name + PART_SUFFIX)
        self._tag = destination.with_name(destination.name + PART_SUFFIX + ".tag")

    def bytes_here(self) -> int:
        try:
            return self._part.stat().st_size
        except FileNotFoundError:
            return 0

    def attempt(self, bar: _Bar) -> None:
        """One request, from where the last one stopped."""
        start, tag = self._resume_point()
        if start and start == self._size:
            return
        headers = {"User-Agent": "prompt-anatomy", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            headers["If-Range"] = tag
        try:
            request = urllib.request.Request(self._url, headers=headers)  # noqa: S310 (checked)
            with opener().open(request, timeout=TIMEOUT) as response:
                self._receive(response, start, bar)
        except urllib.error.HTTPError as error:
            with error:
                self._explain(error, start)
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise self._refusal(
                    f"the server's certificate is not valid ({error.reason})"
                ) from error
            raise _TransientError(f"cannot be reached ({error.reason})") from error
        except TimeoutError as error:
            raise _TransientError(f"no answer in {TIMEOUT:.0f} seconds") from error
        except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
            raise _TransientError(f"the connection broke ({_named(error)})") from error

    def finish(self) -> None:
        """Check what arrived and give it its name."""
        with self._part.open("r+b") as stream:
            os.fsync(stream.fileno())
            found = hashlib.file_digest(stream, "sha256").hexdigest() if self._sha256 else None
        if found is not None and found != self._sha256:
            self._drop()
            raise self._refusal(f"has sha256 {found}, but {self._sha256} was published; removed")
        self._part.replace(self._destination)
        self._tag.unlink(missing_ok=True)

    def _resume_point(self) -> tuple[int, str]:
        """Bytes to keep, and the tag that proves that they belong to the file still offered."""
        here = self.bytes_here()
        try:
            url, _, tag = self._tag.read_text("utf-8").partition("\n")
        except (FileNotFoundError, UnicodeDecodeError):
            return 0, ""
        if not here or url != self._url or not tag:
            return 0, ""
        if self._size is not None and here > self._size:
            return 0, ""
        return here, tag

    def _receive(self, response: Any, start: int, bar: _Bar) -> None:
        headers: Message = response.headers
        encoding = headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity":
            raise self._refusal(f"comes encoded ({encoding}), which was not asked for")
        if headers.get_content_type() == "text/html" and self._destination.suffix != ".html":
            raise self._refusal("answered with a web page, not with the file")
        if response.status == 206:
            offered = _content_range(headers)
            if offered is None or offered[0] != start:
                self._drop()
                raise _TransientError("answered with another part than the one asked for")
            total = offered[1]
        else:  # no ranges here, or the file has changed: all of it comes
            start, total = 0, _length(headers)
        if self._size is not None and total is not None and total != self._size:
            self._drop()
            raise self._refusal(f"has {total:,} bytes, but {self._size:,} were published")
        if total is not None:
            check_room(self._part.parent, total - start)
        if not start:
            self._store_tag(headers)
        bar.start(start, total)
        with self._part.open("ab" if start else "wb") as out:
            got = start
            while block := response.read(_BLOCK):
                out.write(block)
                got += len(block)
                bar.advance(len(block))
                if self._size is not None and got > self._size:
                    break  # the length was not announced, and it is wrong
        if total is not None and got < total:
            raise _TransientError(f"broke off after {got:,} of {total:,} bytes")
        if self._size is not None and got != self._size:
            self._drop()
            raise self._refusal(f"has other than the {self._size:,} bytes published; removed")

    def _store_tag(self, headers: Message) -> None:
        """Remember which version of the file the part belongs to, if the server says."""
        etag = headers.get("ETag", "")
        # A weak tag names an equivalent file, not the same bytes.
        tag = etag if etag.startswith('"') else headers.get("Last-Modified", "")
        if tag:
            write_whole(self._tag, f"{self._url}\n{tag.strip()}".encode())
        else:
            self._tag.unlink(missing_ok=True)

    def _explain(self, error: urllib.error.HTTPError, start: int) -> None:
        """Turn an HTTP status into the exception it deserves."""
        if error.code == 416 and start:  # nothing comes after the bytes that are here
            if error.headers.get("Content-Range", "").strip() == f"bytes */{start}":
                return  # because they are all: killed between the last byte and the rename
            self._drop()
            raise _TransientError("the file has changed on the server") from error
        answer = f"answered {error.code} {error.reason}"
        if error.code in _TRANSIENT_STATUS:
            raise _TransientError(answer, _seconds(error.headers.get("Retry-After"))) from error
        raise self._refusal(answer) from error

    def _drop(self) -> None:
        self._part.unlink(missing_ok=True)
        self._tag.unlink(missing_ok=True)

    def _refusal(self, reason: str) -> InputError:
        return InputError(f"{shown(self._url)}: {shown(reason)}; {self._fix}")


class _Bar:
    """One task of a rich progress display, or nothing."""

    def __init__(self, progress: Progress | None, name: str, total: int | None) -> None:
        self._progress = progress
        self._name = name
        self._begun = False
        if progress is not None:
            self._task = progress.add_task(name, total=total)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop_task(self._task)

    def start(self, completed: int, total: int | None) -> None:
        if completed and not self._begun:  # else it is this run's own second try
            of = f" of {total / 1e6:,.1f}" if total else ""
            tell(self._progress, f"Reused: {completed / 1e6:,.1f}{of} MB of {self._name}")
        self._begun = True
        if self._progress is not None:
            self._progress.update(self._task, completed=completed, total=total)

    def advance(self, count: int) -> None:
        if self._progress is not None:
            self._progress.advance(self._task, count)


def _content_range(headers: Message) -> tuple[int, int | None] | None:
    """First byte and total length of a partial answer; None if it does not say."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
    if match is None:
        return None
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _length(headers: Message) -> int | None:
    value = headers.get("Content-Length", "")
    return int(value) if value.isdecimal() else None


def _seconds(retry_after: str | None) -> float | None:
    """The number form of Retry-After; the date form is not worth a clock."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else None


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

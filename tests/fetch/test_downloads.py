"""One file over http: resuming, retrying, and refusing, against a server on this machine."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from anatomy.errors import InputError
from anatomy.fetch import downloads
from anatomy.fetch.addresses import check_url, file_name
from anatomy.fetch.downloads import download
from tests.fetch.web import FileSite, serving, status

BODY = os.urandom(700_000)
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture
def site() -> FileSite:
    return FileSite({"/f.bin": BODY})


@pytest.fixture
def url(site: FileSite) -> Iterator[str]:
    with serving(site) as address:
        yield address + "/f.bin"


class Pauses(list[float]):
    """Stands for time.sleep, and remembers."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def fetch(url: str, path: Path, **options: Any) -> Pauses:
    pauses = Pauses()
    download(url, path, pause=pauses, **options)
    return pauses


def refused(url: str, path: Path, *words: str, **options: Any) -> None:
    with pytest.raises(InputError) as caught:
        fetch(url, path, fix="do this", **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    assert not path.exists()


def leave_part(site: FileSite, url: str, path: Path, count: int) -> None:
    """As a killed download leaves it."""
    path.with_name(path.name + ".part").write_bytes(site.files["/f.bin"][:count])
    tag = site.tag(site.files["/f.bin"])
    path.with_name(path.name + ".part.tag").write_text(f"{url}\n{tag}")


def test_whole(site: FileSite, url: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "f.bin"
    assert fetch(url, path, size=len(BODY), sha256=SHA.upper()) == []
    assert path.read_bytes() == BODY
    assert [p.name for p in path.parent.iterdir()] == ["f.bin"]
    assert len(site.asked) == 1 and "Range" not in site.asked[0]


def test_an_empty_file(site: FileSite, url: str, tmp_path: Path) -> None:
    site.files["/f.bin"] = b""
    fetch(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b""


def test_resumes_where_a_kill_stopped_it(site: FileSite, url: str, tmp_path: Path) -> None:
    leave_part(site, url, tmp_path / "f", 300_000)
    console = Console(file=io.StringIO())
    fetch(url, tmp_path / "f", sha256=SHA, progress=Progress(console=console))
    assert (tmp_path / "f").read_bytes() == BODY
    assert console.file.getvalue() == f"Reused: 0.3 of {len(BODY) / 1e6:,.1f} MB of f.bin\n"
    assert [asked.get("Range") for asked in site.asked] == ["bytes=300000-"]
    assert site.asked[0]["If-Range"] == site.tag(BODY)


def test_a_changed_file_starts_again(site: FileSite, url: str, tmp_path: Path) -> None:
    leave_part(site, url, tmp_path / "f", 300_000)
    site.files["/f.bin"] = BODY[::-1]
    fetch(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY[::-1]


def test_a_shorter_file_starts_again(site: FileSite, url: str, tmp_path: Path) -> None:
    """A server that ignores If-Range and has less than the part says 416."""
    leave_part(site, url, tmp_path / "f", 300_000)
    tag = (tmp_path / "f.part.tag").read_text()
    site.files["/f.bin"] = b"short"
    (tmp_path / "f.part.tag").write_text(tag.splitlines()[0] + "\n" + site.tag(b"short"))
    assert len(fetch(url, tmp_path / "f")) == 1
    assert (tmp_path / "f").read_bytes() == b"short"


def test_a_whole_part_needs_only_its_name(site: FileSite, url: str, tmp_path: Path) -> None:
    leave_part(site, url, tmp_path / "f", len(BODY))
    fetch(url, tmp_path / "f", size=len(BODY))
    assert site.asked == [] and (tmp_path / "f").read_bytes() == BODY
    leave_part(site, url, tmp_path / "g", len(BODY))
    fetch(url, tmp_path / "g")  # of unknown size: the server says that nothing is left
    assert len(site.asked) == 1 and (tmp_path / "g").read_bytes() == BODY


@pytest.mark.parametrize("how", ["no tag", "another address", "too long", "not text"])
def test_a_part_that_proves_nothing_starts_again(
    site: FileSite, url: str, tmp_path: Path, how: str
) -> None:
    leave_part(site, url, tmp_path / "f", 1000)
    tag = tmp_path / "f.part.tag"
    (tmp_path / "f.part").write_bytes(b"x" * (len(BODY) + 5 if how == "too long" else 1000))
    if how == "no tag":
        tag.unlink()
    elif how == "another address":
        tag.write_text("https://elsewhere/f\n" + site.tag(BODY))
    elif how == "not text":
        tag.write_bytes(b"\xff\xfe")
    fetch(url, tmp_path / "f", size=len(BODY))
    assert (tmp_path / "f").read_bytes() == BODY
    assert "Range" not in site.asked[0]


def test_without_a_tag_nothing_is_resumed(site: FileSite, url: str, tmp_path: Path) -> None:
    site.etag = False
    site.faults.append(status(503))
    fetch(url, tmp_path / "f", size=len(BODY))
    assert (tmp_path / "f").read_bytes() == BODY


def test_without_ranges_it_starts_again(site: FileSite, url: str, tmp_path: Path) -> None:
    site.ranges = False
    leave_part(site, url, tmp_path / "f", 1000)
    fetch(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_broken_connections_are_continued(site: FileSite, url: str, tmp_path: Path) -> None:
    """Each try that brings something renews the three."""
    site.faults += [site.breaking_off(after=100_000) for _ in range(5)]
    pauses = fetch(url, tmp_path / "f", sha256=SHA)
    assert (tmp_path / "f").read_bytes() == BODY
    assert pauses == [1.0] * 5
    assert [asked.get("Range") for asked in site.asked] == [
        None,
        *(f"bytes={n}00000-" for n in range(1, 6)),
    ]


def test_three_tries_then_one_line(site: FileSite, url: str, tmp_path: Path) -> None:
    site.faults += [status(503)] * 5
    refused(url, tmp_path / "f", url, "503", "do this")
    assert len(site.asked) == 3


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_transient_answers_are_tried_again(
    site: FileSite, url: str, tmp_path: Path, code: int
) -> None:
    site.faults += [status(code), status(code, Retry_After="7")]
    assert fetch(url, tmp_path / "f") == [1.0, 7.0]
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_long_retry_after_is_cut(site: FileSite, url: str, tmp_path: Path) -> None:
    site.faults += [status(503, Retry_After="86400")]
    assert fetch(url, tmp_path / "f") == [downloads.LONGEST_PAUSE]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410])
def test_a_plain_no_is_not_asked_twice(site: FileSite, url: str, tmp_path: Path, code: int) -> None:
    site.faults += [status(code)] * 3
    refused(url, tmp_path / "f", str(code), "do this")
    assert len(site.asked) == 1


def test_nobody_there(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/f"
        refused(url, tmp_path / "f", "cannot be reached", "do this")


def test_a_silent_server(
    site: FileSite, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "TIMEOUT", 0.1)

    def silent(handler: Any) -> bool:
        time.sleep(0.3)
        return True

    site.faults += [silent] * 3
    refused(url, tmp_path / "f", "do this")
    assert len(site.asked) == 3


def test_published_size(site: FileSite, url: str, tmp_path: Path) -> None:
    refused(url, tmp_path / "f", f"{len(BODY):,}", "12,345", "do this", size=12_345)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("published", [len(BODY) - 1, len(BODY) + 1])
def test_published_size_without_an_announced_one(
    site: FileSite, url: str, tmp_path: Path, published: int
) -> None:
    def unannounced(handler: Any) -> bool:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(BODY)
        return True

    site.faults += [unannounced] * 3
    refused(url, tmp_path / "f", "published", size=published)
    assert list(tmp_path.iterdir()) == []


def test_published_checksum(site: FileSite, url: str, tmp_path: Path) -> None:
    wrong = "0" * 64
    refused(url, tmp_path / "f", SHA, wrong, "do this", sha256=wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_old_file(site: FileSite, url: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(InputError):
        fetch(url, tmp_path / "f", sha256="0" * 64)
    assert (tmp_path / "f").read_bytes() == b"old"
    fetch(url, tmp_path / "f", sha256=SHA)
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_web_page_is_not_a_file(site: FileSite, url: str, tmp_path: Path) -> None:
    site.content_type = "text/html; charset=utf-8"
    refused(url, tmp_path / "f.json", "web page", "do this")


def test_an_encoded_answer(site: FileSite, url: str, tmp_path: Path) -> None:
    site.faults.append(status(200, Content_Encoding="gzip"))
    refused(url, tmp_path / "f", "gzip")


def test_an_answer_with_another_part(site: FileSite, url: str, tmp_path: Path) -> None:
    leave_part(site, url, tmp_path / "f", 1000)
    site.faults.append(status(206, Content_Range=f"bytes 5-9/{len(BODY)}"))
    fetch(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_redirects(site: FileSite, url: str, tmp_path: Path) -> None:
    site.faults.append(status(302, Location="/f.bin"))
    fetch(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


@pytest.mark.parametrize(
    "target", ["http://example.org/f", "file:///etc/passwd", "ftp://127.0.0.1/f", "//example.org/f"]
)
def test_redirects_to_elsewhere(site: FileSite, url: str, tmp_path: Path, target: str) -> None:
    site.faults.append(status(302, Location=target))
    with pytest.raises(InputError, match=r"https|302"):
        fetch(url, tmp_path / "f")


def test_redirects_in_a_circle(site: FileSite, url: str, tmp_path: Path) -> None:
    site.faults += [status(302, Location="/f.bin")] * 30
    refused(url, tmp_path / "f", "302")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/f",
        "http://10.0.0.1/f",
        "http://localhost.example.org/f",
        "ftp://example.org/f",
        "file:///etc/passwd",
        "example.org/f",
        "",
        "https:///f",
        "https://[bad/f",
        "http://elsewhere.example[::1]/f",
        "https://[::1]elsewhere.example/f",
        "https://example.org:port/f",
        "https://example.org/a b",
        "https://example.org/\r\nHost: x",
        "https://example.org/é",
    ],
)
def test_refused_addresses(url: str) -> None:
    with pytest.raises(InputError) as caught:
        check_url(url)
    assert "\n" not in str(caught.value) and "\r" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://example.org/f", "http://localhost/f", "http://[::1]:80/f", "http://127.9.9.9"]
)
def test_accepted_addresses(url: str) -> None:
    check_url(url)


def test_no_room(site: FileSite, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    refused(url, tmp_path / "f", "1,000 are free", str(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up(site: FileSite, url: str, tmp_path: Path) -> None:
    (tmp_path / "f.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        fetch(url, tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_progress(site: FileSite, url: str, tmp_path: Path) -> None:
    site.faults += [site.breaking_off(after=100_000)]
    console = Console(file=io.StringIO())
    with Progress(console=console) as progress:
        fetch(url, tmp_path / "f", progress=progress)
        (task,) = progress.tasks
        assert "Reused" not in console.file.getvalue()  # its own second try
        assert (task.description, task.completed, task.total) == ("f.bin", len(BODY), len(BODY))


def test_quiet_without_progress(
    site: FileSite, url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fetch(url, tmp_path / "f")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x/a/refcoco+.zip", "refcoco+.zip"),
        ("https://x/a%2Fb.zip?x=/y", "b.zip"),
        ("https://x/..", "file"),
        ("https://x/", "file"),
        ("https://x/a%00b%1b", "a_b_"),
    ],
)
def test_file_names(url: str, name: str) -> None:
    assert file_name(url) == name


KILLED = """
import sys
from pathlib import Path
from anatomy.fetch.downloads import download
download(sys.argv[1], Path(sys.argv[2]))
"""


def test_a_killed_process_resumes(site: FileSite, url: str, tmp_path: Path) -> None:
    """A real SIGKILL, in the middle of the file."""

    def stuck(handler: Any) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.send_header("ETag", site.tag(BODY))
        handler.end_headers()
        handler.wfile.write(BODY[:600_000])
        handler.wfile.flush()
        time.sleep(5)
        return True

    site.faults.append(stuck)
    part = tmp_path / "f.part"
    process = subprocess.Popen([sys.executable, "-c", KILLED, url, str(tmp_path / "f")])
    _wait_for(lambda: part.exists() and part.stat().st_size > 0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    arrived = part.stat().st_size
    assert 0 < arrived < len(BODY) and not (tmp_path / "f").exists()
    fetch(url, tmp_path / "f", sha256=SHA)
    assert site.asked[-1]["Range"] == f"bytes={arrived}-"
    assert (tmp_path / "f").read_bytes() == BODY


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)

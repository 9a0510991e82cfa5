"""Fetching a source: over https, from a folder, twice, interrupted, on a bad disk."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from anatomy.corpus.model import Download, HubFiles, Reading, RoboflowProject, Source
from anatomy.corpus.registry import ALL, by_name
from anatomy.errors import InputError
from anatomy.fetch import copying, downloads, hub
from anatomy.fetch import sources as module
from anatomy.fetch.addresses import check_url
from anatomy.fetch.folders import RECORD
from anatomy.fetch.members import safe_path
from anatomy.fetch.sources import Fetched, fetch
from anatomy.locks import NAME
from tests.fetch.test_roboflow import KEY, Client, Dataset
from tests.fetch.web import FileSite, serving, status
from tests.holding import held_elsewhere

A, B = b'{"a": 1}' * 500, b'{"b": 2}' * 300


def locate_in(name: str, *patterns: str) -> Callable[[Path], list[Path]]:
    """Official files by glob, in the source's own folder or else in the data folder."""

    def locate(data: Path) -> list[Path]:
        for folder in (data / name, data):
            found = [path for pattern in patterns for path in folder.glob(pattern)]
            if found:
                return sorted(found)
        return []

    return locate


def source(remote: Any, *patterns: str, name: str = "toy") -> Source:
    def read(files: list[Path], data: Path) -> Reading:
        raise AssertionError("fetching reads nothing")

    return Source(
        name=name,
        title="Toy",
        citation="",
        licence="",
        homepage="https://example.org/toy",
        published_count=0,
        prompt_field="",
        remote=remote,
        size="",
        locate=locate_in(name, *(patterns or ("*.json",))),
        read=read,
    )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")

    def quick(url: str, path: Path, **options: Any) -> None:
        downloads.download(url, path, pause=lambda _: None, **options)

    monkeypatch.setattr(module, "download", quick)


@pytest.fixture
def site() -> FileSite:
    return FileSite({"/a.json": A, "/b.json": B})


@pytest.fixture
def address(site: FileSite) -> Iterator[str]:
    with serving(site) as address:
        yield address


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def two_files(address: str, **facts: Any) -> Source:
    return source(
        (Download(f"{address}/a.json", "a.json", **facts), Download(f"{address}/b.json", "b.json"))
    )


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for name, body in members.items():
            package.writestr(name, body)
    return buffer.getvalue()


def below(folder: Path) -> dict[str, bytes]:
    """Every file except the record, hidden ones included."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != RECORD
    }


def refused(*words: str, **call: Any) -> str:
    with pytest.raises(InputError) as caught:
        fetch(call.pop("what"), call.pop("data"), **call)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


def paths(site: FileSite) -> list[str]:
    return [asked["path"] for asked in site.asked]


# Over https.


def test_downloads(site: FileSite, address: str, data: Path) -> None:
    fetched = fetch(two_files(address), data)
    files = (data / "toy" / "a.json", data / "toy" / "b.json")
    assert fetched == Fetched("toy", files, len(A) + len(B), "downloaded")
    assert below(data) == {"toy/a.json": A, "toy/b.json": B}
    assert {p.name for p in data.iterdir()} == {"toy"}  # neither lock nor staging


def test_nothing_is_done_twice(site: FileSite, address: str, data: Path) -> None:
    fetch(two_files(address), data)
    site.asked.clear()
    before = {p: p.stat().st_mtime_ns for p in data.rglob("*")}
    again = fetch(two_files(address), data)
    assert (again.how, again.bytes) == ("already there", len(A) + len(B))
    assert site.asked == []
    assert {p: p.stat().st_mtime_ns for p in data.rglob("*") if p.is_file()} == {
        p: when for p, when in before.items() if p.is_file()
    }


def test_force_downloads_again(site: FileSite, address: str, data: Path) -> None:
    fetch(two_files(address), data)
    site.files["/a.json"] = b"[]"
    assert fetch(two_files(address), data, force=True).how == "downloaded"
    assert below(data / "toy")["a.json"] == b"[]"


def test_a_failed_force_changes_nothing(site: FileSite, address: str, data: Path) -> None:
    fetch(two_files(address), data)
    site.faults += [status(404)]
    refused("404", what=two_files(address), data=data, force=True)
    assert below(data) == {"toy/a.json": A, "toy/b.json": B}
    assert fetch(two_files(address), data).how == "already there"
    (data / "toy" / RECORD).unlink()  # the same for files put there by hand
    site.faults += [status(404)]
    refused("404", what=two_files(address), data=data, force=True)
    assert fetch(two_files(address), data).how == "already there"


def test_a_force_that_stops_halfway_goes_on(site: FileSite, address: str, data: Path) -> None:
    fetch(two_files(address), data)
    site.files["/a.json"], site.files["/b.json"] = b"[1]", b"[2]"
    site.faults += [lambda _: False, status(404)]
    refused("404", what=two_files(address), data=data, force=True)
    site.asked.clear()
    progress = Progress(console=Console(file=io.StringIO()))
    assert fetch(two_files(address), data, progress=progress).how == "downloaded"
    assert paths(site) == ["/b.json"]
    assert progress.console.file.getvalue() == "Reused: 1 of 2 parts of toy\n"  # type: ignore[attr-defined]
    assert below(data) == {"toy/a.json": b"[1]", "toy/b.json": b"[2]"}


def test_a_lost_or_cut_file_is_fetched_again(site: FileSite, address: str, data: Path) -> None:
    what = two_files(address, bytes=len(A))
    fetch(what, data)
    (data / "toy" / "b.json").unlink()
    site.asked.clear()
    assert fetch(what, data).how == "downloaded"
    assert paths(site) == ["/b.json"]
    (data / "toy" / "a.json").write_bytes(A[:10])
    assert fetch(what, data).how == "downloaded"


def test_files_put_there_by_hand_are_enough(site: FileSite, address: str, data: Path) -> None:
    (data / "toy").mkdir(parents=True)
    (data / "toy" / "a.json").write_bytes(b"mine")
    assert fetch(two_files(address), data).how == "already there"
    assert below(data) == {"toy/a.json": b"mine"} and site.asked == []


def test_goes_on_after_a_failure(site: FileSite, address: str, data: Path) -> None:
    site.faults += [lambda _: False, status(404)]
    refused("b.json", "404", "anatomy fetch toy --from PATH", what=two_files(address), data=data)
    assert below(data) == {"toy/a.json": A}
    site.asked.clear()
    progress = Progress(console=Console(file=io.StringIO()))
    assert fetch(two_files(address), data, progress=progress).how == "downloaded"
    assert paths(site) == ["/b.json"]
    assert progress.console.file.getvalue() == "Reused: 1 of 2 parts of toy\n"  # type: ignore[attr-defined]


def test_a_file_known_to_be_the_published_one_is_kept(
    site: FileSite, address: str, data: Path
) -> None:
    (data / "toy").mkdir(parents=True)
    (data / "toy" / "a.json").write_bytes(A)
    (data / "toy" / RECORD).write_text("not json")
    fetch(two_files(address, bytes=len(A)), data)
    assert paths(site) == ["/b.json"]


@pytest.mark.parametrize(
    "record", ["[]", "{}", '{"complete": true}', "[" * 100_000, "\xff", '{"complete":1,"files":[]}']
)
def test_a_broken_record_means_incomplete(
    site: FileSite, address: str, data: Path, record: str
) -> None:
    fetch(two_files(address), data)
    (data / "toy" / RECORD).write_text(record, "latin-1")
    assert fetch(two_files(address), data).how == "downloaded"


def test_a_failure_leaves_no_empty_folder(site: FileSite, address: str, data: Path) -> None:
    site.faults += [status(404)]
    refused("404", what=two_files(address), data=data)
    assert list(data.iterdir()) == []


def test_nothing_that_is_read(site: FileSite, address: str, data: Path) -> None:
    what = source((Download(f"{address}/a.json", "a.txt"),))
    refused("toy", "none of it is a file that is read", what=what, data=data)


# Archives.


def test_unpacks(site: FileSite, address: str, data: Path) -> None:
    site.files["/x.zip"] = zipped(
        {"set/refs(unc).p": b"1", "set/refs(google).p": b"2", "set/1.jpg": b"3", "set/i.json": b"4"}
    )
    what = source((Download(f"{address}/x.zip", "", unpack=True),), "set/refs(unc).p")
    fetched = fetch(what, data)
    assert fetched.files == (data / "toy" / "set" / "refs(unc).p",)
    # The other split lies beside it and has the same suffix; the rest is not kept.
    assert below(data) == {"toy/set/refs(unc).p": b"1", "toy/set/refs(google).p": b"2"}


def test_unpacks_into_a_folder_of_the_source(site: FileSite, address: str, data: Path) -> None:
    site.files["/x.zip"] = zipped({"a.json": A})
    site.files["/y.zip"] = zipped({"b.json": B})
    what = source(
        (
            Download(f"{address}/x.zip", "annotations", unpack=True),
            Download(f"{address}/y.zip", "annotations", unpack=True),
        ),
        "annotations/*.json",
    )
    fetch(what, data)
    assert below(data) == {"toy/annotations/a.json": A, "toy/annotations/b.json": B}


def test_a_hostile_archive(site: FileSite, address: str, data: Path) -> None:
    site.files["/x.zip"] = zipped({"a.json": A, "../../evil.json": B})
    what = source((Download(f"{address}/x.zip", "", unpack=True),))
    refused("evil.json", "..", what=what, data=data)
    assert not list(data.parent.rglob("*.json")) and list(data.iterdir()) == []


def test_an_archive_of_something_else(site: FileSite, address: str, data: Path) -> None:
    site.files["/x.zip"] = zipped({"other.txt": b"1"})
    what = source((Download(f"{address}/x.zip", "", unpack=True),))
    refused("x.zip", "none of the files of toy", what=what, data=data)
    assert list(data.iterdir()) == []


def test_an_archive_that_is_here_is_only_unpacked(
    site: FileSite, address: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk while unpacking: what was downloaded stays for the next run."""
    site.files["/x.zip"] = zipped({"a.json": A})
    what = source((Download(f"{address}/x.zip", "", unpack=True),))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "extract", full)
        refused("the disk is full", str(data), "--data", what=what, data=data)
    fetch(what, data)
    assert paths(site) == ["/x.zip"] and below(data) == {"toy/a.json": A}


# The hub and Roboflow; their own tests are in test_hub.py and test_roboflow.py.


def test_hub(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(
        repository: str, patterns: tuple[str, ...], folder: Path, **options: Any
    ) -> list[Path]:
        assert (repository, patterns) == ("facebook/x", ("*.json",))
        assert options == {"command": "anatomy fetch toy", "gated": True, "progress": None}
        (folder / "a.json").write_bytes(A)
        return [Path("a.json")]

    monkeypatch.setattr(hub, "fetch_repository", fake)
    what = source(HubFiles("facebook/x", ("*.json",), gated=True))
    assert fetch(what, data).how == "downloaded"
    assert below(data) == {"toy/a.json": A}


def test_roboflow_goes_on_dataset_by_dataset(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOFLOW_API_KEY", KEY)
    client = Client([Dataset("one"), Dataset("two", RuntimeError("no")), Dataset("three")])
    monkeypatch.setitem(sys.modules, "rf100vl", client)
    what = source(RoboflowProject("rf100vl"), "*/*/_annotations.coco.json")
    refused("dataset two", what=what, data=data)
    client.datasets[1].fault = None
    fetched = fetch(what, data)
    assert [dataset.downloads for dataset in client.datasets] == [1, 2, 1]
    assert len(fetched.files) == 6 and {p.name for p in data.iterdir()} == {"toy"}
    client.datasets.clear()
    assert fetch(what, data).how == "already there"


# From a folder, an archive or a file.


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    (folder / "toy" / "set").mkdir(parents=True)
    (folder / "toy" / "set" / "a.json").write_bytes(A)
    (folder / "toy" / "set" / "b.json").write_bytes(B)
    (folder / "toy" / "set" / "1.jpg").write_bytes(b"an image")
    return folder


TOY = source(HubFiles("facebook/x", ("set/*.json",)), "set/*.json")
COPIED = {"toy/set/a.json": A, "toy/set/b.json": B}


@pytest.mark.parametrize("place", [".", "toy"])
def test_copies_from_a_folder(origin: Path, data: Path, place: str) -> None:
    fetched = fetch(TOY, data, copy_from=origin / place)
    assert (fetched.how, fetched.bytes) == ("copied", len(A) + len(B))
    assert below(data) == COPIED
    assert below(origin)["toy/set/a.json"] == A
    assert fetch(TOY, data).how == "already there"


def test_copies_what_is_new(origin: Path, data: Path) -> None:
    fetch(TOY, data, copy_from=origin)
    assert fetch(TOY, data, copy_from=origin).how == "already there"
    (origin / "toy" / "set" / "c.json").write_bytes(b"c")
    assert fetch(TOY, data, copy_from=origin).how == "copied"
    assert below(data) == {**COPIED, "toy/set/c.json": b"c"}


def test_other_content_needs_force(origin: Path, data: Path) -> None:
    fetch(TOY, data, copy_from=origin)
    (origin / "toy" / "set" / "a.json").write_bytes(b"other")
    refused("a.json", "--force", what=TOY, data=data, copy_from=origin)
    assert below(data) == COPIED
    fetch(TOY, data, copy_from=origin, force=True)
    assert below(data) == {**COPIED, "toy/set/a.json": b"other"}


def test_copies_onto_itself(origin: Path) -> None:
    assert fetch(TOY, origin, copy_from=origin).how == "already there"
    assert fetch(TOY, origin, copy_from=origin / "toy", force=True).how == "already there"
    assert below(origin)["toy/set/b.json"] == B


@pytest.mark.parametrize("top", ["", "toy/", "downloads/of/mine/", "downloads/toy/"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_copies_from_an_archive(origin: Path, data: Path, top: str, kind: str) -> None:
    members = {top + name: body for name, body in below(origin / "toy").items()}
    archive = origin / f"x.{kind}"
    if kind == "zip":
        archive.write_bytes(zipped(members))
    else:
        with tarfile.open(archive, "w:gz") as package:
            for name, body in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(body)
                package.addfile(info, io.BytesIO(body))
    assert fetch(TOY, data, copy_from=archive).how == "copied"
    assert below(data) == COPIED


def test_copies_from_a_file(origin: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = fetch(TOY, data, copy_from=origin / "toy" / "set" / "a.json")
    assert fetched.files == (data / "toy" / "set" / "a.json",)
    monkeypatch.chdir(origin / "toy" / "set")
    fetch(TOY, data, copy_from=Path("b.json"))
    assert below(data) == COPIED


def test_copies_an_official_file_that_is_an_archive(tmp_path: Path, data: Path) -> None:
    """LVIS's reader takes the zip as it is published."""
    archive = tmp_path / "lvis_v1_val.json.zip"
    archive.write_bytes(zipped({"lvis_v1_val.json": A}))
    what = source((), "lvis_v1_val.json", "lvis_v1_val.json.zip")
    fetch(what, data, copy_from=archive)
    assert list(below(data)) == ["toy/lvis_v1_val.json.zip"]


def test_nothing_official_there(tmp_path: Path, data: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.txt").write_text("x")
    (tmp_path / "x.zip").write_bytes(zipped({"x.txt": b"1"}))
    for origin in ("empty", "x.txt", "x.zip"):
        refused(origin, "set/*.json", what=TOY, data=data, copy_from=tmp_path / origin)
    assert list(data.iterdir()) == []
    refused("no such file", "--from", what=TOY, data=data, copy_from=tmp_path / "nowhere")
    for remote, words in (
        ((Download("https://x/y.zip", "", unpack=True),), "the content of y.zip"),
        ((Download("https://x/y.json", "y.json"),), "y.json"),
        (RoboflowProject("rf100vl"), "_annotations.coco.json"),
    ):
        what = source(remote, "set/*.json")
        refused(words, what=what, data=data, copy_from=tmp_path / "empty")


def test_links_that_lead_out(origin: Path, tmp_path: Path, data: Path) -> None:
    (tmp_path / "secret.json").write_bytes(b"secret")
    (origin / "toy" / "set" / "c.json").symlink_to(tmp_path / "secret.json")
    refused("c.json", "link", "--from", what=TOY, data=data, copy_from=origin)
    assert below(data) == {}
    (origin / "toy" / "set" / "c.json").unlink()
    (origin / "toy" / "set" / "c.json").symlink_to("a.json")  # within is fine, and becomes a file
    fetch(TOY, data, copy_from=origin)
    assert below(data) == {**COPIED, "toy/set/c.json": A}
    assert not (data / "toy" / "set" / "c.json").is_symlink()


def test_a_hostile_archive_from_the_user(tmp_path: Path, data: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zipped({"set/a.json": A, "/etc/b.json": B}))
    refused("/etc/b.json", what=TOY, data=data, copy_from=tmp_path / "x.zip")
    assert below(data) == {}


def test_copying_to_a_full_disk_leaves_nothing(
    origin: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copying.shutil, "copyfile", full)
    refused("the disk is full", "--data", what=TOY, data=data, copy_from=origin)
    assert list(data.iterdir()) == []


# One at a time, killed, and on folders that cannot be written.


def test_a_second_fetch_waits_for_the_first_and_not_for_a_dead_one(
    origin: Path, data: Path
) -> None:
    with held_elsewhere(data / f".toy{NAME}") as first:
        killer = threading.Timer(0.5, first.kill)
        killer.start()
        assert fetch(TOY, data, copy_from=origin).how == "copied"
        assert first.wait() == -signal.SIGKILL


def test_what_is_there_is_found_while_another_process_is_at_work(origin: Path, data: Path) -> None:
    fetch(TOY, data, copy_from=origin)
    with held_elsewhere(data / f".toy{NAME}"):
        assert fetch(TOY, data).how == "already there"


FETCHING = """
import sys
from pathlib import Path
from anatomy.fetch.sources import fetch
from anatomy.fetch.members import safe_path
from anatomy.corpus.model import Download, Source
from anatomy.errors import InputError
url, data = sys.argv[1], Path(sys.argv[2])
toy = Source("toy", "", "", "", "", 0, "", (Download(url, "a.json"),), "",
             lambda data: sorted((data / "toy").glob("*.json")), None)
try:
    print(fetch(toy, data).how)
except InputError as error:
    sys.exit(str(error))
"""


def test_two_processes_and_a_kill(site: FileSite, address: str, data: Path) -> None:
    def stuck(handler: Any) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(A)))
        handler.send_header("ETag", site.tag(A))
        handler.end_headers()
        handler.wfile.write(A[:1000])
        handler.wfile.flush()
        time.sleep(10)
        return True

    site.faults.append(stuck)
    command = [sys.executable, "-c", FETCHING, f"{address}/a.json", str(data)]
    first = subprocess.Popen(command)
    end = time.monotonic() + 10
    while not site.asked and time.monotonic() < end:
        time.sleep(0.01)
    second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1.5)
    assert not (data / "toy" / "a.json").exists()
    assert not json.loads((data / "toy" / RECORD).read_text())["complete"]
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert second.communicate(timeout=20)[0] == "downloaded\n"
    assert below(data) == {"toy/a.json": A}


def test_a_data_folder_that_cannot_be(origin: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for data in (tmp_path / "file", tmp_path / "file" / "data"):
        refused(str(tmp_path / "file"), "--data", what=TOY, data=data, copy_from=origin)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(origin: Path, data: Path) -> None:
    data.mkdir()
    data.chmod(0o500)
    refused("Permission denied", what=TOY, data=data, copy_from=origin)
    data.chmod(0o700)


def test_a_folder_where_a_file_belongs(origin: Path, data: Path) -> None:
    (data / "toy").mkdir(parents=True)
    (data / "toy" / "set").write_text("in the way")
    refused("set", what=TOY, data=data, copy_from=origin)


def test_what_a_killed_run_staged_is_removed(origin: Path, data: Path) -> None:
    (data / ".toy.anatomy-staging" / "toy").mkdir(parents=True)
    (data / ".toy.anatomy-staging" / "toy" / "half.json").write_text("{")
    fetch(TOY, data, copy_from=origin)
    assert below(data) == COPIED


# The six sources as they are registered.

OFFICIAL = {
    "rf100vl": ["cows/train/_annotations.coco.json", "cows/test/_annotations.coco.json"],
    "lvis": ["lvis_v1_val.json"],
    "refcoco": ["refcoco/refs(unc).p", "refcoco+/refs(unc).p", "refcocog/refs(umd).p"],
    "saco-gold": ["gold_attributes_merged_a_release_test.json"],
    "saco-silver": ["silver_bdd100k_merged_test.json"],
    "saco-veval": ["annotation/saco_veval_sav_test.json", "annotation/saco_veval_sav_val.json"],
}


@pytest.mark.parametrize("name", sorted(OFFICIAL))
@pytest.mark.parametrize("top", ["", "{name}/", "{under}/"])
@pytest.mark.parametrize("archive", [False, True])
def test_official_layouts(name: str, top: str, archive: bool, tmp_path: Path, data: Path) -> None:
    top = top.format(name=name, under=name.replace("-", "_"))
    origin = tmp_path / "origin"
    for file in OFFICIAL[name]:
        (origin / top / file).parent.mkdir(parents=True, exist_ok=True)
        (origin / top / file).write_text(file)
    if archive:
        members = below(origin)
        origin = tmp_path / "origin.zip"
        origin.write_bytes(zipped(members))
    fetch(by_name(name), data, copy_from=origin)
    assert below(data) == {f"{name}/{file}": file.encode() for file in OFFICIAL[name]}


@pytest.mark.parametrize("name", sorted(OFFICIAL))
def test_official_files_one_by_one(name: str, tmp_path: Path, data: Path) -> None:
    for file in OFFICIAL[name]:
        (tmp_path / "d" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / file).write_text(file)
        fetch(by_name(name), data, copy_from=tmp_path / "d" / file)
    assert below(data) == {f"{name}/{file}": file.encode() for file in OFFICIAL[name]}


def test_registered_remotes_are_sound() -> None:
    """What would only show on the network: addresses, ids and paths."""
    for registered in ALL:
        remote = registered.remote
        if isinstance(remote, HubFiles):
            hub.check_repository(remote.repository)
        elif isinstance(remote, tuple):
            for item in remote:
                check_url(item.url)
                safe_path(item.path)

"""The hub's own client against a small hub on this machine: what arrives, and what is said."""

from __future__ import annotations

import errno
import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants
from rich.console import Console
from rich.progress import Progress

from anatomy.errors import InputError
from anatomy.fetch.hub import check_repository, fetch_repository
from tests.fetch.web import Hub, serving

NAME = "facebook/SACo-Test"
FILES = {
    "gold_a_merged_a_release_test.json": b'{"images": []}' * 100,
    "sub/gold_b_merged_a_release_test.lfs.json": b"[1, 2, 3]" * 5000,
    "sub/gold_c_merged_a_release_test.lfs.json": b"[4]" * 5000,
    "README.md": b"not asked for",
}
WANTED = {name: body for name, body in FILES.items() if name != "README.md"}


@pytest.fixture
def hub() -> Hub:
    return Hub(NAME, dict(FILES))


@pytest.fixture(autouse=True)
def address(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Point the client at our hub, away from the user's own token and cache."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with serving(hub) as address:
        set_endpoint(monkeypatch, address)
        yield address


def set_endpoint(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def fetch(folder: Path, pattern: str = "*gold_*.json", **options: Any) -> list[Path]:
    return fetch_repository(NAME, [pattern], folder, command="anatomy fetch test", **options)


def below(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.json")}


def refused(folder: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        fetch(folder, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_match(hub: Hub, tmp_path: Path) -> None:
    files = fetch(tmp_path / "data")
    assert files == sorted(Path(name) for name in WANTED)
    assert below(tmp_path / "data") == WANTED
    # Nothing of the client's own is left beside them.
    assert {p.name for p in (tmp_path / "data").iterdir()} == {
        name.split("/")[0] for name in WANTED
    }
    assert sorted(hub.sent) == sorted(WANTED)


def test_what_is_there_is_not_sent_again(hub: Hub, tmp_path: Path) -> None:
    fetch(tmp_path / "data")
    hub.sent.clear()
    fetch(tmp_path / "data")
    assert hub.sent == []


@pytest.mark.parametrize("name", sorted(WANTED))
def test_what_differs_is_sent_again(hub: Hub, tmp_path: Path, name: str) -> None:
    """Same length, other content: the checksum tells, git's or the large file's."""
    fetch(tmp_path / "data")
    hub.sent.clear()
    (tmp_path / "data" / name).write_bytes(WANTED[name][::-1])
    fetch(tmp_path / "data")
    assert hub.sent == [name]
    assert below(tmp_path / "data") == WANTED


def test_a_new_commit(hub: Hub, tmp_path: Path) -> None:
    fetch(tmp_path / "data")
    hub.sent.clear()
    hub.files["gold_a_merged_a_release_test.json"] = b"{}"
    fetch(tmp_path / "data")
    assert hub.sent == ["gold_a_merged_a_release_test.json"]
    assert below(tmp_path / "data") == {**WANTED, "gold_a_merged_a_release_test.json": b"{}"}


def test_an_interrupted_fetch_goes_on(hub: Hub, tmp_path: Path) -> None:
    hub.forbidden_after = 1
    refused(tmp_path / "data")
    assert not list((tmp_path / "data").glob("*.json"))  # all of them or none
    hub.forbidden_after = None
    first = list(hub.sent)
    console = Console(file=io.StringIO())
    fetch(tmp_path / "data", progress=Progress(console=console))
    assert console.file.getvalue() == f"Reused: 1 of {len(WANTED)} files of {NAME}\n"
    assert sorted(hub.sent) == sorted(WANTED) and hub.sent[: len(first)] == first
    assert below(tmp_path / "data") == WANTED


def test_content_that_is_not_the_published_one(hub: Hub, tmp_path: Path) -> None:
    name = "sub/gold_b_merged_a_release_test.lfs.json"
    hub.served[name] = FILES[name][::-1]
    assert name in refused(tmp_path / "data")
    assert not list((tmp_path / "data").rglob(Path(name).name))
    hub.served.clear()
    fetch(tmp_path / "data")
    assert below(tmp_path / "data") == WANTED


def test_gated(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.gated = True
    assert refused(tmp_path / "data") == (
        f"{NAME} is gated: accept its terms at https://huggingface.co/datasets/{NAME}, "
        "then `hf auth login` and run `anatomy fetch test` again"
    )
    assert not (tmp_path / "data" / ".anatomy-incoming").exists()
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    assert "your account" in refused(tmp_path / "data")
    hub.token = os.environ["HF_TOKEN"]
    fetch(tmp_path / "data")
    assert below(tmp_path / "data") == WANTED


def test_gated_keeps_what_was_there(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "gold_a_merged_a_release_test.json").write_bytes(b"by hand")
    hub.gated = True
    refused(tmp_path / "data")
    assert below(tmp_path / "data") == {"gold_a_merged_a_release_test.json": b"by hand"}


def test_hidden(hub: Hub, tmp_path: Path) -> None:
    hub.private = True
    assert (
        f"is no dataset that the hub shows to you; see https://huggingface.co/datasets/{NAME}"
        in (refused(tmp_path / "data"))
    )
    assert "is gated" in refused(tmp_path / "data", gated=True)


def test_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shows to you"):
        fetch_repository("facebook/other", ["*"], tmp_path / "data", command="x")
    assert not (tmp_path / "data").exists()


def test_no_file_matches(tmp_path: Path) -> None:
    assert "nothing_*.json" in refused(tmp_path / "data", pattern="nothing_*.json")


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = refused(tmp_path / "data")
    assert "HF_HUB_OFFLINE" in message and "`anatomy fetch test --from DIR`" in message


def test_nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_endpoint(monkeypatch, "http://127.0.0.1:9")
    message = refused(tmp_path / "data")
    assert "http://127.0.0.1:9 cannot be reached" in message and "--from DIR" in message


def test_out_of_order(hub: Hub, tmp_path: Path) -> None:
    hub.broken = True
    assert "answered 503" in refused(tmp_path / "data")


@pytest.mark.parametrize(
    ("code", "header", "words"),
    [
        (401, "Invalid credentials in Authorization header", "does not accept your token"),
        (403, "Forbidden", "your token may not read it"),
        (429, "Slow down", "answered 429"),
        (403, "Access to this resource is disabled.", "disabled"),
    ],
)
def test_other_refusals(
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    header: str,
    words: str,
) -> None:
    monkeypatch.setattr(hub, "answer", lambda handler: handler.give(code, X_Error_Message=header))
    assert words in refused(tmp_path / "data")


def test_a_file_that_vanishes(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(handler: Any, *_: object) -> None:
        handler.give(404, X_Error_Code="EntryNotFound", X_Error_Message="Entry not found")

    monkeypatch.setattr(hub, "_give_file", gone)
    assert "has changed while" in refused(tmp_path / "data")


@pytest.mark.parametrize("name", ["../gold_x.json", "/gold_x.json", "a/../../gold_x.json"])
def test_names_that_leave_the_folder(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.files[name] = b"evil"
    assert "gold_x.json" in refused(tmp_path / "data")
    assert hub.sent == []


def test_a_full_disk_is_the_disks_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own exceptions are OSErrors too; this one must stay what it is."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", full)
    with pytest.raises(OSError, match="No space left"):
        fetch(tmp_path / "data")


def test_progress(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Progress(console=Console(file=io.StringIO())) as progress:
        fetch(tmp_path / "data", progress=progress)
        (task,) = progress.tasks
        assert task.completed == task.total == sum(map(len, WANTED.values()))
    assert capfd.readouterr() == ("", "")


def test_the_client_is_quiet(hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    level = logging.getLogger("huggingface_hub").level
    fetch(tmp_path / "data")
    hub.gated = True
    refused(tmp_path / "other")
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("huggingface_hub").level == level


@pytest.mark.parametrize(
    "name",
    ["SACo-Gold", "a/b/c", "", "/x", "x/", "a b/c", "../x", "a/..", "a/b..c", "a/b--c", "a/b\n"],
)
def test_what_is_no_repository(name: str) -> None:
    no_repository(name)


@pytest.mark.parametrize("name", ["a/" + "b" * 97, "a/.b", "a/b.", "https://huggingface.co/a/b"])
def test_what_is_nearly_a_repository(name: str) -> None:
    no_repository(name)


def no_repository(name: str) -> None:
    with pytest.raises(InputError) as caught:
        check_repository(name)
    assert "namespace/name" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["facebook/SACo-Gold", "a/b", "sentence-transformers/all-MiniLM-L6-v2"]
)
def test_what_is_a_repository(name: str) -> None:
    check_repository(name)


ENVIRONMENT = """
import sys
from pathlib import Path
from anatomy.fetch.hub import fetch_repository
from anatomy.errors import InputError
try:
    print(fetch_repository(sys.argv[1], ["*gold_a*"], Path(sys.argv[2]), command="x"))
except InputError as error:
    print(error)
"""


def test_the_environment_is_honoured(hub: Hub, address: str, tmp_path: Path) -> None:
    """HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE, in a process that starts with them."""
    mine = "hf_mine"
    hub.gated, hub.token = True, mine

    def run(**more: str) -> str:
        environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": address, **more}
        return subprocess.run(
            [sys.executable, "-c", ENVIRONMENT, NAME, str(tmp_path / "data")],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "is gated" in run()
    assert "HF_HUB_OFFLINE" in run(HF_HUB_OFFLINE="1")
    assert "gold_a_merged_a_release_test.json" in run(HF_TOKEN=mine)
    assert (tmp_path / "data" / "gold_a_merged_a_release_test.json").is_file()

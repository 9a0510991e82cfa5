"""RF100-VL through a stand-in for its client.

The real one (rf100vl 1.1.2) talks to Roboflow with a key, which no test can have. What is called
here has the signatures of its source: `get_rf100vl_projects(api_key=None)` gives an iterable of
datasets with `name` and `download(path, model_format="coco", overwrite=True)`, and a download
leaves images and `<split>/_annotations.coco.json`.
"""

from __future__ import annotations

import errno
import sys
import traceback
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from anatomy.errors import InputError
from anatomy.fetch.roboflow import fetch_datasets

KEY = "AbCsecret123"


class Dataset:
    """As `rf100vl.dataset.RF100VlDataset`."""

    def __init__(self, name: str, fault: BaseException | None = None) -> None:
        self.name = name
        self.fault = fault
        self.downloads = 0

    def download(self, path: str, model_format: str = "coco", overwrite: bool = True) -> None:
        assert model_format == "coco"
        self.downloads += 1
        print(f"Downloading Dataset Version Zip in {path}")
        print("100%", file=sys.stderr)
        for split in ("train", "valid"):
            (Path(path) / split).mkdir(parents=True)
            (Path(path) / split / "1.jpg").write_bytes(b"an image")
            (Path(path) / split / "_annotations.coco.json").write_text(f'["{self.name}"]')
            if self.fault is not None:
                raise self.fault


class Client(types.ModuleType):
    """As the package `rf100vl`."""

    def __init__(self, datasets: list[Dataset]) -> None:
        super().__init__("rf100vl")
        self.datasets = datasets
        self.fault: Exception | None = None

    def get_rf100vl_projects(self, api_key: str | None = None) -> list[Dataset]:
        assert api_key == KEY
        print("loading Roboflow workspace...")
        if self.fault is not None:
            raise self.fault
        return self.datasets


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("ROBOFLOW_API_KEY", KEY)
    client = Client([Dataset("aerial-cows"), Dataset("-grccs")])  # both are real names
    monkeypatch.setitem(sys.modules, "rf100vl", client)
    yield client


def fetch(tmp_path: Path, done: tuple[str, ...] = ()) -> dict[str, list[Path]]:
    return dict(
        fetch_datasets(
            "rf100vl",
            tmp_path / "rf100vl",
            tmp_path / "staging",
            done=done,
            command="anatomy fetch rf100vl",
        )
    )


def below(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_only_annotations_stay(
    client: Client, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fetched = fetch(tmp_path)
    assert below(tmp_path) == [
        f"rf100vl/{name}/{split}/_annotations.coco.json"
        for name in ("-grccs", "aerial-cows")
        for split in ("train", "valid")
    ]
    assert fetched["-grccs"] == [
        Path(f"-grccs/{split}/_annotations.coco.json") for split in ("train", "valid")
    ]
    assert capfd.readouterr() == ("", "")


def test_what_is_done_is_not_fetched_again(client: Client, tmp_path: Path) -> None:
    assert list(fetch(tmp_path, done=("aerial-cows",))) == ["-grccs"]
    assert [dataset.downloads for dataset in client.datasets] == [0, 1]


def test_one_dataset_at_a_time_is_complete(client: Client, tmp_path: Path) -> None:
    client.datasets[1].fault = RuntimeError("export failed")
    with pytest.raises(InputError, match=r"dataset -grccs.*export failed"):
        fetch(tmp_path)
    assert len(below(tmp_path)) == 2  # the first dataset's, and no image of the second


def test_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOFLOW_API_KEY", KEY)
    monkeypatch.setitem(sys.modules, "rf100vl", None)
    with pytest.raises(InputError, match=r"pip install 'prompt-anatomy\[roboflow\]'"):
        fetch(tmp_path)


@pytest.mark.parametrize("key", [None, "", "  "])
def test_no_key(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.delenv("ROBOFLOW_API_KEY")
    if key is not None:
        monkeypatch.setenv("ROBOFLOW_API_KEY", key)
    with pytest.raises(InputError, match=r"ROBOFLOW_API_KEY is not set.*anatomy fetch rf100vl"):
        fetch(tmp_path)


def test_the_key_is_never_shown(client: Client, tmp_path: Path) -> None:
    """The client's messages hold the addresses it asked, and those hold the key."""
    client.fault = RuntimeError(f"no answer\nfrom /rf100-vl?api_key={KEY}")
    with pytest.raises(InputError) as caught:
        fetch(tmp_path)
    assert "api_key=***" in str(caught.value) and "\n" not in str(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    client.fault = None
    client.datasets[0].fault = RuntimeError(KEY)
    with pytest.raises(InputError) as caught:
        fetch(tmp_path)
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "a\nb"])
def test_names_that_are_no_folders(client: Client, tmp_path: Path, name: str) -> None:
    client.datasets[:] = [Dataset(name)]
    with pytest.raises(InputError, match="cannot be a folder"):
        fetch(tmp_path)
    assert below(tmp_path) == []


def test_nothing_in_it(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dataset, "download", lambda self, path, **_: Path(path).mkdir())
    with pytest.raises(InputError, match="without annotation files"):
        fetch(tmp_path)


def test_a_full_disk_is_the_disks_error(client: Client, tmp_path: Path) -> None:
    client.datasets[0].fault = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="No space left"):
        fetch(tmp_path)
    assert below(tmp_path) == []

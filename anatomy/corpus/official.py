"""Readers of the paper's six sources in their official files.

=========== ================================================ ==================================
source      files                                            prompt
=========== ================================================ ==================================
rf100vl     <dataset>/<split>/_annotations.coco.json         categories[].name
lvis        lvis_v1_{val,train}.json, also zipped            categories[].name, "_" as space
refcoco     {refcoco,refcoco+,refcocog}/refs(<splitter>).p   sentences[].sent
saco-gold   gold_<subset>_merged_{a,b,c}_release_test.json   images[].text_input
saco-silver silver_<domain>[_merged]_test.json               images[].text_input
saco-veval  saco_veval_<domain>_{val,test}.json              categories[].name
=========== ================================================ ==================================

Each reader takes the files that its `locate` found and the data folder, and returns a `Reading`
with the rows of the files in that order. A file that is not what its name says is an InputError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from anatomy.corpus import rawfiles, rows
from anatomy.corpus.model import Reading, SourceFile
from anatomy.corpus.pickles import load_plain
from anatomy.errors import InputError
from anatomy.files import shown

# What is kept of a JSON object while it is parsed. Masks and boxes are more than nine tenths of
# these files; dropping each as soon as it is parsed keeps the memory near the size of the text.
_KEPT = frozenset(
    (
        *("categories", "images", "video_np_pairs"),
        *("id", "name", "supercategory", "synonyms", "text_input", "noun_phrase"),
    )
)
_NOTHING: dict[str, Any] = {}


def read_rf100vl(files: list[Path], data: Path) -> Reading:
    """Class names of every dataset and split, without Roboflow's placeholder class.

    The placeholder is the class with id 0 and supercategory "none"; the `rf100vl` package removes
    it when it downloads, a plain Roboflow export has it.
    """
    placeholders = 0

    def names(document: dict[str, Any], where: str) -> Iterator[object]:
        nonlocal placeholders
        for entry in _table(document, "categories", where):
            if entry.get("id") == 0 and entry.get("supercategory") == "none":
                placeholders += 1
            else:
                yield entry.get("name")

    reading = _read_json(files, data, names)
    datasets = len({path.parent.parent for path in files})
    return replace(
        reading,
        notes={"datasets (of 100)": datasets, "placeholder classes left out": placeholders},
    )


def read_lvis(files: list[Path], data: Path) -> Reading:
    """Category names, "_" as space."""
    synonyms = 0

    def names(document: dict[str, Any], where: str) -> Iterator[object]:
        nonlocal synonyms
        for entry in _table(document, "categories", where):
            listed = entry.get("synonyms")
            synonyms += len(listed) if isinstance(listed, list) else 0
            name = entry.get("name")
            yield name.replace("_", " ") if isinstance(name, str) else name

    reading = _read_json(files, data, names)
    return replace(reading, notes={"synonyms": synonyms})


def read_gold(files: list[Path], data: Path) -> Reading:
    """The noun phrase of every image in every file: the three annotators' files repeat them."""
    subsets = {path.name.split("_merged_")[0] for path in files}
    notes = {"subsets (of 7)": len(subsets), "files (of 21)": len(files)}
    return replace(_read_json(files, data, _phrases), notes=notes)


def read_silver(files: list[Path], data: Path) -> Reading:
    """The noun phrase of every image."""
    return replace(_read_json(files, data, _phrases), notes={"domains (of 10)": len(files)})


def read_veval(files: list[Path], data: Path) -> Reading:
    """The category table of each file (all six have the same one), and how much of it is asked.

    Most names of the table are never asked for in any video; "queried noun phrases" counts the
    distinct ones that are, in the files found.
    """
    queried: set[str] = set()

    def names(document: dict[str, Any], where: str) -> Iterator[object]:
        if "video_np_pairs" in document:
            phrases = (p.get("noun_phrase") for p in _table(document, "video_np_pairs", where))
            queried.update(phrase for phrase in phrases if isinstance(phrase, str))
        return (entry.get("name") for entry in _table(document, "categories", where))

    reading = _read_json(files, data, names)
    notes = {"files (of 6)": len(files), "queried noun phrases": len(queried)}
    return replace(reading, notes=notes)


def read_refcoco(files: list[Path], data: Path) -> Reading:
    """Every referring expression of the sets found, in the order of their pickles."""
    notes = {"sets (of 3)": len(files)}

    def expressions() -> Iterator[tuple[SourceFile, list[object]]]:
        for path in files:
            raw = rawfiles.read_bytes(path)
            found = _expressions(load_plain(raw, name=str(path)), len(raw), shown(path))
            notes[f"{path.parent.name} expressions"] = len(found)
            if path.parent.name == "refcocog" and "google" in path.name:
                notes["refcocog in Google's split, not UMD's"] = 1
            yield rawfiles.record(path, raw, data), found

    reading = _gathered(expressions())
    return replace(reading, notes=notes)


def _expressions(refs: Any, size: int, where: str) -> list[object]:
    """`refs[].sentences[].sent`.

    A memo can put one list into another many times over, so a small pickle can unfold into more
    rows than fit in memory. An honest one has far more bytes (`size`) than rows.
    """
    if not isinstance(refs, list) or not refs:
        raise InputError(f"{where}: is not a list of references; is it RefCOCO's refs(...).p?")
    out: list[object] = []
    for ref in refs:
        sentences = ref.get("sentences") if isinstance(ref, dict) else None
        if not isinstance(sentences, list):
            raise InputError(
                f'{where}: has a reference without "sentences"; is it RefCOCO\'s refs(...).p?'
            )
        if len(out) + len(sentences) > size:
            raise InputError(
                f"{where}: unfolds into more rows than it has bytes; do not trust this file"
            )
        out.extend(s.get("sent") if isinstance(s, dict) else None for s in sentences)
    return out


def _phrases(document: dict[str, Any], where: str) -> Iterator[object]:
    return (entry.get("text_input") for entry in _table(document, "images", where))


def _read_json(
    files: list[Path],
    data: Path,
    pick: Callable[[dict[str, Any], str], Iterable[object]],
) -> Reading:
    """JSON files one after the other; `pick` yields the row values of one."""

    def documents() -> Iterator[tuple[SourceFile, list[object]]]:
        for path in files:
            where = shown(path)
            raw = rawfiles.read_bytes(path)
            file = rawfiles.record(path, raw, data)
            raw = rawfiles.unpacked(raw, path.suffix, where, inner=path.stem)
            document = rawfiles.parse_json(raw, where, keep=_thin)
            if not isinstance(document, dict):
                raise InputError(
                    f"{where}: is a JSON {type(document).__name__}, not an annotation file; "
                    "is it the official one?"
                )
            yield file, list(pick(document, where))

    return _gathered(documents())


def _gathered(parts: Iterable[tuple[SourceFile, list[object]]]) -> Reading:
    """One reading of the row values of several files."""
    files: list[SourceFile] = []
    prompts: list[pa.Array] = [pa.array([], type=pa.large_string())]
    refused: dict[str, int] = {}
    total = 0
    for file, values in parts:
        usable, bad = rows.usable(values)
        files.append(file)
        prompts.append(usable)
        rows.add_refused(refused, bad)
        total += len(values)
    return Reading(pa.concat_arrays(prompts), tuple(files), total, refused)


def _thin(found: dict[str, Any]) -> dict[str, Any]:
    kept = _KEPT.intersection(found)
    return {key: found[key] for key in kept} if kept else _NOTHING


def _table(document: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """The list of objects under `key`."""
    table = document.get(key)
    if not isinstance(table, list):
        raise InputError(f'{where}: has no list "{key}"; is it the official annotation file?')
    return [entry if isinstance(entry, dict) else _NOTHING for entry in table]

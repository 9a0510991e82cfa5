"""Tiny made-up files in the official layouts."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

GOLD = "gold_{}_merged_{}_release_test.json"


def put(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def put_json(path: Path, document: Any) -> Path:
    return put(path, json.dumps(document))


def put_phrases(path: Path, phrases: Sequence[object]) -> Path:
    """SA-Co/Gold's and SA-Co/Silver's files: a phrase per image, masks of no interest."""
    images = [{"id": 10_000_000 + i, "text_input": p} for i, p in enumerate(phrases)]
    masks = [{"id": 1, "image_id": 10_000_000, "segmentation": {"counts": "x", "size": [1, 1]}}]
    category = {"supercategory": "object", "id": 1, "name": "object"}
    return put_json(path, {"images": images, "annotations": masks, "categories": [category]})


def put_veval(path: Path, names: Sequence[object], asked: Sequence[object]) -> Path:
    pairs = [{"id": i, "video_id": 0, "noun_phrase": phrase} for i, phrase in enumerate(asked)]
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(names)]
    return put_json(path, {"categories": categories, "video_np_pairs": pairs, "videos": []})


def put_lvis(path: Path, names: Sequence[str]) -> Path:
    categories = [{"id": i + 1, "name": n, "synonyms": [n, "y"]} for i, n in enumerate(names)]
    return put_json(path, {"categories": categories, "annotations": [{"bbox": [1, 2]}]})


def put_coco(path: Path, names: Sequence[str], placeholder: bool = True) -> Path:
    """A Roboflow export, with its placeholder class 0 or as the rf100vl package cleans it."""
    parent = [{"id": 0, "name": "things", "supercategory": "none"}] if placeholder else []
    first = len(parent)
    classes = [
        {"id": i, "name": name, "supercategory": "things"} for i, name in enumerate(names, first)
    ]
    return put_json(path / "_annotations.coco.json", {"categories": parent + classes})


def put_refs(path: Path, expressions: Sequence[Sequence[object]], protocol: int = 0) -> Path:
    """RefCOCO's pickle: one reference for each inner list."""
    refs = [
        {
            "ref_id": i,
            "split": "val",
            "sentences": [{"sent": s, "raw": s, "tokens": str(s).split()} for s in sentences],
        }
        for i, sentences in enumerate(expressions)
    ]
    return put(path, pickle.dumps(refs, protocol))

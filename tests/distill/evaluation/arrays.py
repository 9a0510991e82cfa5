"""Outputs of both encoders from plain arrays, without any encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from distill.evaluation.held_out import HeldOut


def held(student: np.ndarray, teacher: np.ndarray, **changes: Any) -> HeldOut:
    """N prompts "p0", "p1", ... of one source that trains, one token each, unless told."""
    number = len(teacher)
    mean = np.ones(teacher.shape[1], dtype=np.float32)
    fields: dict[str, Any] = {
        "rows": np.arange(number),
        "texts": pa.array([f"p{at}" for at in range(number)], pa.large_string()),
        "names": ("one",),
        "trains": (True,),
        "member": np.ones((number, 1), dtype=bool),
        "content": np.arange(number),
        "lengths": np.ones(number, dtype=np.int64),
        "split": np.zeros(number, dtype=bool),
        "cut": np.zeros(number, dtype=bool),
        "teacher": teacher.astype(np.float32),
        "student": student.astype(np.float32),
        "teacher_tokens": teacher.astype(np.float32),
        "student_tokens": student.astype(np.float32),
        "owner": np.arange(number),
        "mean": mean,
        "mean_token": mean,
    }
    return HeldOut(**(fields | changes))


def cloud(rows: int = 60, width: int = 8, seed: int = 0) -> np.ndarray:
    """Random outputs, float32 [rows, width]."""
    return np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32)


def rotation(width: int, seed: int = 1) -> np.ndarray:
    """A random rotation, float64 [width, width]."""
    found, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))
    return found

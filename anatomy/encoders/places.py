"""Where encoders that were fetched lie, and what is made from them."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """``ANATOMY_CACHE``, else the platform's cache; it may not exist yet."""
    named = os.environ.get("ANATOMY_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("anatomy")


def encoder_folder(name: str) -> Path:
    """The folder of a fetched encoder; it may not exist yet."""
    return cache_folder() / "encoders" / name

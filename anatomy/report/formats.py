"""What a report can be rendered to. Nothing here draws, so that the command can ask first."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal["html", "pdf"]
Paper = Literal["a4", "letter"]
FORMATS: tuple[Format, ...] = get_args(Format)
PAPERS: tuple[Paper, ...] = get_args(Paper)

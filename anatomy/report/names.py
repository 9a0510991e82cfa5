"""What things are called in a report's files, links and captions."""

from __future__ import annotations

import hashlib
import re

from anatomy.findings import Findings


def slug(name: str) -> str:
    """A name as a part of file names and links; two names never share one."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[-60:]
    if plain == name:
        return name
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}".strip("-")


def mix(findings: Findings) -> str:
    """What a caption adds where its numbers contain stand-ins."""
    return " (with stand-ins)" if findings.corpus.stand_ins else ""

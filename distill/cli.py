"""The `distill` command. Students are not built yet: it says so and fails."""

from __future__ import annotations

import sys


def main() -> None:
    """Say what is not there yet, with exit status 2."""
    print(
        "error: distill cannot train students yet; `anatomy audit` writes the findings.json that "
        "it will read",
        file=sys.stderr,
    )
    sys.exit(2)

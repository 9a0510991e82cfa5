"""The one exception that a user is meant to see."""

from __future__ import annotations

LONGEST = 2000  # characters of a message


class InputError(Exception):
    """Something the user gave cannot be used.

    The message is a single line that says what is wrong, where, and how to fix it.
    The command line prints it without a traceback and exits with status 2. What names in a
    hostile file make longer than `LONGEST` keeps its beginning and its end.
    """

    def __init__(self, message: str) -> None:
        half = LONGEST // 2 - 1
        whole = len(message) <= LONGEST
        super().__init__(message if whole else f"{message[:half]}…{message[-half:]}")

"""The one exception that a user is meant to see."""

from __future__ import annotations


class InputError(Exception):
    """Something the user gave cannot be used.

    The message is a single line that says what is wrong, where, and how to fix it.
    The command line prints it without a traceback and exits with status 2.
    """

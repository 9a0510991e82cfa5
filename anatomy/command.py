"""What every command of this project does alike: faults in one line, `--debug` for more."""

from __future__ import annotations

import errno
import io
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from anatomy.errors import InputError
from anatomy.files import shown

_GOES_ON = "every file that was written is whole, and the same command goes on"


class _TerminatedError(BaseException):
    """SIGTERM came: what is open is left in order, as after Ctrl-C."""


def run(app: click.Command, name: str, out_of_memory: str) -> None:
    """Run a click command with the process's arguments, and end the process.

    What the user can mend is one line on standard error and exit status 2; `--debug`, anywhere
    among the arguments, shows the traceback instead.

    Parameters
    ----------
    app : click.Command
    name : str
        Of the command, as the user types it.
    out_of_memory : str
        What to do where the memory does not suffice.
    """
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a letter is no error
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with _terminable():
            status = app.main(arguments, prog_name=name, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except InputError as error:
        if debug:
            raise
        _fail(str(error), 2)
    except click.ClickException as error:
        if debug:
            raise
        _fail(shown(error.format_message()), 2)
    except (KeyboardInterrupt, click.Abort):
        if debug:
            raise
        _fail(f"interrupted; {_GOES_ON}", 128 + signal.SIGINT)
    except _TerminatedError:
        if debug:
            raise
        _fail(f"terminated; {_GOES_ON}", 128 + signal.SIGTERM)
    except MemoryError:
        if debug:
            raise
        _fail(f"out of memory; {out_of_memory}", 2)
    except OSError as error:  # a path that is none, or a full disk behind a redirection
        if debug:
            raise
        where = f"{shown(error.filename)}: " if error.filename else ""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            _fail(f"{where}the disk is full; make room: {_GOES_ON}", 2)
        _fail(f"{where}{error.strerror or shown(error)}; --debug shows where", 2)
    sys.exit(status if isinstance(status, int) else 0)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM as an exception; a second one ends the process at once."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield  # whoever has a handler of their own keeps it
        return

    def terminate(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise _TerminatedError

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _fail(message: str, status: int) -> None:
    click.echo(click.style("error: ", fg="red", bold=True) + message, err=True)
    sys.exit(status)

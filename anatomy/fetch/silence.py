"""Whether a hub answers at all, learned within seconds: its own client tries for half a minute."""

from __future__ import annotations

import threading

from anatomy.errors import InputError
from anatomy.files import shown

_PATIENCE = 4.0  # seconds


def why_silent(repository: str) -> str | None:
    """Why no hub answers; None if it does, whatever it says.

    Asked once, through the hub's own client: with its proxies, its certificates, `HF_ENDPOINT`
    and `HF_HUB_OFFLINE`. In a thread, because nothing limits how long a name is looked up.
    """
    from huggingface_hub import constants, get_session
    from huggingface_hub.errors import OfflineModeIsEnabled

    address = f"{constants.ENDPOINT}/api/models/{repository}"
    failures: list[Exception] = []

    def ask() -> None:
        try:
            get_session().head(address, timeout=_PATIENCE)
        except Exception as error:
            failures.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    if asking.is_alive():
        return f"no answer in {_PATIENCE:g} s"
    if failures and isinstance(failures[0], OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    return shown(failures[0]) or type(failures[0]).__name__ if failures else None


def is_silence(refusal: InputError) -> bool:
    """Whether the hub's client gave up for want of an answer, and not because of one."""
    from huggingface_hub.errors import HfHubHTTPError

    chain: list[BaseException] = []
    error: BaseException | None = refusal.__cause__
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    if any(isinstance(one, HfHubHTTPError) for one in chain):
        return False
    return any(
        isinstance(one, ConnectionError | TimeoutError)
        or type(one).__module__.startswith("httpx")  # of which there are two
        for one in chain
    )

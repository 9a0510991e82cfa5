"""What to tell a user whom the Hugging Face hub does not give what was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from anatomy.errors import InputError
from anatomy.files import shown

Kind = Literal["dataset", "model"]


@dataclass(frozen=True)
class Asked:
    """What was asked of the hub, as messages name it."""

    repository: str
    kind: Kind
    gated: bool
    command: str
    elsewhere: str = ""  # what to do without the hub, if not `command --from DIR`

    @property
    def address(self) -> str:
        prefix = "datasets/" if self.kind == "dataset" else ""
        return f"https://huggingface.co/{prefix}{self.repository}"


def explain(
    error: BaseException, asked: Asked, *, logged_in: bool = False, endpoint: str = ""
) -> str:
    """One line for an exception of the hub's client: what is wrong and how to mend it.

    The client wraps the reason in other exceptions, so the whole chain is looked at.
    """
    from huggingface_hub import errors

    chain = list(_chain(error))
    again = f"run `{asked.command}` again"
    elsewhere = "or " + (
        asked.elsewhere or f"get the files on another machine and run `{asked.command} --from DIR`"
    )

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in chain)

    status = next(
        (one.response.status_code for one in chain if isinstance(one, errors.HfHubHTTPError)), None
    )
    missing = has(errors.RepositoryNotFoundError)
    if has(errors.GatedRepoError) or (missing and asked.gated):
        if logged_in:
            return (
                f"{asked.repository} is gated and does not let your account in: accept its terms "
                f"at {asked.address} with the account of your token, then {again}"
            )
        return (
            f"{asked.repository} is gated: accept its terms at {asked.address}, "
            f"then `hf auth login` and {again}"
        )
    if missing:
        return (
            f"{asked.repository}: is no {asked.kind} that the hub shows to you; see "
            f"{asked.address} and, if it is private, `hf auth login` and {again}"
        )
    if has(errors.DisabledRepoError):
        return f"{asked.repository}: is disabled by the hub; {elsewhere.removeprefix('or ')}"
    if has(errors.RemoteEntryNotFoundError, errors.RevisionNotFoundError):
        return f"{asked.repository}: has changed while it was being fetched; {again}"
    if has(errors.OfflineModeIsEnabled):
        return (
            f"{asked.repository}: HF_HUB_OFFLINE is set, so nothing is fetched; unset it and "
            f"{again}, {elsewhere}"
        )
    if status == 401:
        return f"the hub does not accept your token: `hf auth login` or mend HF_TOKEN, then {again}"
    if status == 403:
        return (
            f"{asked.repository}: your token may not read it; let it read gated repositories at "
            f"https://huggingface.co/settings/tokens, then {again}"
        )
    if status is not None:
        return f"{asked.repository}: the hub answered {status}; {again} later"
    if any(type(one).__module__.partition(".")[0].startswith("httpx") for one in chain) or has(
        ConnectionError, TimeoutError, errors.LocalEntryNotFoundError
    ):
        reason = chain[-1]
        return (
            f"{asked.repository}: {endpoint or 'the hub'} cannot be reached "
            f"({type(reason).__name__}: {shown(reason)}); check the network, {elsewhere}"
        )
    return (
        f"{asked.repository}: could not be fetched "
        f"({type(error).__name__}: {shown(error)}); {again}, {elsewhere}"
    )


@contextmanager
def explained(asked: Asked) -> Iterator[None]:
    """The client's exceptions as one line each; the disk's own go on as they are."""
    import huggingface_hub

    try:
        yield
    except InputError:
        raise
    except Exception as error:
        network = isinstance(
            error, huggingface_hub.errors.HfHubHTTPError | ConnectionError | TimeoutError
        )
        if isinstance(error, OSError) and error.errno is not None and not network:
            raise
        raise InputError(
            explain(
                error,
                asked,
                logged_in=huggingface_hub.get_token() is not None,
                endpoint=huggingface_hub.constants.ENDPOINT,
            )
        ) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__

"""Which addresses are fetched from, and the opener that goes nowhere else."""

from __future__ import annotations

import ipaddress
import re
import urllib.request
from typing import Any
from urllib.parse import unquote, urlsplit

from anatomy.errors import InputError
from anatomy.files import shown

_HOST = re.compile(r"(\[[^\[\]]+\]|[^\[\]:]+)(:\d*)?")


def check_url(url: str) -> None:
    """Refuse what is neither https nor http on this machine.

    Raises
    ------
    InputError
        Saying so.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # is checked when asked for
    except ValueError as error:
        raise InputError(f"{shown(url)}: is not a web address ({shown(error)})") from error
    # What stands around brackets is no part of what urlsplit calls the host, but is asked for.
    whole = _HOST.fullmatch(parts.netloc.rpartition("@")[2])
    if not host or not whole or not url.isascii() or re.search(r"[\x00-\x20\x7f]", url):
        raise InputError(f"{shown(url)}: is not a web address; an https:// one is needed")
    if parts.scheme != "https" and not (parts.scheme == "http" and _on_this_machine(host)):
        raise InputError(f"{shown(url)}: only https:// addresses are fetched from")


def file_name(url: str) -> str:
    """The last part of an address as a plain file name."""
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    return "".join(c if c.isalnum() or c in "._+-" else "_" for c in name).lstrip(".") or "file"


class _HttpsRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to where `download` itself would go."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        try:
            check_url(newurl)
        except InputError as error:
            raise InputError(f"{shown(req.full_url)}: sends on to {error}") from error
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opener() -> urllib.request.OpenerDirector:
    """An opener that knows http and https and nothing else: no file:, no ftp:, no data:."""
    director = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _HttpsRedirects(),
    ):
        director.add_handler(handler)
    return director


def _on_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

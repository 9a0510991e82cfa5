"""Local servers for the fetching tests: one file with faults on demand, and a small hub."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.site.answer(self)  # type: ignore[attr-defined]

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass

    def give(self, status: int, body: bytes = b"", **headers: str) -> None:
        """One whole answer; underscores in header names stand for dashes."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving(site: object) -> Iterator[str]:
    """Run `site`, which has `answer(handler)`; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.site = site  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class FileSite:
    """Serves files, with Range and If-Range, and what `faults` make of it.

    Each fault is called with the handler for one request, in order, and returns whether it has
    answered; when they are used up the site behaves.
    """

    files: dict[str, bytes]
    etag: bool = True
    ranges: bool = True
    content_type: str = "application/octet-stream"
    faults: list[Callable[[_Handler], bool]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)

    def tag(self, body: bytes) -> str:
        return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'

    def answer(self, handler: _Handler) -> None:
        self.asked.append({"path": handler.path, **dict(handler.headers)})
        if self.faults and self.faults.pop(0)(handler):
            return
        body = self.files.get(unquote(handler.path))
        if body is None:
            handler.give(404)
            return
        headers = {"Content_Type": self.content_type}
        if self.etag:
            headers["ETag"] = self.tag(body)
        wanted = handler.headers.get("Range")
        same = handler.headers.get("If-Range") in (None, self.tag(body))
        if wanted is None or not self.ranges or not same:
            handler.give(200, body, **headers)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(body):
            handler.give(416, Content_Range=f"bytes */{len(body)}")
            return
        headers["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        handler.give(206, body[start:], **headers)

    def breaking_off(self, after: int) -> Callable[[_Handler], bool]:
        """A fault: announce the whole file (or its rest), send `after` bytes, hang up."""

        def fault(handler: _Handler) -> bool:
            body = self.files[unquote(handler.path)]
            wanted = handler.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            handler.send_response(206 if wanted else 200)
            handler.send_header("Content-Length", str(len(body) - start))
            handler.send_header("ETag", self.tag(body))
            if wanted:
                handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            handler.end_headers()
            handler.wfile.write(body[start : start + after])
            handler.wfile.flush()
            handler.connection.close()
            return True

        return fault


def status(code: int, **headers: str) -> Callable[[_Handler], bool]:
    """A fault: answer with a status."""

    def fault(handler: _Handler) -> bool:
        handler.give(code, b"", **headers)
        return True

    return fault


@dataclass
class Hub:
    """As much of the Hugging Face hub as a snapshot of a repository needs.

    Attributes
    ----------
    repository : str
    files : dict of str to bytes
        Paths ending in ".lfs.json" are listed as stored in large file storage.
    gated, private, broken : bool
        Refuse the files; hide the repository; answer 503.
    token : str, optional
        Lets a gated or private repository be read.
    served : dict of str to bytes
        Files sent with other content than is listed.
    """

    repository: str
    files: dict[str, bytes]
    gated: bool = False
    private: bool = False
    broken: bool = False
    token: str | None = None
    served: dict[str, bytes] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    forbidden_after: int | None = None  # files sent before the repository turns gated
    kind: str = "dataset"

    @property
    def sha(self) -> str:
        content = repr(sorted(self.files.items())).encode()
        return hashlib.sha1(content, usedforsecurity=False).hexdigest()

    def answer(self, handler: _Handler) -> None:
        path = unquote(urlsplit(handler.path).path)
        sent_token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        allowed = self.token is not None and sent_token == self.token
        api = f"/api/{self.kind}s/{self.repository}"
        prefix = "/datasets" if self.kind == "dataset" else ""
        resolve = f"{prefix}/{self.repository}/resolve/"
        if self.broken:
            handler.give(503)
        elif self.private and not allowed:
            handler.give(401, X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")
        elif path in (api, f"{api}/revision/main"):
            self._give_json(handler, self._info())
        elif path.startswith(f"{api}/tree/"):
            self._give_json(handler, self._tree())
        elif path.startswith(resolve):
            self._give_file(handler, path.removeprefix(resolve).partition("/")[2], allowed)
        else:
            handler.give(404, X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")

    def _give_json(self, handler: _Handler, document: object) -> None:
        handler.give(200, json.dumps(document).encode(), Content_Type="application/json")

    def _give_file(self, handler: _Handler, name: str, allowed: bool) -> None:
        late = self.forbidden_after is not None and len(self.sent) >= self.forbidden_after
        if (self.gated or late) and not allowed:
            handler.give(
                403,
                X_Error_Code="GatedRepo",
                X_Error_Message="Access to dataset is restricted. You must have access to it.",
            )
        elif name not in self.files:
            handler.give(404, X_Error_Code="EntryNotFound", X_Error_Message="Entry not found")
        else:
            body = self.served.get(name, self.files[name])
            if handler.command == "GET":
                self.sent.append(name)
            handler.give(200, body, ETag=f'"{self._oid(name)}"', X_Repo_Commit=self.sha)

    def _oid(self, name: str) -> str:
        body = self.files[name]
        if name.endswith(".lfs.json"):
            return hashlib.sha256(body).hexdigest()
        return hashlib.sha1(b"blob %d\0%b" % (len(body), body), usedforsecurity=False).hexdigest()

    def _info(self) -> dict[str, object]:
        siblings = []
        for name, body in self.files.items():
            entry: dict[str, object] = {
                "rfilename": name,
                "size": len(body),
                "blobId": self._oid(name)[:40],
            }
            if name.endswith(".lfs.json"):
                entry["lfs"] = {"sha256": self._oid(name), "size": len(body), "pointerSize": 134}
            siblings.append(entry)
        return {"id": self.repository, "sha": self.sha, "siblings": siblings, "tags": []}

    def _tree(self) -> list[dict[str, object]]:
        tree = []
        for name, body in self.files.items():
            entry: dict[str, object] = {
                "type": "file",
                "path": name,
                "size": len(body),
                "oid": self._oid(name)[:40],
            }
            if name.endswith(".lfs.json"):
                entry["lfs"] = {"oid": self._oid(name), "size": len(body), "pointerSize": 134}
            tree.append(entry)
        return tree

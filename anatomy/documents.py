"""JSON documents that carry their hash: written, and read back or refused in one line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from anatomy.errors import InputError
from anatomy.files import shown

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Kind:
    """A kind of document.

    Attributes
    ----------
    name : str
        Of its file: findings.json.
    version : int
        The one that is read. A file says its own in `version_field`.
    reader, maker : str
        The program that reads it, and the command that writes one.
    again : str
        What to do about one that cannot be used.
    whole : str
        The field to name where what is wrong is between several.
    unhashed : collection of str
        Fields at its top that the digest leaves out.
    """

    name: str
    version: int
    reader: str
    maker: str
    again: str
    version_field: str = "schema_version"
    whole: str = "document"
    unhashed: Collection[str] = ()

    def digest(self, document: dict[str, Any]) -> str:
        """Hex SHA-256 over the canonical JSON of a document."""
        left_out = {"digest", *self.unhashed}
        rest = {key: value for key, value in document.items() if key not in left_out}
        canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8")).hexdigest()

    def to_json(self, model: BaseModel) -> bytes:
        """The file's bytes: the document and its digest."""
        content = model.model_dump(mode="json")
        document = {"digest": self.digest(content), **content}
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8")

    def read(self, path: Path, model: type[Model]) -> Model:
        """Read and validate a file.

        Raises
        ------
        InputError
            If it is missing, is no JSON, is no such document of this version, or was changed since
            it was written: its digest no longer fits. A file without the digest is taken as it is,
            for those who change one on purpose.
        """
        where = shown(path)
        try:
            document = json.loads(path.read_bytes())
        except OSError as error:
            raise InputError(
                f"{where}: cannot be read ({error.strerror}); run {self.maker} to make one"
            ) from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: not JSON ({shown(error)}); {self.again}") from error
        if not isinstance(document, dict) or self.version_field not in document:
            raise InputError(f"{where}: not a {self.name}; pass the file that {self.maker} wrote")
        version = document[self.version_field]
        if version != self.version:
            said = repr(version) if isinstance(version, str) else version
            raise InputError(
                f"{where}: {self.version_field.replace('_', ' ')} {shown(said)[:40]}, but this "
                f"{self.reader} reads version {self.version}; {self.again}"
            )
        digest = document.pop("digest", None)
        try:
            found = model.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            place = shown(".".join(map(str, first["loc"])) or self.whole)
            raise InputError(
                f"{where}: field {place}: {shown(first['msg'])}; {self.again}"
            ) from error
        try:
            changed = digest not in (None, self.digest(document))
            unhashed = {name: document.get(name) for name in self.unhashed}
            json.dumps(unhashed, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(f"{where}: holds a lone surrogate; {self.again}") from error
        if changed:
            raise InputError(
                f"{where}: changed since it was written, its digest does not fit; {self.again}, or "
                "delete the line of the digest to take the file as it is"
            )
        return found

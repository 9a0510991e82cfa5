"""YAML with a comment above each field that has one; what was written is read back, comments too.

A reason belongs beside what it explains. PyYAML drops comments, but knows where each field stands.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import yaml

from anatomy.files import shown

LARGEST = 1 << 20  # bytes of a document that is read
_WIDTH = 100
_STEP = 2  # spaces that a section is set in by


class _Loader(yaml.SafeLoader):
    """Plain data, each part written out: aliases let a short text stand for more than fits."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "an alias, which is not read", mark)
        return super().compose_node(parent, index)

    def construct_scalar(self, node: Any) -> Any:
        value = super().construct_scalar(node)
        value.encode("utf-8")  # "\\ud800" makes what no file can hold
        return value


def load(text: str) -> Any:
    """The value of a YAML text.

    Raises
    ------
    ValueError
        With one printable line, for a text that is none, has aliases or is larger than `LARGEST`.
    """
    if len(text) > LARGEST:
        raise ValueError(f"more than {LARGEST:,} characters")
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except MemoryError:
        raise
    except Exception as error:  # "!!int x", "2026-13-45": half a dozen kinds
        reason = " ".join(str(error).split()) if isinstance(error, yaml.YAMLError) else ""
        raise ValueError(shown(reason or f"a value that is none: {error!r}")[:200]) from error


def dump(content: Mapping[str, Any], comments: Mapping[str, str], title: str = "") -> str:
    """A document of sections and fields as YAML.

    Parameters
    ----------
    content : mapping
        A mapping inside is a section; everything else is a field's value.
    comments : mapping of str to str
        Dotted path of a field or section -> what stands above it.
    title : str
        A comment for the top.
    """
    head = [*_comment(title, 0), ""] if title else []
    return "\n".join([*head, *_lines(content, comments, "", 0)]) + "\n"


def _lines(
    content: Mapping[str, Any], comments: Mapping[str, str], before: str, depth: int
) -> list[str]:
    lines: list[str] = []
    indent = " " * (_STEP * depth)
    for key, value in content.items():
        path = f"{before}{key}"
        lines += _comment(comments.get(path, ""), depth)
        if isinstance(value, Mapping) and value:
            lines += [f"{indent}{key}:", *_lines(value, comments, f"{path}.", depth + 1)]
        else:
            text = yaml.safe_dump({key: value}, sort_keys=False, width=_WIDTH, allow_unicode=True)
            lines += [indent + line for line in str(text).splitlines()]
    return lines


def _comment(text: str, depth: int) -> list[str]:
    start = " " * (_STEP * depth) + "# "
    return textwrap.wrap(
        " ".join(shown(text).split()),
        _WIDTH,
        initial_indent=start,
        subsequent_indent=start,
        break_long_words=False,
        break_on_hyphens=False,
    )


def comments_of(text: str) -> dict[str, str]:
    """The comments directly above the fields of a valid document, by the fields' dotted paths."""
    root = yaml.compose(text, yaml.SafeLoader)
    lines = text.splitlines()
    at: dict[str, int] = {}  # the line of each field
    inside: set[int] = set()  # lines that are part of a value, whatever they look like
    if isinstance(root, yaml.MappingNode):
        _walk(root, "", at, inside)
    comments: dict[str, str] = {}
    for path, line in at.items():
        above = line
        while above and above - 1 not in inside and lines[above - 1].strip().startswith("# "):
            above -= 1
        if above < line:
            comments[path] = " ".join(part.strip()[1:].strip() for part in lines[above:line])
    return comments


def _walk(node: Any, before: str, at: dict[str, int], inside: set[int]) -> None:
    for key, value in node.value:
        path = f"{before}{key.value}"
        at[path] = key.start_mark.line
        if isinstance(value, yaml.MappingNode):
            _walk(value, f"{path}.", at, inside)
        else:
            _mark(value, inside)


def _mark(node: Any, inside: set[int]) -> None:
    """The lines of each scalar in a value: a list itself ends only where the next field begins."""
    if isinstance(node, yaml.ScalarNode):
        inside.update(range(node.start_mark.line, node.end_mark.line + (node.end_mark.column > 0)))
    for item in [] if isinstance(node, yaml.ScalarNode) else node.value:
        for part in item if isinstance(item, tuple) else (item,):
            _mark(part, inside)

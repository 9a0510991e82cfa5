"""What a user writes for distill, and on a command line."""

from __future__ import annotations

import json
from functools import cache
from random import Random

import yaml

from anatomy.corpus import specs
from anatomy.encoders import registry
from anatomy.fetch.addresses import check_url, file_name
from anatomy.fetch.hub import check_repository
from distill.architectures import student_recipe
from distill.overrides import Overrides
from distill.recipe import Recipe
from tests.fuzz import mutate
from tests.fuzz.example import example
from tests.fuzz.target import BrokenError, Target, put, refusing, scratch

_YAML = [
    *(
        "&a ",
        "*a",
        "<<: *a\n",
        "a: &a [*a]\n",
        "!!int ",
        "!!float ",
        "!!bool ",
        "!!binary ",
        "!!null ",
    ),
    *(
        "!!timestamp ",
        "!!set ",
        "!!omap ",
        "!!pairs ",
        "!!str ",
        "!!map ",
        "!!seq ",
        "!x ",
        "!<x> ",
    ),
    *(
        "!!python/object/apply:os.system [ls]",
        "!!python/name:os.system ",
        "2026-13-45",
        "2026-01-01",
    ),
    *(
        "2026-01-01T99:99:99Z",
        '"\\U7fffffff"',
        '"\\ud800"',
        '"\\x00"',
        "0x",
        "0b",
        "190:20:30",
        ".inf",
    ),
    *(
        "? ",
        ": ",
        "- ",
        "---\n",
        "...\n",
        "%YAML 9.9\n",
        "%TAG ! x\n",
        "|\n",
        ">-\n",
        "[",
        "{",
        "]",
        "# ",
    ),
    *(
        "\t",
        "=",
        "<<",
        "~",
        "yes",
        "0o7",
        "1_000",
        "1e5",
        "!!int x",
        "!!float x",
        "!!bool x",
        "\x85",
    ),
    *("\u2028", "\ufeff", "[" * 500, "{" * 500, "- " * 500, "a: " * 100, "9" * 5000),
]


def _yaml(random: Random, data: bytes) -> bytes:
    """Pieces of YAML put anywhere; lines changed; or, of JSON, its values."""
    kind = random.random()
    if kind < 0.3 and data.startswith(b"{"):
        return mutate.document(random, data)
    if kind < 0.5:
        return mutate.text(random, data)
    text = data.decode("utf-8", "replace")
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(text) + 1)
        if random.random() < 0.5:  # where a value begins
            at = max(text.find(": ", at) + 2, 0)
        text = text[:at] + random.choice(_YAML) + text[at:]
    return text.encode("utf-8", "surrogatepass")


@cache
def _recipes() -> list[bytes]:
    content = example(Recipe)
    content["prompts"]["train_sources"] = ["x"]
    content["vocabulary"] = {"keep": "coverage", "coverage": 0.5}
    content["loss"] = content["schedule"] = {}
    content["reasons"] = {"student.context": "why", "loss": "why not"}
    recipe = Recipe.model_validate(content)
    return [recipe.to_yaml().encode(), recipe.model_dump_json().encode()]


def _recipe(data: bytes) -> None:
    with refusing():
        recipe = Recipe.load(put("recipe.yaml", data))
        again = Recipe.load(put("again.yaml", recipe.to_yaml().encode()))
        if again.digest != recipe.digest:
            raise BrokenError("a recipe that is written does not come back")


def _students() -> list[bytes]:
    fields = {
        "kind": "litetext",
        "hidden_size": 32,
        "intermediate_size": 64,
        "attention_heads": 4,
        "hidden_layers": 2,
    }
    return [yaml.safe_dump(fields).encode(), json.dumps(fields).encode()]


def _student(data: bytes) -> None:
    with refusing():
        student_recipe(str(put("student.yaml", data)), context=16)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _setting(data: bytes) -> None:
    with refusing():
        Overrides.parse([_text(data)])


def _source(data: bytes) -> None:
    with refusing():
        specs.parse([_text(data)])


def _address(data: bytes) -> None:
    """What passes is https, or http on this machine; its name is one."""
    url = _text(data)
    with refusing():
        check_url(url)
        local = ("http://localhost", "http://127.", "http://[::1]", "http://[0:")
        if not url.lower().startswith(("https://", *local)) and "@" not in url:
            raise BrokenError(f"{url!r} passes")
        name = file_name(url)
        if "/" in name or "\\" in name or name in ("", ".", "..") or not name.isprintable():
            raise BrokenError(f"{url!r} is saved as {name!r}")


def _repository(data: bytes) -> None:
    name = _text(data)
    with refusing():
        check_repository(name)
        if name.count("/") != 1 or ".." in name or not name.isascii() or not name.isprintable():
            raise BrokenError(f"{name!r} passes")


def _encoder(data: bytes) -> None:
    """Names of encoders; none of these asks a hub, since none that could be one is let through."""
    name = _text(data)
    if registry._is_repository(name.removeprefix("hf:")) or "minilm" in name:
        return
    with refusing():
        registry.resolve([name])


_ADDRESSES = [
    b"https://example.com/a/b.zip?x=1#f",
    b"http://localhost:8080/a",
    b"http://127.0.0.1/x",
    b"http://[::1]/x",
    b"http://example.com/x",
    b"file:///etc/passwd",
    b"ftp://x/y",
    b"data:text/plain,x",
    b"https://u:p@example.com:99999/%2e%2e/%2f",
    b"//example.com/x",
    b"https:///x",
]
_NAMES = [
    *(b"facebook/sam3", b"hf:../../x", b"hf:./a", b"hf:a/../b", b"hf:file:///x", b"hf:http://x/y"),
    *(b"sam3=../x", b"sam3=~root/x", b"hf:~nobody-there/x", b"hf:a b", b"hf:a\nb", b"hf:", b"sam4"),
    *(b"hf:/dev/null", b"hf:a--b/c", b"hf:" + b"x" * 300, b"hf:-a/b", b"outputs:x.npy"),
]

TARGETS = [
    Target("recipe", _recipe, _recipes, _yaml, 25),
    Target("student-yaml", _student, _students, _yaml, 100),
    Target(
        "setting",
        _setting,
        lambda: [
            b"loss.cosine=1.0",
            b"student.kept_layers=1,2",
            b"vocabulary.keep=all",
            b"seed=[1]",
        ],
        _yaml,
    ),
    Target(
        "source",
        _source,
        lambda: [b"all", b"lvis,refcoco", b"x.csv:c", b"a=x.txt", str(scratch()).encode()],
    ),
    Target("address", _address, lambda: _ADDRESSES, few=500),
    Target("repository", _repository, lambda: _NAMES, few=500),
    Target("encoder", _encoder, lambda: _NAMES, few=100),
]

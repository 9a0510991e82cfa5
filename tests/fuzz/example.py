"""A valid instance of a model of pydantic, as JSON: the least that its fields' types ask for."""

from __future__ import annotations

import types
import typing
from typing import Any

from annotated_types import Ge, Gt, MinLen
from pydantic import BaseModel


def example(model: type[BaseModel], texts: str = "x") -> dict[str, Any]:
    """Every field has a value, those with a default too; every string is `texts`."""
    return {
        name: _value(info.annotation, info.metadata, texts)
        for name, info in model.model_fields.items()
    }


def _value(kind: Any, constraints: list[Any], texts: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _value(arguments[0], [*arguments[1:], *constraints], texts)
    if origin is typing.Literal:
        return arguments[0]
    if origin in (typing.Union, types.UnionType):
        chosen = next(part for part in arguments if part is not type(None))
        return _value(chosen, constraints, texts)
    if origin is list:
        least = max((c.min_length for c in constraints if isinstance(c, MinLen)), default=1)
        return [_value(arguments[0], [], texts) for _ in range(max(least, 1))]
    if origin is tuple:
        return [_value(part, [], texts) for part in arguments if part is not Ellipsis]
    if origin is dict:
        return {_value(arguments[0], [], texts): _value(arguments[1], [], texts)}
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return example(kind, texts)
    if kind is bool:
        return True
    if kind in (int, float):
        least = max((c.ge for c in constraints if isinstance(c, Ge)), default=0)
        above = max((c.gt for c in constraints if isinstance(c, Gt)), default=None)
        return kind(least) if above is None else kind(above) + (1 if kind is int else 0.5)
    if kind is str:
        return texts
    raise TypeError(f"no example of {kind}")

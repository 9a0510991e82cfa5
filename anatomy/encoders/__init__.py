"""Encoders by name: a tokenizer and, where they can be had, weights."""

from anatomy.encoders.model import NoWeightsError
from anatomy.encoders.registry import Encoder, resolve

__all__ = ["Encoder", "NoWeightsError", "resolve"]

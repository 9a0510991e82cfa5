"""Encoders by name. For now an encoder is its tokenizer; weights come with their own measures."""

from anatomy.encoders.registry import Encoder, resolve

__all__ = ["Encoder", "resolve"]

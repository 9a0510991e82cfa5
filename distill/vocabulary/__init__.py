"""A teacher's vocabulary cut to the tokens that prompts use, with a tokenizer to match."""

from distill.vocabulary.align import Aligned, align, cut
from distill.vocabulary.choose import choose
from distill.vocabulary.effect import Effect, effect
from distill.vocabulary.pruned import FILE_NAME, PrunedTokenizer, identity, load, needed_with, prune

__all__ = [
    "FILE_NAME",
    "Aligned",
    "Effect",
    "PrunedTokenizer",
    "align",
    "choose",
    "cut",
    "effect",
    "identity",
    "load",
    "needed_with",
    "prune",
]

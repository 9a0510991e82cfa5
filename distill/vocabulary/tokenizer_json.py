"""A tokenizer.json with fewer tokens: BPE and WordPiece, as the tokenizers library writes them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from typing import Any

from anatomy.errors import InputError
from anatomy.files import shown
from distill.vocabulary.merges import closed

SUPPORTED = ("BPE", "WordPiece")


def completion(whole: dict[str, Any], where: str) -> Callable[[Iterable[int]], set[int]]:
    """What is left of a tokenizer.json's vocabulary if these tokens are kept.

    BPE: see `merges.closed`. WordPiece: at each place of a word the longest piece of the
    vocabulary is taken. If that is a kept one, no longer piece is left that could be taken in its
    place, so a word whose pieces are all kept is cut as before. A word with others is cut into
    shorter pieces, and never becomes unknown by it: every piece that is a single character, plain
    and with the prefix, is kept, so that the cutting goes on at any place. (That holds where all
    characters of the vocabulary have both, as BERT's do; tokens with one that has not are all
    kept, which leaves only words on which the longest pieces fit and shorter ones do not.)

    Parameters
    ----------
    whole : dict
        The tokenizer.json, parsed.
    where : str
        Names it in messages.

    Returns
    -------
    function of the kept ids
        It gives them with those that the tokenizer needs besides.

    Raises
    ------
    InputError
        For a kind of tokenizer that is not pruned here.
    """
    model: dict[str, Any] = whole.get("model") or {}
    kind = model.get("type")
    if kind not in SUPPORTED:
        raise InputError(
            f"{where}: its vocabulary is a {shown(kind)} one, which is not pruned; keep all of it: "
            "--set vocabulary.keep=all"
        )
    if model.get("dropout"):
        raise InputError(f"{where}: its BPE drops merges at random, so it cannot be pruned")
    vocabulary: dict[str, int] = model["vocab"]
    added = {int(token["id"]) for token in whole.get("added_tokens") or []}
    known = set(vocabulary.values()) | added
    always = added | _named(whole, model, vocabulary)
    if kind == "BPE":
        halves = _halves(model, vocabulary)
        always |= {number for number in vocabulary.values() if number not in halves}
        return lambda kept: closed(kept, halves, always) & known
    always |= _characters(vocabulary, model["continuing_subword_prefix"])
    return lambda kept: (set(kept) | always) & known


def pruned_json(data: bytes, kept: Iterable[int], where: str) -> tuple[bytes, list[int]]:
    """The tokenizer.json with these tokens and those that it needs besides, numbered anew.

    Ids keep their order: the new id of a token is its rank among the old ids that are left.

    Parameters
    ----------
    data : bytes
        The tokenizer.json.
    kept : iterable of int
    where : str
        Names it in messages.

    Returns
    -------
    (bytes, list of int)
        The new tokenizer.json, and the old ids that are left, ascending.

    Raises
    ------
    InputError
        For a kind of tokenizer that is not pruned here.
    """
    whole: dict[str, Any] = json.loads(data)
    old = sorted(completion(whole, where)(kept))
    new = {number: at for at, number in enumerate(old)}
    model = whole["model"]
    vocabulary: dict[str, int] = model["vocab"]
    smaller = copy.deepcopy(whole)
    smaller["model"]["vocab"] = {
        token: new[number]
        for token, number in sorted(vocabulary.items(), key=lambda item: item[1])
        if number in new
    }
    if model["type"] == "BPE":
        smaller["model"]["merges"] = [
            merge
            for merge in model["merges"]
            if vocabulary.get(_result(_pair(merge), model)) in new
            and all(vocabulary[half] in new for half in _pair(merge))
        ]
    for token in smaller.get("added_tokens") or []:
        token["id"] = new[token["id"]]
    if smaller.get("padding"):
        smaller["padding"]["pad_id"] = new.get(smaller["padding"]["pad_id"], 0)
    _renumber(smaller.get("post_processor"), new.__getitem__)
    return json.dumps(smaller, ensure_ascii=False).encode("utf-8"), old


def _named(whole: dict[str, Any], model: dict[str, Any], vocabulary: dict[str, int]) -> set[int]:
    """The ids that the tokenizer speaks of: the unknown one, padding, those around a prompt."""
    ids: set[int] = set()
    if model.get("unk_token") in vocabulary:
        ids.add(vocabulary[model["unk_token"]])
    if whole.get("padding") and whole["padding"]["pad_id"] in vocabulary.values():
        ids.add(int(whole["padding"]["pad_id"]))

    def note(number: int) -> int:
        ids.add(number)
        return number

    _renumber(copy.deepcopy(whole.get("post_processor")), note)
    return ids


def _renumber(processor: Any, new: Callable[[int], int]) -> None:
    """Give the ids in a post-processor their new numbers, in place."""
    if not isinstance(processor, dict):
        return
    for part in processor.get("processors") or []:  # a sequence of them
        _renumber(part, new)
    for token in (processor.get("special_tokens") or {}).values():
        token["ids"] = [new(number) for number in token["ids"]]
    for name in ("sep", "cls"):
        if isinstance(processor.get(name), list):
            text, number = processor[name]
            processor[name] = [text, new(number)]


def _pair(merge: str | list[str]) -> tuple[str, str]:
    """The two halves of a merge, in either form of the file."""
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second


def _result(pair: tuple[str, str], model: dict[str, Any]) -> str:
    """The token that a merge makes."""
    return pair[0] + pair[1].removeprefix(model.get("continuing_subword_prefix") or "")


def _halves(model: dict[str, Any], vocabulary: dict[str, int]) -> dict[int, list[tuple[int, int]]]:
    halves: dict[int, list[tuple[int, int]]] = {}
    for pair in map(_pair, model["merges"]):
        made = vocabulary[_result(pair, model)]
        halves.setdefault(made, []).append((vocabulary[pair[0]], vocabulary[pair[1]]))
    return halves


def _characters(vocabulary: dict[str, int], prefix: str) -> set[int]:
    """Pieces of one character, plain and with the prefix; and pieces with one that lacks either."""
    bare = {token: token.removeprefix(prefix) or token for token in vocabulary}
    plain = {token for token in vocabulary if len(token) == 1}
    inner = {text for token, text in bare.items() if token != text and len(text) == 1}
    both = plain & inner
    single = {vocabulary[token] for token, text in bare.items() if len(text) == 1}
    # Names in brackets are no pieces of words: a word is cut at its punctuation.
    words = {t: text for t, text in bare.items() if not (t.startswith("[") and t.endswith("]"))}
    return single | {vocabulary[token] for token, text in words.items() if set(text) - both}

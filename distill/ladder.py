"""Which student, and how large a vocabulary: the largest of a ladder that fits.

The rules, in this order:

1. A student that was named is taken. With a budget it has to fit.
2. Without a budget, a teacher of SAM3's size gets mobileclip-s0, the paper's smallest.
3. Otherwise the largest rung that fits is taken. The ladder of a teacher of SAM3's size is
   mobileclip2-l, mobileclip-s1, mobileclip-s0; that of a smaller one is shallow:N, from one layer
   less than the teacher has down to one. What it has to fit is the budget, or 30 % of the
   teacher's parameters. nano, which scales to any size, comes last.
4. Rare tokens go before layers do: a rung that does not fit with every token of the training
   prompts may leave out those that occur once, or twice, ..., while 99 % of all tokens stay.
5. What room is left holds more tokens, those that occur equally often or not at all by their ids
   (`pruning.student_tokenizer`): prompts to come have words that the training prompts have not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from anatomy.amounts import millions
from anatomy.encoders.registry import Tokenizer
from anatomy.errors import InputError
from anatomy.report.sentences import percent
from distill.architectures import MOBILECLIP, NANO, SHALLOW, checked, student_recipe
from distill.overrides import Choices, Overrides
from distill.pruning import student_tokenizer
from distill.recipe import StudentRecipe, VocabularyRecipe
from distill.shallow import TeacherShape
from distill.sizes import Precision, Sizes
from distill.vocabulary import PrunedTokenizer

LARGE_TEACHER = 100_000_000  # parameters: SAM3's text path has 353.7 M, MiniLM 22.7 M
MOST_OF_TEACHER = 0.3
LEAST_COVERED = 0.99
_LARGEST_COUNT = 5
_FLOAT32 = 4  # bytes
MOBILECLIP_S0 = "mobileclip-s0"

Count = Callable[[StudentRecipe, int], Sizes]  # of a student and its number of tokens
Choice = tuple[VocabularyRecipe, PrunedTokenizer, Choices]


@dataclass(frozen=True)
class Fitted:
    """A student, its vocabulary and its tokenizer."""

    student: StudentRecipe
    vocabulary: VocabularyRecipe
    tokenizer: PrunedTokenizer
    sizes: Sizes


@dataclass(frozen=True)
class Limit:
    """What a student may weigh: bytes at a precision, or parameters that are held."""

    words: str
    bytes: int
    precision: Precision
    parameters: int | None = None

    def holds(self, sizes: Sizes) -> bool:
        """Whether a student is within it."""
        if self.parameters is not None:
            return sizes.held <= self.parameters
        return sizes.total_bytes(self.precision) <= self.bytes

    def weight(self, sizes: Sizes) -> str:
        """What is held against it, in words."""
        if self.parameters is not None:
            return f"{millions(sizes.held)} parameters"
        return f"{sizes.total_bytes(self.precision) / 1e6:,.2f} MB"


@dataclass
class Vocabularies:
    """The student's tokenizers that come into question, each made when it is asked for.

    Attributes
    ----------
    tokenizer : Tokenizer
        The teacher's.
    counts : ndarray of int64, shape [V]
        Of `pruning.token_counts`.
    overrides : Overrides
    """

    tokenizer: Tokenizer
    counts: np.ndarray
    overrides: Overrides
    _made: dict[int, Choice] = field(default_factory=dict)

    @property
    def by_hand(self) -> bool:
        """Whether the user chose among them."""
        return any(path.startswith("vocabulary.") for path in self.overrides.values)

    @property
    def last(self) -> Choice:
        """The smallest of them."""
        *_, smallest = self
        return smallest

    def __iter__(self) -> Iterator[Choice]:
        """From the largest to the smallest."""
        for least in range(1, 2 if self.by_hand else _LARGEST_COUNT + 1):
            if least > 1 and self._covered(least) < LEAST_COVERED:
                return
            if least not in self._made:
                self._made[least] = self._make(least)
            recipe, _, _ = self._made[least]
            yield self._made[least]
            if recipe.keep == "all":
                return

    def filled(self, size: int) -> Choice:
        """A vocabulary of so many tokens."""
        if size >= self.tokenizer.vocabulary_size:
            recipe = VocabularyRecipe.model_validate({"keep": "all"})
            kept = student_tokenizer(recipe, self.tokenizer, self.counts)
            return recipe, kept, {"keep": ("all", "they all fit")}
        recipe = VocabularyRecipe.model_validate({"keep": "size", "size": size})
        pruned = student_tokenizer(recipe, self.tokenizer, self.counts)
        gone = self.counts.copy()
        gone[pruned.kept] = 0
        out = int((gone > 0).sum())
        unused = int((self.counts[pruned.kept] == 0).sum())
        most = int(gone.max())
        seldom = "once" if most == 1 else f"{most} times or less"
        rest = (
            f"{out:,} tokens that occur only {seldom} are spelt by others"
            if out
            else f"{unused:,} of them occur in no training prompt"
        )
        self.overrides.reasons.pop("vocabulary.minimum_count", None)  # of fewer tokens
        return (
            recipe,
            pruned,
            {"keep": ("size", self._why(pruned)), "size": (size, f"as many as fit; {rest}")},
        )

    def _why(self, pruned: PrunedTokenizer) -> str:
        used = int((self.counts > 0).sum())
        return (
            f"the training prompts use {used:,} of {self.tokenizer.vocabulary_size:,} tokens; "
            f"{pruned.vocabulary_size:,} are kept, those among them that spell everything else"
        )

    def _covered(self, least: int) -> float:
        counts = self.counts.copy()
        counts[list(self.tokenizer.special_ids)] = 0
        return float(counts[counts >= least].sum() / max(counts.sum(), 1))

    def _make(self, least: int) -> Choice:
        with_number = [n for n in ("coverage", "size") if self.overrides.has(f"vocabulary.{n}")]
        keep = with_number[0] if with_number else "used"
        chosen: Choices = {"keep": (keep, ""), "minimum_count": (least, "")}
        recipe = self.overrides.section(VocabularyRecipe, "vocabulary", chosen)
        try:
            pruned = student_tokenizer(recipe, self.tokenizer, self.counts)
        except InputError as error:
            if self.overrides.has("vocabulary.keep"):
                raise
            why = f"its vocabulary cannot be pruned ({error})"
            recipe = recipe.model_copy(update={"keep": "all"})
            return (
                recipe,
                student_tokenizer(recipe, self.tokenizer, self.counts),
                {"keep": ("all", why)},
            )
        chosen["keep"] = keep, self._why(pruned)
        if least > 1:
            rare = int(((self.counts > 0) & (self.counts < least)).sum())
            seldom = "once" if least == 2 else f"less than {least} times"
            why = (
                f"{rare:,} tokens that occur only {seldom} are spelt by others: they are "
                f"{percent(1 - self._covered(least))} of all, and the student would not fit with "
                "them"
            )
            chosen["minimum_count"] = least, why
        return recipe, pruned, chosen


@dataclass(frozen=True)
class Ladder:
    """Tries students, from the largest down.

    Attributes
    ----------
    vocabularies : Vocabularies
    shape : TeacherShape
    parameters : int
        The teacher's.
    context : int
        L.
    count : Count
    precision : {"float32", "bfloat16", "int8"}
        Of the budget.
    budget_bytes : int or None
        Of all weights of the student.
    """

    vocabularies: Vocabularies
    shape: TeacherShape
    parameters: int
    context: int
    count: Count
    precision: Precision = "float32"
    budget_bytes: int | None = None

    def fit(self, asked: str | None = None) -> Fitted:
        """The student that the rules choose; `asked` is one by name.

        Raises
        ------
        InputError
            If nothing fits the budget, or what was asked for does not or cannot be made.
        """
        rungs, limit = self._rungs(asked)
        passed: list[str] = []
        for rung in rungs:
            found, why_not = self._with_some_vocabulary(rung, limit, asked)
            if found is not None:
                self._explain(found, asked, limit, passed)
                return found
            passed.append(why_not)
        if limit is None or asked == NANO or self.budget_bytes is not None:
            over = "" if limit is None or rung == NANO else f", which is over {limit.words}"
            more = "; --set vocabulary.coverage=0.9 keeps fewer" if rung == NANO else ""
            named = "--student " if asked and rung != NANO else ""
            raise InputError(f"{named}{why_not}{over}{more}")
        smallest = rungs[-2]
        found, why_not = self._with_some_vocabulary(smallest, None, smallest)
        if found is None:
            raise InputError(why_not)
        self._explain(found, None, limit, passed)
        return found

    def _rungs(self, asked: str | None) -> tuple[list[str], Limit | None]:
        """What to try, in this order, and what it has to fit."""
        share = int(MOST_OF_TEACHER * self.parameters)
        limit: Limit | None = Limit(
            f"{100 * MOST_OF_TEACHER:g} % of the teacher's {millions(self.parameters)} parameters",
            share * _FLOAT32,
            "float32",
            share,
        )
        large = self.parameters >= LARGE_TEACHER
        if self.budget_bytes is not None:
            words = f"the budget of {self.budget_bytes / 1e6:,.2f} MB in {self.precision}"
            limit = Limit(words, self.budget_bytes, self.precision)
        elif asked != NANO and (asked or large):
            limit = None
        if asked:
            return [asked], limit
        if limit is None:
            return [MOBILECLIP_S0], limit
        layers = range(max(self.shape.layers - 1, 1), 0, -1)
        mobileclip = sorted(MOBILECLIP, key=lambda name: MOBILECLIP[name][0] * MOBILECLIP[name][3])
        rungs = mobileclip[::-1] if large else [f"{SHALLOW}{number}" for number in layers]
        return [*rungs, NANO], limit

    def _with_some_vocabulary(
        self, rung: str, limit: Limit | None, asked: str | None
    ) -> tuple[Fitted | None, str]:
        """A rung with the largest vocabulary that it fits with; or why it does not fit."""
        choices = self.vocabularies
        found, why_not = self._with_vocabulary(rung, next(iter(choices)), limit, asked)
        if found is None:
            if self._with_vocabulary(rung, choices.last, limit, asked)[0] is None:
                return None, why_not
            tries = (self._with_vocabulary(rung, choice, limit, asked)[0] for choice in choices)
            found = next(found for found in tries if found is not None)
        return self._filled(rung, found, limit, asked), ""

    def _filled(self, rung: str, found: Fitted, limit: Limit | None, asked: str | None) -> Fitted:
        """The same student with as many more tokens as fit."""
        choices = self.vocabularies
        if limit is None or rung == NANO or choices.by_hand or found.vocabulary.keep == "all":
            return found
        fewest = found.tokenizer.vocabulary_size
        more = range(fewest + 1, choices.tokenizer.vocabulary_size + 1)
        fits = fewest + bisect_left(
            more, True, key=lambda number: not limit.holds(self.count(found.student, number))
        )
        if fits == fewest:
            return found
        return self._with_vocabulary(rung, choices.filled(fits), limit, asked)[0] or found

    def _with_vocabulary(
        self, rung: str, choice: Choice, limit: Limit | None, asked: str | None
    ) -> tuple[Fitted | None, str]:
        _, tokenizer, reasons = choice
        overrides = self.vocabularies.overrides
        try:
            student = self._student(rung, tokenizer.vocabulary_size, limit)
            sizes = self.count(student, tokenizer.vocabulary_size)
        except InputError as error:
            # Who asked for something that cannot be made is told so, and given nothing else.
            by_hand = any(path.startswith("student.") for path in overrides.values)
            if rung != NANO and (asked or by_hand):
                raise
            return None, str(error)
        if limit is not None and not limit.holds(sizes):
            return None, f"{rung} would have {limit.weight(sizes)}"
        recipe = overrides.section(VocabularyRecipe, "vocabulary", reasons)
        return Fitted(student, recipe, tokenizer, sizes), ""

    def _student(self, rung: str, tokens: int, limit: Limit | None) -> StudentRecipe:
        recipe = student_recipe(
            rung,
            context=self.context,
            vocabulary_size=tokens,
            width=self.shape.width,
            teacher=self.shape,
            budget_bytes=None if limit is None else limit.bytes,
            precision="float32" if limit is None else limit.precision,
        )
        chosen: Choices = {key: (value, "") for key, value in recipe.model_dump().items()}
        return checked(self.vocabularies.overrides.section(StudentRecipe, "student", chosen))

    def _explain(
        self, found: Fitted, asked: str | None, limit: Limit | None, passed: list[str]
    ) -> None:
        if asked:
            why = "named with --student"
        elif limit is None:
            why = "the paper's smallest student, for a teacher of SAM3's size; --budget or "
            why += "--student takes another"
        elif limit.holds(found.sizes):
            why = f"the largest student within {limit.words}: it has {limit.weight(found.sizes)}"
            why += f"; {passed[-1]}" if passed else ""
        else:
            share = percent(found.sizes.held / self.parameters)
            why = f"the smallest there is, {share} of the teacher: none is within {limit.words}"
        reasons = self.vocabularies.overrides.reasons
        reasons["student.name"] = why
        if found.student.init == "teacher":
            reasons.setdefault(
                "student.init",
                "it starts as the teacher's own layers, with its rows for the kept tokens"
                if found.student.kind == "shallow"
                else "its token table starts as the teacher's, through an SVD where widths differ",
            )

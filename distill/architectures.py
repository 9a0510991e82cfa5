"""Students by name: from a name and what is known of teacher and prompts to a `StudentRecipe`."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from anatomy.errors import InputError
from anatomy.files import shown
from distill import commented
from distill.recipe import StudentRecipe
from distill.shallow import TeacherShape, kept_layers
from distill.sizes import Precision, stored_bytes

# Text encoders of MobileCLIP (Vasu et al. 2024) and MobileCLIP2 (Faghri et al. 2025), as
# SAM3-LiteText takes them: width, width inside, heads, layers, RepMixer first and last.
MOBILECLIP = {
    "mobileclip-s0": (512, 2048, 8, 6, True),
    "mobileclip-s1": (512, 2048, 8, 12, False),
    "mobileclip2-l": (768, 3072, 12, 12, False),
}
NANO = "nano"
SHALLOW = "shallow:"
NAMES = (*MOBILECLIP, NANO, "shallow:N", "FILE")
_FILES = (".yaml", ".yml", ".json")
_LARGEST_FILE = 1 << 20  # bytes
_STEP, _WIDEST = 32, 768  # of nano's widths; the widest is mobileclip2-l's
_PER_LAYER, _HEAD = 64, 32  # of a nano's width
_SETTINGS = ("teacher", "svd", "random")
_MOBILECLIP_FILE = "mobileclip="


def student_recipe(
    name: str,
    *,
    context: int,
    vocabulary_size: int | None = None,
    width: int | None = None,
    teacher: TeacherShape | None = None,
    budget_bytes: int | None = None,
    precision: Precision = "float32",
    init: str = "teacher",
    bottleneck: int | None = None,
) -> StudentRecipe:
    """The recipe of the student called `name`.

    Parameters
    ----------
    name : str
        See `NAMES`. FILE is a YAML or JSON file of `StudentRecipe`'s fields; what it leaves out of
        name, context, init and bottleneck is taken from here.
    context : int
        L, the length of its position table.
    vocabulary_size, width : int
        Kept tokens, and width D of the teacher's outputs: needed for nano.
    teacher : TeacherShape
        Needed for shallow:N.
    budget_bytes : int
        Needed for nano: what it may weigh at `precision`.

    Raises
    ------
    InputError
        For an unknown name, a budget that holds no student, or a recipe that makes no sense.
    """
    given = {"name": name, "context": context, "init": init, "bottleneck": bottleneck}
    if name in MOBILECLIP:
        return _litetext(given, *MOBILECLIP[name])
    if name == NANO:
        if budget_bytes is None or vocabulary_size is None or width is None:
            raise InputError("--student nano: needs a size to aim at; give --budget, as in 10MB")
        wide, deep = nano(
            budget_bytes, vocabulary_size, context, width, precision, bottleneck=bottleneck
        )
        return _litetext(given, wide, 4 * wide, wide // _HEAD, deep, False)
    if name.startswith(SHALLOW):
        return _shallow(given, name.removeprefix(SHALLOW), teacher)
    if name.endswith(_FILES):
        return checked(_from_file(Path(name).expanduser(), given))
    nearest = difflib.get_close_matches(name, [*MOBILECLIP, NANO, SHALLOW], n=1, cutoff=0.4)
    hint = f"did you mean {nearest[0]}? " if nearest else ""
    raise InputError(
        f"--student: no student is called {shown(name)}; {hint}known: {', '.join(NAMES)}"
    )


def checked(recipe: StudentRecipe) -> StudentRecipe:
    """The recipe, if a student can be built of it.

    Raises
    ------
    InputError
    """
    sizes = ("context", "hidden_size", "intermediate_size", "attention_heads", "hidden_layers")
    for field in sizes:
        if getattr(recipe, field) < 1:
            raise InputError(f"student: {field} is {getattr(recipe, field)}; give at least 1")
    if recipe.kind == "litetext" and recipe.hidden_size % recipe.attention_heads:
        raise InputError(
            f"student: a hidden_size of {recipe.hidden_size:,} cannot be divided among "
            f"{recipe.attention_heads:,} attention_heads; give a multiple"
        )
    if recipe.repmixer and (recipe.kind != "litetext" or recipe.hidden_layers < 2):
        raise InputError(
            "student: RepMixer blocks stand first and last in a litetext student of two layers or "
            "more; give repmixer: false"
        )
    layers = recipe.kept_layers
    if recipe.kind == "shallow" and (
        len(layers) != recipe.hidden_layers or layers != sorted(set(layers)) or layers[0] < 0
    ):
        raise InputError(
            f"student: kept_layers {layers} are not {recipe.hidden_layers} of the teacher's layers "
            "in their order"
        )
    check_init(recipe)
    return recipe


def check_init(recipe: StudentRecipe) -> None:
    """Refuse an initialisation that the student's kind does not have.

    Raises
    ------
    InputError
    """
    init = recipe.init
    if init not in _SETTINGS and not init.startswith(_MOBILECLIP_FILE):
        nearest = difflib.get_close_matches(init, [*_SETTINGS, _MOBILECLIP_FILE], n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}? " if nearest else ""
        raise InputError(
            f"--init: {shown(init)} is unknown; {hint}known: {', '.join(_SETTINGS)}, "
            "mobileclip=FILE"
        )
    if recipe.kind == "shallow" and init not in ("teacher", "random"):
        raise InputError(
            f"--init {shown(init)}: a shallow student is as wide as its teacher and takes the "
            "teacher's own weights; give --init teacher"
        )


def nano(
    budget_bytes: int,
    vocabulary_size: int,
    context: int,
    width: int,
    precision: Precision,
    *,
    bottleneck: int | None = None,
) -> tuple[int, int]:
    """Width and depth of the largest nano within a budget.

    The rule: widths are multiples of 32 up to 768; a nano of width w has one layer for each 64 of
    it (rounded, at least one), is 4 w wide inside its layers, and has heads of 32. Of these the
    widest that weighs no more than the budget is taken: it is never over it, and more budget never
    gives less width or depth.

    Parameters
    ----------
    budget_bytes : int
        Of all weights at `precision`, by `distill.sizes.stored_bytes`.
    vocabulary_size, context, width : int
        Kept tokens, positions and the width D of the teacher's outputs.

    Raises
    ------
    InputError
        If the narrowest nano is over the budget.
    """
    best: tuple[int, int] | None = None
    for wide in range(_STEP, _WIDEST + 1, _STEP):
        deep = max(1, (wide + _PER_LAYER // 2) // _PER_LAYER)
        shapes = _shapes(wide, deep, vocabulary_size, context, width, bottleneck)
        needed = sum(stored_bytes(shape, precision) for shape in shapes)
        if needed > budget_bytes:
            if best is None:
                raise InputError(
                    f"--budget: {budget_bytes / 1e6:,.2f} MB hold no student of "
                    f"{vocabulary_size:,} tokens: the narrowest nano weighs {needed / 1e6:,.2f} MB "
                    f"in {precision}; give more, or keep fewer tokens"
                )
            break
        best = wide, deep
    assert best is not None  # noqa: S101 (the loop runs at least once)
    return best


def _shapes(
    wide: int, deep: int, vocabulary: int, context: int, width: int, bottleneck: int | None
) -> list[tuple[int, ...]]:
    """Shapes of the tensors of a litetext student without RepMixer, 4 times as wide inside."""
    attention = [(wide, wide), (wide,)] * 4
    inside = [(4 * wide, wide), (4 * wide,), (wide, 4 * wide), (wide,)]
    norms = [(wide,)] * 4
    last = [(width, wide), (width,)]
    if bottleneck:
        last = [(bottleneck, wide), (width, bottleneck), (width,)]
    tables = [(vocabulary, wide), (1, 1, context, wide)]
    return [*tables, *(attention + inside + norms) * deep, (wide,), (wide,), *last]


def _litetext(
    given: dict[str, Any], wide: int, inside: int, heads: int, layers: int, repmixer: bool
) -> StudentRecipe:
    return checked(
        StudentRecipe(
            **given,
            kind="litetext",
            hidden_size=wide,
            intermediate_size=inside,
            attention_heads=heads,
            hidden_layers=layers,
            repmixer=repmixer,
        )
    )


def _shallow(given: dict[str, Any], number: str, teacher: TeacherShape | None) -> StudentRecipe:
    if not number.isascii() or not number.isdigit() or not int(number):
        raise InputError(
            f"--student shallow:{shown(number)}: give a number of layers, as in shallow:2"
        )
    if teacher is None:
        raise InputError(
            f"--student shallow:{number}: is made of a teacher's layers, and the teacher's weights "
            "are not here"
        )
    layers = kept_layers(teacher.layers, int(number))
    return checked(
        StudentRecipe(
            **given,
            kind="shallow",
            hidden_size=teacher.hidden_size,
            intermediate_size=teacher.intermediate_size,
            attention_heads=teacher.attention_heads,
            hidden_layers=len(layers),
            kept_layers=layers,
        )
    )


def _from_file(path: Path, given: dict[str, Any]) -> StudentRecipe:
    where = f"--student {shown(path)}"
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(f"{where}: is too large for a student's recipe")
        content = commented.load(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{where}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # UnicodeDecodeError among them
        raise InputError(f"{where}: no YAML or JSON ({shown(error)[:200]})") from error
    if not isinstance(content, dict):
        raise InputError(f"{where}: holds no fields of a student")
    try:
        return StudentRecipe.model_validate({**given, "name": path.stem, **content})
    except ValidationError as error:
        first = error.errors()[0]
        place = shown(".".join(map(str, first["loc"])))
        raise InputError(f"{where}: {place}: {shown(first['msg'])}") from error

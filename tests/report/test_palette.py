from __future__ import annotations

from itertools import combinations

import pytest

from anatomy.report.plots.palette import Look, encoder_looks, looks, need_marks
from anatomy.report.style import ACCENT, DARK, FAINT, INK, MUTED, WHITE
from tests.report.vision import EYES, contrast, distance

PAPER = ("rf100vl", "lvis", "refcoco", "saco-gold", "saco-silver", "saco-veval")
OWN = tuple(f"own {at}" for at in range(50))
FAR = 15  # CIE 1976; Okabe and Ito's own six come as close as 16


def closest(one: str, other: str, eyes: tuple[str, ...] = tuple(EYES)) -> float:
    return min(distance(one, other, kind) for kind in eyes)


def at_night(look: Look) -> Look:
    return Look(DARK[look.colour], look.dash, look.mark)


def test_the_oracle_knows_what_is_known():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert distance("#ffffff", "#000000", "all cones") == pytest.approx(100, abs=0.01)
    # red and green of equal lightness: what such eyes confuse, and others do not
    assert distance("#b06000", "#5f8000", "deuteranopia") < 15
    assert distance("#b06000", "#5f8000", "all cones") > 40


@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize("names", [PAPER, OWN[:8]])
def test_colours_of_one_family_are_far_apart_for_all_eyes(names, night):
    found = [at_night(look) if night else look for look in looks(names).values()]
    colours = [*(look.colour for look in found), DARK[INK] if night else INK]  # INK: all prompts
    for one, other in combinations(colours, 2):
        assert closest(one, other) > FAR, (one, other)


@pytest.mark.parametrize("night", [False, True])
def test_where_colours_are_close_line_or_mark_tells_series_apart(night):
    found = looks([*PAPER, *OWN])
    for one, other in combinations(found.values(), 2):
        a, b = (at_night(one), at_night(other)) if night else (one, other)
        if closest(a.colour, b.colour) <= FAR:
            assert (a.dash, a.mark) != (b.dash, b.mark)
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("names", [PAPER, OWN[:6], ("lvis", "own"), OWN[:7], (*PAPER, "own")])
def test_lines_without_marks_are_told_apart_by_colour_alone(names):
    found = looks(names).values()
    pairs = combinations([look.colour for look in found], 2)
    assert need_marks(found) == (
        len(set(names) & set(PAPER)) not in (0, len(names)) or len(names) > 6
    )
    assert need_marks(found) or min(closest(a, b) for a, b in pairs) > FAR


def test_every_colour_stands_out_by_day_and_by_night():
    for look in [*looks([*PAPER, *OWN]).values(), *encoder_looks(["sam3", *OWN]).values()]:
        assert contrast(look.colour, WHITE) >= 3
        assert contrast(DARK[look.colour], DARK[WHITE]) >= 3
    for text in (INK, MUTED, ACCENT):
        assert contrast(text, WHITE) >= 4.5
        assert contrast(DARK[text], DARK[WHITE]) >= 4.5
    assert 1.1 < contrast(FAINT, WHITE) < 2 < 21


def test_a_name_has_one_look_whoever_stands_beside_it():
    alone, all_six = looks(["lvis"]), looks([*PAPER[::-1], "mine"])
    assert alone["lvis"] == all_six["lvis"]
    assert list(looks(["b", "a"])) == ["b", "a"]
    pair = encoder_looks(["hf:x", "minilm", "sam3"])
    assert pair["sam3"] == encoder_looks(["sam3"])["sam3"]
    assert len({look.colour for look in pair.values()}) == 3

"""Metrics against their definitions, cell by cell (5.1, Tables 3 and 4).

C = CG_F1 = 100 * pmF1 * IL_MCC, so with P printed in per cent C = P * M in every cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

from anatomy.ledger.claims import Claims
from anatomy.ledger.here import NO_PROMPTS
from anatomy.ledger.intervals import Interval, number
from anatomy.ledger.model import Entry, Measured
from anatomy.ledger.tables import Family, Triple
from anatomy.ledger.verdicts import Verdict, all_of, at_most, equal, possible


def entries(claims: Claims, measured: Measured | None) -> list[Entry]:
    """CG_F1 in Tables 3 and 4, pHOTA in Table 4."""
    del measured  # nothing here follows from prompts
    return [_table_3(claims), _table_4(claims), _hota(claims)]


@dataclass(frozen=True)
class _Cell:
    model: str
    part: str
    family: Family
    triple: Triple

    @property
    def product(self) -> Interval:
        return self.triple.m.interval * self.triple.p.interval

    @property
    def gap(self) -> Fraction:
        return self.triple.c.interval.gap(self.product)


def _table_3(claims: Claims) -> Entry:
    cells = [
        _Cell(row.model, part, row.family, triple)
        for row in claims.results.table_3
        for part, triple in row.subsets.items()
    ]
    return _definition(cells, "cgf1-table-3", "CG_F1 = pmF1 * IL_MCC in Table 3", "5.1; Table 3")


def _table_4(claims: Claims) -> Entry:
    cells = [
        _Cell(row.model, part, row.family, row.triple(part))
        for row in claims.results.table_4
        for part in row.sets
    ]
    return _definition(cells, "cgf1-table-4", "CG_F1 = pmF1 * VL_MCC in Table 4", "5.1; Table 4")


def _hota(claims: Claims) -> Entry:
    """HOTA averages sqrt(DetA * AssA) over thresholds: at most sqrt(mean DetA * mean AssA)."""
    parts: list[Verdict] = []
    room = []
    for row in claims.results.table_4:
        for cell in row.sets.values():
            h, bound = cell["H"].interval, cell["D"].interval * cell["A"].interval
            parts.append(possible(at_most(h * h, bound)))
            room.append(sqrt(bound.mid) - float(h.mid))
    return Entry(
        id="phota-table-4",
        group="results",
        title="pHOTA, pDetA and pAssA in Table 4",
        where="5.1; Table 4",
        claim="pHOTA, pDetA and pAssA of nine rows on three test sets.",
        published=f"{len(parts)} cells",
        implied="pHOTA at most sqrt(pDetA * pAssA); as printed it is below that by"
        f" {min(room):.2f} to {max(room):.2f} points",
        verdict=all_of(parts),
        margin=f"{parts.count('holds')} of {len(parts)} cells can meet the bound",
        explanation="HOTA is the mean over localisation thresholds of the root of detection times"
        " association accuracy, which cannot exceed the root of the product of their means"
        " (Luiten et al. 2021; Cauchy-Schwarz).",
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _definition(cells: list[_Cell], slug: str, title: str, where: str) -> Entry:
    wrong = [cell for cell in cells if cell.gap]
    listed: dict[str, list[str]] = {}
    for cell in wrong:
        listed.setdefault(cell.model, []).append(
            f"{cell.part} {cell.triple.c} against {cell.product.text(1)}"
        )
    margin = f"{len(cells) - len(wrong)} of {len(cells)} cells agree within rounding"
    gaps = [cell.gap for cell in wrong]
    if gaps:
        higher = sum(cell.triple.c.interval.lo > cell.product.hi for cell in wrong)
        margin += (
            f"; the other {len(wrong)} are off by at least {number(min(gaps), 2, 'down')} to"
            f" {number(max(gaps), 2, 'down')} points, with the printed C the larger in {higher}"
        )
    return Entry(
        id=slug,
        group="results",
        title=title,
        where=where,
        claim="CG_F1 = 100 * pmF1 * MCC.",
        published=f"C, M and P of {len(cells)} cells",
        implied="; ".join(f"{model}: {', '.join(parts)}" for model, parts in listed.items())
        or "every C is M * P within rounding",
        verdict=all_of(equal(cell.triple.c.interval, cell.product) for cell in cells),
        margin=margin,
        explanation="Each cell prints the product and both factors (the list gives the printed C"
        f" against M * P). Cells that agree: {_by_family(cells)}."
        + (
            " Averages over repeated runs would differ from the product by the covariance between"
            f" runs; {number(max(gaps), 1)} points would take, for instance, perfectly correlated M"
            f" and P with standard deviations of 0.1 and {number(max(gaps) * 10, 0)}, and no"
            " repeated runs are mentioned."
            if gaps
            else ""
        ),
        measured=None,
        not_measured=NO_PROMPTS,
    )


def _by_family(cells: list[_Cell]) -> str:
    found: list[str] = []
    for family, label in (
        ("baseline", "other models"),
        ("teacher", "teacher"),
        ("student", "students"),
    ):
        members = [cell for cell in cells if cell.family == family]
        found.append(f"{label} {sum(not cell.gap for cell in members)} of {len(members)}")
    return ", ".join(found)

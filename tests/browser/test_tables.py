from __future__ import annotations

import pytest

from anatomy.report.blocks import Explorer, Table

pytestmark = pytest.mark.browser


def column(page, table, at):
    """The texts of a column, row by row."""
    return page.locator(f"#table-{table} tbody tr").evaluate_all(
        "(rows, at) => rows.map(row => [...row.cells].slice(0, at + 1).at(-1).innerText)",
        at,
    )


def heading(page, table, title):
    return page.locator(f"#table-{table} thead tr:last-child th", has_text=title).first


def test_numbers_sort_as_numbers_and_sums_keep_their_place(visit, findings):
    with visit() as page:
        before = column(page, "lengths-sam3", 1)
        head = heading(page, "lengths-sam3", "Prompts")
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        prompts = [group.prompts for group in findings.encoders[0].lengths]
        wanted = [prompts[0], *sorted(prompts[1:], reverse=True)]  # the union stays on top
        assert column(page, "lengths-sam3", 1) == [f"{n:,}" for n in wanted]
        head.get_by_role("button").press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        wanted = [prompts[0], *sorted(prompts[1:])]
        assert column(page, "lengths-sam3", 1) == [f"{n:,}" for n in wanted]
        head.get_by_role("button").press("Space")
        assert head.get_attribute("aria-sort") is None
        assert column(page, "lengths-sam3", 1) == before


def test_per_cents_sort_too_and_one_column_at_a_time(visit, findings):
    with visit() as page:
        heading(page, "vocabulary-sam3", "Tokens").get_by_role("button").click()
        head = heading(page, "vocabulary-sam3", "Specials")
        head.get_by_role("button").click()
        shares = {g.group: g.special_share for g in findings.encoders[0].vocabulary[1:]}
        names = column(page, "vocabulary-sam3", 0)[1:]
        assert names == sorted(shares, key=shares.get, reverse=True)
        assert page.locator("#table-vocabulary-sam3 [aria-sort]").count() == 1


def test_what_was_not_measured_comes_last_both_ways(visit):
    with visit() as page:
        button = heading(page, "encoders", "Ambient").get_by_role("button")
        for _ in range(2):
            button.click()
            assert [name.strip() for name in column(page, "encoders", 0)] == ["minilm", "sam3"]
            assert column(page, "encoders", 99)[-1] == "not measured"


def test_rows_between_two_sums_stay_between_them(visit):
    with visit() as page:
        kinds = column(page, "dimensions-minilm", 1)
        assert kinds == sorted(kinds, reverse=True) and len(set(kinds)) == 2
        heading(page, "dimensions-minilm", "Source").get_by_role("button").click()
        names = column(page, "dimensions-minilm", 0)
        half = len(names) // 2
        assert column(page, "dimensions-minilm", 1) == kinds
        for part in (names[:half], names[half:]):
            assert part[0] == "combined"
            assert part[1:] == ["two", "one"]


def test_a_wide_table_says_that_it_scrolls(visit):
    with visit(width=360) as page:
        table = page.locator("#table-encoders")
        assert table.get_attribute("data-more") == "right"
        assert table.get_attribute("tabindex") == "0"
        table.focus()
        for _ in range(40):
            page.keyboard.press("ArrowRight")
        page.wait_for_function("document.querySelector('#table-encoders').dataset.more !== 'right'")
        head, row = (table.locator(f"{part} tr:last-child").last for part in ("thead", "tbody"))
        left = table.bounding_box()["x"]
        assert head.locator("th").first.bounding_box()["x"] == pytest.approx(left, abs=1)
        assert row.locator("th").first.bounding_box()["x"] == pytest.approx(left, abs=1)
        page.set_viewport_size({"width": 1200, "height": 900})
        page.wait_for_function("!document.querySelector('#table-encoders').dataset.more")
        assert table.get_attribute("tabindex") is None


def test_headings_say_what_they_head(visit):
    with visit() as page:
        assert page.locator("table").count() == page.locator("table > caption").count()
        assert page.locator("thead th:not([scope^=col]), tbody th:not([scope=row])").count() == 0
        assert page.locator("tbody tr:not(:has(> th:first-child))").count() == 0


def test_without_scripts_every_cell_is_there(visit, report):
    wanted = {}
    for block in report.walk():
        table = block.table if isinstance(block, Explorer) else block
        if isinstance(table, Table):
            wanted[f"table-{table.id}"] = [
                [f"{c.text} {c.note}".strip() for c in row.cells] for row in table.rows
            ]
    with visit(java_script_enabled=False) as page:
        found = page.locator(".scroll").evaluate_all(
            "all => all.map(one => [one.id, [...one.querySelectorAll('tbody tr')].map(row => "
            "[...row.cells].map(cell => cell.textContent))])"
        )
        assert len(wanted) >= 12
        assert {
            name: [[" ".join(cell.split()) for cell in row] for row in rows] for name, rows in found
        } == {
            name: [[" ".join(cell.split()) for cell in row] for row in rows]
            for name, rows in wanted.items()
        }
        for control in (".dial", "#theme", ".sieve", "button.sort"):
            assert page.locator(control).locator("visible=true").count() == 0
        claim = page.locator(".entry").first
        assert not claim.locator("dl").is_visible()
        claim.locator("summary").click()
        assert claim.locator("dl").is_visible()
        assert page.locator(".contents a").first.is_visible()

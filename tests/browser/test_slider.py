from __future__ import annotations

import random
from importlib.resources import files

import pytest

from anatomy.report.sentences import percent

pytestmark = pytest.mark.browser

# Every length that the slider can take -> the rows of its table.
READ_ALL = """explorer => {
  const slider = explorer.querySelector("[type=range]"), found = [];
  for (let length = 1; length <= Number(slider.max); length += 1) {
    slider.value = length;
    slider.dispatchEvent(new Event("input"));
    found.push([...explorer.querySelectorAll("tbody tr")].map(row =>
      [...row.cells].map(cell => cell.textContent)));
  }
  return found;
}"""


def expected(row):
    """A context row of the findings, as the tables write it."""
    shares = (row.padding, row.quadratic_padding, row.truncation, row.token_loss)
    return [f"{row.density:.4f}", *map(percent, shares)]


def at(measure, length):
    """The same from the histogram, with the findings' six digits."""
    shares = (measure.padding, measure.quadratic_padding, measure.truncation, measure.token_loss)
    values = [float(f"{share(length):.6g}") for share in (measure.density, *shares)]
    return [f"{values[0]:.4f}", *map(percent, values[1:])]


def test_every_length_gives_the_numbers_of_the_findings(visit, findings):
    with visit() as page:
        explorers = page.query_selector_all(".explorer")
        assert len(explorers) == len(findings.encoders) == 2
        for explorer, encoder in zip(explorers, findings.encoders, strict=True):
            read = explorer.evaluate(READ_ALL)
            assert len(read) >= max(findings.settings.contexts)
            for length, rows in enumerate(read, 1):
                assert rows == [[g.group, *at(g.measure, length)] for g in encoder.lengths]
            for place, group in enumerate(encoder.lengths):
                for row in group.contexts:
                    assert read[row.length - 1][place][1:] == expected(row)


def test_numbers_are_written_as_python_writes_them(chromium):
    draw = random.Random(0)
    values = [0.0, 1.0, 0.9999, 0.99951, 0.999999, 3e-7, 1 / 3]
    values += [k / 2**n for n in range(1, 14) for k in range(1, 2**n, max(1, 2**n // 40))]
    values += [k / 2000 for k in range(2000)]  # near what one digit of a per cent cuts at
    values += [10 ** draw.uniform(-8, 0) for _ in range(3000)]
    source = (files("anatomy.report") / "templates/script/numbers.js").read_text("utf-8")
    page = chromium.new_page()
    written = page.evaluate(
        f"""values => {{ {source}
        return values.map(v => [percent(v), fixed(v, 4), Number(significant(v, 6))]); }}""",
        values,
    )
    page.close()
    assert written == [[percent(v), f"{v:.4f}", float(f"{v:.6g}")] for v in values]


def test_by_keyboard_number_and_button(visit, findings):
    encoder = findings.encoders[0]
    start, combined = encoder.recommended_context.length, encoder.lengths[0].measure
    with visit() as page:
        explorer = page.locator(".explorer").first
        slider, number = explorer.locator("[type=range]"), explorer.locator("[type=number]")
        back, verdict = explorer.get_by_role("button"), explorer.locator(".verdict")
        first = explorer.locator("tbody tr").first

        def shows(length):
            assert explorer.locator("output").inner_text() == f"L = {length}"
            assert f"L = {length} tokens" in explorer.locator("caption").inner_text()
            assert slider.get_attribute("aria-valuetext") == f"L = {length}"
            assert number.input_value() == slider.input_value() == str(length)
            assert first.locator("td").all_inner_texts() == at(combined, length)

        shows(start)
        assert back.is_disabled()
        assert "Keeps the bound" in verdict.inner_text()
        slider.focus()
        page.keyboard.press("ArrowLeft")
        shows(start - 1)
        assert encoder.recommended_context.worst in verdict.inner_text()
        assert "Cuts more than" in verdict.inner_text()
        page.keyboard.press("Home")
        shows(1)
        page.keyboard.press("End")
        shows(int(slider.get_attribute("max")))
        number.fill("7")
        shows(7)
        number.fill("0")
        assert slider.input_value() == "7"
        page.keyboard.press("Tab")  # what is no length is not kept
        shows(7)
        back.click()
        shows(start)
        assert back.is_disabled()


def test_a_line_on_the_figure_follows(visit, findings):
    with visit() as page:
        lines = page.locator("#figure-context-sam3 .line")
        assert lines.count() == 2  # a panel each
        assert not lines.first.is_visible()  # the figure itself marks the recommended length
        page.locator(".explorer [type=number]").first.fill("31")
        assert lines.first.is_visible()
        sheet = page.locator("#figure-context-sam3 .sheet").bounding_box()
        for line, left in zip(lines.all(), (0.1, 0.6), strict=True):
            box = line.bounding_box()
            assert box["x"] - sheet["x"] == pytest.approx((left + 0.31) * sheet["width"], abs=2)
            assert box["height"] == pytest.approx((0.9 - 0.16) * sheet["height"], abs=2)
        assert page.locator("#figure-context-minilm .line").count() == 0

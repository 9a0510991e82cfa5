"""Figures as a reader meets them: on paper, under the pointer, as numbers."""

from __future__ import annotations

import io
import json
from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from anatomy.pipeline import audit
from anatomy.report import figures
from anatomy.report.document import document
from anatomy.report.plots.csv import COLUMNS, original
from anatomy.report.sentences import percent
from anatomy.report.style import ONE_COLUMN, TWO_COLUMNS, brief, style
from tests.inside.samples import PROMPTS, run, save

STEMS = [
    "=SUM(A1)",
    "@support tickets, the year 2024; and the name goes on and on and on",
    "-1",
    "猫",
    "NA",
    *(f"source {at}" for at in range(7)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="module")
def cases(folder, findings, stand_in_findings):
    """Findings of every shape: sources from one to twelve, encoders from none to three."""
    for at, stem in enumerate(STEMS):
        (folder / f"{stem}.txt").write_text("\n".join(PROMPTS[at * 9 :: at + 1]), "utf-8")
    (folder / "single.txt").write_text("a red dog\n")
    (folder / "long.txt").write_text("\n".join("the red dog " * n for n in range(1, 90)))
    np.save(folder / "outputs.npy", np.random.default_rng(0).normal(size=(len(PROMPTS) - 100, 24)))
    outputs = [f"outputs:{folder / 'outputs.npy'}"]
    three = ["sam3", "minilm=DIR/bert", "hf:DIR/bert"]
    twelve = [f"{stem}.txt" for stem in STEMS]
    return {
        "hostile": findings,
        "stand-ins": stand_in_findings,
        "no encoder": audit([str(folder / "two.txt")], data=folder, encoders=outputs),
        "one prompt": run(folder, ["sam3", "minilm=DIR/bert"], ["single.txt"]),
        "one prompt beside others": run(
            folder, ["sam3=DIR/sam3"], ["one.txt", "single.txt"], sample=60
        ),
        "long prompts": run(folder, ["sam3"], ["one.txt", "long.txt"]),
        "twelve sources, three encoders": run(folder, three, twelve, sample=60),
    }


@pytest.fixture(scope="module")
def drawn(cases):
    return {name: figures.render(case) for name, case in cases.items()}


CASES = (
    "hostile",
    "stand-ins",
    "no encoder",
    "one prompt",
    "one prompt beside others",
    "long prompts",
    "twelve sources, three encoders",
)


def frame(figure: figures.Rendered) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(figure.csv), comment="#")


def named(drawn: list[figures.Rendered], name: str) -> figures.Rendered:
    return next(figure for figure in drawn if figure.name == name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("рыжий кот, γάτα", "рыжий кот, γάτα"),
        ("猫", r"\u732b"),
        ("שלום", r"\u05e9\u05dc\u05d5\u05dd"),
        ("a\u202eb", r"a\u202eb"),
        ("$x$", "$x$"),
    ],
)
def test_names_are_letters_where_a_figure_can_set_them_and_escapes_elsewhere(name, shown):
    assert brief(name, 24) == shown


def test_a_long_name_keeps_its_ends():
    assert brief("warehouse robots, night shift", 13) == "wareho… shift"


# --- every figure of every audit ------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_report_has_a_place_for_each_figure_and_each_place_a_figure(case, cases, drawn):
    places = [place.name for place in document(cases[case]).figures]
    assert sorted(places) == sorted(figure.name for figure in drawn[case])


@pytest.mark.parametrize("case", CASES)
def test_sizes_are_those_of_one_and_two_columns(case, drawn):
    for figure in drawn[case]:
        inches = {1: ONE_COLUMN, 2: TWO_COLUMNS}[figure.columns]
        image = Image.open(io.BytesIO(figure.png))
        assert image.width == round(200 * inches)
        assert image.height < 200 * 9, "higher than a page"
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.01)
        root = ET.fromstring(figure.svg)  # noqa: S314 - our own
        assert root.get("width") == f"{72 * inches:g}pt"
        assert not list(root.iter("{http://www.w3.org/2000/svg}text")), "a font would be needed"


@pytest.mark.parametrize("case", [CASES[at] for at in (0, 1, 3, 5, 6)])
def test_no_word_leaves_its_figure_or_runs_into_another_or_into_a_curve(case, cases, monkeypatch):
    words: list[Text] = []
    draw = Text.draw
    monkeypatch.setattr(Text, "draw", lambda self, to: (words.append(self), draw(self, to))[1])
    with style():
        kinds = {drawing.name.split("-")[0]: drawing for drawing in figures.drawings(cases[case])}
        for drawing in kinds.values():
            plot = drawing.draw()
            plot.lay_out()
            words.clear()
            canvas = FigureCanvasAgg(plot.figure)
            canvas.draw()
            shown = [word for word in words if word.get_visible() and word.get_text().strip()]
            renderer = canvas.get_renderer()
            boxes = [(w.get_text(), w.get_window_extent(renderer).padded(-1.5)) for w in shown]
            assert boxes
            width, height = plot.figure.bbox.size
            for word, box in boxes:
                assert box.x0 >= 0 and box.x1 <= width, (drawing.name, word)
                assert box.y0 >= 0 and box.y1 <= height, (drawing.name, word)
            level = [
                pair for pair, word in zip(boxes, shown, strict=True) if not word.get_rotation()
            ]
            for (one, a), (other, b) in combinations(level, 2):
                assert not a.overlaps(b), (drawing.name, one, other)
            for line in (line for axes in plot.figure.axes for line in axes.lines):
                path = line.get_path().transformed(line.get_transform())
                if len(path) > 3 and line.get_linestyle() != "None":  # a curve
                    for text, box in boxes:
                        apart = not line.axes.bbox.overlaps(box)  # where no curve is drawn
                        assert apart or not path.intersects_bbox(box, filled=False), (
                            drawing.name,
                            text,
                        )


@pytest.mark.parametrize("case", CASES)
def test_stand_ins_are_named_on_each_figure_and_above_its_numbers(case, cases, drawn):
    generated = cases[case].corpus.stand_ins
    for figure in drawn[case]:
        head = figure.csv.decode().splitlines()[1]
        assert ("Contains stand-ins." in figure.caption) == bool(generated)
        assert head.startswith("# Contains stand-in") == bool(generated)


# --- under the pointer ----------------------------------------------------------------------------


def uses(figure: figures.Rendered) -> np.ndarray:
    """Where the SVG draws marks and letters, as shares of its width and height [N, 2]."""
    root = ET.fromstring(figure.svg)  # noqa: S314 - our own
    size = np.array([float(v) for v in root.get("viewBox").split()[2:]])
    found = [
        (float(use.get("x")), float(use.get("y")))
        for use in root.iter("{http://www.w3.org/2000/svg}use")
        if use.get("x") and use.get("y")
    ]
    return np.array(found) / size


@pytest.mark.parametrize("kind", ["tokens-sam3", "scale-sam3", "dimension-sam3"])
def test_values_stand_where_the_marks_were_drawn(kind, drawn):
    figure = named(drawn["one prompt beside others"], kind)
    marks = uses(figure)
    for series in figure.hover["series"]:
        for left, top, *_ in series["points"]:
            assert np.abs(marks - [left, top]).max(axis=1).min() < 1e-3


def test_values_of_bars_stand_on_their_ends(drawn):
    """The pixels above a bar's end are paper, those below it the bar's."""
    for figure in drawn["hostile"]:
        if not figure.name.startswith("lengths"):
            continue
        image = np.asarray(Image.open(io.BytesIO(figure.png)).convert("RGB")).astype(int)
        height, width, _ = image.shape
        for series in figure.hover["series"]:
            tall = [p for p in series["points"] if float(p[3].split(" %")[0]) > 8]
            assert tall
            for left, top, *_ in tall:
                column = image[:, round(left * width)]
                above, below = column[round(top * height) - 4], column[round(top * height) + 4]
                assert above.min() > 200 > below.min()


def test_the_box_of_a_heat_map_is_where_its_picture_is(drawn):
    figure = named(drawn["one prompt beside others"], "positions-sam3")
    (grid,) = figure.hover["grids"]
    left, top, width, height = grid["box"]
    shown = np.asarray(Image.open(io.BytesIO(figure.png)).convert("RGB")).astype(int)
    rows, columns, _ = shown.shape
    # The diagonal, where every position is like itself, is the brightest of its row.
    count = len(grid["rows"])
    for at in (0, count // 2, count - 1):
        y = round((top + (at + 0.3) / count * height) * rows)
        along = [
            shown[y, round((left + (place + 0.3) / count * width) * columns)].sum()
            for place in range(count)
        ]
        assert int(np.argmax(along)) == at
        assert grid["values"][at][at] == "1.000"


@pytest.mark.parametrize("case", CASES)
def test_every_figure_tells_its_values_in_few_bytes(case, drawn):
    hovers = {figure.name: figure.hover for figure in drawn[case]}
    told = len(json.dumps(hovers, ensure_ascii=False))
    assert told < 200_000
    assert told + sum(len(figure.svg) for figure in drawn[case]) < 2_700_000  # of a page's 3 MB
    for hover in hovers.values():
        assert hover["series"] or hover["grids"]
        for series in hover["series"]:
            assert 0 < len(series["points"]) <= 64
            for left, top, *texts in series["points"]:
                assert 0 <= left <= 1 and 0 <= top <= 1
                assert all(isinstance(text, str) and text.isprintable() for text in texts)
        for grid in hover["grids"]:
            assert len(grid["values"]) == len(grid["rows"])
            assert all(len(row) == len(grid["columns"]) for row in grid["values"])


def test_values_are_said_as_in_the_tables(cases, drawn):
    encoder = cases["stand-ins"].encoders[0]
    hover = named(drawn["stand-ins"], f"tokens-{encoder.name}").hover
    said = {point[2]: point[3] for series in hover["series"] for point in series["points"]}
    token = next(t for t in encoder.top_tokens if t.id not in encoder.special_ids)
    assert said[token.text] == f"{percent(token.share)} (rank 1: {token.count:,})"


# --- as numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_pandas_reads_the_numbers_of_every_figure(case, drawn):
    for figure in drawn[case]:
        found = frame(figure)
        assert tuple(found.columns) == COLUMNS
        assert len(found)
        for column in ("x", "y", "low", "high"):
            assert found[column].dtype.kind in "if", (figure.name, column)
        for column in ("panel", "series", "label"):
            texts = found[column].dropna()
            assert all(isinstance(text, str) for text in texts), (figure.name, column)


def test_the_numbers_are_those_of_the_findings(cases, drawn):
    case = "twelve sources, three encoders"
    encoder = cases[case].encoders[1]
    tokens = frame(named(drawn[case], "tokens-minilm"))
    wanted = [t for t in encoder.top_tokens if t.id not in encoder.special_ids]
    assert tokens.y.tolist() == [t.share for t in wanted]
    assert [original(label) for label in tokens.label] == [t.text for t in wanted]

    lengths = frame(named(drawn[case], "lengths-minilm"))
    for source in encoder.lengths[1:]:
        own = lengths[lengths.panel.map(original).eq(source.group) & lengths.y.notna()]
        own = own[own.series.map(original).eq(source.group)]
        shares = {tokens: prompts / source.prompts for tokens, prompts in source.histogram}
        assert dict(zip(own.x, own.y, strict=True)) == shares

    context = frame(named(drawn[case], "context-minilm"))
    for group in encoder.lengths:
        cut = context[context.panel.eq("Tokens cut") & context.series.map(as_text).eq(group.group)]
        for row in group.contexts:
            lost = cut[cut.x.eq(row.length)].y.item()
            assert lost == pytest.approx(row.token_loss, rel=1e-5, abs=1e-12)

    spectrum = frame(named(drawn[case], "spectrum-minilm"))
    values = spectrum[spectrum.panel.eq("Singular values")].y.tolist()
    assert values == [y for part in encoder.inside.embedding.spectra for y in part.values.y]

    positions = frame(named(drawn[case], "positions-minilm"))
    heat = positions[positions.panel.eq("Cosine similarity of positions")]
    matrix = np.array(encoder.inside.positions.cosines)
    assert np.array_equal(heat.y.to_numpy().reshape(matrix.shape), matrix)

    scale = frame(named(drawn[case], "scale-minilm"))
    cloud = encoder.inside.outputs.main
    own = scale[scale.panel.eq("Pooled, by neighbour order") & scale.series.eq(cloud.group)]
    estimates = [part.estimate for part in cloud.by_order]
    assert own[["y", "low", "high"]].to_numpy().tolist() == [
        [e.value, e.low, e.high] for e in estimates
    ]

    overlap = frame(named(drawn[case], "overlap"))
    shared = overlap[overlap.y_name.eq("prompts shared")].y.to_numpy().reshape(12, 12)
    assert shared.tolist() == cases[case].corpus.shared


def as_text(cell: object) -> str:
    return original(cell) if isinstance(cell, str) else ""

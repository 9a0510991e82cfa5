"""Frames against the findings' own JSON."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

import anatomy
from anatomy import frames
from anatomy.findings import OtherEstimate
from tests.conftest import REPOSITORY

EXAMPLE = REPOSITORY / "reports" / "example" / "findings.json"
DOCUMENT = json.loads(EXAMPLE.read_bytes())  # two encoders, one of them with weights
INSIDE = {e["name"]: e["inside"] for e in DOCUMENT["encoders"] if e["inside"]}


@pytest.fixture(scope="module")
def findings():
    return anatomy.Findings.load(EXAMPLE)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Two sources in memory and no weights."""
    prompts = {"one": ["a dog", "a cat", "", None], "two": ["a dog", "the red car", "a dog"]}
    return anatomy.audit(prompts=prompts, contexts=[4], data=tmp_path_factory.mktemp("empty"))


def records(frame):
    """Rows as dicts, what is missing as None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def documented(function):
    """The columns that a docstring names, in its order."""
    lines = function.__doc__.partition("Returns\n")[2].splitlines()
    heads = [re.match(r" {8}(\w[\w, ]*?)(?: : |$)", line) for line in lines]
    return [name for head in heads if head for name in head[1].split(", ")]


@pytest.mark.parametrize("name", frames.__all__)
def test_every_frame_has_its_documented_columns_with_and_without_rows(name, findings, small):
    function = getattr(frames, name)
    nothing = findings.model_copy(
        update={
            "encoders": [],
            "outputs": [],
            "ledger": [],
            "sources": [],
            "corpus": findings.corpus.model_copy(update={"shared": []}),
        }
    )
    full, some, empty = function(findings), function(small), function(nothing)
    assert list(full.columns) == documented(function)
    assert len(empty) == 0
    assert len(full) + len(some) > 0
    for frame in (some, empty):
        assert list(frame.columns) == list(full.columns)
        assert list(frame.dtypes) == list(full.dtypes)
    assert not full.duplicated().any()


@pytest.mark.parametrize("name", frames.__all__)
def test_frames_of_several_findings_can_be_put_together(name, findings, small):
    parts = {"before": getattr(frames, name)(findings), "after": getattr(frames, name)(small)}
    both = pd.concat(parts, names=["audit"]).reset_index("audit")
    assert list(both.columns) == ["audit", *parts["before"].columns]
    assert list(both.dtypes)[1:] == list(parts["before"].dtypes)
    assert both["audit"].value_counts().get("before", 0) == len(parts["before"])
    assert len(both) == len(parts["before"]) + len(parts["after"])


def test_sources_files_and_refusals(findings, small):
    for row, source in zip(records(frames.sources(findings)), DOCUMENT["sources"], strict=True):
        assert row.pop("source") == source["name"]
        assert row.pop("refused") == sum(source["refused"].values())
        assert row == {name: source[name] for name in row}
    assert records(frames.refused(small)) == [
        {"source": "one", "reason": "not a string", "rows": 1},
        {"source": "one", "reason": "empty", "rows": 1},
    ]
    given = records(frames.files(small))
    assert [(row["source"], row["path"], row["bytes"]) for row in given] == [
        ("one", None, None),
        ("two", None, None),
    ]
    assert given[0]["sha256"] == small.sources[0].sha256
    files = [file for source in DOCUMENT["sources"] for file in source["files"]]
    assert [
        {name: row[name] for name in ("path", "bytes", "sha256")}
        for row in records(frames.files(findings))
    ] == files


def test_overlap_is_the_matrix(findings, small):
    matrix = frames.overlap(findings).pivot(index="source", columns="other", values="shared")
    names = [source["name"] for source in DOCUMENT["sources"]]
    assert matrix.loc[names, names].to_numpy().tolist() == DOCUMENT["corpus"]["shared"]
    assert records(frames.overlap(small))[1] == {
        "source": "one",
        "other": "two",
        "shared": 1,
        "share": 0.5,
    }


def test_lengths_contexts_and_vocabulary(findings):
    for encoder in DOCUMENT["encoders"]:
        chosen = f"encoder == {encoder['name']!r}"
        rows = records(frames.lengths(findings).query(chosen))
        for row, part in zip(rows, encoder["lengths"], strict=True):
            assert row.pop("encoder") == encoder["name"]
            assert row.pop("cleaned") == encoder["unique_cleaned"][part["group"]]
            assert row == {name: part[name] for name in row}
        contexts = records(frames.contexts(findings).query(chosen))
        assert contexts == [
            {"encoder": encoder["name"], "group": part["group"], **row}
            for part in encoder["lengths"]
            for row in part["contexts"]
        ]
        histogram = frames.histogram(findings).query(chosen)
        for part in encoder["lengths"]:
            own = histogram[histogram["group"] == part["group"]]
            assert own[["length", "prompts"]].to_numpy().tolist() == part["histogram"]
            assert own["share"].sum() == pytest.approx(1)
            assert (own["length"] * own["prompts"]).sum() == part["tokens"]
        for row, part in zip(
            records(frames.vocabulary(findings).query(chosen)), encoder["vocabulary"], strict=True
        ):
            shares = {f"top{k}_share": share for k, share in part.pop("top_shares").items()}
            assert row == {"encoder": encoder["name"], **part, **shares}


def test_any_context_length_is_exact(findings, small):
    stored = frames.contexts(findings)
    asked = frames.contexts(findings, lengths=(length for length in (8, 16, 32)))
    pd.testing.assert_frame_equal(stored, asked)
    # "a dog" and "a cat": four tokens each with start and end
    one = frames.contexts(small, lengths=[2, 5]).query("group == 'one'")
    assert one["truncation"].tolist() == [1, 0]
    assert one["token_loss"].tolist() == [0.5, 0]
    assert one["density"].tolist() == [1, 0.8]
    assert one["quadratic_padding"].tolist() == [0, pytest.approx(1 - 16 / 25)]
    with pytest.raises(ValueError, match="0 is no context length"):
        frames.contexts(small, lengths=[4, 0])
    assert len(frames.contexts(small, lengths=[])) == 0


def test_tokens_and_curves(findings):
    for encoder in DOCUMENT["encoders"]:
        chosen = f"encoder == {encoder['name']!r}"
        tokens = frames.tokens(findings).query(chosen)
        assert records(tokens.drop(columns=["encoder", "rank"])) == encoder["top_tokens"]
        assert tokens["rank"].tolist() == list(range(1, len(tokens) + 1))
        assert tokens["count"].is_monotonic_decreasing
        kept = frames.kept(findings).query(chosen)["id"]
        assert len(kept) == encoder["vocabulary"][0]["distinct"]
        assert kept.is_unique
        assert kept.is_monotonic_increasing
        assert set(tokens["id"]) <= set(kept)
        for frame, curve in (
            (frames.zipf(findings), encoder["zipf"]),
            (frames.growth(findings), encoder["growth"]),
        ):
            _, x, y = (frame.query(chosen)[name].tolist() for name in frame.columns)
            assert (x, y) == (curve["x"], curve["y"])


def test_encoders_say_what_is_recommended(findings):
    for row, encoder in zip(records(frames.encoders(findings)), DOCUMENT["encoders"], strict=True):
        choice = encoder["recommended_context"]
        assert row["recommended"] == choice["length"]
        assert (row["aligned"], row["bound"]) == (choice["aligned"], choice["bound"])
        assert (row["decides"], row["loss"]) == (choice["worst"], choice["worst_loss"])
        assert (row["vocabulary"], row["context"]) == (
            encoder["vocabulary_size"],
            encoder["context"],
        )
        assert row["parameters"] == (encoder["inside"] or {}).get("parameters")
    # the recommendation is the shortest that keeps the bound everywhere
    shortest = frames.contexts(findings, lengths=range(1, 64)).query("token_loss <= 0.01")
    needed = shortest.groupby(["encoder", "group"])["length"].min().groupby("encoder").max()
    recommended = frames.encoders(findings).set_index("encoder")["recommended"]
    assert needed.to_dict() == recommended.to_dict()


def test_weights(findings):
    assert INSIDE  # else nothing below is tested
    for name, inside in INSIDE.items():
        chosen = f"encoder == {name!r}"
        (row,) = records(frames.embeddings(findings).query(chosen))
        assert row.pop("encoder") == name
        assert row == {column: inside["embedding"][column] for column in row}
        factorised = frames.factorised(findings).query(chosen)
        for part in inside["embedding"]["factorised"]:
            both = factorised[factorised["variance"] == part["percent"] / 100]
            assert both["rank"].tolist() == [part["rank_all"], part["rank_used"]]
            assert both["parameters"].tolist() == [part["parameters_all"], part["parameters_used"]]
        positions = inside["positions"]
        (row,) = records(frames.positions(findings).query(chosen))
        assert row.pop("encoder") == name
        assert row == {column: positions[column] for column in row}
        assert frames.reach(findings).query(chosen)["share"].tolist() == positions["reach"]
        cosines = frames.cosines(findings).query(chosen)
        matrix = cosines.pivot(index="position", columns="other", values="cosine")
        assert matrix.to_numpy().tolist() == positions["cosines"]
        assert matrix.index.tolist() == [positions["block"] * at for at in range(len(matrix))]


def test_spectra(findings):
    for name, inside in INSIDE.items():
        wanted = [("token embedding", part) for part in inside["embedding"]["spectra"]]
        wanted += [("position embedding", inside["positions"]["spectrum"])]
        wanted += [
            (f"{cloud['kind']} outputs", cloud["linear"] | {"group": cloud["group"]})
            for cloud in inside["outputs"]["clouds"]
        ]
        rows = records(frames.spectra(findings).query(f"encoder == {name!r}"))
        values = frames.singular_values(findings).query(f"encoder == {name!r}")
        for row, (matrix, part) in zip(rows, wanted, strict=True):
            assert (row["matrix"], row["group"]) == (matrix, part["group"])
            for percent, dims in part["dims"].items():
                assert row[f"dims{percent}"] == dims
            for column in ("rows", "columns", "effective_rank", "rank_share"):
                assert row[column] == part[column]
            own = values[(values["matrix"] == matrix) & (values["group"] == part["group"])]
            assert own["number"].tolist() == part["values"]["x"] == part["curve"]["x"]
            assert own["ratio"].tolist() == part["values"]["y"]
            assert own["kept"].tolist() == part["curve"]["y"]


def of_cloud(frame, name, cloud):
    """The rows of one cloud, without the columns that name it."""
    own = (frame["encoder"] == name) & (frame["group"] == cloud["group"])
    rows = frame[own & (frame["kind"] == cloud["kind"])]
    return records(rows.drop(columns=["encoder", "group", "kind"]))


def estimate(estimator, mean, k, software, found):
    """A row of `frames.estimates`."""
    numbers = found if isinstance(found, dict) else {"value": found, "low": None, "high": None}
    named = {"estimator": estimator, "mean": mean, "k": k, "software": software}
    return named | numbers | {"failure": None}


def test_estimates(findings):
    frame = frames.estimates(findings)
    for name, inside in INSIDE.items():
        for cloud in inside["outputs"]["clouds"]:
            ours = [
                estimate("TwoNN", None, None, "anatomy", cloud["two_nn"]),
                estimate("MLE", "harmonic", None, "anatomy", cloud["harmonic"]),
                estimate("MLE", "arithmetic", None, "anatomy", cloud["arithmetic"]),
            ]
            theirs = [("TwoNN", None, None, cloud["two_nn_reference"])]
            for part in cloud["mle"]:
                ours += [
                    estimate("MLE", mean, part["k"], "anatomy", part[mean])
                    for mean in ("harmonic", "arithmetic")
                ]
                theirs.append(("MLE", "harmonic", part["k"], part["reference"]))
            rows = of_cloud(frame, name, cloud)
            assert [row for row in rows if row["software"] == "anatomy"] == ours
            assert [row for row in rows if row["software"] != "anatomy"] == [
                estimate(estimator, mean, k, "scikit-dimension", value)
                for estimator, mean, k, value in theirs
                if value is not None
            ]


def test_estimators_that_failed_say_why(findings):
    encoder = findings.encoders[-1]
    outputs = encoder.inside.outputs
    others = [
        OtherEstimate(name="lPCA", value=9),
        OtherEstimate(name="DANCo", value=None, failure="too few"),
    ]
    cloud = outputs.clouds[0].model_copy(update={"others": others})
    inside = encoder.inside.model_copy(
        update={"outputs": outputs.model_copy(update={"clouds": [cloud]})}
    )
    some = findings.model_copy(update={"encoders": [encoder.model_copy(update={"inside": inside})]})
    *_, good, bad = records(frames.estimates(some))
    assert (good["estimator"], good["value"], good["failure"]) == ("lPCA", 9, None)
    assert (bad["estimator"], bad["value"], bad["failure"]) == ("DANCo", None, "too few")


def test_clouds_and_scales(findings):
    clouds, orders = frames.clouds(findings), frames.by_order(findings)
    sizes, near = frames.by_size(findings), frames.near_duplicates(findings)
    for name, inside in INSIDE.items():
        for cloud in inside["outputs"]["clouds"]:
            (row,) = of_cloud(clouds, name, cloud)
            found = cloud["neighbours"]
            assert row.pop("neighbours") == found["method"]
            assert (row.pop("k"), row.pop("recall")) == (found["k"], found["recall"])
            assert row == {column: cloud[column] for column in row}
            assert of_cloud(orders, name, cloud) == [
                {"order": step["order"], **step["estimate"]} for step in cloud["by_order"]
            ]
            assert of_cloud(sizes, name, cloud) == [
                {
                    "points": size["points"],
                    "samples": size["samples"],
                    "estimator": estimator,
                    **size[key],
                }
                for size in cloud["by_size"]
                for estimator, key in (("TwoNN", "two_nn"), ("MLE", "mle"))
            ]
            left = cloud["near_duplicates"]
            nothing = {"value": None, "low": None, "high": None}
            assert of_cloud(near, name, cloud) == [
                {
                    "share": left["share"],
                    "points": left["points"],
                    "estimator": estimator,
                    **(left[key] or nothing),
                }
                for estimator, key in (("TwoNN", "two_nn"), ("MLE", "mle"))
                if left
            ]


def test_the_ledger_is_the_same_from_findings_and_from_a_check(findings, tmp_path):
    assert records(frames.ledger(findings)) == DOCUMENT["ledger"]
    entries = anatomy.check_paper(tmp_path)
    assert records(frames.ledger(entries)) == [entry.model_dump() for entry in entries]


def test_what_is_not_measured_says_why(findings, small):
    assert records(frames.not_measured(small)) == [
        {
            "encoder": "sam3",
            "what": "weights",
            "why": small.encoders[0].weights.removeprefix("not measured: "),
        }
    ]
    inside = findings.encoders[-1].inside
    outputs = inside.outputs.model_copy(update={"absent": {"lvis, pooled": "3 points"}})
    changed = inside.model_copy(
        update={"positions": None, "no_positions": "it rotates", "outputs": outputs}
    )
    encoder = findings.encoders[-1].model_copy(update={"inside": changed})
    some = findings.model_copy(update={"encoders": [encoder]})
    assert [row["why"] for row in records(frames.not_measured(some))] == ["it rotates", "3 points"]
    assert len(frames.positions(some)) == len(frames.cosines(some)) == 0

"""The sections that need weights, from an audit to the findings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from anatomy.encoders import resolve
from anatomy.errors import InputError
from anatomy.findings import Findings, from_ranges
from tests.inside.samples import PROMPTS, run, save


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("inside"))


@pytest.fixture(scope="module")
def findings(folder):
    return run(folder, ["minilm=DIR/bert", "sam3=DIR/sam3", "hf:DIR/bert"], sample=120)


def test_the_embedding_is_measured_over_all_and_over_used_tokens(findings, folder):
    encoder = findings.encoders[0]
    found = encoder.inside.embedding
    (resolved,) = resolve([f"minilm={folder / 'bert'}"])
    table = resolved.open("cpu", "float32").token_embedding.astype(np.float64)
    used = from_ranges(encoder.kept_ids)
    assert (found.rows, found.width, found.used) == (*table.shape, len(used))
    assert found.pruned_parameters == len(used) * 32
    for part, rows in zip(found.spectra, (table, table[used]), strict=True):
        values = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
        p = values / values.sum()
        rank = np.exp(-np.sum(p[p > 1e-12] * np.log(p[p > 1e-12])))
        assert part.effective_rank == pytest.approx(rank, rel=1e-5)
        energy = np.cumsum(values**2) / np.sum(values**2)
        assert part.dims == {q: int(np.sum(energy < q / 100 - 1e-12)) + 1 for q in (90, 95, 99)}
        assert part.published == {}
    for row in found.factorised:
        assert row.parameters_all == row.rank_all * (found.rows + 32) + 32
        assert row.parameters_used == row.rank_used * (found.used + 32) + 32


def test_positions_meet_the_prompts_that_reach_them(findings):
    encoder = findings.encoders[0]
    found = encoder.inside.positions
    lengths = encoder.lengths[0].measure
    assert found.reach == [pytest.approx(lengths.reach(at), rel=1e-5) for at in range(24)]
    assert found.rows == 24 and found.block == 1 and len(found.cosines) == 24
    assert found.cosines[3][3] == 1.0
    assert "positions 5-23" in found.advice


def test_clouds_are_those_of_the_encoder_itself(findings, folder):
    """The union's pooled outputs, computed anew with transformers."""
    from skdim.id import TwoNN

    outputs = findings.encoders[0].inside.outputs
    pooled = [c for c in outputs.clouds if c.kind == "pooled"]
    assert [c.group for c in pooled] == ["combined", "one", "two"]
    assert [c.population for c in pooled] == [len(PROMPTS), 160, len(PROMPTS) - 100]
    assert all(c.drawn == 120 for c in pooled)
    whole = run(folder, ["minilm=DIR/bert"], sample=None).encoders[0].inside.outputs.clouds[0]
    assert whole.drawn == whole.points == len(PROMPTS)
    (encoder,) = resolve([f"minilm={folder / 'bert'}"])
    table = encoder.tokenizer.encode(PROMPTS)
    from transformers import BertModel

    module = BertModel.from_pretrained(folder / "bert").eval()
    points = []
    with torch.inference_mode():
        for a, b in zip(table.offsets, table.offsets[1:], strict=False):
            ids = torch.from_numpy(table.ids[a:b].astype(np.int64))[None]
            points.append(module(input_ids=ids).last_hidden_state[0].mean(dim=0).numpy())
    expected = TwoNN().fit(np.array(points, dtype=np.float64)).dimension_
    assert whole.two_nn.value == pytest.approx(expected, rel=2e-3)
    assert whole.two_nn_reference == pytest.approx(expected, rel=2e-3)


def test_every_estimate_has_an_interval_and_a_scale(findings):
    for encoder in findings.encoders:
        for cloud in encoder.inside.outputs.clouds:
            assert cloud.two_nn.low <= cloud.two_nn.value <= cloud.two_nn.high
            assert cloud.harmonic.low <= cloud.harmonic.value <= cloud.harmonic.high
            assert [part.order for part in cloud.by_order] == [1, 2, 4, 8, 16, 32]
            assert cloud.ambient == cloud.linear.columns
            assert cloud.neighbours.method == "exact"


def test_a_causal_encoder_s_equal_prefixes_are_one_point(findings):
    def per_token(encoder):
        return next(c for c in encoder.inside.outputs.clouds if c.kind == "per-token")

    bert, sam3, _ = findings.encoders
    assert not bert.inside.causal and per_token(bert).copies == 0
    assert sam3.inside.causal and per_token(sam3).copies > 100  # every start token, to begin with


def test_published_figures_stand_beside_sam3_alone(findings):
    bert, sam3, _ = findings.encoders
    assert bert.inside.positions.published == {}
    assert sam3.inside.embedding.spectra[0].published["effective_rank"] == "943"
    assert sam3.inside.positions.published["ratio"] == "1.5"
    # These prompts are not the paper's: what depends on them is not comparable.
    assert sam3.inside.embedding.spectra[1].published == {}
    assert sam3.inside.outputs.published == {}
    assert all(entry.measured is None for entry in findings.ledger if entry.group == "embeddings")


def test_a_second_audit_encodes_nothing_and_finds_the_same(folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    first = run(folder, ["minilm=DIR/bert"], sample=50, cache=cache)
    from anatomy.encoders.model import TorchTextModel

    rows = []
    encode = TorchTextModel.encode
    monkeypatch.setattr(
        TorchTextModel,
        "encode",
        lambda self, ids, *a: rows.append(len(ids)) or encode(self, ids, *a),
    )
    second = run(folder, ["minilm=DIR/bert"], sample=50, cache=cache)
    assert sum(rows) == 8  # the probe of causality
    assert first.digest == second.digest
    third = run(folder, ["minilm=DIR/bert"], sample=50, cache=cache, pooling="cls")
    assert sum(rows) > 50
    assert third.encoders[0].inside.outputs.clouds[0].two_nn != (
        second.encoders[0].inside.outputs.clouds[0].two_nn
    )


def test_long_prompts_are_cut_to_the_encoder_s_positions(folder, tmp_path):
    (tmp_path / "long.txt").write_text(
        "\n".join(f"{prompt} {'red ' * (at % 40)}" for at, prompt in enumerate(PROMPTS[:80]))
    )
    found = run(folder, ["minilm=DIR/bert"], sources=[str(tmp_path / "long.txt")])
    outputs = found.encoders[0].inside.outputs
    assert outputs.context == 24 and outputs.truncated > 0
    assert [c.group for c in outputs.clouds] == ["combined", "combined"]  # one source is the union


def test_too_few_prompts_say_so_and_nothing_breaks(folder, tmp_path):
    (tmp_path / "few.txt").write_text("a dog\na cat\n")
    found = run(folder, ["minilm=DIR/bert"], sources=[str(tmp_path / "few.txt"), "one.txt"])
    outputs = found.encoders[0].inside.outputs
    assert outputs.absent["few, pooled"] == "2 distinct points of 2 drawn; an estimate needs 20"
    assert [c.group for c in outputs.clouds if c.kind == "pooled"] == ["combined", "one"]
    alone = run(folder, ["minilm=DIR/bert"], sources=[str(tmp_path / "few.txt")])
    assert alone.encoders[0].inside.outputs.clouds == []


def test_the_document_with_an_inside_survives_a_round_trip(findings, tmp_path):
    (tmp_path / "findings.json").write_bytes(findings.to_json())
    assert Findings.load(tmp_path / "findings.json") == findings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id_estimators": ("lpca", "Danko")}, "has no Danko; did you mean DANCo"),
        ({"sample": 0}, "--sample: 0 is no number"),
    ],
)
def test_options_that_cannot_be_used_are_refused_before_any_work(folder, options, message):
    with pytest.raises(InputError, match=message):
        run(folder, ["minilm=DIR/bert"], **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_is_one_line(folder):
    with pytest.raises(InputError, match="--device cuda: torch finds no CUDA device"):
        run(folder, ["minilm=DIR/bert"], device="cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_finds_what_the_cpu_finds(folder):
    cpu, gpu = (run(folder, ["minilm=DIR/bert"], device=device) for device in ("cpu", "cuda"))
    one, two = (found.encoders[0].inside.outputs for found in (cpu, gpu))
    assert (one.device, two.device, two.threads) == ("cpu", "cuda", None)
    for a, b in zip(one.clouds, two.clouds, strict=True):
        assert b.harmonic.value == pytest.approx(a.harmonic.value, rel=5e-3)


def test_a_first_output_that_is_always_the_same_is_no_pooling(folder):
    with pytest.raises(InputError, match="--pooling cls: sam3 reads from left to right"):
        run(folder, ["sam3=DIR/sam3"], pooling="cls")


def test_few_points_give_no_advice_on_the_width(findings):
    outputs = findings.encoders[0].inside.outputs
    assert outputs.main.points < 5 * outputs.main.ambient
    assert outputs.rank is None and "No advice on the width" in outputs.advice

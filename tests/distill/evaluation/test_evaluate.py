"""The evaluation of a run that has ended, with its own teacher; `distill evaluate`."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from distill.cli import app
from distill.evaluation.again import evaluate_run
from distill.evaluation.asked import Both
from distill.evaluation.held_out import held_out
from distill.metrics import load


@pytest.fixture(scope="module")
def held(done):
    return held_out(done.student, done.data, done.planned.prompts, done.recipe)


@pytest.fixture(scope="module")
def both(done):
    tokenizer, pooling = done.planned.tokenizer, done.recipe.teacher.pooling
    return Both(done.teacher, done.student, tokenizer, pooling)


def evaluate(*arguments: object):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_only_held_out_prompts_are_compared_and_means_are_of_training_prompts(done, held):
    prompts, data = done.planned.prompts, done.data
    assert prompts.held_out[held.rows].all() and len(held) == prompts.held_out.sum()
    assert held.texts.to_pylist() == prompts.texts.take(pa.array(held.rows)).to_pylist()
    train = np.flatnonzero(~data.held_out)
    pooled = data.targets.pooled[data.examples.row[train]].astype(np.float64)
    assert np.allclose(held.mean, pooled.mean(axis=0), atol=1e-5)
    chosen = data.training.target[data.training.target >= 0]
    tokens = data.targets.tokens[chosen].astype(np.float64)
    assert np.allclose(held.mean_token, tokens.mean(axis=0), atol=1e-4)


def test_both_encoders_say_the_same_when_asked_again(held, both):
    teacher, student = both.pooled(both.read(held.texts))
    assert np.allclose(student, held.student, atol=1e-4)
    assert np.allclose(teacher, held.teacher, atol=1e-4)


def test_prompts_that_a_context_cuts_are_known(done, held, both):
    context = done.recipe.student.context
    long = pa.array(["red " * context, "red"], pa.large_string())
    assert both.whole(both.read(long)).tolist() == [False, True]
    lengths = done.planned.tokenizer.encode(held.texts).lengths
    assert held.cut.tolist() == (lengths > context).tolist()


def test_a_runs_evaluation_covers_its_sources_and_its_worst_prompts(done, held):
    found = done.evaluation
    assert [g.group for g in found.groups] == ["combined", *done.planned.prompts.names]
    assert found.combined.prompts == len(held) == found.conditions.prompts
    assert found.combined.pooled.student.mean == pytest.approx(held.cosine.mean(), abs=1e-5)
    assert [prompt.cosine for prompt in found.worst] == pytest.approx(
        np.sort(held.cosine)[: len(found.worst)].tolist(), abs=1e-5
    )
    assert {prompt.text for prompt in found.worst} <= set(held.texts.to_pylist())
    assert found.segmented[0].prompts + found.segmented[1].prompts == len(held)
    assert load(done.folder).evaluation == found


def numbers(part) -> list[float]:
    """Every number in a part of the document, by its place."""
    if isinstance(part, dict):
        return [number for value in part.values() for number in numbers(value)]
    if isinstance(part, list):
        return [number for value in part for number in numbers(value)]
    return [float(part)] if isinstance(part, int | float) else []


def test_evaluating_again_from_the_files_alone_gives_the_same(own_run):
    shutil.rmtree(own_run / "targets")
    found, robustness = evaluate_run(own_run, device="cpu")
    before = load(own_run)
    for now, then in ((found, before.evaluation), (robustness, before.robustness)):
        now, then = (part.model_dump(exclude={"conditions", "worst"}) for part in (now, then))
        # Batches may be cut otherwise: other last digits.
        assert np.allclose(numbers(now), numbers(then), rtol=1e-3, atol=1e-5)
    names, cosines = zip(*((p.text, p.cosine) for p in found.worst), strict=True)
    others = [(p.text, p.cosine) for p in before.evaluation.worst]
    assert set(names) == {text for text, _ in others}  # of equal ones any may be the worse
    assert cosines == pytest.approx([cosine for _, cosine in others], abs=1e-5)
    assert found.conditions.student_sha256 == before.run.student_sha256
    assert (own_run / "targets").is_dir()


def test_the_command_writes_its_measures_and_the_report_and_leaves_the_rest(own_run):
    before = load(own_run)
    result = evaluate(own_run, "--device", "cpu", "--seed", "7")
    assert result.exit_code == 0, result.output
    after = load(own_run)
    assert after.run == before.run and after.evaluation.conditions.seed == 7
    now, then = (part.evaluation.groups[0].pooled.model_dump() for part in (after, before))
    assert np.allclose(numbers(now), numbers(then), rtol=1e-3, atol=1e-5)
    assert after.evaluation.shuffles != before.evaluation.shuffles
    assert after.robustness.conditions.seed == 7
    assert after.digest.encode() in (own_run / "report.html").read_bytes()
    assert f"{after.evaluation.combined.pooled.student.mean:.4f}" in result.output


def test_what_is_no_run_is_one_line(tmp_path, own_run):
    for folder, expected in ((tmp_path, "has no metrics.json"), (own_run, "is not the student")):
        if folder == own_run:
            with (own_run / "student" / "student.safetensors").open("ab") as stream:
                stream.write(b"x")
        with pytest.raises(Exception, match=expected):
            evaluate_run(folder)


def test_flags_and_small_sources_are_named_on_the_terminal(done, monkeypatch, capsys):
    from rich.console import Console

    from distill import console_evaluation

    monkeypatch.setattr(console_evaluation, "_out", Console(width=100, force_terminal=False))
    groups = list(done.evaluation.groups)
    groups[1] = groups[1].model_copy(update={"group": "[red]x\x1b[2J", "verdict": "flagged"})
    groups[2] = groups[2].model_copy(update={"verdict": "too few"})
    console_evaluation.print_evaluation(done.evaluation.model_copy(update={"groups": groups}))
    shown = capsys.readouterr().out
    assert "Flagged: [red]x" in shown and "\x1b" not in shown
    assert f"Too few held-out prompts to judge: {groups[2].group}" in shown


def test_the_json_of_a_hostile_prompt_is_read_back(done, own_run):
    from distill.metrics import update

    text = "</script>\"\\ \u2028\x07 ﷽ 🙂 '=cmd"
    worst = [done.evaluation.worst[0].model_copy(update={"text": text})]
    update(own_run, evaluation=done.evaluation.model_copy(update={"worst": worst}))
    assert load(own_run).evaluation.worst[0].text == text
    assert (
        json.loads((own_run / "metrics.json").read_bytes())["evaluation"]["worst"][0]["text"]
        == text
    )
    page = (own_run / "report.html").read_text()
    for part in ('</script>"', "\x07", "\u2028"):
        assert part not in page
    assert "&lt;/script&gt;" in page


def test_a_run_without_word_order_still_has_an_evaluation(done, held, both, monkeypatch):
    """Prompts of one word: nothing to shuffle, no twins."""
    from distill.evaluation.orders import corpus_orders, shuffles

    texts = pa.array([f"w{at}" for at in range(len(held))], pa.large_string())
    plain = replace(held, texts=texts, rows=np.arange(len(held)))
    assert shuffles(plain, both) == []
    assert corpus_orders(texts, plain).pairs == 0

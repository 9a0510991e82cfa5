"""Training: it learns, it is the same again, it goes on after a stop, and it knows when to end."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anatomy.errors import InputError
from distill import checkpoints
from distill.batches import assemble
from distill.outputs import closeness, student_outputs
from distill.recipe import LossRecipe
from distill.steps import Stepper, accelerator_for, learning_rate, parameter_groups
from distill.students import build
from distill.train import CHECKPOINTS, METRICS, Progress, Trained, train
from tests.distill import samples
from tests.distill.small import CONTEXT, VOCABULARY, SmallStudent, small_data, small_recipe

KEY = "k"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small_data(tmp_path_factory.mktemp("data"))


def run(
    data: Any, folder: Path, recipe: Any = None, student: Any = None, **options: Any
) -> tuple[Any, Trained]:
    student = student or SmallStudent()
    examples, targets = data
    trained = train(
        recipe or small_recipe(),
        student,
        examples,
        targets,
        folder,
        key=KEY,
        accelerator=accelerator_for("cpu"),
        **options,
    )
    return student, trained


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]


def same_weights(one: Any, other: Any) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_the_rate_warms_up_and_falls_to_zero():
    rates = [learning_rate(step, 100, 10, 2.0) for step in range(100)]
    assert rates[:10] == pytest.approx([0.2 * step for step in range(1, 11)])
    assert rates[10] == 2.0 and rates[55] == pytest.approx(1.0) and 0 < rates[99] < 1e-3
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))
    assert learning_rate(0, 1, 0, 2.0) == 2.0


def test_norms_biases_scales_and_embeddings_do_not_decay():
    student = SmallStudent(padded=True)
    student.layer_scale = torch.nn.Parameter(torch.ones(8, 1, 1))
    student.position_embedding = torch.nn.Parameter(torch.ones(1, 1, 6, 8))
    student.frozen = torch.nn.Linear(2, 2).requires_grad_(False)
    decayed, free = parameter_groups(student, 0.1)
    names = {id(p): name for name, p in student.named_parameters()}
    assert {names[id(p)] for p in decayed["params"]} == {"mix.weight", "linear.weight"}
    assert len(free["params"]) == len(names) - 4 and free["weight_decay"] == 0


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_student_learns(data, tmp_path, padded, precision):
    examples, targets = data

    def check(student: Any) -> dict[str, float]:
        outputs = student_outputs(student, examples.table, "mean")
        return closeness(outputs, examples, targets).summary()

    before = check(SmallStudent(padded=padded))
    seen: list[Progress] = []
    recipe = small_recipe(epochs=20, precision=precision)
    student, trained = run(
        data, tmp_path, recipe, SmallStudent(padded=padded), check=check, watch=seen.append
    )
    after = check(student.eval())
    assert after["cosine"] > max(0.9, before["cosine"]) and after["cosine_p5"] <= after["cosine"]
    assert trained.prompts == 150 * 20 and trained.resumed == 0
    told = lines(tmp_path)
    assert told[-1]["step"] == trained.steps and told[-1]["prompts"] == trained.prompts
    assert told[-1]["loss"] < told[0]["loss"] / 2
    assert told[-1]["held_out"]["cosine"] == pytest.approx(after["cosine"], abs=1e-6)
    weights = recipe.loss
    for line in told:
        parts = (line["mse"], weights.cosine * line["cosine"])
        total = sum(parts) + weights.consistency * line["consistency"]
        assert line["loss"] == pytest.approx(total, rel=1e-4)
    assert seen[-1].step == seen[-1].steps == trained.steps and seen[-1].left == 0


def test_the_same_seed_gives_the_same_weights_and_another_one_others(data, tmp_path):
    one, _ = run(data, tmp_path / "1")
    two, _ = run(data, tmp_path / "2")
    assert same_weights(one, two)
    recipe = small_recipe()
    recipe.seed = 1
    assert not same_weights(one, run(data, tmp_path / "3", recipe)[0])


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("stops", [[1], [30], [7, 8, 44]])
def test_a_stopped_run_ends_in_the_same_weights(data, tmp_path, stops):
    """With dropout, whose noise must be the same, and batch normalisation's statistics."""

    def student() -> SmallStudent:
        return SmallStudent(padded=True, dropout=0.2)

    expected, whole = run(data, tmp_path / "whole", student=student())
    for stop in stops:

        def watch(progress: Progress, stop: int = stop) -> None:
            if progress.step >= stop:
                raise StoppedError

        with pytest.raises(StoppedError):
            run(data, tmp_path / "stopped", student=student(), watch=watch)
    found, trained = run(data, tmp_path / "stopped", student=student())
    assert same_weights(found, expected)
    assert trained.resumed == stops[-1] - 1 and trained.steps == whole.steps
    timeless = [
        [{k: v for k, v in line.items() if "second" not in k} for line in lines(folder)]
        for folder in (tmp_path / "whole", tmp_path / "stopped")
    ]
    assert timeless[0] == timeless[1]


def test_a_finished_run_is_only_read(data, tmp_path):
    expected, _ = run(data, tmp_path)
    before = (tmp_path / METRICS).read_bytes()
    found, trained = run(data, tmp_path)
    assert trained.resumed == trained.steps and same_weights(found, expected)
    assert (tmp_path / METRICS).read_bytes() == before


def test_one_checkpoint_is_left_and_nothing_half_written(data, tmp_path):
    run(data, tmp_path)
    assert len(list((tmp_path / CHECKPOINTS).iterdir())) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"\xff" * 200,
        lambda content: content.replace(b'"key":"k"', b'"key":"x"'),
    ],
)
def test_a_damaged_or_foreign_checkpoint_is_not_continued(data, tmp_path, damage):
    expected, _ = run(data, tmp_path)
    (path,) = (tmp_path / CHECKPOINTS).iterdir()
    path.write_bytes(damage(path.read_bytes()))
    found, trained = run(data, tmp_path)
    assert trained.resumed == 0 and same_weights(found, expected)


def test_a_checkpoint_of_another_student_is_one_line(data, tmp_path):
    run(data, tmp_path)
    with pytest.raises(InputError, match="not of this student"):
        run(data, tmp_path, student=SmallStudent(padded=True))


def test_a_checkpoint_runs_no_code_and_is_read_by_name(tmp_path):
    (tmp_path / "step-000000009.safetensors").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    assert checkpoints.latest(tmp_path, KEY) is None


def test_a_loss_that_is_no_number_stops_the_run(data, tmp_path):
    student = SmallStudent()
    with torch.no_grad():
        student.linear.weight[0, 0] = math.nan
    with pytest.raises(InputError, match=r"diverged.*learning_rate"):
        run(data, tmp_path, student=student)
    assert not list((tmp_path / CHECKPOINTS).glob("*"))


def test_divergence_stops_the_run(data, tmp_path):
    recipe = small_recipe(learning_rate=50.0, clip=None, warmup_epochs=0)
    recipe.loss = recipe.loss.model_copy(update={"reduction": "sum"})
    with pytest.raises(InputError, match=r"diverged: the loss is .* and was"):
        run(data, tmp_path, recipe)


def test_accumulation_leaves_the_gradient_as_it_is(data, tmp_path):
    """Two batches of 8 make the step of one of 16, whatever lengths are in which."""
    examples, targets = data
    found = []
    for batch, accumulation in ((8, 2), (16, 1)):
        recipe = small_recipe(batch=batch, accumulation=accumulation, clip=None)
        stepper = Stepper(recipe, SmallStudent(), examples, targets, accelerator_for("cpu"))
        stepper.prepare()
        prompts = np.arange(16)
        parts = np.split(prompts, accumulation)
        stepper.order.step = lambda number, parts=parts: parts  # type: ignore[method-assign]
        stepper.step(0, 0.0)
        found.append(stepper.means())
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_a_permuted_prompt_in_the_same_pass_or_apart_is_the_same_in_evaluation(data):
    """RepMixer's batch normalisation uses its running statistics there, and not in training."""
    examples, _ = data
    student = samples.small(repmixer=True)
    batch = assemble(
        examples, np.arange(20), length=samples.CONTEXT, pad_id=0, permute=np.ones(20, dtype=bool)
    )
    ids, mask = torch.from_numpy(batch.ids % samples.TOKENS), torch.from_numpy(batch.mask)
    assert len(ids) > 20
    ids[~mask] = student.pad_id
    for training, same in ((False, True), (True, False)):
        student.train(training)
        with torch.no_grad():
            joined = student(ids, mask)
            apart = torch.cat([student(ids[:20], mask[:20]), student(ids[20:], mask[20:])])
        assert torch.allclose(joined[mask], apart[mask], atol=1e-5) == same


def test_every_training_pass_updates_the_statistics_of_batch_normalisation(data, tmp_path):
    student = SmallStudent(padded=True)
    _, trained = run(data, tmp_path, student=student)
    assert int(student.batch_norm.num_batches_tracked) == trained.steps * 2  # two batches a step


def test_a_share_of_the_permuted_prompts_stands_for_all(data, tmp_path):
    """Equation 6 over a part is right on average, and costs as much less."""
    examples, targets = data
    found, rows = {}, {}
    for share in (1.0, 0.25):
        recipe = small_recipe()
        recipe.loss = LossRecipe(consistency_share=share)
        student = SmallStudent()
        seen: list[int] = []
        student.register_forward_hook(lambda *args, seen=seen: seen.append(len(args[1][0])))
        stepper = Stepper(recipe, student, examples, targets, accelerator_for("cpu"))
        stepper.prepare()
        for number in range(400):
            stepper.step(number, 0.0)
        found[share] = stepper.means()
        rows[share] = sum(seen) - stepper.order.seen(400)
    assert rows[0.25] == pytest.approx(rows[1.0] / 4, rel=0.1)
    assert found[0.25]["consistency"] == pytest.approx(found[1.0]["consistency"], rel=0.15)
    assert found[0.25]["mse"] == pytest.approx(found[1.0]["mse"], rel=1e-5)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("consistency", [0.1, 0.0])
def test_a_step_on_arrays_of_the_device_is_the_same_step(data, padded, consistency):
    """As a GPU takes it: rows padded to one length, one pass a step, what is padding masked."""
    examples, targets = data
    found, students = [], []
    for resident, batch, accumulation in ((False, 16, 1), (True, 8, 2)):
        recipe = small_recipe(batch=batch, accumulation=accumulation)
        recipe.loss = LossRecipe(consistency=consistency)
        shape = samples.recipe(context=CONTEXT, repmixer=padded)
        student = build(shape, VOCABULARY, 3, 0, 0, None)
        stepper = Stepper(
            recipe, student, examples, targets, accelerator_for("cpu"), resident=resident
        )
        stepper.prepare()
        student.eval()  # the statistics of BatchNorm would see the prompts that are not moved
        for number in range(12):  # an epoch and its last, smaller batch
            stepper.step(number, 1e-3)
        found.append(stepper.means())
        students.append(student.state_dict())
    assert found[0] == pytest.approx(found[1], rel=1e-4)
    for name, tensor in students[0].items():
        assert torch.allclose(tensor, students[1][name], atol=1e-4), name


def test_a_share_of_the_permuted_prompts_is_drawn_on_the_device_as_well(data):
    examples, targets = data
    found = {}
    for share in (1.0, 0.25):
        recipe = small_recipe()
        recipe.loss = LossRecipe(consistency_share=share)
        stepper = Stepper(
            recipe, SmallStudent(), examples, targets, accelerator_for("cpu"), resident=True
        )
        stepper.prepare()
        for number in range(400):
            stepper.step(number, 0.0)
        found[share] = stepper.means()
    assert found[0.25]["consistency"] == pytest.approx(found[1.0]["consistency"], rel=0.15)
    assert found[0.25]["mse"] == pytest.approx(found[1.0]["mse"], rel=1e-5)


@pytest.mark.gpu
@pytest.mark.filterwarnings("error:training without CUDA graphs")
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("repmixer", [False, True])
def test_a_recorded_step_is_the_same_step(data, compiled, repmixer):
    """A CUDA graph of each shape gives the losses, weights and statistics of passes on a CPU."""
    from accelerate.state import AcceleratorState

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    examples, targets = data
    found, students = [], []
    for device in ("cpu", "cuda"):
        AcceleratorState._reset_state(reset_partial_state=True)
        recipe = small_recipe(batch=8, accumulation=2, compile=compiled and device == "cuda")
        shape = samples.recipe(context=CONTEXT, repmixer=repmixer)
        student = build(shape, VOCABULARY, 3, 0, 0, None)
        stepper = Stepper(
            recipe, student, examples, targets, accelerator_for(device), resident=True
        )
        stepper.prepare()
        for number in range(12):  # an epoch and its last, smaller batch
            stepper.step(number, 1e-3)
        found.append(stepper.means())
        students.append({name: t.cpu() for name, t in student.state_dict().items()})
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    for name, tensor in students[0].items():
        assert torch.allclose(tensor, students[1][name], atol=2e-3), name


@pytest.mark.slow
def test_a_compiled_step_is_the_same_step(data):
    """Batches of one shape give the same losses and weights as those without padding."""
    examples, targets = data
    found, students = [], []
    for compiled in (False, True):
        recipe = small_recipe(compile=compiled)
        student = build(samples.recipe(context=CONTEXT), VOCABULARY, 3, 0, 0, None)
        stepper = Stepper(recipe, student, examples, targets, accelerator_for("cpu"))
        stepper.prepare()
        for number in range(12):  # an epoch and its last, smaller batch
            stepper.step(number, 1e-3)
        found.append(stepper.means())
        students.append(student.state_dict())
    assert found[0] == pytest.approx(found[1], rel=1e-4)
    for name, tensor in students[0].items():
        assert torch.allclose(tensor, students[1][name], atol=1e-4), name

"""A benchmark of a small run: counts against counts by hand, and what the command leaves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from anatomy.errors import InputError
from distill.benchmark import benchmark
from distill.benchmark.speeds import fitting
from distill.benchmark.subjects import Subject, flops, of_peer
from distill.folder import STUDENT
from distill.metrics import load
from distill.metrics.benchmark import Benchmark
from distill.peers import SAM3, student_peer
from distill.student_files import WEIGHTS
from distill.students import Student
from tests.distill.test_targets import table_of


@pytest.fixture(scope="module")
def measured(done) -> Benchmark:
    return benchmark(
        done.folder, models=["teacher", "student"], batches=[1, 8], seconds=0.2, device="cpu"
    )


def test_parameters_and_bytes_are_those_of_the_run(done, measured):
    teacher, student = measured.teacher, measured.student
    run = load(done.folder).run
    assert student.parameters == run.student.total and teacher.parameters == run.teacher.total
    assert student.bytes["float32"] == run.student.total_bytes("float32")
    assert student.file_bytes == (done.folder / STUDENT / WEIGHTS).stat().st_size
    own = Student.load(done.folder / STUDENT)
    assert student.parameters == sum(p.numel() for p in own.parameters())


def test_used_parameters_leave_out_the_rows_of_tokens_that_no_prompt_has(done, measured):
    prompts = done.planned.prompts
    rows, width = done.planned.model.token_embedding.shape
    unused = rows - len(np.unique(prompts.tokens.ids))
    assert unused > 0
    assert measured.teacher.used == measured.teacher.parameters - unused * width
    assert measured.student.used <= measured.student.parameters


def test_every_encoder_is_timed_at_every_batch_and_length(done, measured):
    for model in measured.models:
        ways = {(speed.batch, speed.length) for speed in model.speeds}
        assert ways >= {(1, "trimmed"), (8, "trimmed")}
        for speed in model.speeds:
            assert 0 < speed.low <= speed.milliseconds <= speed.high and speed.turns >= 3
            assert speed.rate == pytest.approx(1e3 * speed.rows / speed.milliseconds)
    assert measured.student.speed(8, "padded")
    (alone,) = measured.libraries
    assert alone.library == "torch" and set(alone.milliseconds) == {1, 8}
    assert alone.library_bytes < alone.resident_bytes


def by_hand(layers: int, wide: int, inside: int, width: int, outputs: int = 0) -> int:
    """Of a transformer: products with its matrices, then queries with keys and values."""
    matrices = layers * (4 * wide * wide + 2 * wide * inside) + wide * outputs
    return 2 * width * matrices + layers * 2 * (2 * width * width * wide)


def test_operations_are_those_of_a_count_by_hand(done, measured):
    """The teacher and the student are BERTs; the teacher's pooler reads one token."""
    config = done.planned.model.module.config
    wide, student = config.hidden_size, done.recipe.student
    for model, layers, pooler in (
        (measured.teacher, config.num_hidden_layers, 2 * wide * wide),
        (measured.student, student.hidden_layers, 0),
    ):
        shape = layers, wide, config.intermediate_size
        assert model.flops == by_hand(*shape, model.context) + pooler
        length = round(measured.mean_length)
        assert model.flops_trimmed == pytest.approx(by_hand(*shape, length), rel=0.2)


def meta(peer) -> object:
    with torch.device("meta"):
        module = peer.make().eval()
    return lambda ids, mask: peer.forward(module, ids, None if peer is SAM3 else mask)


@pytest.mark.parametrize("width", [8, 32])
def test_operations_of_sam3_s_shape(width):
    assert flops(meta(SAM3), width, "meta") == by_hand(24, 1024, 4096, width, 256)


def test_operations_of_repmixer_blocks():
    """Two of S0's six layers: depthwise convolutions over 11 places instead of attention."""
    found = flops(meta(student_peer("mobileclip-s0", 16)), 16, "meta")
    blocks = 2 * 16 * 2 * (2 * 512 * 2048 + 2 * 11 * 512)
    assert found == by_hand(4, 512, 2048, 16, 256) + blocks


class Slow:
    """A millisecond or more for each row."""

    def __call__(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        import time

        time.sleep(0.03 * len(ids))
        return ids


def subject() -> Subject:
    return of_peer(student_peer("mobileclip-s1", 16), table_of([[1, 5, 2], [1, 2], [1]]), ())


def test_a_batch_that_takes_too_long_is_cut():
    few = fitting(subject(), Slow(), 64, "padded", "cpu")
    assert few in (8, 16) and fitting(subject(), Slow(), 2, "padded", "cpu") == 2


def test_rows_are_padded_or_trimmed():
    ids, mask = subject().arrays(np.array([1, 0, 1]), "trimmed")
    assert ids.tolist() == [[1, 2, 0], [1, 5, 2], [1, 2, 0]]
    assert mask.sum(axis=1).tolist() == [2, 3, 2]
    ids, mask = subject().arrays(np.array([2]), "padded")
    assert ids.shape == (1, 16) and mask.sum() == 1


def test_the_command_writes_metrics_and_report(command, own_run):
    models = "teacher,student,mobileclip-s0@16"
    status, out, errors = command(
        "benchmark", own_run, "--models", models, "--batch", 2, "--seconds", 0.1
    )
    assert (status, errors) == (0, "")
    assert "3.7x" in out and "Student against this run's teacher" in " ".join(out.split())
    found = load(own_run).benchmark
    assert [model.name for model in found.models] == models.split(",")
    assert found.model("mobileclip-s0@16").parameters == 42_541_312
    assert "Speed and memory" in (own_run / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--models", "bert"], "--models bert: is none; there are teacher, student, sam3"),
        (["--batch", "0"], "--batch 0: give whole numbers from 1"),
        (["--batch", "1,many"], "--batch many"),
    ],
)
def test_what_cannot_be_done_is_one_line(command, own_run, arguments, words):
    status, _, errors = command("benchmark", own_run, *arguments)
    assert status == 2 and errors.startswith("error: ") and errors.count("\n") == 1
    assert words in errors


def test_a_folder_without_a_run_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"has no metrics\.json"):
        benchmark(tmp_path)

from __future__ import annotations

import numpy as np
import pytest
import transformers

from anatomy.errors import InputError
from anatomy.tokens.clip import ClipTokenizer
from distill.ladder import Ladder, Vocabularies
from distill.overrides import Overrides
from distill.shallow import TeacherShape
from distill.students import count

MINILM = transformers.BertConfig(
    hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
)
SAM3_PARAMETERS = 353_724_672


def shape_of(config):
    content = config.to_dict()
    content.pop("model_type")
    return TeacherShape("BertModel", content, config.hidden_size)


def ladder(*settings, parameters=22_713_216, config=MINILM, common=6_000, rare=4_000, **changes):
    """A ladder over 6,000 tokens that occur a thousand times and 4,000 that occur once."""
    counts = np.zeros(49_408, dtype=np.int64)
    counts[1_000 : 1_000 + common] = 1_000
    counts[1_000 + common : 1_000 + common + rare] = 1
    counts[[49_406, 49_407]] = 100_000
    shape = shape_of(config)
    return Ladder(
        vocabularies=Vocabularies(ClipTokenizer(), counts, Overrides.parse(settings)),
        shape=shape,
        parameters=parameters,
        context=16,
        count=lambda recipe, tokens: count(recipe, tokens, shape.width, shape),
        **changes,
    )


def left_out(found, **counts):
    """The used tokens that a student has not."""
    used = ladder("vocabulary.keep=used", budget_bytes=10**9, **counts).fit(found.student.name)
    return np.setdiff1d(used.tokenizer.kept, found.tokenizer.kept).tolist()


def why(found):
    return found.vocabularies.overrides.reasons


def test_a_teacher_of_sam3s_size_gets_the_papers_smallest_student():
    found = ladder(parameters=SAM3_PARAMETERS).fit()
    assert found.student.name == "mobileclip-s0"
    assert found.vocabulary.minimum_count == 1
    assert ladder(parameters=99_000_000).fit().student.name != "mobileclip-s0"


def test_a_smaller_teacher_gives_as_many_layers_as_fit_in_three_tenths_of_it():
    tried = ladder()
    found = tried.fit()
    assert found.sizes.held <= 0.3 * 22_713_216
    number = found.student.hidden_layers
    assert found.student.name == f"shallow:{number}"
    more = ladder(budget_bytes=10**9).fit(f"shallow:{number + 1}")
    pruned = ladder("vocabulary.minimum_count=2", budget_bytes=10**9).fit(f"shallow:{number + 1}")
    assert min(more.sizes.held, pruned.sizes.held) > 0.3 * 22_713_216
    assert f"shallow:{number + 1} would have" in why(tried)["student.name"]


def test_rare_tokens_go_before_a_layer_does_but_no_more_than_a_hundredth_of_all():
    tried = ladder()
    found = tried.fit()
    used = ladder("vocabulary.keep=used", budget_bytes=10**9).fit(found.student.name)
    assert used.sizes.held > 0.3 * 22_713_216  # it would not fit with all the tokens
    size = found.vocabulary.size
    assert found.tokenizer.vocabulary_size <= size < used.tokenizer.vocabulary_size
    lost = tried.vocabularies.counts.copy()
    lost[found.tokenizer.kept] = 0
    assert (
        f"{np.count_nonzero(lost):,} tokens that occur only once" in (why(tried)["vocabulary.size"])
    )
    # One row more would not fit, and what is kept of the rarest are those of the lowest ids.
    assert found.sizes.held > 0.3 * 22_713_216 - 2 * found.student.hidden_size
    often = ladder("vocabulary.minimum_count=2", budget_bytes=10**9).fit(found.student.name)
    rarest = np.setdiff1d(found.tokenizer.kept, often.tokenizer.kept)
    gone = np.setdiff1d(used.tokenizer.kept, found.tokenizer.kept)
    assert len(rarest) and len(gone) and np.median(rarest) < np.median(gone)
    # Where they are more than a hundredth of the tokens, a layer goes.
    fewer = ladder(common=300, rare=9_700).fit()
    assert not left_out(fewer, common=300, rare=9_700)
    assert fewer.student.hidden_layers < found.student.hidden_layers


def test_room_that_is_left_holds_tokens_of_low_ids_that_no_training_prompt_has():
    tried = ladder(common=2_000, rare=500, budget_bytes=30_000_000)
    found = tried.fit()
    used = ladder("vocabulary.keep=used", common=2_000, rare=500, budget_bytes=10**9)
    used = used.fit(found.student.name)
    added = np.setdiff1d(found.tokenizer.kept, used.tokenizer.kept)
    assert np.isin(used.tokenizer.kept, found.tokenizer.kept).all()
    assert len(added) and added.max() < 1_000 + 2_000 + 500 + len(added)
    unused = np.count_nonzero(tried.vocabularies.counts[found.tokenizer.kept] == 0)
    assert f"{unused:,} of them occur in no training prompt" in why(tried)["vocabulary.size"]
    one_more = found.sizes.held + found.student.hidden_size
    assert found.sizes.held * 4 <= 30_000_000 < 4 * (one_more + found.student.hidden_size)
    # By name and without a budget nothing is filled up.
    named = ladder(common=2_000, rare=500).fit(found.student.name)
    assert named.tokenizer.vocabulary_size == used.tokenizer.vocabulary_size
    # With room for all of them nothing is pruned.
    whole = ladder(budget_bytes=10**9).fit(found.student.name)
    assert whole.vocabulary.keep == "all"
    assert whole.tokenizer.vocabulary_size == 49_408


@pytest.mark.parametrize(
    ("parameters", "precision"),
    [(22_713_216, "float32"), (22_713_216, "int8"), (SAM3_PARAMETERS, "bfloat16")],
)
def test_a_budget_is_kept_at_its_precision_and_more_of_it_gives_no_less(parameters, precision):
    last = 0
    for budget in (8_000_000, 60_000_000, 900_000_000):
        found = ladder(parameters=parameters, budget_bytes=budget, precision=precision).fit()
        assert found.sizes.total_bytes(precision) <= budget
        assert found.sizes.held >= last
        last = found.sizes.held
    large = "mobileclip2-l" if parameters == SAM3_PARAMETERS else "shallow:5"
    assert found.student.name == large


def test_nano_takes_what_no_rung_fits_and_too_small_a_budget_says_what_is_needed():
    assert ladder(budget_bytes=8_000_000).fit().student.name == "nano"
    with pytest.raises(InputError, match=r"--budget: 0\.10 MB .* weighs .*vocabulary\.coverage"):
        ladder(budget_bytes=100_000).fit()
    fewer = ladder("vocabulary.coverage=0.5", budget_bytes=1_000_000).fit()
    assert (fewer.vocabulary.keep, fewer.vocabulary.coverage) == ("coverage", 0.5)


def test_a_teacher_too_small_for_the_rule_gives_its_smallest_student():
    tried = ladder(parameters=300_000)
    assert tried.fit().student.name == "shallow:1"
    assert "smallest" in why(tried)["student.name"]


def test_what_is_named_is_taken_and_has_to_fit_a_budget_that_is_given():
    assert ladder().fit("mobileclip-s1").student.name == "mobileclip-s1"
    assert ladder().fit("nano").sizes.held <= 0.3 * 22_713_216
    with pytest.raises(InputError, match=r"--student mobileclip-s1 would have .* over the budget"):
        ladder(budget_bytes=1_000_000).fit("mobileclip-s1")
    with pytest.raises(InputError, match="did you mean"):
        ladder().fit("mobileclip-s2")
    with pytest.raises(InputError, match="6 layers"):
        ladder().fit("shallow:7")


def test_what_is_set_by_hand_counts_before_a_student_is_chosen():
    by_hand = ladder("student.context=24", "student.kept_layers=2,3").fit("shallow:2")
    assert (by_hand.student.context, by_hand.student.kept_layers) == (24, [2, 3])
    all_tokens = ladder("vocabulary.keep=all", budget_bytes=200_000_000).fit()
    assert all_tokens.tokenizer.vocabulary_size == 49_408
    with pytest.raises(InputError, match=r"student\.context"):
        ladder("student.context=0").fit()
    # What cannot be is said, and no other student is taken instead.
    with pytest.raises(InputError, match="kept_layers"):
        ladder("student.kept_layers=7").fit("shallow:1")


def test_a_tokenizer_that_is_not_pruned_keeps_all_and_says_why(monkeypatch):
    from distill import pruning

    def refuse(tokenizer, kept):
        raise InputError("x: its vocabulary cannot be pruned")

    monkeypatch.setattr(pruning, "prune", refuse)
    tried = ladder(budget_bytes=200_000_000)
    assert tried.fit().vocabulary.keep == "all"
    assert "cannot be pruned" in why(tried)["vocabulary.keep"]
    with pytest.raises(InputError, match="cannot be pruned"):
        ladder("vocabulary.keep=used", budget_bytes=200_000_000).fit()

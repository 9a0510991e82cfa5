"""README.md of an export: what it is, what was measured, and a snippet that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from anatomy.files import shown, write_whole
from distill.exports.record import Comparison

if TYPE_CHECKING:
    from distill.exports.trained import TrainedRun

FILE_NAME = "README.md"
# What is known of the licences of teachers that anatomy names itself.
_LICENCES = {
    "sam3": "the weights of SAM3 are under Meta's SAM License, which goes with what is made of "
    "them; read it before you pass this on",
    "minilm": "all-MiniLM-L6-v2 is under Apache-2.0",
}


def write_card(
    run: TrainedRun,
    folder: Path,
    kind: str,
    snippet: str,
    comparisons: list[Comparison],
    notes: list[str],
    library: str = "transformers",
) -> None:
    """Write the model card.

    Parameters
    ----------
    run : TrainedRun
    folder : Path
    kind : str
        What the folder is, in words.
    snippet : str
        Python that runs it; the folder stands in it as FOLDER.
    comparisons : list of Comparison
        As they were measured.
    notes : list of str
        What the user must mind.
    library : str
        That opens it, as the hub names it.
    """
    from distill.students import sizes_of

    recipe, sizes = run.recipe, sizes_of(run.student)
    licence = _LICENCES.get(run.teacher, "look up the licence of the teacher, which may go with it")
    about = (
        f"A text encoder of {sizes.held:,} parameters ({shown(recipe.student.name)}), trained to "
        f"give the per-token outputs of {shown(run.teacher)} "
        f"({recipe.teacher.parameters:,} parameters). This folder: {kind}. Made with "
        f"{shown(recipe.generator)}."
    )
    made_for = (
        "Prompts like those that it was trained on: "
        f"{', '.join(map(shown, recipe.prompts.train_sources))}"
        f"{' (generated stand-ins among them)' if recipe.prompts.stand_ins else ''}. Others are "
        "cut into smaller pieces where a token was not kept, and nothing is known of how near to "
        "the teacher their outputs are."
    )
    lines = [
        "---",
        f"library_name: {library}",
        "pipeline_tag: feature-extraction",
        "---",
        f"# {shown(recipe.name)}",
        "",
        about,
        "",
        "| | |",
        "|---|---|",
        f"| context L | {run.context} tokens, with those around a prompt; longer prompts are cut |",
        f"| vocabulary | {run.tokenizer.vocabulary_size:,} tokens of the teacher's |",
        f"| outputs | {run.student.width} a token; pooled: {recipe.teacher.pooling} |",
        f"| padding | id {run.student.pad_id}, with a mask |",
        "",
        "## Run it",
        "",
        "```python",
        snippet.strip(),
        "```",
        "",
        "## Made for",
        "",
        made_for,
        "",
        "## Measured",
        "",
        "This folder against the student of the run, loaded back by the library that reads it:",
        "",
        "| what | measure | value | tolerance |",
        "|---|---|---|---|",
        *(f"| {c.what} | {c.measure} | {c.value:.3g} | {c.tolerance:.3g} |" for c in comparisons),
        "",
        _quality(run),
        "",
        "## Limits",
        "",
        *(f"- {note}" for note in notes),
        "- Cleaning: the tokenizer lower-cases or normalises as its tokenizer.json says. "
        + (
            "SAM3 also mends broken encodings (`ftfy.fix_text`) and unescapes HTML twice; do so "
            "before, if your prompts have either."
            if run.is_clip
            else "That is the teacher's own cleaning."
        ),
        f"- Licence: {licence}.",
        "",
    ]
    write_whole(folder / FILE_NAME, "\n".join(lines).encode())


def _quality(run: TrainedRun) -> str:
    """The numbers of metrics.json that say how near the student is to its teacher."""
    evaluation = run.metrics.evaluation if run.metrics else None
    if evaluation is None:
        return (
            "Against the teacher: not measured yet; `distill evaluate` writes metrics.json, and "
            "exporting again puts its numbers here."
        )
    rows = [
        f"| {_cell(group.group)} | {group.prompts:,} | {group.pooled.student.mean:.4f} "
        f"| {_or_none(group.pooled.student.p5)} | {group.pooled.baseline.mean:.4f} "
        f"| {_or_none(group.tokens.student.mean if group.tokens else None)} |"
        for group in evaluation.groups
        if group.pooled
    ]
    what = (
        "Cosine with the teacher's outputs on held-out prompts (metrics.json); mean vector: what "
        "the teacher's mean over the training prompts reaches."
    )
    return "\n".join(
        [
            what,
            "",
            "| source | prompts | pooled, mean | 5 % below | mean vector | tokens, mean |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


def _or_none(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _cell(name: str) -> str:
    """A name that ends neither its cell nor its row."""
    return shown(name).replace("|", "\\|")

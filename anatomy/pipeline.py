"""The audit, top to bottom: sources -> Corpus -> TokenTable -> measures -> Findings."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path

import pyarrow as pa

import anatomy
from anatomy import engines
from anatomy.census import Ask, Census, local
from anatomy.corpus import build, registry
from anatomy.corpus.build import Opened
from anatomy.corpus.locate import data_folder
from anatomy.corpus.memory import Prompts
from anatomy.corpus.model import joined
from anatomy.encoders import Encoder, NoWeightsError, resolve
from anatomy.encoders.outputs import read_outputs
from anatomy.errors import InputError
from anatomy.evidence import evidence, evidence_inside
from anatomy.files import shown
from anatomy.findings import (
    Findings,
    InsideFinding,
    InsideSettings,
    LedgerFinding,
    Run,
    Settings,
)
from anatomy.findings.parts import LONGEST_CONTEXT
from anatomy.inside import InsideOptions, checked, comparable, inside_finding
from anatomy.inside.from_file import PREFIX, file_outputs_finding
from anatomy.ledger import Measured, ledger
from anatomy.progress import Steps, quiet
from anatomy.summary import corpus_finding, encoder_finding, ledger_findings, source_findings
from anatomy.view import TokenView

# What the numbers depend on besides our own code.
_VERSIONS = (
    "ftfy",
    "matplotlib",
    "numpy",
    "pyarrow",
    "regex",
    "scikit-dimension",
    "scipy",
    "tokenizers",
    "torch",
    "transformers",
)

Name = str | os.PathLike[str]


def audit(
    sources: Name | Sequence[Name] | None = None,
    *,
    prompts: Prompts | None = None,
    data: Path | str | None = None,
    encoders: str | Sequence[str] = "sam3",
    contexts: Sequence[int] = (8, 16, 32),
    token_loss_bound: float = 0.01,
    stand_ins: bool = False,
    seed: int = 0,
    inside: InsideOptions | None = None,
    keep: Path | None = None,
    engine: engines.Name = "local",
    address: str | None = None,
    approximate: bool = False,
    command: str = "anatomy.audit(...)",
    steps: Steps = quiet,
) -> Findings:
    """Measure how much of each encoder a corpus uses: context, vocabulary, dimensions.

    Parameters
    ----------
    sources : str, path, or sequence of these, optional
        ``"all"``, names of the paper's sources, or files (``prompts.txt``,
        ``mine.parquet:caption``, ``label=prompts.csv:text``). ``"all"`` if there are no `prompts`
        either.
    prompts : iterable of str, or mapping of names to such, optional
        Prompts in memory: a list, a generator, a column of a table. They are read as the rows of
        a file are, and form the source ``"prompts"``, or one source for each name. The findings
        hold a hash of them, no prompt.
    data : path, optional
        Where the official files lie; else ``ANATOMY_DATA``, else the platform's cache.
    encoders : str or sequence of str
        ``"sam3"``, ``"sam3=PATH"``, ``"minilm"``, ``"hf:ID"``, ``"hf:FOLDER"``,
        ``"outputs:FILE"``; they stand side by side.
    contexts : sequence of int
        Context lengths of the table.
    token_loss_bound : float
        Share of tokens, overall and in every source, that the recommended context may cut.
    stand_ins : bool
        Fill missing sources with generated prompts, labelled as such everywhere.
    seed : int
        Of the stand-ins, the samples and the intervals.
    inside : InsideOptions, optional
        How the sections that need weights are measured.
    keep : path, optional
        Folder where a corpus that is too large for the memory waits while it is counted, and from
        which a run that was killed goes on. Without it nothing is kept.
    engine : {"local", "ray"}
        Who counts, encodes, and finds neighbours: this process, or a Ray cluster (extra `ray`).
        Counts are the same, and so are floats on the same kind of processors.
    address : str, optional
        Of the cluster, "auto" for the one that this machine belongs to; else processes here.
    approximate : bool
        Where a source has more than 1,048,576 distinct prompts, estimate how many there are, and
        count the tokens of so many drawn from it, in one pass; the findings then say how far that
        may be off (extra `sketch`).
    command : str
        What the user typed, for the record.
    steps : Steps
        Told about each step as it begins.

    Raises
    ------
    InputError
        For anything in these that cannot be used; the message says what, where and how to fix it.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    contexts = _checked_contexts(contexts)
    if not 0 <= token_loss_bound < 1:
        raise InputError(f"--max-token-loss: {token_loss_bound:g} is no share; give 0 <= bound < 1")
    where = engines.engine(engine, address)
    inside = checked(inside or InsideOptions(), where)
    specs = _listed(sources if sources is not None or prompts is not None else "all")
    encoders = _listed(encoders)
    steps(f"Loading {', '.join(encoders)}")
    for name in _files(encoders):
        if encoders.count(name) > 1:
            raise InputError(f"--encoder: {shown(name)} is named twice; name each file once")
    files = {name: read_outputs(name.removeprefix(PREFIX)) for name in _files(encoders)}
    resolved = resolve([name for name in encoders if name not in files])
    steps("Reading sources")
    given = Path(data) if data is not None else None
    opened = build.open_sources(specs, given, stand_ins, seed, prompts)
    ask = _ask(opened, resolved, inside.sample, seed)
    if approximate:
        _check_approximate(ask, bool(files))
    if engine == "ray" and approximate:
        from anatomy.census import sketch_on_ray

        census = sketch_on_ray.census(opened, resolved, ask, address=address, steps=steps)
    elif engine == "ray":
        from anatomy.census import on_ray

        census = on_ray.census(opened, resolved, ask, address=address, steps=steps)
    elif approximate:
        from anatomy.census import sketch

        census = sketch.census(opened, resolved, ask, steps=steps)
    else:
        census = local.census(opened, resolved, ask, keep=keep, steps=steps)
    measured = []
    measured_sam3: Measured | None = None
    for number, encoder in enumerate(resolved):
        view = TokenView.of(census, encoder, number)
        if not view.combined_lengths.tokens:
            raise InputError(
                f"--encoder {shown(encoder.name)}: makes no token of any prompt; "
                "name another tokenizer"
            )
        steps(f"Measuring with {encoder.name}")
        # The paper's encoder; estimates neither hold nor contradict a figure.
        exact = encoder.name == "sam3" and census.approximation is None
        official = evidence(view) if exact else None
        found, why_not = _inside(view, inside, seed, official, where, steps)
        if official:
            only = all(s.kind in ("official", "bundled") for s in census.summaries)
            shown_inside = evidence_inside(found, official=only) if found else None
            measured_sam3 = replace(official, inside=shown_inside)
        measured.append(encoder_finding(view, contexts, token_loss_bound, found or why_not))
    outputs = [
        file_outputs_finding(
            name,
            rows,
            census.summaries,
            partial(_distinct, opened, census),
            inside,
            seed,
            where,
            steps,
        )
        for name, rows in files.items()
    ]
    steps("Checking the paper's figures")
    entries = ledger(measured_sam3)
    return Findings(
        generator=f"anatomy {anatomy.__version__}",
        settings=Settings(
            sources=specs,
            encoders=encoders,
            contexts=list(contexts),
            token_loss_bound=token_loss_bound,
            stand_ins=stand_ins,
            seed=seed,
            inside=InsideSettings(
                device=inside.device,
                dtype=inside.dtype,
                sample=inside.sample,
                pooling=inside.pooling,
                neighbours=inside.neighbours,
                id_estimators=list(inside.id_estimators),
            ),
        ),
        sources=source_findings(census),
        corpus=corpus_finding(census, [encoder.name for encoder in resolved]),
        encoders=measured,
        outputs=outputs,
        ledger=ledger_findings(entries),
        run=Run(
            started=started.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - clock, 2),
            command=command,
            data=shown(data_folder(given)),
            host=f"{platform.system()} {platform.machine()}",
            python=platform.python_version(),
            versions={name: metadata.version(name) for name in _VERSIONS},
        ),
    )


def _listed(names: Name | Sequence[Name] | None) -> list[str]:
    """One name or several, as a list."""
    if names is None:
        return []
    if isinstance(names, str | os.PathLike):
        names = [names]
    return [os.fspath(name) for name in names]


def _files(encoders: Sequence[str]) -> list[str]:
    """The names that stand for files of outputs."""
    return [name for name in dict.fromkeys(encoders) if name.startswith(PREFIX)]


def _ask(
    sources: Sequence[Opened], encoders: Sequence[Encoder], sample: int | None, seed: int
) -> Ask:
    """What is counted; `sample` prompts of each source are drawn where weights need them."""
    known = {source.name for source in registry.ALL}
    official = [
        code
        for code, source in enumerate(sources)
        if source.kind in ("official", "bundled") and source.name in known
    ]
    return Ask(
        sources=len(sources),
        official=tuple(official),
        lvis=next((code for code in official if sources[code].name == "lvis"), None),
        sample=sample if any(encoder.open is not None for encoder in encoders) else 0,
        seed=seed,
    )


def _check_approximate(ask: Ask, files: bool) -> None:
    """Refuse what can only be counted exactly, and a missing library."""
    try:
        from anatomy.measures.distinct import HASHES
    except ImportError as error:
        raise InputError(
            "--approximate: needs DataSketches; pip install 'prompt-anatomy[sketch]'"
        ) from error
    if files:
        raise InputError(
            "--approximate: a file of outputs has a row for each distinct prompt, so these must be "
            "counted; give --exact"
        )
    if ask.sample is None or ask.sample > HASHES:
        raise InputError(
            f"--sample: at most {HASHES:,} prompts of each source with --approximate; give a "
            "smaller number, or --exact"
        )


def _distinct(sources: Sequence[Opened], census: Census, code: int) -> pa.LargeStringArray:
    """A source's distinct prompts, read again, in the order in which they appear."""
    again = joined(sources[code].parts())
    if again.files != census.summaries[code].files:
        raise InputError(
            f"{shown(sources[code].name)}: changed while it was audited; run again when its files "
            "are at rest"
        )
    return again.prompts.unique()


def _inside(
    view: TokenView,
    options: InsideOptions,
    seed: int,
    official: Measured | None,
    engine: engines.Engine,
    steps: Steps,
) -> tuple[InsideFinding | None, str]:
    """What the encoder's weights show; or why there are none."""
    encoder = view.encoder
    if encoder.open is None:
        return None, encoder.weights
    steps(f"Loading the weights of {encoder.name}")
    try:
        model = encoder.open(engine.here(options.device), options.dtype)
    except NoWeightsError as error:
        return None, str(error)
    published = comparable(encoder.name, official)
    return inside_finding(view, model, options, seed, published, engine, steps), ""


def check_paper(data: Path | str | None = None, *, steps: Steps = quiet) -> list[LedgerFinding]:
    """Check the paper's figures against each other, and against the official files at hand.

    Parameters
    ----------
    data : path, optional
        As for `audit`. LVIS's names ship with the package.
    steps : Steps

    Returns
    -------
    list of LedgerFinding
        One for each claim that can be tested.

    Raises
    ------
    InputError
        If a source's files cannot be read.
    """
    steps("Reading sources")
    given = Path(data) if data is not None else None
    here = [source.name for source, state, *_ in build.status(given) if state != "missing"]
    (encoder,) = resolve(["sam3"])
    opened = build.open_sources(here, given, stand_ins=False, seed=0)
    census = local.census(opened, [encoder], _ask(opened, [encoder], 0, 0), steps=steps)
    return ledger_findings(ledger(evidence(TokenView.of(census, encoder, 0))))


def _checked_contexts(contexts: Sequence[int]) -> tuple[int, ...]:
    if not contexts:
        raise InputError("--context: no length given; give for example --context 8,16,32")
    for length in contexts:
        if not 1 <= length <= LONGEST_CONTEXT:
            raise InputError(
                f"--context: {length} is no context length; give 1 to {LONGEST_CONTEXT:,}"
            )
    return tuple(sorted(set(contexts)))

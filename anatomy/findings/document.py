"""findings.json: everything an audit found, in one validated and versioned document.

A report is rendered from this document alone, and `distill` reads nothing else. It holds no
prompts: each source's files stand here with their hashes, so that they can be read again and a
changed one be refused.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from anatomy.corpus.model import COMBINED
from anatomy.documents import Kind
from anatomy.files import shown
from anatomy.findings.inside import FileOutputsFinding, InsideFinding, InsideSettings
from anatomy.findings.parts import ContextLength, Count, Curve, FileFinding, Part, Rounded
from anatomy.findings.runs import ascending, parse
from anatomy.findings.tokens import (
    ContextRecommendation,
    LengthFinding,
    TokenFinding,
    VocabularyFinding,
)

SCHEMA_VERSION: Literal[2] = 2
FILE_NAME = "findings.json"
MARK = "anatomy:findings"  # precedes the digest in every file rendered from the findings
_KIND = Kind(
    name=FILE_NAME,
    version=SCHEMA_VERSION,
    reader="anatomy",
    maker="`anatomy audit`",
    again="run the audit again",
    whole="sources",
    unhashed=("run",),
)


class SourceFinding(Part):
    """One source: where its prompts come from and how many there are."""

    name: str
    title: str
    kind: Literal["official", "bundled", "user", "stand-in"]
    licence: str | None = None
    citation: str | None = None
    published: int | None = Field(None, description="The paper's count of unique prompts")
    files: list[FileFinding]
    rows: Count
    refused: dict[str, Count] = Field(description="Rows that are no prompts: reason -> how many")
    notes: dict[str, Count] = Field(description="Counts beside the prompts")
    usable: Count
    duplicates: Count = Field(description="Exact copies of an earlier row")
    unique: Count = Field(description="Distinct raw strings")
    sha256: str | None = Field(
        None,
        exclude_if=lambda value: value is None,  # so that other documents keep their digest
        description="Of prompts that came from memory, not from files: SHA-256 of the usable ones "
        "in order, each as UTF-8 and ended by a NUL",
    )


class ApproximationFinding(Part):
    """How far estimated counts may be off: each lies within its bounds with `confidence`.

    Lengths and vocabulary are then of as many prompts as they say, drawn from each source by a
    hash: `share_error` is how far a share of prompts may be off that is measured there.
    """

    method: str
    hashes: int = Field(ge=1, description="Kept of each source: up to so many prompts are counted")
    confidence: float
    unique: dict[str, tuple[Count, Count]] = Field(
        description="Lower and upper bounds of distinct raw strings: per source, and combined"
    )
    shared_low: list[list[Count]]
    shared_high: list[list[Count]]
    unique_cleaned: dict[str, dict[str, tuple[Count, Count]]] = Field(
        description="The same for what remains after the cleaning of each encoder"
    )
    share_error: dict[str, Rounded] = Field(
        description="Largest half-width of the interval of a share of prompts: per source, and "
        "combined; 0 where all were counted"
    )


class CorpusFinding(Part):
    """All sources together."""

    plain_sum: Count = Field(description="Sum of the sources' unique prompts")
    unique: Count = Field(description="Distinct raw strings over all sources: the headline corpus")
    shared: list[list[Count]] = Field(
        description="Distinct raw strings that two sources share; rows and columns as `sources`"
    )
    stand_ins: list[str] = Field(description="Sources made of prompts that anatomy generated")
    approximation: ApproximationFinding | None = Field(
        None,
        exclude_if=lambda value: value is None,  # so that other documents keep their digest
        description="Where counts are estimates (--approximate)",
    )


class EncoderFinding(Part):
    """What one encoder's tokenizer, and its weights where they are at hand, make of the corpus."""

    name: str
    tokenizer: str
    vocabulary_size: int = Field(ge=1, le=10_000_000)
    special_ids: list[int]
    context: int | None = Field(description="Positions that the encoder reads, where known")
    unique_cleaned: dict[str, Count] = Field(
        description="Distinct prompts after the tokenizer's cleaning: per source, and combined"
    )
    lengths: list[LengthFinding] = Field(description="Combined first, then each source")
    recommended_context: ContextRecommendation
    vocabulary: list[VocabularyFinding] = Field(description="Combined first, then each source")
    zipf: Curve = Field(description="Rank -> share of all tokens, combined")
    growth: Curve = Field(description="Prompts drawn at random -> distinct ids expected, combined")
    top_tokens: list[TokenFinding]
    kept_ids: str = Field(
        pattern=r"^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$",
        description='Ids that occur, ascending, as ranges: "0-3,17,40-41"',
    )
    weights: str = Field(description='"measured", or why the sections that need weights are not')
    inside: InsideFinding | None = Field(description="What the weights show, where they are")

    @model_validator(mode="after")
    def _groups_agree(self) -> Self:
        lengths = [part.group for part in self.lengths]
        vocabulary = [part.group for part in self.vocabulary]
        if lengths[:1] != [COMBINED] or lengths != vocabulary:
            raise ValueError(
                "lengths and vocabulary are not of all prompts first, then each source"
            )
        return self

    @model_validator(mode="after")
    def _ids_are_there(self) -> Self:
        """What reads the document lists them one by one, so a claim of billions must not pass."""
        if not ascending(parse(self.kept_ids), self.vocabulary_size):
            raise ValueError("kept_ids are not ascending ids of the vocabulary")
        return self


class LedgerFinding(Part):
    """A published claim, what its own numbers imply, and what was measured here."""

    id: str
    group: str
    title: str
    where: str
    claim: str
    published: str
    implied: str
    verdict: Literal["holds", "contradicts", "undecided"]
    margin: str
    explanation: str
    measured: str | None
    not_measured: str | None


class Settings(Part):
    """What the user asked for."""

    sources: list[str]
    encoders: list[str]
    contexts: list[ContextLength]
    token_loss_bound: float
    stand_ins: bool
    seed: int
    inside: InsideSettings


class Run(Part):
    """When, where and how: the only part that differs between two runs on the same inputs."""

    started: str = Field(description="ISO 8601, with its time zone")
    seconds: float
    command: str
    data: str
    host: str
    python: str
    versions: dict[str, str]

    @field_validator("started")
    @classmethod
    def _is_a_time(cls, started: str) -> str:
        if datetime.fromisoformat(started).tzinfo is None:
            raise ValueError("no time zone")
        return started


class Findings(Part):
    """The document. `load` reads one, `to_json` writes it."""

    schema_version: Literal[2] = SCHEMA_VERSION
    generator: str
    settings: Settings
    sources: list[SourceFinding]
    corpus: CorpusFinding
    encoders: list[EncoderFinding]
    outputs: list[FileOutputsFinding] = Field(description="Outputs computed elsewhere, from files")
    ledger: list[LedgerFinding]
    run: Run

    @model_validator(mode="after")
    def _sources_agree(self) -> Self:
        names = len(self.sources)
        if not names or [len(row) for row in self.corpus.shared] != [names] * names:
            raise ValueError("the overlap of sources does not have a row and a column for each")
        if self.corpus.approximation:
            self._bounds_agree(self.corpus.approximation)
        return self

    def _bounds_agree(self, found: ApproximationFinding) -> None:
        """What reads the document looks them up by the names of sources and encoders."""
        groups = {COMBINED, *(source.name for source in self.sources)}
        tables = [set(found.unique), set(found.share_error)]
        tables += [set(table) for table in found.unique_cleaned.values()]
        encoders = {encoder.name for encoder in self.encoders}
        shapes = [[len(row) for row in side] for side in (found.shared_low, found.shared_high)]
        if (
            not encoders
            or any(table != groups for table in tables)
            or set(found.unique_cleaned) != encoders
            or shapes != [[len(self.sources)] * len(self.sources)] * 2
        ):
            raise ValueError("the bounds of estimates are not those of these sources and encoders")

    def __repr__(self) -> str:
        """One line: the whole document would be thousands."""
        named = ", ".join(source.name for source in self.sources)
        encoders = ", ".join([e.name for e in self.encoders] + [o.name for o in self.outputs])
        stand_ins = ", with stand-ins" if self.corpus.stand_ins else ""
        return shown(
            f"<Findings: {self.corpus.unique:,} distinct prompts of {named}{stand_ins}; {encoders}>"
        )

    __str__ = __repr__

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the document without `run`; every file rendered from it carries this."""
        return _KIND.digest(self.model_dump(mode="json"))

    def to_json(self) -> bytes:
        """The file's bytes: the document and its digest."""
        return _KIND.to_json(self)

    @classmethod
    def load(cls, path: Path | str) -> Findings:
        """Read and validate a findings.json.

        Parameters
        ----------
        path : path
            The file, or the folder that holds it.

        Raises
        ------
        InputError
            If the file is missing, is no JSON, is not a findings document of this version, or was
            changed since it was written: its digest no longer fits. A file without the digest is
            taken as it is, for those who change one on purpose.
        """
        path = Path(path)
        try:
            folder = path.is_dir()
        except OSError:  # a name that is too long, which `read` says
            folder = False
        return _KIND.read(path / FILE_NAME if folder else path, cls)


def schema() -> dict[str, Any]:
    """The JSON schema of findings.json (draft 2020-12), as `anatomy schema` prints it."""
    described: dict[str, Any] = Findings.model_json_schema(mode="serialization")
    described["properties"]["digest"] = {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "SHA-256 of the canonical JSON of the document without digest and run",
    }
    described["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return described

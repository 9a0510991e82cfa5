"""compare.json: everything a comparison of audits shows, validated and versioned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from anatomy.comparison.difference import Verdict
from anatomy.comparison.facts import Unit
from anatomy.documents import Kind
from anatomy.findings.parts import Part, Rounded

SCHEMA_VERSION: Literal[1] = 1
FILE_NAME = "compare.json"
_KIND = Kind(FILE_NAME, SCHEMA_VERSION, "anatomy", "`anatomy compare`", "compare again")
MARK = "anatomy:comparison"  # precedes the digest in every file rendered from a comparison

Number = int | Rounded


class ComparedAudit(Part):
    """One of the audits."""

    label: str
    digest: str = Field(description="Of its findings: hex SHA-256 without their run data")
    generator: str
    started: str
    command: str
    prompts: int
    sources: list[str]
    encoders: list[str]
    stand_ins: list[str]
    seed: int
    sample: int | None


class SourceState(Part):
    """A source in one audit, against the baseline's of the same name."""

    kind: str
    rows: int
    unique: int
    files: int
    content: str = Field(description="Hash over its files' hashes and the column read")


class SourceRow(Part):
    """A source by name, audit by audit."""

    name: str
    states: list[SourceState | None]
    against: list[str] = Field(
        description='Against the baseline: "same", "added", "removed", "absent", or what changed'
    )


class SettingRow(Part):
    """A setting or a version that is not the same in all audits."""

    name: str
    values: list[str]


class KeptIds(Part):
    """Ids that a corpus uses, against those that the baseline's uses."""

    both: int
    gained: int
    lost: int
    gained_ids: str = Field(description='As ranges: "0-3,17"')
    lost_ids: str


class TokenStanding(Part):
    """What an encoder's tokenizer makes of all prompts of one audit."""

    tokenizer: str = Field(description="Its description, with the hash of its vocabulary")
    same_tokenizer: bool = Field(description="As the baseline's")
    bound: float = Field(description="Of the recommended context")
    recommended: int
    histogram: list[tuple[int, int]] = Field(description="(tokens, prompts) of all prompts")
    kept: KeptIds | None = Field(description="Where the same ids mean the same tokens")


class Standing(Part):
    """The encoder, or file of outputs, of one audit that stands against the baseline's."""

    name: str
    paired_by: Literal["baseline", "name", "tokenizer", "only one left"]
    same_sources: bool = Field(description="Whether this audit read the baseline's prompts")
    weights: str = Field(description="Hash of the weights, or of the file of outputs; or empty")
    no_weights: str = Field("", description="Why there are none")
    how: str = Field(description="Pooling, normalisation and context of the outputs; or empty")
    absent: dict[str, str] = Field(description="Group and kind of outputs -> why not measured")
    tokens: TokenStanding | None = Field(None, description="Files of outputs have none")


class Role(Part):
    """An encoder of the baseline, and what stands against it in the other audits."""

    name: str
    kind: Literal["encoder", "outputs"]
    standings: list[Standing | None]


class Value(Part):
    """A number of one audit; an estimate with its 95 % interval and its points."""

    value: Number
    low: Rounded | None = None
    high: Rounded | None = None
    points: int | None = None


class Change(Part):
    """The difference to the baseline."""

    difference: Number
    low: Rounded | None = Field(None, description="95 % interval of the difference")
    high: Rounded | None = None
    relative: Rounded | None = Field(description="difference / baseline; null where that is 0")
    verdict: Verdict


class Measure(Part):
    """One number through all audits."""

    role: str = Field(description="The baseline's encoder; empty: of the corpus alone")
    subject: str
    part: str
    group: str = Field(description='A source\'s name, or "combined" for all prompts')
    name: str
    unit: Unit
    headline: bool
    values: list[Value | None]
    absent: list[str] = Field(description="Why there is no value; empty where there is one")
    changes: list[Change | None] = Field(description="Against the baseline, the first audit")


class LedgerRow(Part):
    """A claim whose verdict, or what was measured of it, is not the same in all audits."""

    id: str
    title: str
    verdicts: list[str]
    measured: list[str]


class Comparison(Part):
    """The document; the first audit is the baseline."""

    schema_version: Literal[1] = SCHEMA_VERSION
    generator: str
    audits: list[ComparedAudit]
    sources: list[SourceRow]
    settings: list[SettingRow] = Field(description="Those that differ")
    roles: list[Role]
    unpaired: list[list[str]] = Field(description="Encoders that stand against none, by audit")
    measures: list[Measure]
    ledger: list[LedgerRow] = Field(description="Claims that changed")

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the document; every file rendered from it carries this."""
        return _KIND.digest(self.model_dump(mode="json"))

    def to_json(self) -> bytes:
        """The file's bytes: the document and its digest."""
        return _KIND.to_json(self)

    @property
    def labels(self) -> list[str]:
        """What the audits are called."""
        return [audit.label for audit in self.audits]

    @property
    def stand_ins(self) -> list[str]:
        """Sources that are stand-ins in any audit."""
        return list(dict.fromkeys(name for audit in self.audits for name in audit.stand_ins))

    def of(self, subject: str, role: str = "", part: str | None = None) -> list[Measure]:
        """The measures of a subject, in order."""
        return [
            measure
            for measure in self.measures
            if (measure.subject, measure.role) == (subject, role) and part in (None, measure.part)
        ]

"""Parameter counts of teacher and students (1, 3.2.1, 4.1).

A CLIP text tower has a token table (V * w), positions (L * w), layers of 12 w^2 + 13 w, a final
norm (2 w), and a text projection (w * e); SAM3 adds a resizer to 256 (w * 256 + 256). MobileCLIP-S0
has two convolutional blocks besides its transformer layers (Apple's `RepMixerBlock` in training
form, kernel 11: 8 w^2 + 37 w each), which 4.1 does not list.
"""

from __future__ import annotations

from anatomy.ledger.claims import ArchitectureClaims, Claims, StudentSpec
from anatomy.ledger.here import NO_WEIGHTS, PRINTED_ONLY
from anatomy.ledger.intervals import Interval, number
from anatomy.ledger.model import Entry, Measured
from anatomy.ledger.verdicts import all_of, any_reading, equal, less

_KERNEL = 11
_VOCABULARY = 49_408


def tower(
    vocabulary: int, width: int, layers: int, context: int, projection: int, output: int = 0
) -> int:
    """Parameters of a CLIP text tower, with a resizer to `output` dimensions if there is one."""
    tables = (vocabulary + context) * width
    stack = layers * (12 * width * width + 13 * width) + 2 * width
    return tables + stack + width * projection + width * output + output


def bert(vocabulary: int, width: int, layers: int, context: int) -> int:
    """Parameters of a BERT encoder with two token types and a pooler."""
    tables = (vocabulary + context + 2) * width + 2 * width
    return tables + layers * (12 * width * width + 13 * width) + width * width + width


def convolutional_block(width: int) -> int:
    """Parameters of one of MobileCLIP-S0's convolutional blocks, in training form."""
    return 8 * width * width + (2 * _KERNEL + 15) * width


def entries(claims: Claims, measured: Measured | None) -> list[Entry]:
    """The teacher's size, the students' sizes, the memory."""
    del measured  # nothing here follows from prompts
    return [_teacher(claims), _students(claims), _listed_layers(claims), _memory(claims)]


def _teacher(claims: Claims) -> Entry:
    a = claims.architecture
    published = a.teacher_parameters.interval
    vocabulary = int(a.vocabulary.interval.lo)
    width, layers = int(a.teacher_width.interval.lo), int(a.teacher_layers.interval.lo)
    small = Interval.of(
        *(tower(vocabulary, width, layers, a.context, p, a.output) for p in (512, 1024))
    )
    released = tower(vocabulary, a.released_width, a.released_layers, a.context, 512, a.output)
    parts = (equal(published, small), equal(a.table_width.interval, a.teacher_width.interval))
    return Entry(
        id="teacher-size",
        group="architecture",
        title="Teacher: width 768, 12 layers, 353.72 M",
        where="4.1; 3.2.1; Table 8",
        claim=f"The teacher is {a.teacher_name} with width 768, 12 layers and 353.72 M parameters.",
        published=f"{a.teacher_parameters}, {a.teacher_width} x {a.teacher_layers};"
        f" token table of width {a.table_width} (3.2.1)",
        implied=f"{a.teacher_width} x {a.teacher_layers}: {_millions(small)};"
        f" {a.released_width:,} x {a.released_layers}: {released:,}",
        verdict=all_of(parts),
        margin=f"apart by at least {number(published.gap(small) / 10**6, 1, 'down')} M;"
        f" {a.released_width:,} x {a.released_layers} "
        + (
            "agrees within rounding"
            if released in published
            else "does not agree within rounding either"
        ),
        explanation="A text tower of width 768 with 12 layers is CLIP ViT-L/14's and as large as"
        " the MobileCLIP2-L student. The published number of parameters and the token table's"
        " width belong to SAM3's text encoder, which is 1,024 wide and has 24 layers. So the"
        ' students are narrower and shallower than "(512/768 vs 768)" and "(4/12 vs 12)" suggest.',
        measured=None,
        not_measured=NO_WEIGHTS,
    )


def _students(claims: Claims) -> Entry:
    a = claims.architecture
    parts, implied = [], []
    for student in a.students:
        whole, short = _size(a, student, a.context), _size(a, student, 16)
        reduction = 1 - student.parameters.interval / a.teacher_parameters.interval
        parts += [
            equal(student.parameters.interval, Interval.exact(whole)),
            equal(student.parameters_16.interval, Interval.exact(short)),
            equal(student.reduction.interval, reduction),
        ]
        implied.append(
            f"{student.name} {whole:,} (L=32), {short:,} (L=16), {reduction.percent(1)} fewer"
        )
    for name, figure, count in (
        ("EVA02-CLIP-bigE", a.eva_parameters, tower(_VOCABULARY, 1280, 32, 77, 1024)),
        ("BERT-Base", a.bert_parameters, bert(30_522, 768, 12, 512)),
    ):
        parts.append(equal(figure.interval, Interval.exact(count)))
        implied.append(f"{name} {count:,}")
    return Entry(
        id="parameter-counts",
        group="architecture",
        title="Parameters of students and baselines",
        where="4.1; Table 8; abstract",
        claim="42.55, 63.54 and 123.81 M parameters (42.54, 63.53, 123.80 M at L = 16): 88, 82 and"
        " 65 % fewer than the teacher; 694.33 M for APE's and 109.48 M for LLMDet's text encoder.",
        published="; ".join(
            f"{s.name} {s.parameters}, {s.parameters_16}, {s.reduction}" for s in a.students
        )
        + f"; EVA02-CLIP-bigE {a.eva_parameters}; BERT-Base {a.bert_parameters}",
        implied="; ".join(implied),
        verdict=all_of(parts),
        margin=f"{parts.count('holds')} of {len(parts)} agree within rounding",
        explanation="The counts follow from width and depth, with S0's two convolutional blocks."
        " Halving the context takes away 16 position vectors: 8,192 or 12,288 parameters.",
        measured=None,
        not_measured="needs the weights of the students, EVA02-CLIP and BERT, which the ledger does"
        " not read",
    )


def _listed_layers(claims: Claims) -> Entry:
    """Only what 4.1 lists, against what it prints."""
    a = claims.architecture
    gaps, implied, readings = [], [], []
    for student in a.students:
        listed = Interval.exact(_size(a, student, a.context, convolutional=False))
        gap = student.parameters.interval.gap(listed)
        readings.append(equal(student.parameters.interval, listed))
        implied.append(f"{student.name} {_millions(listed)}")
        if gap:
            gaps.append(f"{student.name}: {number(gap / 10**6, 2, 'down')} M not accounted for")
    return Entry(
        id="student-layers",
        group="architecture",
        title="Students: the layers listed",
        where="4.1",
        claim="S0 has 4 transformer layers, S1 and 2-L have 12.",
        published="; ".join(f"{s.name} {s.layers} x {s.width}, {s.parameters}" for s in a.students),
        implied="; ".join(implied),
        verdict=any_reading(readings),
        margin="; ".join(gaps) or "all agree within rounding",
        explanation="S1 and 2-L consist of what is listed. S0's four transformer layers are not"
        " all of it: the rest is the size of the two convolutional blocks of Apple's MobileCLIP-S0."
        " The list is short rather than wrong if they are left out on purpose.",
        measured=None,
        not_measured=PRINTED_ONLY,
    )


def _memory(claims: Claims) -> Entry:
    a = claims.architecture
    single, half, byte = (a.teacher_parameters.interval * n / 10**6 for n in (4, 2, 1))
    sizes = {"4 bytes": single, "2 bytes": half, "1 byte": byte}
    bound = a.memory_more_than_mb.interval
    parts = [less(bound, size) for size in sizes.values()]
    return Entry(
        id="teacher-memory",
        group="architecture",
        title="Text encoder over 350 MB",
        where="1",
        claim='The text encoder imposes "a significant persistent memory overhead (>350MB)".',
        published=f"more than {a.memory_more_than_mb} MB",
        implied="; ".join(
            f"{size.text(0)} MB at {label} per parameter" for label, size in sizes.items()
        ),
        verdict=all_of(parts),
        margin=f"exceeded by at least {number(byte.lo - bound.hi, 1, 'down')} MB at one"
        f" byte per parameter, {number(half.lo - bound.hi, 0, 'down')} MB at two and"
        f" {number(single.lo - bound.hi, 0, 'down')} MB at four",
        explanation="True from one byte per parameter up (MB = 10^6 bytes). As a size it fits only"
        " one byte per parameter; in half precision the weights take twice as much, in single"
        " precision four times.",
        measured=None,
        not_measured=NO_WEIGHTS,
    )


def _size(
    a: ArchitectureClaims, student: StudentSpec, context: int, convolutional: bool = True
) -> int:
    whole = tower(
        int(a.vocabulary.interval.lo),
        student.width,
        student.layers,
        context,
        student.projection,
        a.output,
    )
    blocks = student.convolutional if convolutional else 0
    return whole + blocks * convolutional_block(student.width)


def _millions(value: Interval) -> str:
    return f"{(value / 10**6).text(2)} M"

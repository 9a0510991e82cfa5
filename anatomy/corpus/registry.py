"""The paper's six sources: what they are, where they come from, how they are found and read.

Addresses, sizes and checksums are those that others have published (the comments say who);
where nobody has, there is none here.
"""

from __future__ import annotations

import difflib

from anatomy.corpus import bundled, locate, official
from anatomy.corpus.bundled import lvis_names
from anatomy.corpus.model import Download, HubFiles, RoboflowProject, Source
from anatomy.errors import InputError
from anatomy.files import shown

__all__ = ["ALL", "NAMES", "by_name", "lvis_names"]

_SAM3 = "Carion et al., SAM 3: Segment Anything with Concepts, 2025 (arXiv:2511.16719)"
_HUB = "https://huggingface.co/datasets/"

# The host of the originals, bvisionweb1.cs.unc.edu, has been down since September 2022
# (lichengunc/refer, issue 14, where the author's notice and these captures of his archives are).
# "id_" asks the Internet Archive for the bytes as they were captured. Two public protocols that
# checked the three archives print these sizes and SHA-256 sums, and others the same ones singly.
_CAPTURES = "https://web.archive.org/web/{}id_/https://bvisionweb1.cs.unc.edu/licheng/referit/data/"

ALL: tuple[Source, ...] = (
    Source(
        name="rf100vl",
        title="RF100-VL",
        citation="Robicheaux et al., Roboflow100-VL, 2025 (arXiv:2505.20612)",
        licence="Apache-2.0",  # README of roboflow/rf100-vl, on the datasets
        homepage="https://github.com/roboflow/rf100-vl",
        published_count=554,
        prompt_field="categories[].name",
        remote=RoboflowProject("rf100vl"),
        size="164,149 images, size not published",
        locate=locate.rf100vl_files,
        read=official.read_rf100vl,
    ),
    Source(
        name="lvis",
        title="LVIS v1",
        citation="Gupta, Dollár, Girshick, LVIS, CVPR 2019 (arXiv:1908.03195)",
        licence="CC BY 4.0",
        homepage="https://www.lvisdataset.org",
        published_count=1_199,
        prompt_field="categories[].name",
        remote=(
            # Size and checksum: tensorflow/datasets, datasets/lvis/checksums.tsv, for the same
            # object under its bucket's other address,
            # https://s3-us-west-2.amazonaws.com/dl.fbaipublicfiles.com/LVIS/lvis_v1_val.json.zip
            Download(
                url="https://dl.fbaipublicfiles.com/LVIS/lvis_v1_val.json.zip",
                path="lvis_v1_val.json.zip",
                bytes=64_026_968,
                sha256="5cae9a3c79aadb667550c2b5dcf7f4d86e059a41ec91ef690225b667e28e9ba5",
            ),
        ),
        size="64 MB",
        locate=locate.lvis_file,
        read=official.read_lvis,
        bundled=bundled.read_lvis_names,
    ),
    Source(
        name="refcoco",
        title="RefCOCO, RefCOCO+ and RefCOCOg",
        citation="Yu et al., ECCV 2016 (arXiv:1608.00272); Mao et al., CVPR 2016",
        licence="Apache-2.0",  # of the repository that distributes the annotations
        homepage="https://github.com/lichengunc/refer",
        published_count=246_040,
        prompt_field="sentences[].sent",
        remote=(
            Download(
                url=_CAPTURES.format("20220413011718") + "refcoco.zip",
                path=".",
                bytes=53_993_993,
                sha256="7f924bb7ed8dc4568058e4ff626281918d56e5206f4c868c5a80f088f38c8bf0",
                unpack=True,
            ),
            Download(
                url=_CAPTURES.format("20220413011656") + "refcoco+.zip",
                path=".",
                bytes=45_613_210,
                sha256="5f1238112d63199e68da54a28f201471909b21ded7ed79a57d51b4c1443c6b45",
                unpack=True,
            ),
            Download(
                url=_CAPTURES.format("20220413012904") + "refcocog.zip",
                path=".",
                bytes=56_712_951,
                sha256="3d1f7e5b2ff2205940bf59de55f861f5f2cc1403fb980669933a7f9af1aa8211",
                unpack=True,
            ),
        ),
        size="156 MB",
        locate=locate.refcoco_files,
        read=official.read_refcoco,
    ),
    # File names and gates: the dataset cards of SACo-Gold and SACo-VEval. For SACo-Silver, whose
    # card was not to be had: scripts/eval of facebookresearch/sam3, which call nine of its files
    # "merged" and FathomNet's not, and a public reader of all three that reports it gated and
    # under the SAM License like the others.
    Source(
        name="saco-gold",
        title="SA-Co/Gold",
        citation=_SAM3,
        licence="SAM License (see the dataset card)",
        homepage=f"{_HUB}facebook/SACo-Gold",
        published_count=51_577,
        prompt_field="images[].text_input",
        remote=HubFiles("facebook/SACo-Gold", ("gold_*_release_test.json",), gated=True),
        size="21 files, size not published",
        locate=locate.by_pattern(
            "saco-gold",
            "saco_gold",
            "SACo-Gold",
            pattern=r"gold_\w+_merged_[abc]_release_test\.json",
        ),
        read=official.read_gold,
    ),
    Source(
        name="saco-silver",
        title="SA-Co/Silver",
        citation=_SAM3,
        licence="SAM License (see the dataset card)",
        homepage=f"{_HUB}facebook/SACo-Silver",
        published_count=54_178,
        prompt_field="images[].text_input",
        remote=HubFiles("facebook/SACo-Silver", ("silver_*_test.json",), gated=True),
        size="10 files, size not published",
        locate=locate.by_pattern(
            "saco-silver", "saco_silver", "SACo-Silver", pattern=r"silver_\w+_test\.json"
        ),
        read=official.read_silver,
    ),
    Source(
        name="saco-veval",
        title="SA-Co/VEval",
        citation=_SAM3,
        licence="CC BY-NC 4.0 (SmartGlasses: CC BY 4.0; see the dataset card)",
        homepage=f"{_HUB}facebook/SACo-VEval",
        published_count=51_248,
        prompt_field="categories[].name",
        remote=HubFiles("facebook/SACo-VEval", ("annotation/saco_veval_*.json",), gated=True),
        size="6 files, size not published",
        locate=locate.by_pattern(
            "saco-veval",
            "saco_veval",
            "SACo-VEval",
            pattern=r"saco_veval_(sav|yt1b|smartglasses)_(val|test)\.json",
        ),
        read=official.read_veval,
    ),
)

NAMES: tuple[str, ...] = tuple(source.name for source in ALL)


def by_name(name: str) -> Source:
    """The source called `name`; InputError with the nearest name and all of them if none is."""
    if name in NAMES:
        return ALL[NAMES.index(name)]
    near = difflib.get_close_matches(name.lower().replace("_", "-"), NAMES, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    if " " in name:
        hint += "prompts themselves go into a file, or in Python into prompts=[...]; "
    raise InputError(
        f"{shown(name)}: no such source; {hint}there are {', '.join(NAMES)}, and any file: "
        "PATH or PATH:COLUMN"
    )

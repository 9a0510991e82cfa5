"""A small real pipeline for trying faults on: generated prompts, a small encoder, both commands.

The encoder is a BERT with random weights and a WordPiece tokenizer of the prompts, saved as
transformers saves one. What it says means nothing; how it is read, run, kept and taught is real.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from anatomy.census import local
from anatomy.corpus import standins
from anatomy.findings import FILE_NAME

REPOSITORY = Path(__file__).resolve().parents[1]
# A census goes through the disk from a million prompts on; here from as few as are asked for.
_ANATOMY = """
import sys
from anatomy.census import local
local.IN_MEMORY = int(sys.argv.pop(1))
from anatomy.cli import main
main()
"""
_DISTILL = (sys.executable, "-m", "distill")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def write_prompts(path: Path, count: int, style: str = "saco-gold", seed: int = 0) -> Path:
    """A text file of `count` distinct generated prompts."""
    prompts = standins.generate(style, count, seed).to_pylist()
    path.write_text("\n".join(prompts) + "\n", encoding="utf-8")
    return path


def write_encoder(folder: Path, prompts: Path, *, width: int = 128, layers: int = 4) -> Path:
    """The folder of a BERT for these prompts."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token=_SPECIAL[1]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordPieceTrainer(vocab_size=2000, special_tokens=list(_SPECIAL))
    tokenizer.train([str(prompts)], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=4 * width,
        max_position_embeddings=64,
    )
    transformers.BertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def audit_command(
    sources: str, encoders: str, out: Path, *options: str, in_memory: int = local.IN_MEMORY
) -> list[str]:
    """`anatomy audit` whose census holds `in_memory` prompts in memory at most."""
    given = ("--sources", sources, "--encoder", encoders, "--out", str(out))
    command = (sys.executable, "-c", _ANATOMY, str(in_memory))
    return [*command, "audit", *given, "--device", "cpu", *options]


def distill_command(report: Path, out: Path, name: str, *options: str) -> list[str]:
    """`distill run` of what an audit found."""
    given = ("--from-report", str(report), "--out", str(out), "--name", name)
    return [*_DISTILL, "run", *given, "--device", "cpu", *options]


def findings_but_run(out: Path) -> bytes:
    """The findings.json of a report, without what says when and where it was made."""
    document = json.loads((out / FILE_NAME).read_bytes())
    del document["run"]
    return json.dumps(document, ensure_ascii=False).encode()


def environment(cache: Path) -> dict[str, str]:
    """Of both: this repository's packages, one thread, a cache of their own."""
    own = {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "ANATOMY_CACHE": str(cache)}
    return os.environ | own

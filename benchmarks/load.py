"""Eight audits at once, and eight fetches of one encoder at once: what they share stays whole.

    python -m benchmarks.load [--audits 8] [--fetches 8] [--prompts 1000]

The audits share one encoder with weights and one cache; every two of them read the same sources.
First each source is audited alone, with a cache of its own; then all at once into an empty cache.
Every findings.json must be that of the audit alone, byte for byte but for its block `run`, and
every file of the cache whole. The fetches ask a server on this machine that speaks the hub's
protocol; one may download, the others wait for it and find all there. Ends with status 1 if not.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from anatomy.corpus import standins
from anatomy.fetch.published import NEEDED
from anatomy.files import TEMPORARY_SUFFIX, sha256_of
from anatomy.report.write import REPORT, is_mix
from benchmarks.pipeline import (
    audit_command,
    environment,
    findings_but_run,
    write_encoder,
    write_prompts,
)
from tests.fetch.web import Hub, serving

_FETCH = """
import sys
from pathlib import Path
from rich.console import Console
from rich.progress import Progress
from anatomy.fetch.encoders import fetch_encoder
from anatomy.fetch.published import LICENCES, NEEDED, PublishedEncoder
toy = PublishedEncoder(
    name="toy", title="", licence="", repository=sys.argv[1], wheels=(),
    files=(*NEEDED, *LICENCES), sha256=sys.argv[2],
)
shown = Progress(console=Console(stderr=True))
print(fetch_encoder(toy, Path(sys.argv[3]), progress=shown).how)
"""
_REPOSITORY = "toys/encoder"


def audits(root: Path, encoder: Path, files: list[Path], number: int) -> bool:
    """Audit alone and all at once; prints a row and says whether all was equal and whole."""
    alone: dict[Path, bytes] = {}
    seconds = []
    for at, path in enumerate(files):
        begun = time.perf_counter()
        out = root / f"alone-{at}"
        subprocess.run(
            audit_command(str(path), f"hf:{encoder}", out, "--sample", "all"),
            env=environment(root / f"cache-alone-{at}"),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds.append(time.perf_counter() - begun)
        alone[path] = findings_but_run(out)
    begun = time.perf_counter()
    cache = root / "cache"
    running = [
        (
            files[at % len(files)],
            root / f"together-{at}",
            subprocess.Popen(
                audit_command(
                    *(str(files[at % len(files)]), f"hf:{encoder}", root / f"together-{at}"),
                    *("--sample", "all"),
                ),
                env=environment(cache),
                stdout=subprocess.PIPE,
                text=True,
            ),
        )
        for at in range(number)
    ]
    reused = 0
    for _, _, process in running:
        text, _ = process.communicate()
        assert process.returncode == 0
        reused += "Reused: " in text
    together = time.perf_counter() - begun
    equal = sum(findings_but_run(out) == alone[path] for path, out, _ in running)
    mixed = sum(is_mix(out, REPORT) for _, out, _ in running)
    kept = sorted(cache.rglob("*.outputs"))
    whole = sum(_is_whole(path) for path in kept)
    left = list(cache.rglob(f"*{TEMPORARY_SUFFIX}"))
    print(
        "| audits at once | sources | findings equal | cache files whole | reused | s at once "
        "| s alone |"
    )
    print("| --- " * 7 + "|")
    print(
        f"| {number} | {len(files)} | {equal} of {number} | {whole} of {len(kept)} | "
        f"{reused} | {together:.1f} | {min(seconds):.1f} to {max(seconds):.1f} |",
        flush=True,
    )
    return equal == number and not mixed and whole == len(kept) > 0 and not left


def _is_whole(path: Path) -> bool:
    """Whether a file of the cache has the hash that it begins with."""
    content = path.read_bytes()
    return hashlib.sha256(content[32:]).digest() == content[:32]


def fetches(root: Path, encoder: Path, number: int) -> bool:
    """Fetch one encoder several times at once; prints a row and says whether one is there."""
    files = {name: (encoder / name).read_bytes() for name in NEEDED}
    hub = Hub(_REPOSITORY, files, kind="model")
    folder = root / "fetched" / "encoders" / "toy"
    with serving(hub) as address:
        own = {"HF_ENDPOINT": address, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        own |= {"HF_HOME": str(root / "hub"), "HF_HUB_OFFLINE": "0"}
        command = [sys.executable, "-c", _FETCH, _REPOSITORY]
        command += [sha256_of(encoder / "model.safetensors"), str(folder)]
        begun = time.perf_counter()
        running = [
            subprocess.Popen(
                command,
                env=environment(root / "fetched") | own,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(number)
        ]
        printed = [process.communicate() for process in running]
        seconds = time.perf_counter() - begun
    failed = [
        error for process, (_, error) in zip(running, printed, strict=True) if process.returncode
    ]
    how = Counter(out.strip() for out, _ in printed)
    waited = sum("waiting until it ends" in error for _, error in printed)
    equal = all((folder / name).read_bytes() == body for name, body in files.items())
    beside = sorted(path.name for path in folder.parent.iterdir())
    sent = Counter(hub.sent)
    twice = sum(count > 1 for count in sent.values())
    print(
        "| fetches at once | downloaded | already there | waited | files sent twice | whole | s |"
    )
    print("| --- " * 7 + "|")
    print(
        f"| {number} | {how['downloaded']} | {how['already there']} | {waited} | "
        f"{twice} | {'yes' if equal else 'no'} | {seconds:.1f} |",
        flush=True,
    )
    for error in failed:
        print(error)
    once = how == {"downloaded": 1, "already there": number - 1} and not twice
    return equal and not failed and once and beside == ["toy"]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=8)
    parser.add_argument("--fetches", type=int, default=8)
    parser.add_argument("--prompts", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="load-") as temporary:
        root = Path(temporary)
        styles = list(standins.STYLES)
        files = [
            write_prompts(root / f"prompts-{at}.txt", options.prompts, styles[at % len(styles)], at)
            for at in range(max(1, options.audits // 2))
        ]
        encoder = write_encoder(root / "encoder", files[0])
        good = [
            audits(root, encoder, files, options.audits),
            fetches(root, encoder, options.fetches),
        ]
    if not all(good):
        raise SystemExit(1)


if __name__ == "__main__":
    main()

"""Where the data is here, nothing is sent: an audit and a plan open no socket of any kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.corpus import layouts
from tests.encoders import tiny

# Runs a command with a guard that notes, and refuses, whatever the interpreter would do with a
# socket, or with a process that could do it instead. Libraries in C that open one without Python
# would show as a descriptor that is a socket at the end, unless they had closed it.
GUARDED = """
import json, os, sys

noted = []
# By these joblib counts the machine's cores, and a torch with CUDA finds its libraries; they send
# nothing.
looking = (["lscpu", "--parse=core"], ["cat", "/proc/cpuinfo"], ["/sbin/ldconfig", "-p"])

def guard(event, arguments):
    # The name of this machine, for the report's `run` block, is asked of the kernel alone.
    if event == "subprocess.Popen" and arguments[1] in looking:
        return
    if event.startswith("socket.") and event != "socket.gethostname":
        noted.append(f"{event} {arguments[1:]!r:.80}")
    elif event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.forkpty"):
        noted.append(f"{event} {arguments!r:.80}")
    else:
        return
    raise RuntimeError(f"{event} is not allowed here")

sys.addaudithook(guard)
package, report, *arguments = sys.argv[1:]
sys.argv = [package, *arguments]
try:
    main = __import__(f"{package}.cli", fromlist=["main"]).main
    main()
except SystemExit as left:
    status = left.code
held = []
for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
    try:
        place = os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        continue
    if place.startswith("socket:"):
        held.append(place)
with open(report, "w") as stream:
    json.dump({"noted": noted, "sockets": held, "status": status}, stream)
"""


def guarded(folder, package, *arguments):
    """What a command did with sockets; it must have ended well."""
    report = folder / f"{package}.json"
    # As a user's: without the switches that keep the hub's client quiet.
    env = {
        k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "PYTEST_CURRENT_TEST")
    }
    env |= {"HF_HOME": str(folder / "hub"), "ANATOMY_CACHE": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", GUARDED, package, str(report), *map(str, arguments)],
        cwd=folder,
        env=env | {"PYTHONPATH": os.pathsep.join([".", *filter(None, sys.path)])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.is_file(), done.stderr
    found = json.loads(report.read_text())
    assert found["status"] in (0, None), done.stderr
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    tiny.save_bert(folder / "encoder", max_position_embeddings=12, num_hidden_layers=4)
    words = tiny.WORDS[4:10]
    names = [f"{a} {b}" for a in words for b in words]
    layouts.put_lvis(folder / "data" / "lvis" / "lvis_v1_val.json", names)
    (folder / "mine.txt").write_text("\n".join(f"{a} of the {a}" for a in names))
    return folder


@pytest.fixture(scope="module")
def audited(place):
    return guarded(
        place,
        "anatomy",
        "audit",
        *("--sources", "lvis,mine.txt", "--data", place / "data", "--out", place / "report"),
        *("--encoder", f"sam3,hf:{place / 'encoder'}", "--sample", "40", "--no-cache"),
        *("--max-token-loss", "0.05"),
    )


def test_an_audit_of_local_data_opens_no_socket(place, audited):
    assert audited["noted"] == [] and audited["sockets"] == []
    found = json.loads((place / "report" / "findings.json").read_bytes())
    weights = [encoder["weights"] for encoder in found["encoders"]]
    assert weights[0].startswith("not measured") and weights[1] == "measured"
    assert (place / "report" / "report.pdf").is_file()


def test_a_plan_from_its_report_opens_no_socket(place, audited):
    found = guarded(
        place,
        "distill",
        *("plan", "--from-report", place / "report" / "findings.json"),
        *("--data", place / "data", "--teacher", f"hf:{place / 'encoder'}"),
        *("--student", "shallow:1", "--out", place / "recipe.yaml"),
    )
    assert found["noted"] == [] and found["sockets"] == []
    assert (place / "recipe.yaml").is_file()


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket(socket.AF_UNIX)",
        "import socket; socket.socketpair()",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
        "import subprocess; subprocess.run(['true'])",
    ],
)
def test_the_guard_sees_what_it_is_for(tmp_path, code):
    (tmp_path / "peer").mkdir()
    (tmp_path / "peer" / "__init__.py").touch()
    (tmp_path / "peer" / "cli.py").write_text(
        f"def main():\n    try:\n        {code}\n    except Exception:\n        pass\n"
        "    raise SystemExit(0)\n"
    )
    assert guarded(tmp_path, "peer")["noted"]

"""Execute the notebooks and keep what they show.

    python -m notebooks.execute [NAME ...]

rewrites them in place: all of them, or those named. Nothing that changes from one run or machine
to the next is kept beside the outputs: no times, no versions.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

from anatomy.files import write_whole

FOLDER = Path(__file__).resolve().parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TIMEOUT = 240  # seconds a cell may take on a busy machine


def paths() -> list[Path]:
    """The notebooks, in their order."""
    return sorted(FOLDER.glob("*.ipynb"))


def execute(notebook: NotebookNode) -> NotebookNode:
    """Execute a notebook in a temporary folder; its outputs are replaced.

    The kernel is the running interpreter, whatever kernels are installed for the user, and reads
    none of the user's settings of IPython.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Without folders to look in there is only ipykernel's own, of this interpreter.
        kernels = KernelSpecManager(kernel_dirs=[])
        client = NotebookClient(
            notebook,
            km=AsyncKernelManager(
                kernel_name="python3",
                kernel_spec_manager=kernels,
                connection_file=str(Path(folder) / "kernel.json"),
                transport="tcp" if sys.platform == "win32" else "ipc",  # nobody else can listen
            ),
            resources={"metadata": {"path": folder}},
            timeout=TIMEOUT,
            record_timing=False,
        )
        # What the user has of official files and weights would change what the notebooks show;
        # MiniLM alone is looked for where the environment says.
        settings = {
            "ANATOMY_DATA": str(Path(folder) / ".data"),
            "HF_HOME": str(Path(folder) / ".hub"),
            "HF_HUB_OFFLINE": "1",
            "IPYTHONDIR": str(Path(folder) / ".ipython"),
            "PYTHONPATH": os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]),
        }
        client.execute(env=os.environ | settings, cleanup_kc=True)
    return _plain(notebook)


def _plain(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what another run would change."""
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
    return notebook


def main(names: list[str]) -> None:
    """Rewrite notebooks in place and say how long each took."""
    for path in [path for path in paths() if not names or path.name in names or path.stem in names]:
        start = time.perf_counter()
        notebook = execute(nbformat.read(path, as_version=4))
        data = nbformat.writes(notebook).rstrip("\n").encode() + b"\n"
        write_whole(path, data)
        seconds = time.perf_counter() - start
        print(f"{path.name}: {seconds:.0f} s, {len(data) / 1e3:,.0f} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

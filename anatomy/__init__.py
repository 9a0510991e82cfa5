"""anatomy: how much of a text encoder a corpus of prompts really uses.

    import anatomy

    findings = anatomy.audit(prompts=["a dog", "the man in the red shirt"])
    anatomy.frames.contexts(findings)
    anatomy.write_report(findings, "my-report")

Everything in `__all__` is public. It is loaded when it is first used: `import anatomy` alone loads
no library.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # `typing` itself would double the time of the import
if TYPE_CHECKING:
    from anatomy import frames
    from anatomy.comparison import Comparison, compare
    from anatomy.errors import InputError
    from anatomy.findings import Findings, schema
    from anatomy.inside.options import InsideOptions
    from anatomy.pipeline import audit, check_paper
    from anatomy.report.comparison.render import write_comparison
    from anatomy.report.render import write_report
    from anatomy.report.style import style

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "Findings",
    "InputError",
    "InsideOptions",
    "audit",
    "check_paper",
    "compare",
    "frames",
    "schema",
    "style",
    "write_comparison",
    "write_report",
]

_MODULES = {
    "Comparison": "anatomy.comparison",
    "Findings": "anatomy.findings",
    "InputError": "anatomy.errors",
    "InsideOptions": "anatomy.inside.options",
    "audit": "anatomy.pipeline",
    "check_paper": "anatomy.pipeline",
    "compare": "anatomy.comparison",
    "schema": "anatomy.findings",
    "style": "anatomy.report.style",
    "write_comparison": "anatomy.report.comparison.render",
    "write_report": "anatomy.report.render",
}


def __getattr__(name: str) -> object:
    """A public name, when it is first asked for (PEP 562)."""
    if name == "frames":
        return import_module("anatomy.frames")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

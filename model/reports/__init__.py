"""Makes pages about runs and evaluations: HTML, Markdown, charts and plots.

It measures nothing; every figure comes from `evaluation`, `explain` or a run. Public names load when they are first
asked for, because a report on a run is read from the graph and needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pharmagraph.model.reports.evaluation_folder import write_folder
    from pharmagraph.model.reports.html import drug_report, run_report
    from pharmagraph.model.reports.paper import write_paper
    from pharmagraph.model.reports.results import read_results, write_results

_MODULES = {
    "drug_report": "html", "read_results": "results", "run_report": "html", "write_folder": "evaluation_folder",
    "write_paper": "paper", "write_results": "results",
}  # fmt: skip

__all__ = ["drug_report", "read_results", "run_report", "write_folder", "write_paper", "write_results"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

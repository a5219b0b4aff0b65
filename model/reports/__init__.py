"""Makes pages about runs and evaluations: HTML, Markdown, charts and plots.

It measures nothing; every figure comes from `evaluation`, `explain` or a run. Public names load when they are first
asked for, because a report on a run is read from the graph and needs no torch.
"""

from typing import TYPE_CHECKING

from pharmagraph.kg.lazy_names import lazy_names

if TYPE_CHECKING:
    from pharmagraph.model.reports.evaluation_folder import write_folder
    from pharmagraph.model.reports.html import drug_report, run_report
    from pharmagraph.model.reports.paper import write_paper
    from pharmagraph.model.reports.results import read_results, write_results

__all__ = ["drug_report", "read_results", "run_report", "write_folder", "write_paper", "write_results"]

if not TYPE_CHECKING:  # or a type checker would take every name for one that is there
    __getattr__ = lazy_names(__name__, {
        "drug_report": "pharmagraph.model.reports.html",
        "read_results": "pharmagraph.model.reports.results",
        "run_report": "pharmagraph.model.reports.html",
        "write_folder": "pharmagraph.model.reports.evaluation_folder",
        "write_paper": "pharmagraph.model.reports.paper",
        "write_results": "pharmagraph.model.reports.results",
    })  # fmt: skip

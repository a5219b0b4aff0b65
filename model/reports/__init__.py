"""Makes pages about runs and evaluations: HTML, Markdown, charts and plots.

It measures nothing; every figure comes from `model.evaluation`, `model.explain` or a run.
"""

from pharmagraph.model.reports.evaluation_folder import write_folder
from pharmagraph.model.reports.html import drug_report, run_report
from pharmagraph.model.reports.paper import write_paper
from pharmagraph.model.reports.results import read_results, write_results

__all__ = ["drug_report", "read_results", "run_report", "write_folder", "write_paper", "write_results"]

"""Figures of evaluations by model, options and fold, for the pages that compare them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pharmagraph.model.baselines import BASELINES
from pharmagraph.model.evaluation.plan import Row
from pharmagraph.model.metrics.significance import compare_folds
from pharmagraph.model.reports.results import fitted_otherwise

NOT_RUN = "not run"
TEST_SHARE = 0.25
"""Held-out pairs of one fold of five, divided by its training pairs."""


@dataclass(frozen=True)
class Measured:
    """One model of one evaluation.

    Attributes
    ----------
    network
        Changes of network options, as in `model.evaluation.plan.Plan.changes`.
    fit
        Changes of training options, as text.
    figures
        (metric, grouping) → number of a fold → its value.
    """

    dataset: str
    split: str
    task: str
    model: str
    network: Mapping[str, Any]
    fit: str
    omics: tuple[str, ...] | None
    figures: Mapping[tuple[str, str], Mapping[int, float]]

    def values(self, metric: str, grouping: str = "pooled") -> dict[int, float]:
        """Values by fold, without those that are not defined."""
        found = self.figures.get((metric, grouping), {})
        return {fold: v for fold, v in found.items() if v is not None and np.isfinite(v)}

    def cell(self, metric: str, grouping: str = "pooled", digits: int = 3) -> str:
        """Mean ± standard deviation over folds, as text."""
        values = list(self.values(metric, grouping).values())
        if not values:
            return "–"
        spread = f" ± {np.std(values):.{digits}f}" if len(values) > 1 else ""
        return f"{np.mean(values):.{digits}f}{spread} ({len(values)})"


def measured(results: Sequence[Row]) -> list[Measured]:
    """Every model of every evaluation in which near twins are held out together; others cannot be compared."""
    found = []
    for result in results:
        if {result.get("drug_groups"), result.get("cell_line_groups")} - {"twins", None}:
            continue
        changes = result.get("changes", {})
        fit = fitted_otherwise(result)
        omics = result.get("omics")
        figures: dict[str, dict[tuple[str, str], dict[int, float]]] = {}
        for row in result["rows"]:
            of_model = figures.setdefault(row["model"], {})
            of_model.setdefault((row["metric"], row["grouping"]), {})[row["fold"]] = row["value"]
        found += [
            Measured(
                result["dataset"], result["split"], result["task"], model,
                {} if model in BASELINES else changes.get("network", {}), "" if model in BASELINES else fit,
                None if omics is None else tuple(omics), values,
            )
            for model, values in figures.items()
        ]  # fmt: skip
    return found


def matching(known: Sequence[Measured], **wanted: Any) -> Iterator[Measured]:
    """Those with the wanted attributes."""
    return (m for m in known if all(getattr(m, name) == value for name, value in wanted.items()))


def difference(
    m: Measured | None, other: Measured | None, metric: str, grouping: str = "pooled", digits: int = 3
) -> str:
    """Mean difference over the folds that both have, with p of the t-test corrected for shared training pairs."""
    if m is None or other is None or m is other:
        return ""
    mine, theirs = m.values(metric, grouping), other.values(metric, grouping)
    both = sorted(mine.keys() & theirs.keys())
    if not both:
        return ""
    first, second = (np.array([values[fold] for fold in both]) for values in (mine, theirs))
    found = compare_folds(first, second, test_share=TEST_SHARE)
    sure = f", p = {found.p:.2g}" if np.isfinite(found.p) else ""
    return f"{found.difference:+.{digits}f} ({len(both)}){sure}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"

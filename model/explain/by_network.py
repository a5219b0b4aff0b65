"""Counterfactual predictions of runs that need their network: the graph is changed, and the network runs on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.inputs.changes import Change
from pharmagraph.model.inputs.edits import changed
from pharmagraph.model.runs import saved
from pharmagraph.model.runtime import resolve_device
from pharmagraph.model.training.fitted import Fitted


@dataclass(frozen=True)
class NetworkPair:
    """A drug and a cell line of a run, with the prediction before any change (`counterfactuals.Pair`)."""

    folder: Path
    fitted: Fitted
    graph: Heterograph
    drug: int
    cell_line: int
    before: float

    @classmethod
    def of(cls, folder: Path, drug: int, cell_line: int, device: str) -> NetworkPair:
        """Load the run's network."""
        graph = saved.load_graph(folder)
        fitted = saved.load(folder, graph, device=resolve_device(device))
        return cls(folder, fitted, graph, drug, cell_line, _predict(fitted, drug, cell_line))

    def difference(self, changes: Sequence[tuple[Change, int]]) -> float:
        """By how much the prediction changes with some genes at once, each given by its node number."""
        graph = self.graph
        for change, gene in changes:
            graph = changed(graph, change, self.drug, self.cell_line, gene)
        fitted = saved.on_graph(self.fitted, self.folder, graph)
        return _predict(fitted, self.drug, self.cell_line) - self.before


def _predict(fitted: Fitted, drug: int, cell_line: int) -> float:
    return float(fitted.predict(np.array([drug]), np.array([cell_line]))[0])

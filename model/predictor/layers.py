"""Similarities of a run's cell lines by its further layers of omics, as `inputs.similarities` has them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.model.inputs.views import OF_FURTHER_LAYERS

Floats = npt.NDArray[np.float32]


def centred_layers(graph: SavedArrays) -> list[Floats]:
    """Values of each further layer less their features' means, 0 where not measured, (n_cell_lines, n_features)."""
    found = []
    for name in OF_FURTHER_LAYERS:
        if graph.has_node_feature("CellLine", name):
            values = graph.node_feature("CellLine", name)
            measured = np.isfinite(values)
            mean = np.where(measured, values, 0).sum(0) / np.maximum(measured.sum(0), 1)
            found.append(np.where(measured, values - mean, 0).astype(np.float32))
    return found


def similarities(layers: list[Floats], cell_line: int | None) -> list[Floats]:
    """Cosines of one of the cell lines with all, (n_cell_lines,) for each layer; 0 for a new one, None."""
    if cell_line is None:
        return [np.zeros(len(layer), np.float32) for layer in layers]
    units = (layer / np.maximum(np.linalg.norm(layer, axis=1, keepdims=True), 1e-12) for layer in layers)
    return [unit @ unit[cell_line] for unit in units]

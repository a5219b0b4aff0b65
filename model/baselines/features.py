"""Features of drugs and cell lines for baselines: positive semi-definite kernels, and principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.inputs.views import CELL_LINE_KERNELS, DRUG_KERNELS

N_DRUG_COMPONENTS = 48
N_CELL_LINE_COMPONENTS = 24
"""Numbers of principal components. Set by hand."""


@dataclass(frozen=True)
class Features:
    """Features of all drugs and cell lines of a graph; no response enters.

    Attributes
    ----------
    drug_kernels, cell_line_kernels
        The similarities of `inputs.similarities` that are not 0 for all pairs of the graph, float32 (n, n).
    drug_components, cell_line_components
        Principal components of structure and of expression, the first of unit variance, float32 (n, n_components).
    """

    drug_kernels: dict[str, Tensor]
    cell_line_kernels: dict[str, Tensor]
    drug_components: np.ndarray
    cell_line_components: np.ndarray

    @classmethod
    def of(cls, tensors: GraphTensors) -> Features:
        """From a graph's tensors."""
        drugs = _named(DRUG_KERNELS, tensors.drug_kernels)
        cell_lines = _named(CELL_LINE_KERNELS, tensors.cell_line_kernels)
        return cls(
            {name: kernel for name, kernel in drugs.items() if _tells(kernel)},
            {name: kernel for name, kernel in cell_lines.items() if _tells(kernel)},
            components(tensors.structure, N_DRUG_COMPONENTS),
            components(tensors.expression, N_CELL_LINE_COMPONENTS),
        )


def components(rows: Tensor, k: int) -> np.ndarray:
    """Coordinates on the first k principal components, in units of the first one's standard deviation, (n, k)."""
    centred = (rows - rows.mean(0)).double()
    values, vectors = torch.linalg.eigh(centred @ centred.T)
    values, vectors = values.flip(0)[:k].clamp(min=0), vectors.flip(1)[:, :k]
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    coordinates = vectors * torch.sign(largest) * values.sqrt()
    width = coordinates[:, :1].std(unbiased=False).clamp(min=1e-12)
    return (coordinates / width).float().numpy()


def _named(names: tuple[str, ...], kernels: Tensor) -> dict[str, Tensor]:
    return {name: kernel.clone() for name, kernel in zip(names, kernels.unbind(-1), strict=True)}


def _tells(kernel: Tensor) -> bool:
    off_diagonal = kernel - torch.diag(kernel.diagonal())
    return bool(off_diagonal.any())

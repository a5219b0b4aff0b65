"""What baselines know of drugs and cell lines: kernels that are positive semi-definite, and principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kg.fingerprints import FINGERPRINTS
from model.graph_tensors import GraphTensors
from model.similarities import DRUG_KERNELS

N_DRUG_COMPONENTS = 48
N_CELL_LINE_COMPONENTS = 24
_WIDTHS = {"rbf": 1.0, "rbf_narrow": 0.5, "rbf_wide": 2.0}
"""Of the expression kernels, in medians of the squared distance."""


@dataclass(frozen=True)
class Features:
    """Of all drugs and cell lines of a graph; no response enters.

    Attributes
    ----------
    drug_kernels
        Tanimoto on each view of the structure (`kg.fingerprints.FINGERPRINTS`), float32 (n_drugs, n_drugs); 0
        for a drug without a structure.
    cell_line_kernels
        Expression (correlation and RBF of three widths), mutation, copy number and tissue, those that the graph
        has, float32 (n_cell_lines, n_cell_lines).
    drug_components, cell_line_components
        Main axes of structure and of expression, the first of unit variance, float32 (n, n_components).
    """

    drug_kernels: dict[str, Tensor]
    cell_line_kernels: dict[str, Tensor]
    drug_components: np.ndarray
    cell_line_components: np.ndarray

    @classmethod
    def of(cls, tensors: GraphTensors) -> Features:
        """From a graph's tensors."""
        named = dict(zip(DRUG_KERNELS, tensors.drug_kernels.unbind(-1), strict=True))
        drug_kernels = {name: named[name].contiguous() for name in (*FINGERPRINTS, "rare_bits")}
        omics = {
            "expression": tensors.expression, "mutation": tensors.mutation, "copy_number": tensors.copy_number
        }  # fmt: skip
        cell_line_kernels = {name: _correlation(rows) for name, rows in omics.items() if rows.any()}
        if tensors.expression.any():
            distance = _squared_distance(tensors.expression)
            cell_line_kernels |= {
                name: torch.exp(-distance / width) for name, width in _WIDTHS.items()
            }
        same = (tensors.tissue[:, None] == tensors.tissue[None]) & (tensors.tissue >= 0)
        if bool((tensors.tissue >= 0).any()):
            cell_line_kernels["tissue"] = same.float()
        return cls(
            drug_kernels,
            cell_line_kernels,
            components(tensors.structure, N_DRUG_COMPONENTS),
            components(tensors.expression, N_CELL_LINE_COMPONENTS),
        )


def components(rows: Tensor, k: int) -> np.ndarray:
    """Coordinates on the main axes of variation, all scaled alike so that the first has unit variance, (n, k)."""
    centred = (rows - rows.mean(0)).double()
    values, vectors = torch.linalg.eigh(centred @ centred.T)
    values, vectors = values.flip(0)[:k].clamp(min=0), vectors.flip(1)[:, :k]
    vectors = vectors * torch.sign(vectors.gather(0, vectors.abs().argmax(0, keepdim=True)))
    coordinates = vectors * values.sqrt()
    first = coordinates[:, :1].std(unbiased=False)
    return (coordinates / first.clamp(min=1e-12)).float().numpy()


def _correlation(rows: Tensor) -> Tensor:
    """Of centred rows; a row of zeros is unlike every other."""
    present = rows.any(dim=1, keepdim=True)
    centred = (rows - rows[present[:, 0]].mean(0)) * present
    unit = centred / centred.norm(dim=1, keepdim=True).clamp(min=1e-12)
    correlation: Tensor = unit @ unit.T
    return correlation


def _squared_distance(rows: Tensor) -> Tensor:
    """In medians of those between rows that have values; infinite to rows that have none."""
    present = rows.any(dim=1)
    square = (rows**2).sum(1)
    distance = (square[:, None] + square[None] - 2 * rows @ rows.T).clamp(min=0)
    distance.fill_diagonal_(0)
    among = distance[present][:, present]
    apart = among[~torch.eye(len(among), dtype=torch.bool)]
    width = apart.median().clamp(min=1e-6) if len(apart) else 1.0
    distance = distance / width
    distance[~present] = distance[:, ~present] = torch.inf
    distance.fill_diagonal_(0)
    return distance

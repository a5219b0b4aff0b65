"""Features of drugs and cell lines for baselines: positive semi-definite kernels, principal components, and the
values themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.fingerprints import BITS
from pharmagraph.kg.wording import named
from pharmagraph.model.inputs.tensors import GraphTensors
from pharmagraph.model.inputs.views import CELL_LINE_KERNELS, DRUG_KERNELS

N_DRUG_COMPONENTS = 48
N_CELL_LINE_COMPONENTS = 24
"""Numbers of principal components. Set by hand."""
FOLDED = 256
"""Bits of the shorter Morgan fingerprint, as in DrEval's EnsembleMF."""
N_LANDMARKS = 978
"""Genes that DrEval's models read: the landmark genes of the L1000 assay, by number."""
N_EXPLAINING = 100
"""Principal components by which genes are chosen in the place of the landmarks. Set by hand."""


@dataclass(frozen=True)
class Features:
    """Features of all drugs and cell lines of a graph; no response enters.

    Attributes
    ----------
    drug_kernels, cell_line_kernels
        The similarities of `inputs.similarities` that are not 0 for all pairs of the graph, float32 (n, n).
    drug_components, cell_line_components
        Principal components of structure and of expression, the first of unit variance, float32 (n, n_components).
    fingerprint
        Morgan bits, radius 2, folded to 256, float32 (n_drugs, ≤ 256); a row of zeros without a structure.
    expression
        Signed z, 0 where the graph has no value, float32 (n_cell_lines, n_genes).
    tissue
        Code of each cell line's tissue, int64 (n_cell_lines,); -1 unknown.
    """

    drug_kernels: dict[str, Tensor]
    cell_line_kernels: dict[str, Tensor]
    drug_components: np.ndarray
    cell_line_components: np.ndarray
    fingerprint: np.ndarray
    expression: np.ndarray
    tissue: np.ndarray

    @classmethod
    def of(cls, tensors: GraphTensors) -> Features:
        """From a graph's tensors."""
        n_further = tensors.cell_line_kernels.shape[-1] - len(CELL_LINE_KERNELS)
        drugs = _named(DRUG_KERNELS, tensors.drug_kernels)
        cell_lines = _named(
            (*CELL_LINE_KERNELS, *(f"layer {n + 1}" for n in range(n_further))), tensors.cell_line_kernels
        )
        return cls(
            {name: kernel for name, kernel in drugs.items() if _tells(kernel)},
            {name: kernel for name, kernel in cell_lines.items() if _tells(kernel)},
            components(tensors.structure, N_DRUG_COMPONENTS),
            components(tensors.expression, N_CELL_LINE_COMPONENTS),
            folded(tensors.structure[:, :BITS].numpy() > 0),  # Morgan counts come first (`DESCRIBED_BY`)
            tensors.expression.numpy(),
            tensors.tissue.numpy(),
        )


_READS = {"elastic-net": ("expression",), "ensemble-mf": ("expression", "structure")}
"""Baseline → what it cannot do without."""
_LACKS = {
    "expression": "expression of cell lines, and the graph has none; ingest it",
    "structure": "structures of drugs, and the graph has none; ingest their SMILES",
}


def require_features(model: str, tensors: GraphTensors) -> None:
    """Refuse a baseline that reads something of which the graph has nothing.

    Raises
    ------
    ModelError
        Naming the baseline, what it reads, and the way out.
    """
    for name in _READS.get(model, ()):
        if not bool(getattr(tensors, name).any()):
            raise ModelError(f"{model} reads {_LACKS[name]}, or leave {model} out of {named('models')}")


def landmarks(expression: np.ndarray, cell_lines: np.ndarray, n: int = N_LANDMARKS) -> np.ndarray:
    """Columns of the genes in the place of the L1000 landmarks, int64 (≤ n,), in order.

    No package that this one installs has the list of landmarks. They were chosen as genes from which the others can be
    told, so here are as many genes whose expression is shared most with others: those of which the first 100 principal
    components of the training cell lines hold the most. (The most variable genes cannot be told: z scores have one
    variance.)

    Parameters
    ----------
    expression
        Signed z, (n_cell_lines, n_genes).
    cell_lines
        Numbers of the training cell lines; no other row is read.
    """
    rows = torch.from_numpy(expression[np.unique(cell_lines)]).float()
    rows = rows[rows.any(1)]
    rows = rows - rows.mean(0)
    vectors = torch.linalg.eigh((rows @ rows.T).double())[1]
    explained = ((vectors[:, -N_EXPLAINING:].float().T @ rows) ** 2).sum(0).numpy()
    chosen = np.argsort(-explained, kind="stable")[:n]
    return np.sort(chosen[explained[chosen] > 0])


def folded(bits: np.ndarray, width: int = FOLDED) -> np.ndarray:
    """Bits folded by their number's remainder, as a shorter fingerprint would have them, float32 (n, ≤ width)."""
    wide = np.zeros((len(bits), -(-bits.shape[1] // width) * width), bool)
    wide[:, : bits.shape[1]] = bits
    return np.any(wide.reshape(len(bits), -1, width), axis=1)[:, : bits.shape[1]].astype(np.float32)


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

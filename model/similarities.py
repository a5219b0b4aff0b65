"""How alike drugs are by structure, and cell lines by omics; no response enters. The axial part attends by these."""

from __future__ import annotations

import torch
from torch import Tensor

from model.edges import Edges

DRUG_KERNELS = ("tanimoto", "cosine", "containment", "rare_bits", "stored")
CELL_LINE_KERNELS = ("components", "cosine", "rbf", "stored", "mutation", "copy_number", "tissue")
N_SHARPENED_DRUG_KERNELS = 4
N_SHARPENED_CELL_LINE_KERNELS = 2
"""The first kernels, which alone rank neighbours and set how fast the axial part's attention falls off."""

N_COMPONENTS = 16


def drug_kernels(fingerprint: Tensor, similar: Edges) -> Tensor:
    """Similarities in [0, 1] of all drugs, (n_drugs, n_drugs, 5), in the order of ``DRUG_KERNELS``.

    ``containment`` is the share of the smaller molecule's bits in the larger; ``rare_bits`` is a cosine in which a
    bit counts by how rare it is. A drug without a structure is similar to none but by what is stored.
    """
    common = fingerprint @ fingerprint.T
    size = common.diagonal()
    smaller = torch.minimum(size[:, None], size[None])
    union = size[:, None] + size[None] - common
    rarity = torch.log1p(len(fingerprint) / (1 + fingerprint.sum(0)))
    stored = torch.zeros_like(common)
    stored[similar.dst, similar.src] = similar.weight[:, 0]
    kernels = [
        common / union.clamp(min=1),
        common / torch.sqrt(size[:, None] * size[None]).clamp(min=1),
        common / smaller.clamp(min=1),
        _cosine(fingerprint * rarity),
        stored,
    ]
    return torch.stack(kernels, dim=-1)


def cell_line_kernels(
    expression: Tensor, mutation: Tensor, copy_number: Tensor, tissue: Tensor, similar: Edges
) -> Tensor:
    """Similarities of all cell lines, (n_cell_lines, n_cell_lines, 7), in the order of ``CELL_LINE_KERNELS``.

    ``components`` is a cosine on the main axes of expression; ``rbf`` has the median squared distance as its
    width; cosines are clipped at 0.
    """
    square = (expression**2).sum(1)
    distance = (square[:, None] + square[None] - 2 * expression @ expression.T).clamp(min=0)
    apart = distance[~torch.eye(len(distance), dtype=torch.bool)]
    width = apart.median() if len(apart) else distance.new_tensor(1.0)
    stored = torch.zeros_like(distance)
    stored[similar.dst, similar.src] = similar.weight[:, 0]
    centred = expression - expression.mean(0)
    kernels = [
        _cosine(_components(centred)).clamp(min=0),
        _cosine(centred).clamp(min=0),
        torch.exp(-distance / width.clamp(min=1e-6)),
        stored,
        _cosine(mutation - mutation.mean(0)).clamp(min=0),
        _cosine(copy_number - copy_number.mean(0)).clamp(min=0),
        ((tissue[:, None] == tissue[None]) & (tissue >= 0)[:, None]).float(),
    ]
    return torch.stack(kernels, dim=-1)


def _components(centred: Tensor) -> Tensor:
    """Coordinates on the main axes of variation, (n, 16): what many genes say together, without single genes' noise."""
    values, vectors = torch.linalg.eigh((centred @ centred.T).double())
    k = min(N_COMPONENTS, len(values))
    coordinates: Tensor = vectors[:, -k:] * values[-k:].clamp(min=0).sqrt()
    return coordinates.float()


def _cosine(rows: Tensor) -> Tensor:
    unit = rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-12)
    cosine: Tensor = unit @ unit.T
    return cosine


def k_nearest(kernels: Tensor, k: int, ranked_by: int) -> Edges:
    """Each node's k most similar other nodes; ties go to the smaller number.

    Parameters
    ----------
    kernels
        (n, n, n_kernels).
    k
        Sources a destination.
    ranked_by
        So many of the first kernels, by their mean.

    Returns
    -------
    Edges
        Weight: all kernels, (n_edges, n_kernels).
    """
    n = len(kernels)
    mean = kernels[..., :ranked_by].mean(-1)
    mean.fill_diagonal_(-1)
    k = min(k, n - 1)
    if k < 1:
        return Edges(
            torch.empty(0, dtype=torch.int64),
            torch.empty(0, dtype=torch.int64),
            torch.empty(0, kernels.shape[-1]),
        )
    src = torch.sort(mean, dim=1, descending=True, stable=True).indices[:, :k].flatten()
    dst = torch.arange(n).repeat_interleave(k)
    return Edges(src, dst, kernels[dst, src])

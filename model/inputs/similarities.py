"""Similarities of drugs by structure and of cell lines by omics, without any response.

Each is positive semi-definite, so it can be a covariance of the Gaussian process; the axial component attends by them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from pharmagraph.kg.fingerprints import FINGERPRINTS
from pharmagraph.kg.similarity import tanimoto
from pharmagraph.model.inputs.edges import Edges
from pharmagraph.model.inputs.views import N_COMPONENTS


def kernel_of(gene_attention: Tensor) -> Tensor:
    r"""Overlap of the gene attention of two drugs, :math:`\sum_g \sqrt{\alpha_{dg} \alpha_{eg}}`, (n_drugs, n_drugs).

    It is 1 for a drug with itself, positive semi-definite, and a sum over genes, so each gene's contribution is a term.
    """
    root = gene_attention.sqrt()
    return root @ root.T


def drug_kernels(views: Mapping[str, Tensor], similar: Edges) -> Tensor:
    """Similarities in [0, 1] of all drugs, (n_drugs, n_drugs, 8), in the order of ``DRUG_KERNELS``.

    Parameters
    ----------
    views
        Fingerprints by name (`kg.fingerprints.FINGERPRINTS`): bits or counts, float32 (n_drugs, width).
    similar
        Similarities that the graph stores.

    Returns
    -------
    Tensor
        Tanimoto similarity on every view; ``rare_bits``, a cosine in which rare bits count more; and the stored
        similarity. A drug without a structure has stored similarities only.
    """
    bits = views["fingerprint"]
    rarity = torch.log1p(len(bits) / (1 + bits.sum(0)))
    kernels = [torch.from_numpy(tanimoto(*[views[name].numpy()] * 2)) for name in FINGERPRINTS]
    return torch.stack([*kernels, _cosine(bits * rarity), _stored(similar, len(bits))], dim=-1)


def cell_line_kernels(
    expression: Tensor,
    mutation: Tensor,
    copy_number: Tensor,
    tissue: Tensor,
    similar: Edges,
    further: Sequence[Tensor] = (),
) -> Tensor:
    """Similarities of all cell lines, (n_cell_lines, n_cell_lines, 10 + n_further), in the order of
    ``CELL_LINE_KERNELS``, then a cosine for each further layer, (n_cell_lines, n_features), NaN where not measured.

    ``components`` is a cosine on principal components of expression. ``rbf`` has the median squared distance as its
    squared width, ``rbf_wide``, ``rbf_narrow`` and ``rbf_narrower`` have twice, half and a quarter of it. A cell line
    without expression is similar to no other by expression: lacking it does not make two cell lines alike.
    """
    distance = squared_distances(expression)
    rbf = rbf_of(distance, width_of(distance))
    centred = expression - expression.mean(0)
    by_expression = [
        _cosine(components_of_expression(expression)[0]),
        _cosine(centred),
        rbf,
        rbf**0.5,
        rbf**2,
        rbf**4,
    ]
    without = ~expression.any(dim=1)
    for kernel in by_expression:
        kernel[without], kernel[:, without] = 0, 0
        kernel.diagonal()[without] = 1
    kernels = [
        *by_expression,
        _stored(similar, len(distance)),
        _cosine(mutation - mutation.mean(0)),
        _cosine(copy_number - copy_number.mean(0)),
        ((tissue[:, None] == tissue[None]) & (tissue >= 0)[:, None]).float(),
        *(_cosine(centred_of(layer)) for layer in further),
    ]
    return torch.stack(kernels, dim=-1)


def centred_of(layer: Tensor) -> Tensor:
    """Values less their feature's mean over the cell lines in which it was measured; 0 where it was not."""
    return torch.nan_to_num(layer - torch.nanmean(layer, dim=0))


def squared_distances(rows: Tensor) -> Tensor:
    """Squared Euclidean distances between rows (n, width), (n, n)."""
    square = (rows**2).sum(1)
    return (square[:, None] + square[None] - 2 * rows @ rows.T).clamp(min=0)


def width_of(distance: Tensor) -> Tensor:
    """Median squared distance between two different entities, a scalar; 1 where there is one entity."""
    apart = distance[~torch.eye(len(distance), dtype=torch.bool)]
    return apart.median() if len(apart) else distance.new_tensor(1.0)


def rbf_of(distance: Tensor, width: Tensor) -> Tensor:
    """RBF kernel of squared distances: the exponential of minus their multiple of ``width``, in their unit; (n, n)."""
    return torch.exp(-distance / width.clamp(min=1e-6))


def _stored(similar: Edges, n: int) -> Tensor:
    """Stored similarities, (n, n). The graph stores neighbours only, so negative eigenvalues are set to 0."""
    matrix = torch.eye(n, dtype=torch.float64)
    matrix[similar.dst, similar.src] = similar.weight[:, 0].double()
    values, vectors = torch.linalg.eigh(matrix)
    covariance: Tensor = (vectors * values.clamp(min=0)) @ vectors.T
    return covariance.float()


def components_of_expression(expression: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates on the first principal components, and the way of a new cell line to them.

    Returns
    -------
    Tensor
        (n_cell_lines, `N_COMPONENTS`).
    Tensor
        Products of centred expression with that of the cell lines, (n_cell_lines,), times this, (n_cell_lines,
        `N_COMPONENTS`), are coordinates.
    """
    centred = expression - expression.mean(0)
    values, vectors = torch.linalg.eigh((centred @ centred.T).double())
    k = min(N_COMPONENTS, len(values))
    roots = values[-k:].clamp(min=0).sqrt()
    to_coordinates = vectors[:, -k:] / roots.clamp(min=1e-9) * (roots > 0)
    return (vectors[:, -k:] * roots).float(), to_coordinates.float()


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
        Neighbours of each node.
    ranked_by
        Number of the first kernels whose mean ranks the nodes.

    Returns
    -------
    Edges
        From neighbour to node; the weight holds all kernels, (n_edges, n_kernels).
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

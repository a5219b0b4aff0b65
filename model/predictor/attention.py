"""Attention of drugs to candidate genes in NumPy: that of new drugs, and with known targets first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pharmagraph.model.inputs.views import EVEN_ATTENTION, N_SHARPENED_DRUG_KERNELS, SHARPNESS

Floats = npt.NDArray[np.float32]


def of_similar(similarities: Floats, attention: Floats) -> Floats:
    """Attention of new drugs: that of drugs of similar structure, (n, n_candidates)."""
    near = similarities[..., :N_SHARPENED_DRUG_KERNELS].mean(-1) ** SHARPNESS
    row = near @ attention + EVEN_ATTENTION
    share: Floats = row / row.sum(-1, keepdims=True)
    return share


def with_given(found: Floats, given: npt.NDArray[np.bool_]) -> Floats:
    """`targets.gene_attention.with_given` in NumPy: known targets first, the rest shares the weight of one."""
    rest = np.where(given, 0, found)
    rest = rest / np.maximum(rest.sum(-1, keepdims=True), np.finfo(np.float32).tiny)
    attention: Floats = (rest + given) / (given.sum(-1, keepdims=True) + 1)
    return attention

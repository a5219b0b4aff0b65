"""What tells how sure a predictor is of new drugs and cell lines: kernel rows, and the spread of its outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pharmagraph.model.predictor.asked_for import Entity, Side
from pharmagraph.model.predictor.predictor import Predictor
from pharmagraph.model.predictor.reading import reading

Floats = npt.NDArray[np.float64]


def kernel_rows(predictor: Predictor, entities: Sequence[Entity], kind: str) -> tuple[Floats, Floats]:
    """Covariances in the first member's Gaussian process of drugs, or cell lines (``cell_line``).

    Returns
    -------
    ndarray
        With the run's own, (n_asked, n).
    ndarray
        Of each with itself, (n_asked,). A similarity of which a new entity has nothing counts as 0.
    """
    letter, side, member = {"drug": "d", "cell_line": "c"}[kind], Side(entities), predictor.members[0]
    kernel, weights = (predictor.array(f"0/{name}") for name in (f"kernel_{letter}", f"{kind}_weights"))
    of_genes = member.get("of_genes") if kind == "drug" else None
    alone = member[f"{kind}_constant"] + member[f"identity_{letter}"]
    rows = side.rows(len(kernel), weights, member[f"{kind}_constant"], of_genes)
    rows += np.where(side.known[:, None], kernel[side.at], 0)
    own = np.where(side.known, kernel.diagonal()[side.at], alone)
    for n, entity in enumerate(entities):
        if entity.number is None and entity.similarities is not None:
            own[n] += weights[entity.similarities.any(0)].sum()
            if of_genes is not None and entity.overlap is not None:
                own[n] += of_genes
    return rows, own


def drug_scales(predictor: Predictor, drugs: Sequence[Entity]) -> Floats:
    """Scale of each drug's values in the first member's process; 1 for a new one, (n_drugs,)."""
    side = Side(drugs)
    found: Floats = np.where(side.known, predictor.array("0/drug_scale")[side.at], 1.0)
    return found


def spread(predictor: Predictor, drugs: Sequence[Entity], cell_lines: Sequence[Entity]) -> Floats:
    """Standard deviation of outputs over members and components, of pairs with a new end, (n_cell_lines, n_drugs).

    Single genes are left out: their part is one of all members together.
    """
    of_drugs, of_cell_lines = Side(drugs), Side(cell_lines)
    with reading(predictor.path):
        offset = predictor.offset(of_drugs, of_cell_lines)
        shares, outputs = [], []
        none_known = np.zeros(offset.shape, bool)
        for member, components in predictor.of_members(of_drugs, of_cell_lines, none_known):
            for share, table in components:
                shares.append(share)
                outputs.append(member["slope"] * (offset + table) + member["intercept"])
    weights, tables = np.array(shares) / np.sum(shares), np.stack(outputs)
    found: Floats = np.sqrt(np.tensordot(weights, (tables - np.tensordot(weights, tables, 1)) ** 2, 1))
    return found

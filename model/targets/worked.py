"""Worked drugs: their known targets are hidden, and the genes that then get the attention listed, right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kg.errors import NotFoundError
from model.targets.fitting import Settings, fit
from model.targets.problem import TargetProblem


@dataclass(frozen=True)
class Worked:
    """One drug.

    Attributes
    ----------
    drug
        Id.
    genes
        The first ones: ``gene``, ``attention``, ``excess`` (over an even share), ``known``, ``drugs`` (others that
        have the gene as a visible target).
    targets
        Every known target with its ``rank`` among the candidates.
    n_candidates
        Genes that competed.
    """

    drug: str
    genes: list[dict[str, Any]]
    targets: list[dict[str, Any]]
    n_candidates: int


def work(
    problem: TargetProblem,
    drugs: Sequence[str],
    *,
    n_genes: int = 10,
    seed: int = 0,
    settings: Settings | None = None,
) -> list[Worked]:
    """Hide all targets of some drugs and of their structure twins, fit once, and read the attention.

    Parameters
    ----------
    drugs
        Ids; each has a known target.

    Raises
    ------
    NotFoundError
        If a drug is not in the graph.
    """
    position = {str(d): n for n, d in enumerate(problem.drugs)}
    for drug in drugs:
        if drug not in position:
            raise NotFoundError("drug", drug, position, "see: cli status")
    rows = [position[d] for d in drugs]
    group = problem.evidence.structure_group
    visible = problem.known & ~np.isin(group, group[rows])[:, None]
    attention = fit(problem.evidence, visible, seed=seed, settings=settings).attention
    count = visible.sum(0)
    found = []
    for drug, row in zip(drugs, rows, strict=True):
        order = np.argsort(-attention[row], kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = 1 + np.arange(len(order))
        symbols, known = problem.evidence.symbols, problem.known[row]
        genes = [
            {
                "gene": str(symbols[g]),
                "attention": float(attention[row, g]),
                "excess": float(attention[row, g] * len(order)),
                "known": bool(known[g]),
                "drugs": int(count[g]),
            }
            for g in order[:n_genes]
        ]
        targets = [{"gene": str(symbols[g]), "rank": int(rank[g])} for g in np.flatnonzero(known)]
        found.append(Worked(drug, genes, sorted(targets, key=lambda t: t["rank"]), len(order)))
    return found

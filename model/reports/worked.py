"""Worked examples: the genes that drugs attend to when their known targets are hidden, and the same drugs in a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pharmagraph.kg import runs
from pharmagraph.kg.errors import NotFoundError
from pharmagraph.kg.store import GraphStore
from pharmagraph.model.metrics.scores import auroc
from pharmagraph.model.targets.fitting import Settings, fit
from pharmagraph.model.targets.problem import TargetProblem


@dataclass(frozen=True)
class Worked:
    """One drug whose known targets are hidden.

    Attributes
    ----------
    drug
        Id.
    genes
        The genes it attends to most: ``gene``, ``attention``, ``excess`` (attention over an even share), ``known``,
        ``drugs`` (number of drugs that have the gene as a visible target).
    targets
        Every known target with its ``rank`` among the candidates.
    n_candidates
        Number of candidate genes.
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
    """Hide all targets of some drugs and of drugs of the same structure, fit once, and read the attention.

    Parameters
    ----------
    problem
        Known targets and evidence.
    drugs
        Ids; each has a known target.
    n_genes
        Genes of each drug in the result.
    seed, settings
        Of the fit.

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


_GENES = """
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'target'
RETURN g.id AS gene, a.rank AS rank, a.excess AS excess, a.spread AS spread, a.stability AS stability, a.q AS q,
       EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY rank LIMIT $limit
"""
_RESPONSES = """
MATCH (d:Drug {id: $drug})-[t:TESTED_ON]->(c:CellLine)<-[p:PREDICTED]-(e:Drug {id: $drug})
WHERE p.run_id = $run AND t.response IS NOT NULL AND t.dataset IN $datasets
RETURN c.id AS id, c.name AS cell_line, c.tissue AS tissue, max(t.response) AS response,
       avg(p.probability) AS probability
ORDER BY id
"""
_ATTENDS = """
MATCH (d:Drug)-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'target'
RETURN d.id AS drug, a.rank AS rank, a.stability AS stability, a.q AS q,
       EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
"""


@dataclass(frozen=True)
class InRun:
    """Attention and held-out predictions of a run for one drug.

    Attributes
    ----------
    genes
        The genes it attends to most, with their scores, and whether they are known targets, which the run was given.
    n_held_out, n_sensitive, auroc
        Over the drug's held-out cell lines; no AUROC with one class.
    misses
        Held-out cell lines with the largest errors: ``cell_line``, ``tissue``, ``response``, ``probability``.
    """

    genes: list[dict[str, Any]]
    n_held_out: int
    n_sensitive: int
    auroc: float | None
    misses: list[dict[str, Any]]


def in_run(store: GraphStore, run_id: str, drug: str, *, n_genes: int = 10, n_misses: int = 5) -> InRun:
    """Read attention and held-out predictions of one drug from a run of the classification task."""
    from pharmagraph.model.runs.folder import training_pairs

    run = runs.find(store, run_id)
    given = {"drug": drug, "run": run_id}
    genes = store.query(_GENES, given | {"limit": n_genes}).to_pylist()
    pairs = training_pairs(Path(run["folder"]))
    trained = set(pairs.filter(pc.equal(pairs["drug"], drug))["cell_line"].to_pylist())
    rows = store.query(_RESPONSES, given | {"datasets": run["datasets"]}).to_pylist()
    held_out = [row for row in rows if row["id"] not in trained]
    response = np.array([row["response"] for row in held_out], np.float64)
    probability = np.array([row["probability"] for row in held_out], np.float64)
    worst = np.argsort(-np.abs(response - probability), kind="stable")[:n_misses]
    both = 0 < response.sum() < len(response)
    return InRun(
        genes,
        len(held_out),
        int(response.sum()),
        auroc(response, probability) if both else None,
        [{k: held_out[n][k] for k in ("cell_line", "tissue", "response", "probability")} for n in worst],
    )


def of_run(store: GraphStore, run_id: str, *, q_below: float = 0.1) -> dict[str, Any]:
    """Counts over a run's attention to genes: drugs with given targets, stability, and small q."""
    run = runs.find(store, run_id)
    edges = store.query(_ATTENDS, {"run": run_id}).to_pandas()
    small = edges[edges["q"] < q_below]
    with_targets = set(edges[edges["known"]]["drug"])
    return {
        "datasets": ", ".join(run["datasets"]),
        "drugs_with_targets": len(with_targets),
        "drugs": int(edges["drug"].nunique()),
        "stability": float(edges.groupby("drug")["stability"].first().mean()),
        "edges": len(edges),
        "known": int(edges["known"].sum()),
        "q_measured": bool(edges["q"].notna().any()),
        "q_below": len(small),
        "q_below_known": int(small["known"].sum()),
        "q_below_drugs": int(small["drug"].nunique()),
    }

"""Metrics of how well scores find held-out targets, over all pairs and for each drug."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pharmagraph.model.metrics.scores import aupr, auroc

METRICS = ("auroc", "aupr", "recall@5", "recall@20", "mrr")


@dataclass(frozen=True)
class Recovery:
    """How well one predictor's ranking of genes finds the held-out targets.

    Attributes
    ----------
    drugs
        Node numbers of the drugs with held-out targets, int64 (n,).
    per_drug
        Metric → its value for each of these drugs, float64 (n,).
    pooled
        Metric → its value over all pairs of these drugs. AUROC and AUPR rank all pairs in one list; a recall is the
        share of held-out targets among their drug's first 5 or 20 genes; the mean reciprocal rank is over drugs.
    """

    drugs: np.ndarray
    per_drug: dict[str, np.ndarray]
    pooled: dict[str, float]


def recovery(score: np.ndarray, aside: np.ndarray, visible: np.ndarray) -> Recovery:
    """Rank each drug's genes, without the visible targets, and find the ranks of the held-out targets.

    Parameters
    ----------
    score
        Scores, larger for more likely targets, (n_drugs, n_genes). Ties are ranked by gene number, which is unrelated
        to targets; areas count them half.
    aside
        Held-out targets, bool, same shape.
    visible
        Targets that the scorer was given, bool, same shape; they are not ranked.

    Returns
    -------
    Recovery
        Metrics over the drugs that have a held-out target and a gene that is not a target.
    """
    candidate = ~visible | aside
    drugs = np.flatnonzero(aside.any(1) & (candidate & ~aside).any(1))
    per_drug: dict[str, list[float]] = {metric: [] for metric in METRICS}
    hits = {5: 0, 20: 0}
    for drug in drugs:
        genes = candidate[drug]
        label, value = aside[drug, genes].astype(np.float64), score[drug, genes]
        in_order = label[np.argsort(-value, kind="stable")] > 0.5
        per_drug["auroc"].append(auroc(label, value))
        per_drug["aupr"].append(aupr(label, value))
        per_drug["mrr"].append(1.0 / (1 + int(np.argmax(in_order))))
        for k in hits:
            found = int(in_order[:k].sum())
            hits[k] += found
            per_drug[f"recall@{k}"].append(found / int(label.sum()))
    chosen = candidate[drugs]
    label, value = aside[drugs][chosen].astype(np.float64), score[drugs][chosen]
    n_aside = max(int(label.sum()), 1)
    pooled = {
        "auroc": auroc(label, value),
        "aupr": aupr(label, value),
        "recall@5": hits[5] / n_aside,
        "recall@20": hits[20] / n_aside,
        "mrr": float(np.mean(per_drug["mrr"])) if len(drugs) else float("nan"),
    }
    return Recovery(drugs, {m: np.array(v, np.float64) for m, v in per_drug.items()}, pooled)

"""Deletion and insertion, once for both kinds of edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.explain.faithfulness import process_edges as drawn_edges
from pharmagraph.model.explain.faithfulness.curves import (
    Curve,
    agreement,
    deletion,
    insertion,
    ranks,
)
from pharmagraph.model.explain.faithfulness.interventions import (
    RELATION,
)
from pharmagraph.model.explain.faithfulness.message_edges import (
    ATTENDS,
    ATTENTION,
    COUNTS,
    GRADIENTS,
    N_RANDOM,
    ROLLOUT,
    UNFITTED,
    GeneEdges,
)
from pharmagraph.model.runs import saved


def faithfulness(
    folder: Path,
    gene_attention: pa.Table | None = None,
    *,
    counts: Sequence[int] = COUNTS,
    seed: int = 0,
    advance: Callable[[str], None] = lambda what: None,
) -> list[dict[str, Any]]:
    """Deletion and insertion of the gene edges of a saved run, all drugs at once, by several rankings.

    Parameters
    ----------
    folder
        Of the run.
    gene_attention
        Its Drug→Gene attention (``src``, ``dst``, ``weight``), a ranking of its own where it is not the network's.
    counts
        Edges of each drug that are removed, or alone left.
    seed
        Of random edges, signs and weights.
    advance
        Told of each ranking.

    Returns
    -------
    list of dict
        As `drawn_edges.faithfulness` where the run draws on genes by a Gaussian process, else ``relation``,
        ``ranking``, ``edges`` (a drug), ``deletion`` and ``insertion`` (mean absolute change of the logit),
        ``deletion_ratio`` and ``insertion_ratio`` (over random edges; large and small are faithful), ``agreement``
        (Spearman's correlation with attention within a drug, mean over drugs). Drugs have more edges than the
        largest count. Rollout is of relational networks, gradients of those with GATv2.

    Raises
    ------
    ModelError
        If the folder holds no run, or it attends to no genes.
    """
    graph = saved.load_graph(folder)
    fitted = saved.load(folder, graph)
    if fitted.gene_attention is not None:
        return drawn_edges.faithfulness(fitted, graph, counts=counts, seed=seed, advance=advance)
    edges = GeneEdges.of(fitted, more_than=max(counts))
    attention = edges.attention()
    rankings: dict[str, Callable[[], np.ndarray]] = {
        ATTENTION: lambda: attention,
        UNFITTED: lambda: edges.unfitted_attention(seed=seed),
    }
    network = edges.fitted.config.network
    if network.kind == "relational":
        rankings[ROLLOUT] = edges.rollout
        if network.conv == "gatv2":
            rankings[GRADIENTS] = lambda: edges.integrated_gradients(seed=seed)
    if gene_attention is not None:
        rankings[ATTENDS] = lambda: stored_weight(edges, gene_attention, graph)
    random = np.random.default_rng(seed)
    draws = [ranks(random.random(len(attention)), edges.drug) for _ in range(N_RANDOM)]
    memory: dict[bytes, np.ndarray] = {}

    def predict(kept: np.ndarray) -> np.ndarray:
        key = np.packbits(kept).tobytes()
        if key not in memory:
            memory[key] = edges.predict(kept)
        return memory[key]

    rows: list[dict[str, Any]] = []
    for name, of in rankings.items():
        advance(name)
        importance = of()
        place = ranks(importance, edges.drug)
        removed, left = (way(predict, place, counts, draws) for way in (deletion, insertion))
        alike = agreement(importance, attention, edges.drug)
        rows += [_row(name, removed, left, n, alike) for n in range(len(counts))]
    return rows


def deletion_curve(folder: Path, counts: Sequence[int] = (1, 2, 5, 10), *, seed: int = 0) -> Curve:
    """`faithfulness` of attention alone, for a plot."""
    fitted = saved.load(folder, saved.load_graph(folder))
    if fitted.gene_attention is not None:
        return drawn_edges.deletion_curve(fitted, counts, seed=seed)
    edges = GeneEdges.of(fitted, more_than=max(counts))
    random = np.random.default_rng(seed)
    draws = [ranks(random.random(len(edges.drug)), edges.drug) for _ in range(N_RANDOM)]
    return deletion(edges.predict, ranks(edges.attention(), edges.drug), counts, draws)


def stored_weight(edges: GeneEdges, gene_attention: pa.Table, graph: Heterograph) -> np.ndarray:
    """The weight of an attention table on the network's edges, 0 where it has no such pair, (n_edges,)."""
    n_genes = len(graph.ids["Gene"])
    ends = [
        pc.index_in(
            gene_attention[end].cast(pa.string()), pa.array(graph.ids[kind].tolist(), pa.string())
        ).to_numpy()
        for end, kind in (("src", "Drug"), ("dst", "Gene"))
    ]
    pair = ends[0].astype(np.int64) * n_genes + ends[1]
    order = np.argsort(pair)
    wanted = edges.drug * n_genes + edges.gene
    at = np.minimum(np.searchsorted(pair[order], wanted), len(pair) - 1)
    weight = gene_attention["weight"].to_numpy()[order][at]
    found: np.ndarray = np.where(pair[order][at] == wanted, weight, 0.0)
    return found


def _row(name: str, removed: Curve, left: Curve, n: int, alike: float) -> dict[str, Any]:
    return {
        "relation": RELATION, "ranking": name, "edges": int(removed.counts[n]),
        "deletion": float(removed.ranked[n]), "deletion_ratio": float(removed.ratio[n]),
        "insertion": float(left.ranked[n]), "insertion_ratio": float(left.ratio[n]),
        "agreement": alike,
    }  # fmt: skip

"""Measures faithfulness: predictions change as edges are removed, or left alone, in the order of a ranking.

In PyTorch Geometric's terms (`torch_geometric.explain.metric`) deletion is fidelity+, the change of predictions without
the explanation's edges, and insertion is fidelity−, their change with these edges alone. Here both are changes of the
logit, because classes and probabilities hardly change with a few edges, and are compared with those of random edges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.wording import named
from pharmagraph.model.explain.faithfulness.curves import Curve, agreement, deletion, insertion, ranks
from pharmagraph.model.explain.faithfulness.masked_edges import GENES, Kept, MaskedEdges, Ranking
from pharmagraph.model.explain.faithfulness.message_edges import MessageEdges
from pharmagraph.model.explain.faithfulness.process_edges import ProcessEdges
from pharmagraph.model.runs import saved

COUNTS = (1, 2, 5, 10, 20)
"""Edges of each node that are removed, or left alone, unless others are asked for."""
N_RANDOM = 3
"""Random rankings whose mean change every ranking is compared with."""
ALL = "all of these"
"""The relation in rows of a ranking of several relations."""


def faithfulness(
    folder: Path,
    gene_attention: pa.Table | None = None,
    *,
    counts: Sequence[int] = COUNTS,
    seed: int = 0,
    advance: Callable[[str], None] = lambda what: None,
) -> list[dict[str, Any]]:
    """Deletion and insertion of a saved run's edges by several rankings, all nodes at once.

    Parameters
    ----------
    folder
        The run's.
    gene_attention
        The run's Drug→Gene attention table where it was fitted to known targets; one more ranking of a network that
        attends to genes by itself.
    counts
        Edges of each node that are removed, or left alone.
    seed
        Of training pairs, random edges, signs and random weights.
    advance
        Called with each ranking's relation and name.

    Returns
    -------
    list of dict
        As `compare`.

    Raises
    ------
    ModelError
        If the folder holds no run that can be loaded, or its predictions draw on no edges that could be removed.
    """
    graph = saved.load_graph(folder)
    edges = _masked_edges(folder, graph, max(counts), seed)
    if isinstance(edges, MessageEdges) and gene_attention is not None:
        edges = replace(edges, stored=stored_weight(edges, gene_attention, graph))
    return compare(edges, edges.rankings(), counts, seed=seed, advance=advance)


def compare(
    edges: MaskedEdges,
    rankings: Sequence[Ranking],
    counts: Sequence[int],
    *,
    seed: int = 0,
    advance: Callable[[str], None] = lambda what: None,
) -> list[dict[str, Any]]:
    """Deletion and insertion of edges by several rankings, beside the same random edges.

    Parameters
    ----------
    edges
        Of a run.
    rankings
        Of these edges.
    counts, seed, advance
        As in `faithfulness`.

    Returns
    -------
    list of dict
        One row for each ranking and count: ``relation``, ``ranking``, ``edges`` (a node), ``deletion`` and
        ``insertion`` (mean absolute change of the logit), ``deletion_ratio`` and ``insertion_ratio`` (over the mean of
        random edges; a faithful ranking has a large deletion ratio and a small insertion ratio), ``agreement``
        (Spearman's correlation with the run's attention within a node, mean over nodes; None for several relations at
        once).
    """
    attention, random = edges.attention(), np.random.default_rng(seed)
    samples = {
        relation: [ranks(random.random(len(node)), node) for _ in range(N_RANDOM)]
        for relation, (node, _) in edges.ends.items()
    }
    whole = edges.predict({})
    memory: dict[tuple[tuple[str, ...], bytes], np.ndarray] = {}
    rows: list[dict[str, Any]] = []
    for ranking in rankings:
        relations = ranking.relations
        relation = relations[0] if len(relations) == 1 else ALL
        advance(f"{relation}, {ranking.name}")
        importance = ranking.importance(random)

        def predict(kept: np.ndarray, relations: tuple[str, ...] = relations) -> np.ndarray:
            key = (relations, hashlib.blake2b(np.packbits(kept).tobytes()).digest())
            if key not in memory:
                memory[key] = edges.predict(_split(kept, edges, relations))
            return memory[key]

        place = np.concatenate([ranks(importance[r], edges.ends[r][0]) for r in relations])
        draws = [np.concatenate([samples[r][n] for r in relations]) for n in range(N_RANDOM)]
        removed, left = (way(predict, place, counts, draws, whole=whole) for way in (deletion, insertion))
        alike = None
        if len(relations) == 1:
            alike = agreement(importance[relation], attention[relation], edges.ends[relation][0])
        rows += [
            {
                "relation": relation, "ranking": ranking.name, "edges": int(count),
                "deletion": float(removed.ranked[n]), "deletion_ratio": float(removed.ratio[n]),
                "insertion": float(left.ranked[n]), "insertion_ratio": float(left.ratio[n]),
                "agreement": alike,
            }
            for n, count in enumerate(counts)
        ]  # fmt: skip
    return rows


def deletion_curve(folder: Path, counts: Sequence[int] = (1, 2, 5, 10), *, seed: int = 0) -> Curve:
    """Deletion of the genes that drugs attend to most, beside random genes, for a plot.

    Raises
    ------
    ModelError
        As in `faithfulness`, or if predictions draw on no attention of drugs to genes.
    """
    edges = _masked_edges(folder, saved.load_graph(folder), max(counts), seed)
    if GENES not in edges.ends:
        raise ModelError(
            f"predictions of the run in {folder} draw on no attention of drugs to genes; "
            f"leave out {named('faithfulness')}"
        )
    node, random = edges.ends[GENES][0], np.random.default_rng(seed)
    draws = [ranks(random.random(len(node)), node) for _ in range(N_RANDOM)]
    place = ranks(edges.attention()[GENES], node)
    return deletion(lambda kept: edges.predict({GENES: kept}), place, counts, draws)


def stored_weight(edges: MessageEdges, gene_attention: pa.Table, graph: Heterograph) -> np.ndarray:
    """The weight in an attention table of each of a network's gene edges, 0 for pairs that it lacks, (n_edges,)."""
    n_genes = len(graph.ids["Gene"])
    ends = [
        pc.index_in(
            gene_attention[end].cast(pa.string()), pa.array(graph.ids[kind].tolist(), pa.string())
        ).to_numpy()
        for end, kind in (("src", "Drug"), ("dst", "Gene"))
    ]
    pair = ends[0].astype(np.int64) * n_genes + ends[1]
    order = np.argsort(pair)
    drug, gene = edges.ends[GENES]
    wanted = drug * n_genes + gene
    at = np.minimum(np.searchsorted(pair[order], wanted), len(pair) - 1)
    weight = gene_attention["weight"].to_numpy()[order][at]
    found: np.ndarray = np.where(pair[order][at] == wanted, weight, 0.0)
    return found


def _masked_edges(folder: Path, graph: Heterograph, most: int, seed: int) -> MessageEdges | ProcessEdges:
    """The edges by which a saved run attends to genes: terms of its Gaussian process, or messages of its network."""
    fitted = saved.load(folder, graph)
    if fitted.gene_attention is not None:
        return ProcessEdges(fitted, graph, seed=seed)
    return MessageEdges.of(fitted, more_than=most, seed=seed)


def _split(kept: np.ndarray, edges: MaskedEdges, relations: tuple[str, ...]) -> Kept:
    """A mask over the edges of several relations, one after another, as a mask of each."""
    cuts = np.cumsum([len(edges.ends[relation][0]) for relation in relations])[:-1]
    return dict(zip(relations, np.split(kept, cuts), strict=True))

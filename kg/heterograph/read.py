"""Store → heterograph with typed features, whole or as a subgraph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from pharmagraph.kg import arguments, names, schema
from pharmagraph.kg.errors import AmbiguousNameError, InputError, NotFoundError
from pharmagraph.kg.fingerprints import fingerprints, scaffolds
from pharmagraph.kg.heterograph import drivers
from pharmagraph.kg.heterograph.container import EdgeType, Heterograph, Relation
from pharmagraph.kg.store import GraphStore

NODE_TYPES = ("Drug", "CellLine", "Gene", "Pathway")

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
        Keep the nodes within so many edges of a drug, gene or cell line, over all edge kinds. ``Gene:MET`` is the gene
        where a drug has the name, too.

    Raises
    ------
    TypeError
        If an argument is of another type; it is named.
    NotFoundError
        If a dataset, drug, tissue or node is not in the store.
    AmbiguousNameError
        If several nodes have a name.
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
    edges = {}
    for kind, ends in schema.edge_tables():
        if not kind.base or not set(ends) <= set(NODE_TYPES):
            continue
        equals = None
        if wanted is not None and kind.type not in _OF_ANY_DATASET:
            equals = {"dataset": sorted(wanted)}
        columns = ["src", "dst", "dataset", *_FEATURES.get(kind.type, ())]
        if kind.type == "TESTED_ON":
            columns.append("response")
        if kind.type in drivers.KINDS:
            columns.append("driver")
        edges[ends[0], kind.type, ends[1]] = store.read_edges(kind.type, ends, columns, equals=equals)
    rest = drivers.leave_out(store, nodes["Gene"], edges, dataset_ids, wanted)
    edges = rest.edges

    kept = {label: np.ones(nodes[label].num_rows, bool) for label in NODE_TYPES}
    kept["Gene"] &= rest.genes
    if wanted is not None:
        kept["Drug"] &= _touched(nodes["Drug"], "Drug", edges, dataset_kinds=("TESTED_ON", "SIMILAR_TO"))
        kept["CellLine"] &= _touched(
            nodes["CellLine"], "CellLine", edges, dataset_kinds=("TESTED_ON", "SIMILAR_TO", "EXPRESSES")
        )
    if drugs is not None:
        drug_names = names.index_of("Drug", nodes["Drug"])
        kept["Drug"] &= np.isin(
            nodes["Drug"]["id"].to_numpy(zero_copy_only=False), [drug_names.require(d) for d in drugs]
        )
    if tissues is not None:
        kept["CellLine"] &= _of_tissues(nodes["CellLine"], tissues)
    if around is not None:
        for label, near in _within(around, hops, nodes, edges).items():
            kept[label] &= near
    return _assemble(nodes, edges, kept, rest.datasets)


def _columns(label: str) -> list[str]:
    return [*names.columns(label), *{"Drug": ["smiles"], "CellLine": ["tissue"]}.get(label, ())]


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


def _of_tissues(cell_lines: pa.Table, tissues: Sequence[str]) -> np.ndarray:
    have = cell_lines["tissue"].to_pylist()
    known = names.Names("tissue", dict.fromkeys(sorted({t for t in have if t}), ()))
    return np.isin(
        [t or "" for t in have], [known.require(t, "known are " + ", ".join(known.names)) for t in tissues]
    )


def _within(
    around: str, hops: int, nodes: Mapping[str, pa.Table], edges: Mapping[EdgeType, pa.Table]
) -> dict[str, np.ndarray]:
    """Nodes at most ``hops`` edges from one node, by label."""
    near = {label: np.zeros(table.num_rows, bool) for label, table in nodes.items()}
    label, id_ = _centre(around, nodes)
    near[label] |= nodes[label]["id"].to_numpy(zero_copy_only=False) == id_
    positions = {e: _positions(t, nodes[e[0]], nodes[e[2]]) for e, t in edges.items()}
    for _ in range(hops):
        reached = {label: mask.copy() for label, mask in near.items()}
        for (src_label, _type, dst_label), (src, dst) in positions.items():
            reached[dst_label][dst[near[src_label][src]]] = True
            reached[src_label][src[near[dst_label][dst]]] = True
        near = reached
    return near


def _centre(around: str, nodes: Mapping[str, pa.Table]) -> tuple[str, str]:
    """The label and the id of the node that a name means; ``Gene:MET`` is looked for among genes alone."""
    label, colon, name = around.partition(":")
    if colon and label in NODE_TYPES:
        return label, names.index_of(label, nodes[label]).require(name)
    known = {label: names.index_of(label, nodes[label]) for label in NODE_TYPES}
    exact = [label for label in NODE_TYPES if known[label].has(around)]
    found = [(label, id_) for label in exact or NODE_TYPES if (id_ := known[label].find(around)) is not None]
    if len(found) > 1:
        raise AmbiguousNameError("node", around, [f"{label}:{id_}" for label, id_ in found])
    if not found:
        raise NotFoundError("drug, gene or cell line", around, [i for k in known.values() for i in k.names])
    return found[0]


def _positions(table: pa.Table, sources: pa.Table, targets: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    def of(column: str, nodes: pa.Table) -> np.ndarray:
        index = pc.index_in(table[column].combine_chunks(), nodes["id"].combine_chunks())
        return np.asarray(index.to_numpy(zero_copy_only=False), np.int64)

    return of("src", sources), of("dst", targets)


def _assemble(
    nodes: Mapping[str, pa.Table],
    edges: Mapping[EdgeType, pa.Table],
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
        src, dst = _positions(table, nodes[edge_type[0]], nodes[edge_type[2]])
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

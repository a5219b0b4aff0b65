"""Which part of a graph an export keeps: by data set, drug, tissue, or distance from one node.

It reads names and ends of edges, and returns masks; features are read by `kg.heterograph.read`, rows by `kg.views`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import arguments, names, schema
from pharmagraph.kg.errors import AmbiguousNameError, InputError, NotFoundError
from pharmagraph.kg.layers import LAYERS
from pharmagraph.kg.schema import PROFILES, EdgeKind, Ends
from pharmagraph.kg.store import GraphStore

NODE_TYPES = ("Drug", "CellLine", "Gene", "Pathway", "Metabolite")
"""Labels that a choice filters; the others, Dataset and Run, are always whole."""
OF_ANY_DATASET = frozenset({"TARGETS", "INTERACTS_WITH", "HOMOLOGOUS", "DEPENDS_ON", "MEMBER_OF"}) | {
    layer.edges for layer in LAYERS if not layer.relation
}
"""Kinds that are kept whatever data set brought them; layers that no screen brings are among them."""

PROMOTED = "promoted"
"""Stands for the promoted run where a run is named."""

EdgeType = tuple[str, str, str]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Choice:
    """What of the graph is asked for; None is no limit.

    Attributes
    ----------
    datasets
        Keep the responses of these, and the omics and similarities of these and of what they are part of; known
        targets, interactions, homology, dependencies and pathways are kept whatever brought them.
    drugs, genes
        Keep these drugs, or genes, by name, alias or id.
    tissues
        Keep cell lines of these tissues.
    around, hops
        Keep the nodes within so many edges of a drug, gene or cell line, over all edge kinds but those of runs.
    runs
        Keep the results of these runs, by id; "promoted" is the promoted one. Training reads none of any run.

    Raises
    ------
    TypeError
        If an argument is of another type; it is named.
    InputError
        If a list is empty.
    """

    datasets: Sequence[str] | None = None
    drugs: Sequence[str] | None = None
    tissues: Sequence[str] | None = None
    around: str | None = None
    hops: int = 2
    genes: Sequence[str] | None = None
    runs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for argument, value in (
            ("datasets", self.datasets),
            ("drugs", self.drugs),
            ("tissues", self.tissues),
            ("genes", self.genes),
            ("runs", self.runs),
        ):
            if isinstance(value, str):
                raise TypeError(f"{argument} is the text {value!r}; give a list of texts")
            if value is not None:
                arguments.texts(argument, value)
        if self.around is not None:
            arguments.text("around", self.around)
        arguments.whole_number("hops", self.hops, least=0)

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self == replace(EVERYTHING, hops=self.hops)


EVERYTHING = Choice()


@dataclass(frozen=True)
class Subgraph:
    """Nodes and base edges as the store has them, and which of the nodes are kept.

    Attributes
    ----------
    nodes
        Label → table with ``id`` and the names, of all nodes.
    edges
        Edge type → table of the edges of the chosen data sets.
    kept
        Label → mask over ``nodes``. An edge is kept with both of its ends.
    dataset_ids
        Ids of all data sets, sorted.
    wanted
        The chosen data sets with what they are part of, sorted; None for all.
    """

    nodes: Mapping[str, pa.Table]
    edges: Mapping[EdgeType, pa.Table]
    kept: Mapping[str, Mask]
    dataset_ids: tuple[str, ...]
    wanted: tuple[str, ...] | None

    def kept_ids(self, label: str) -> pa.Array:
        """Ids of the kept nodes of a label."""
        return self.nodes[label]["id"].filter(pa.array(self.kept[label])).combine_chunks()

    def dataset_filter(self, kind: EdgeKind) -> dict[str, list[str]]:
        """The filter of a kind's edges by data set, as `GraphStore.read_edges` takes it."""
        if self.wanted is None or not kind.base or kind.type in OF_ANY_DATASET:
            return {}
        return {"dataset": list(self.wanted)}

    def has_profile(self, dataset: str, kind: str) -> bool:
        """Whether the profiles of a kind that a data set brought are chosen, as its edges of that kind are."""
        return self.wanted is None or dataset in self.wanted or PROFILES[kind].type in OF_ANY_DATASET


def read(
    store: GraphStore,
    choice: Choice,
    *,
    node_columns: Callable[[str], list[str]] = lambda label: [],
    edge_columns: Callable[[EdgeKind], list[str]] = lambda kind: [],
) -> Subgraph:
    """Read all nodes, and the edges of the chosen data sets that are not marked as gone; `choose` narrows what is kept.

    Parameters
    ----------
    node_columns, edge_columns
        Columns to be read beside ids, names, tissues and ends.

    Raises
    ------
    NotFoundError
        If a dataset is not in the store.
    """
    nodes = {
        label: store.read_nodes(label, [*_named_by(label), *node_columns(label)]) for label in NODE_TYPES
    }
    all_datasets = store.read_nodes("Dataset", ["id", "part_of", "marked"]).to_pylist()
    marked = any(row["marked"] for row in all_datasets)
    dataset_ids = tuple(sorted(row["id"] for row in all_datasets))
    wanted = None
    if choice.datasets is not None:
        wanted = tuple(sorted(_with_parents(choice.datasets, all_datasets)))
    part = Subgraph(nodes, {}, {}, dataset_ids, wanted)
    edges = {}
    for kind, ends in schema.edge_tables():
        if kind.base and set(ends) <= set(NODE_TYPES):
            columns = ["src", "dst", *edge_columns(kind)]
            equals = part.dataset_filter(kind)
            edges[ends[0], kind.type, ends[1]] = (
                present_edges(store, kind.type, ends, columns, equals=equals)
                if marked
                else store.read_edges(kind.type, ends, columns, equals=equals)
            )
    everything = {label: np.ones(nodes[label].num_rows, bool) for label in NODE_TYPES}
    return Subgraph(nodes, edges, everything, dataset_ids, wanted)


def present_edges(
    store: GraphStore, type_: str, ends: Ends, columns: Sequence[str], *, equals: Mapping[str, Sequence[str]]
) -> pa.Table:
    """Edges as `GraphStore.read_edges` has them, without those that a load marked as gone."""
    table = store.read_edges(type_, ends, [*columns, "gone"], equals=equals)
    return table.filter(pc.is_null(table["gone"])).select(list(columns))


def choose(part: Subgraph, choice: Choice) -> Subgraph:
    """Keep only the nodes that a choice keeps.

    Raises
    ------
    NotFoundError
        If a drug, tissue or node is not in the store.
    InputError
        If nothing is left.
    """
    chosen = _kept(choice, part.nodes, part.edges)
    kept = {label: part.kept[label] & mask for label, mask in chosen.items()}
    if not any(kept[label].any() for label in ("Drug", "CellLine", "Gene")):
        raise InputError(
            "nothing is left to export: the store is empty or the choice excludes every node; see: cli status"
        )
    return replace(part, kept=kept)


def positions(
    table: pa.Table, ends: Ends, nodes: Mapping[str, pa.Table]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows of ``nodes`` at which edges begin and end."""

    def of(column: str, label: str) -> npt.NDArray[np.int64]:
        index = pc.index_in(table[column].combine_chunks(), nodes[label]["id"].combine_chunks())
        return np.asarray(index.to_numpy(zero_copy_only=False), np.int64)

    return of("src", ends[0]), of("dst", ends[1])


def runs(store: GraphStore, choice: Choice) -> list[str] | None:
    """Ids of the chosen runs, or None for all.

    Raises
    ------
    NotFoundError
        If a run is not in the store.
    """
    if choice.runs is None:
        return None
    known = {row["id"]: row["promoted"] for row in store.node_rows("Run", ["id", "promoted"])}
    wanted = set[str]()
    for run in choice.runs:
        found = [id_ for id_, promoted in known.items() if id_ == run or (promoted and run == PROMOTED)]
        if not found:
            raise NotFoundError("run", run, list(known), "see: cli runs list")
        wanted.update(found)
    return sorted(wanted)


def _kept(
    choice: Choice, nodes: Mapping[str, pa.Table], edges: Mapping[EdgeType, pa.Table]
) -> dict[str, Mask]:
    kept = {label: np.ones(nodes[label].num_rows, bool) for label in NODE_TYPES}
    if choice.datasets is not None:
        kept["Drug"] &= _touched(nodes["Drug"], "Drug", edges, ("TESTED_ON", "SIMILAR_TO"))
        kept["CellLine"] &= _touched(
            nodes["CellLine"], "CellLine", edges, ("TESTED_ON", "SIMILAR_TO", "EXPRESSES")
        )
    for label, wanted in (("Drug", choice.drugs), ("Gene", choice.genes)):
        if wanted is not None:
            known = names.index_of(label, nodes[label])
            ids = nodes[label]["id"].to_numpy(zero_copy_only=False)
            kept[label] &= np.isin(ids, [known.require(name) for name in wanted])
    if choice.tissues is not None:
        kept["CellLine"] &= _of_tissues(nodes["CellLine"], choice.tissues)
    if choice.around is not None:
        for label, near in _within(choice.around, choice.hops, nodes, edges).items():
            kept[label] &= near
    return kept


def _named_by(label: str) -> list[str]:
    return [*names.columns(label), *(["tissue"] if label == "CellLine" else [])]


def _with_parents(datasets: Iterable[str], known: list[dict[str, Any]]) -> set[str]:
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
    table: pa.Table, label: str, edges: Mapping[EdgeType, pa.Table], dataset_kinds: tuple[str, ...]
) -> Mask:
    """Nodes that have an edge of one of the kinds left."""
    ids = table["id"]
    touched = np.zeros(table.num_rows, bool)
    for (src, type_, dst), edge_table in edges.items():
        for end, column in ((src, "src"), (dst, "dst")):
            if end == label and type_ in dataset_kinds and edge_table.num_rows:
                touched |= pc.is_in(ids, pc.unique(edge_table[column])).to_numpy()
    return touched


def _of_tissues(cell_lines: pa.Table, tissues: Sequence[str]) -> Mask:
    have = cell_lines["tissue"].to_pylist()
    known = names.Names("tissue", dict.fromkeys(sorted({t for t in have if t}), ()))
    return np.isin(
        [t or "" for t in have], [known.require(t, "known are " + ", ".join(known.names)) for t in tissues]
    )


def _within(
    around: str, hops: int, nodes: Mapping[str, pa.Table], edges: Mapping[EdgeType, pa.Table]
) -> dict[str, Mask]:
    """Nodes at most ``hops`` edges from one node, by label."""
    near = {label: np.zeros(table.num_rows, bool) for label, table in nodes.items()}
    label, id_ = _centre(around, nodes)
    near[label] |= nodes[label]["id"].to_numpy(zero_copy_only=False) == id_
    places = {e: positions(t, (e[0], e[2]), nodes) for e, t in edges.items()}
    for _ in range(hops):
        reached = {label: mask.copy() for label, mask in near.items()}
        for (src_label, _type, dst_label), (src, dst) in places.items():
            reached[dst_label][dst[near[src_label][src]]] = True
            reached[src_label][src[near[dst_label][dst]]] = True
        if all(np.array_equal(reached[label], near[label]) for label in near):
            break  # nothing further is joined to these
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

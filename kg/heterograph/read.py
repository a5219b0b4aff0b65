"""Store → heterograph with typed features, whole or as a subgraph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from pharmagraph.kg import arguments, profiles, subgraph
from pharmagraph.kg.fingerprints import fingerprints, scaffolds
from pharmagraph.kg.heterograph import drivers
from pharmagraph.kg.heterograph.container import Heterograph, Relation
from pharmagraph.kg.heterograph.profiles import of_cell_lines
from pharmagraph.kg.heterograph.relations import FEATURES, NODE_KINDS, PROFILES_ALONE, columns
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.subgraph import Choice, Subgraph

_EXPRESSION = ("expression_mean", "expression_deviation")
"""Float properties of genes that become node features; a missing value is NaN."""

_NODE_COLUMNS = {"Drug": ["smiles"], "Gene": [*_EXPRESSION]}


def export(
    store: GraphStore,
    *,
    datasets: Sequence[str] | None = None,
    drugs: Sequence[str] | None = None,
    tissues: Sequence[str] | None = None,
    around: str | None = None,
    hops: int = 2,
    genes: Sequence[str] | None = None,
) -> Heterograph:
    """Read the graph, or a part of it, as a heterograph.

    Parameters
    ----------
    store
        An open store.
    datasets
        Keep the responses of these, and the omics and similarities of these and of what they are part
        of; known targets, interactions, homology, dependencies, pathways and driver events are kept whatever brought
        them. All unless named.
    drugs, genes
        Keep these drugs, or genes, by name, alias or id.
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
    choice = Choice(datasets, drugs, tissues, around, hops, genes)
    part = subgraph.read(
        store,
        choice,
        node_columns=lambda label: _NODE_COLUMNS.get(label, []),
        edge_columns=columns,
    )
    measured = profiles.read(store)
    part = subgraph.choose(replace(part, edges=drivers.with_drivers(store, part)), choice)
    return _assemble(part, [one for one in measured if part.has_profile(one.dataset, one.kind)])


def _assemble(part: Subgraph, measured: Sequence[Profiles]) -> Heterograph:
    nodes, kept, datasets = part.nodes, part.kept, part.dataset_ids
    renumbered = {label: np.cumsum(mask) - 1 for label, mask in kept.items()}
    relations = {}
    for edge_type, table in part.edges.items():
        if edge_type[1] in PROFILES_ALONE:
            continue
        src, dst = subgraph.positions(table, (edge_type[0], edge_type[2]), nodes)
        rows = kept[edge_type[0]][src] & kept[edge_type[2]][dst]
        relations[edge_type] = Relation(
            torch.from_numpy(renumbered[edge_type[0]][src[rows]]),
            torch.from_numpy(renumbered[edge_type[2]][dst[rows]]),
            _edge_features(edge_type[1], table, rows, datasets),
        )
    left = {label: nodes[label].filter(pa.array(kept[label])) for label in NODE_KINDS}
    ids = {label: np.array(table["id"].to_pylist(), dtype=object) for label, table in left.items()}
    tissue = left["CellLine"]["tissue"].to_pylist()
    tissues = tuple(sorted({t for t in tissue if t}))
    code = {t: i for i, t in enumerate(tissues)}
    features = {
        "Drug": _drug_features(left["Drug"]["smiles"].to_pylist()),
        "CellLine": {
            "tissue": torch.tensor([code.get(t, -1) for t in tissue], dtype=torch.int64),
            **of_cell_lines(measured, relations, ids, datasets),
        },
        "Gene": {name: _floats(left["Gene"][name]) for name in _EXPRESSION},
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
    columns = {name: _floats(table[name])[torch.from_numpy(rows)] for name in FEATURES.get(type_, ())}
    code = pc.index_in(table["dataset"].combine_chunks(), pa.array(datasets, pa.string()))
    columns["dataset"] = torch.from_numpy(np.asarray(code.fill_null(-1).to_numpy(), np.int64)[rows])
    if type_ == "TESTED_ON":
        response = np.asarray(table["response"].fill_null(-1).to_numpy(), np.int8)
        columns["response"] = torch.from_numpy(response[rows])
        if table["censored"].null_count < len(table):
            above, below = (pc.equal(table["censored"], side).fill_null(False) for side in ("above", "below"))
            side = above.to_numpy().astype(np.int8) - below.to_numpy().astype(np.int8)
            columns["censored"] = torch.from_numpy(side[rows])
    return columns


def _floats(column: pa.ChunkedArray) -> Tensor:
    """float32; a null is NaN."""
    return torch.from_numpy(np.array(column.to_numpy(), np.float32))

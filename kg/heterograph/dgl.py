"""A heterograph as `dgl.DGLHeteroGraph` and back; DGL is imported when it is asked for."""

from __future__ import annotations

import importlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import InputError, ShapeError
from pharmagraph.kg.folders import make, whole
from pharmagraph.kg.heterograph.container import Heterograph, Relation


def require_dgl() -> Any:
    """DGL, imported.

    Raises
    ------
    InputError
        If it is not installed, with the reason.
    """
    os.environ.setdefault("DGLBACKEND", "pytorch")  # else DGL writes a configuration into the home folder
    try:
        return importlib.import_module("dgl")
    except ImportError:
        raise InputError(
            f"DGL is not installed, and its release 1.1.3 has no wheel for a Python above 3.11 (this is "
            f"{platform.python_version()}); use 3.11, or a form without DGL: cli export heterograph, cli export pyg"
        ) from None


def to_dgl(heterograph: Heterograph) -> Any:
    """The same nodes, edges and features for DGL.

    Parameters
    ----------
    heterograph
        As `export` gives it.

    Returns
    -------
    dgl.DGLHeteroGraph
        Features stand in ``nodes[kind].data`` and ``edges[edge_type].data``, edges in the heterograph's order. It has
        no place for ids, datasets and tissues.

    Raises
    ------
    InputError
        If DGL is not installed.
    """
    dgl = require_dgl()
    counts = {kind: heterograph.n_nodes(kind) for kind in heterograph.ids}
    graph = dgl.heterograph({e: (r.src, r.dst) for e, r in heterograph.relations.items()}, counts)
    for kind, features in heterograph.nodes.items():
        graph.nodes[kind].data.update(features)
    for edge_type, relation in heterograph.relations.items():
        graph.edges[edge_type].data.update(relation.features)
    return graph


def write_dgl(heterograph: Heterograph, folder: Path) -> None:
    """Write `to_dgl` as ``graph.bin``, and ids, datasets and tissues, for which it has no place, as ``ids.json``."""
    graph, dgl = to_dgl(heterograph), require_dgl()
    make(folder)
    with whole(folder / "graph.bin") as place:
        try:
            dgl.save_graphs(str(place), [graph])
            dgl.load_graphs(str(place))  # it does not tell that its last block found no room
        except dgl.DGLError:
            raise InputError(
                f"cannot write {folder / 'graph.bin'}: there is no room for all of it; free space or change folder"
            ) from None
    about = {
        "ids": {kind: list(map(str, ids)) for kind, ids in heterograph.ids.items()},
        "datasets": heterograph.datasets,
        "tissues": heterograph.tissues,
    }
    with whole(folder / "ids.json") as place:
        place.write_text(json.dumps(about), encoding="utf-8")


def from_dgl(
    graph: Any,
    *,
    ids: Mapping[str, npt.NDArray[np.object_]],
    datasets: Sequence[str] = (),
    tissues: Sequence[str] = (),
) -> Heterograph:
    """A DGL graph as a heterograph.

    Parameters
    ----------
    graph
        ``dgl.DGLHeteroGraph``.
    ids
        Kind → ids in node order, which a DGL graph does not hold.
    datasets, tissues
        Names of the codes in ``dataset`` and ``tissue``.

    Raises
    ------
    ShapeError
        If there is not one id a node.
    """
    for kind in graph.ntypes:
        if len(ids.get(kind, ())) != graph.num_nodes(kind):
            raise ShapeError(f"{graph.num_nodes(kind)} nodes {kind} have {len(ids.get(kind, ()))} ids")
    relations = {}
    for edge_type in graph.canonical_etypes:
        src, dst = graph.edges(etype=edge_type, order="eid")
        relations[edge_type] = Relation(src.long(), dst.long(), dict(graph.edges[edge_type].data))
    nodes = {kind: dict(graph.nodes[kind].data) for kind in graph.ntypes}
    return Heterograph(dict(ids), nodes, relations, tuple(datasets), tuple(tissues))

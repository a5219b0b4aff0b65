"""Writes an explanation as a graph: networkx, GraphML, or a picture. It computes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx

from pharmagraph.kg import folders, markup, picture_file
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.picture_file import ENDINGS
from pharmagraph.kg.shown_names import Node
from pharmagraph.model.explain.explanation import Explanation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"Drug": "#c0504d", "Gene": "#4f81bd", "CellLine": "#9bbb59"}


def as_graph(explanation: Explanation, names: Mapping[Node, str]) -> nx.MultiDiGraph:
    """The paths of an explanation, and the edges from the drug to the genes that it attends to most.

    Parameters
    ----------
    explanation
        Of a drug, or of a drug on a cell line.
    names
        What its nodes are called, of `kg.shown_names.shown`; of others the id is their name.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes by id with ``label`` (Drug, Gene, CellLine) and ``name``; edges with ``type``, and with ``weight``
        if they have one.
    """
    graph = nx.MultiDiGraph(run=explanation.run_id)
    drug = explanation.drug["id"]
    ends = [("Drug", drug)] + [end for p in explanation.paths for s in p.steps for end in (s.src, s.dst)]
    if explanation.cell_line is not None:
        ends.append(("CellLine", explanation.cell_line["id"]))
    for label, id_ in ends:
        graph.add_node(id_, label=label, name=names.get((label, id_), id_))
    for row in explanation.genes:
        graph.add_node(row["gene"], label="Gene", name=row["gene"], known=bool(row["known"]))
        graph.add_edge(drug, row["gene"], key="ATTENDS", type="ATTENDS", weight=float(row["weight"]))
    for path in explanation.paths:
        for step in path.steps:
            weight = {} if step.weight is None else {"weight": float(step.weight)}
            graph.add_edge(step.src[1], step.dst[1], key=step.type, type=step.type, **weight)
    return graph


def write(explanation: Explanation, path: Path, names: Mapping[Node, str]) -> None:
    """Write GraphML or a picture, as the file's suffix says; names are those of `as_graph`.

    A character that XML does not allow becomes `kg.markup.REPLACEMENT` in GraphML.

    Raises
    ------
    InputError
        If the suffix is neither ``.graphml`` nor that of a picture.
    """
    suffix = path.suffix.lower()
    if suffix not in {".graphml", *ENDINGS}:
        raise InputError(f"{path}: give a name that ends in .graphml, {', '.join(ENDINGS)}")
    graph = as_graph(explanation, names)
    if suffix in ENDINGS:
        picture_file.write(_drawn(graph), path)
        return
    for _, about in graph.nodes(data=True):
        about["name"] = markup.allowed(about.get("name", ""))
    with folders.whole(path) as place:
        nx.write_graphml(nx.relabel_nodes(graph, markup.allowed), place)


def _drawn(graph: nx.MultiDiGraph) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="tight")
    axes = figure.add_subplot()
    axes.axis("off")
    place = nx.kamada_kawai_layout(nx.Graph(graph))
    for node, about in graph.nodes(data=True):
        x, y = place[node]
        axes.scatter([x], [y], s=260, color=COLOURS[about["label"]], zorder=2)
        name = markup.allowed(about.get("name", node))
        axes.annotate(
            name, (x, y), ha="center", va="bottom", fontsize=8, zorder=3, parse_math=False
        )  # a name may hold $ signs
    heaviest = max((d["weight"] for _, _, d in graph.edges(data=True) if "weight" in d), default=1.0)
    for src, dst, about in graph.edges(data=True):
        width = 0.5 + 3 * about["weight"] / heaviest if "weight" in about else 0.5
        (x0, y0), (x1, y1) = place[src], place[dst]
        style = "-" if about["type"] == "ATTENDS" else "--"
        axes.plot([x0, x1], [y0, y1], style, color="#888888", linewidth=width, zorder=1)
    return figure

"""Writes an explanation as a graph: networkx, GraphML, or a picture. It computes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx

from pharmagraph.kg import folders, markup, picture_file
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.picture_file import ENDINGS
from pharmagraph.model.explain.explanation import Explanation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"Drug": "#c0504d", "Gene": "#4f81bd", "CellLine": "#9bbb59"}


def as_graph(explanation: Explanation) -> nx.MultiDiGraph:
    """The paths of an explanation, and the edges from the drug to the genes that it attends to most.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes by id with ``label`` (Drug, Gene, CellLine); edges with ``type``, and with ``weight`` if they have one.
    """
    graph = nx.MultiDiGraph(run=explanation.run_id)
    drug = explanation.drug["id"]
    graph.add_node(drug, label="Drug", name=explanation.drug["name"])
    if explanation.cell_line is not None:
        graph.add_node(explanation.cell_line["id"], label="CellLine", name=explanation.cell_line["name"])
    for row in explanation.genes:
        graph.add_node(row["gene"], label="Gene", name=row["gene"], known=bool(row["known"]))
        graph.add_edge(drug, row["gene"], key="ATTENDS", type="ATTENDS", weight=float(row["weight"]))
    for path in explanation.paths:
        for step in path.steps:
            for label, id_ in (step.src, step.dst):
                if id_ not in graph:
                    graph.add_node(id_, label=label, name=id_)
            weight = {} if step.weight is None else {"weight": float(step.weight)}
            graph.add_edge(step.src[1], step.dst[1], key=step.type, type=step.type, **weight)
    return graph


def write(explanation: Explanation, path: Path) -> None:
    """Write GraphML or a picture, as the file's suffix says.

    A character that XML does not allow becomes `kg.markup.REPLACEMENT` in GraphML.

    Raises
    ------
    InputError
        If the suffix is neither ``.graphml`` nor that of a picture.
    """
    suffix = path.suffix.lower()
    if suffix not in {".graphml", *ENDINGS}:
        raise InputError(f"{path}: give a name that ends in .graphml, {', '.join(ENDINGS)}")
    graph = as_graph(explanation)
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

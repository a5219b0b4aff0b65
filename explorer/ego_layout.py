"""Places the nodes around one node, and colours them: each relation has a sector, and the stronger stand nearer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pharmagraph.explorer.asking import Rows
from pharmagraph.kg.figures import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW

NEAREST, FARTHEST, STAGGER = 190.0, 330.0, 70.0
"""Distance from the middle of the strongest and the weakest node; every second node stands farther out."""
ROOM = 15.0
"""Of the distance from an expanded node to its neighbours, what each of them adds, so that their names stand apart."""
WIDER = 1.6
"""The drawing's width over its height."""
FAN = 2.4
"""Angle of the sector, in radians, in which the neighbours of an expanded node stand, away from the middle."""
STEP, STEPS, ASIDE = 20.0, 30, (0.0, 0.12, -0.12, 0.24, -0.24, 0.36, -0.36)
"""How a place is looked for where no name stands on another: farther out by so much, so often, and to both sides."""
NODE, OF_LETTER, TALL = 30.0, 9.4, 60.0
"""Width of a node, width of a letter of its name, and height of both, in the units of the drawing."""
SHAPES = {
    "Drug": ("round-rectangle", ORANGE),
    "Gene": ("ellipse", BLUE),
    "CellLine": ("diamond", GREEN),
    "Pathway": ("hexagon", PURPLE),
}
EDGES = {
    "ATTENDS": VERMILION,
    "TARGETS": BLUE,
    "SIMILAR_TO": ORANGE,
    "TESTED_ON": GREEN,
    "PREDICTED": SKY,
    "HOMOLOGOUS": PURPLE,
    "INTERACTS_WITH": YELLOW,
}
OTHER = "#8A8A8A"


def elements(label: str, node: dict[str, Any], rows: Rows, between: Rows) -> Rows:
    """Nodes and edges as Cytoscape takes them.

    Parameters
    ----------
    label, node
        The node in the middle.
    rows
        Its edges, as `neighbours.edges` returns them.
    between
        Edges between its neighbours, as `neighbours.between` returns them.
    """
    centre = f"{label}:{node['id']}"
    scaled = _scaled(rows)
    placed: dict[str, dict[str, Any]] = {
        centre: node_of(0, label, node["id"], node["name"], 0.0, 0.0, "centre")
    }
    others = {f"{r['label']}:{r['id']}": (r, s) for r, s in reversed(list(zip(rows, scaled, strict=True)))}
    others.pop(centre, None)
    ordered = [key for key in dict.fromkeys(f"{r['label']}:{r['id']}" for r in rows) if key in others]
    for n, key in enumerate(ordered):
        row, strength = others[key]
        angle = 2 * math.pi * n / len(ordered) - math.pi / 2
        radius = NEAREST + (FARTHEST - NEAREST) * (1 - strength) + STAGGER * (n % 2)
        ways = [(radius + STEP * step, angle) for step in range(STEPS)]
        placed[key] = _apart(placed, (0.0, 0.0), ways, (row["label"], row["id"], row["name"]))
    edges: Rows = []
    for row, strength in zip(rows, scaled, strict=True):
        ends = (centre, f"{row['label']}:{row['id']}")
        edges.append(
            edge_of(len(edges), placed, *(ends if row["outward"] else ends[::-1]), row["relation"], strength)
        )
    for row, strength in zip(between, _scaled(between), strict=True):
        if row["src"] in placed and row["dst"] in placed:
            edges.append(
                edge_of(len(edges), placed, row["src"], row["dst"], f"{row['relation']} among them", strength)
            )
    return [*placed.values(), *edges]


def expand(drawn: Rows, label: str, id_: str, rows: Rows) -> Rows:
    """The same drawing with the edges of one of its nodes: what is there stays in its place.

    Parameters
    ----------
    drawn
        As `elements` returns it.
    label, id_
        The node; if it is not in the drawing, that stays as it is.
    rows
        Its edges, as `neighbours.edges` returns them.
    """
    placed = {f"{e['data']['kind']}:{e['data']['ref']}": e for e in drawn if "relation" not in e["data"]}
    at = placed.get(f"{label}:{id_}")
    if at is None:
        return drawn
    x, y = at["position"]["x"], at["position"]["y"]
    new = dict.fromkeys(key for row in rows if (key := f"{row['label']}:{row['id']}") not in placed)
    named = {f"{row['label']}:{row['id']}": row for row in rows}
    outward = math.atan2(y, x / WIDER)
    for n, key in enumerate(new):
        row, angle = named[key], outward + FAN * ((n + 0.5) / len(new) - 0.5)
        radius = max(NEAREST, ROOM * len(new)) + STAGGER * (n % 3)
        placed[key] = _apart(
            placed,
            (x, y),
            [(radius + STEP * step, angle + aside) for step in range(STEPS) for aside in ASIDE],
            (row["label"], row["id"], row["name"]),
        )
    known = {
        (e["data"]["from"], e["data"]["to"], e["data"]["relation"]) for e in drawn if "relation" in e["data"]
    }
    edges = [e for e in drawn if "relation" in e["data"]]
    for row, strength in zip(rows, _scaled(rows), strict=True):
        ends = (f"{label}:{id_}", f"{row['label']}:{row['id']}")
        edge = edge_of(
            len(edges), placed, *(ends if row["outward"] else ends[::-1]), row["relation"], strength
        )
        edge["data"]["among"] = False
        src, dst, relation = (edge["data"][name] for name in ("from", "to", "relation"))
        if src != dst and not {(src, dst, relation), (dst, src, relation)} & known:
            edges.append(edge)
    return [*placed.values(), *edges]


def _apart(
    placed: dict[str, dict[str, Any]],
    middle: tuple[float, float],
    ways: Sequence[tuple[float, float]],
    node: tuple[str, str, str | None],
) -> dict[str, Any]:
    """The next node at the first distance and angle from a middle where neither it nor its name stands on another."""
    taken = [(n["position"]["x"], n["position"]["y"], _wide(n)) for n in placed.values()]
    first = None
    for far, angle in ways:
        at = middle[0] + WIDER * far * math.cos(angle), middle[1] + far * math.sin(angle)
        made = node_of(len(placed), *node, *at)
        first, wide = first or made, _wide(made)
        if not any(abs(at[1] - y) < TALL and abs(at[0] - x) < (wide + w) / 2 for x, y, w in taken):
            return made
    assert first is not None  # there is a way at least
    return first


def _wide(node: dict[str, Any]) -> float:
    return max(NODE, OF_LETTER * len(node["data"]["label"]))


def pin(drawn: Rows, pinned: set[str]) -> Rows:
    """The same drawing in which some nodes, each ``Label:id``, cannot be dragged and are never hidden."""
    for element in drawn:
        of = element["data"]
        if "relation" not in of and f"{of['kind']}:{of['ref']}" in pinned:
            of["pinned"] = True
            element |= {"grabbable": False, "classes": f"{element['classes']} pinned".strip()}
    return drawn


def hidden(drawn: Rows, relations: set[str], least: float) -> Rows:
    """Styles that hide edges of other relations, weaker edges, and nodes without an edge that are not pinned."""
    shown, styles = set[int](), []
    for element in drawn:
        edge = element["data"]
        if "relation" not in edge:
            continue
        if edge["relation"] in relations and edge["strength"] >= least:
            shown |= {edge["from"], edge["to"]}
        else:
            styles.append({"selector": f"edge[n = {edge['n']}]", "style": {"display": "none"}})
    styles += [
        {"selector": f"node[n = {e['data']['n']}]", "style": {"display": "none"}}
        for e in drawn
        if "relation" not in e["data"]
        and e["data"]["n"]
        and not e["data"].get("pinned")
        and e["data"]["n"] not in shown
    ]
    return styles


def style() -> Rows:
    """Shapes and colours of nodes and edges."""
    text = {"color": "#111", "text-outline-color": "#fff", "text-outline-width": 2, "font-size": 15}
    return [
        {
            "selector": "node",
            "style": {
                "label": "data(label)",
                "width": 26,
                "height": 26,
                "text-valign": "bottom",
                "text-margin-y": 3,
                **text,
            },
        },
        *(
            {"selector": f'node[kind = "{kind}"]', "style": {"shape": shape, "background-color": colour}}
            for kind, (shape, colour) in SHAPES.items()
        ),
        {
            "selector": ".centre",
            "style": {
                "width": 46,
                "height": 46,
                "font-size": 20,
                "font-weight": "bold",
                "border-width": 3,
                "border-color": "#111",
            },
        },
        {
            "selector": "edge",
            "style": {
                "curve-style": "bezier",
                "line-color": OTHER,
                "width": "mapData(strength, 0, 1, 1, 6)",
                "opacity": 0.7,
            },
        },
        *(
            {"selector": f'edge[type = "{type_}"]', "style": {"line-color": colour}}
            for type_, colour in EDGES.items()
        ),
        {"selector": "edge[?among]", "style": {"opacity": 0.35, "width": 1.5}},
        {"selector": 'edge[type = "ATTENDS"], edge[type = "PREDICTED"]', "style": {"line-style": "dashed"}},
        {
            "selector": ".pinned",
            "style": {"border-width": 4, "border-style": "double", "border-color": "#111"},
        },
        {
            "selector": "edge[share]",
            "style": {"width": "mapData(part, 0, 1, 1.5, 9)", "font-size": 13, "opacity": 0.8, **text},
        },
        *(
            {
                "selector": f'edge[near = "{end}"]',
                "style": {
                    f"{end}-label": "data(share)",
                    f"{end}-text-offset": 44,
                    f"{end}-text-rotation": "autorotate",
                },
            }
            for end in ("source", "target")
        ),
        {"selector": "edge[near = 'middle']", "style": {"label": "data(share)"}},
        {"selector": "node:selected", "style": {"border-width": 4, "border-color": "#111"}},
    ]


def colour_of(relation: str) -> str:
    """The colour of a relation's edges."""
    return EDGES.get(_type_of(relation), OTHER)


def node_of(
    n: int, kind: str, id_: str, name: str | None, x: float, y: float, class_: str = ""
) -> dict[str, Any]:
    label = str(name or id_)
    return {
        "data": {
            "id": f"n{n}",
            "n": n,
            "kind": kind,
            "ref": id_,
            "name": label,
            "label": label if len(label) <= 24 else f"{label[:23]}…",
        },
        "position": {"x": round(x, 1), "y": round(y, 1)},
        "classes": class_,
    }


def edge_of(
    n: int, placed: dict[str, dict[str, Any]], src: str, dst: str, relation: str, strength: float
) -> dict[str, Any]:
    from_, to = placed[src]["data"], placed[dst]["data"]
    type_ = _type_of(relation)
    return {
        "data": {
            "id": f"e{n}", "n": n, "source": from_["id"], "target": to["id"],
            "from": from_["n"], "to": to["n"], "relation": relation, "type": type_, "strength": round(strength, 4),
            "among": bool(from_["n"] and to["n"]),
        }
    }  # fmt: skip


def _type_of(relation: str) -> str:
    """The type of a relation's edges, which is the word in capitals of its name."""
    return next((word for word in relation.split() if word.isupper()), relation)


def _scaled(rows: Rows) -> list[float]:
    """Strengths of each relation from 0, the weakest of it, to 1, the strongest; 1 where they are all alike."""
    ends: dict[str, tuple[float, float]] = {}
    for row in rows:
        if row["strength"] is not None:
            low, high = ends.get(row["relation"], (math.inf, -math.inf))
            ends[row["relation"]] = (min(low, row["strength"]), max(high, row["strength"]))
    return [_between(row["strength"], *ends.get(row["relation"], (0.0, 0.0))) for row in rows]


def _between(value: float | None, low: float, high: float) -> float:
    return 0.0 if value is None else (value - low) / (high - low) if high > low else 1.0

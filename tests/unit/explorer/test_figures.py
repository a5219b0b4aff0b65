"""Figures and the network's layout: what is drawn is what the rows hold."""

from __future__ import annotations

import itertools
import math
from xml.etree import ElementTree

import pytest

from pharmagraph.explorer import ego_layout, path_layout, structures
from pharmagraph.explorer.addresses import address, read
from pharmagraph.kg import paths, structure_picture
from pharmagraph.kg.figures import COLOURS, effects, strips, waterfall


def test_a_waterfall_has_every_row_once_in_order_of_its_value() -> None:
    rows = [{"name": f"<b>{n}</b>", "tissue": f"t{n % 9}", "ln_ic50": float((7 * n) % 40)} for n in range(40)]
    rows.append({"name": "not measured", "tissue": "t0", "ln_ic50": None})  # type: ignore[dict-item]
    drawn = waterfall(rows, value="ln_ic50", of="name", by="tissue", title="")["data"]
    points = sorted((x, y) for trace in drawn for x, y in zip(trace["x"], trace["y"], strict=True))
    assert points == [(n, float(n)) for n in range(40)]
    assert [t["name"] for t in drawn] == ["t0", "t6", "t1", "t2", "t3", "t5", "t7", "other"]
    assert [t["marker"]["color"] for t in drawn[:-1]] == list(COLOURS)
    assert "&lt;b&gt;" in drawn[0]["customdata"][0][0]


def test_a_group_is_named_above_its_number_so_that_both_fit_a_phone() -> None:
    (drawn,) = strips({"<b>": [{"name": "one", "y": 1.0}]}, y="y", of="name", y_title="")["data"]
    assert drawn["name"] == "&lt;b&gt;<br>(n = 1)"


def test_known_targets_have_a_star_and_features_a_word() -> None:
    rows = [
        {"gene": "BRAF", "feature": "mutation", "effect": 1.5, "known": True},
        {"gene": "EGFR", "feature": "expression", "effect": -0.5, "known": False},
    ]
    figure = effects(rows, "gene")
    assert figure["layout"]["yaxis"]["ticktext"] == ["BRAF, mutated ★", "EGFR"]
    assert figure["data"][0]["x"] == [1.5, -0.5]


def test_a_structure_is_drawn_as_svg() -> None:
    root = ElementTree.fromstring(structure_picture.svg("CC(=O)Oc1ccccc1C(=O)O"))
    assert root.tag.endswith("svg") and len(root) > 10
    assert "No picture" in str(structures.drawing("not a SMILES", "x"))


def test_the_stronger_node_stands_nearer_and_filters_hide_what_has_no_edge_left() -> None:
    def row(id_: str, relation: str, strength: float) -> dict[str, object]:
        return {
            "label": "Gene",
            "id": id_,
            "name": None,
            "relation": relation,
            "strength": strength,
            "outward": True,
        }

    rows = [row("A", "R", 3.0), row("B", "R", 1.0), row("C", "Q", 9.0)]
    drawn = ego_layout.elements("Drug", {"id": "D", "name": "d"}, rows, [])
    place = {e["data"]["ref"]: e["position"] for e in drawn if "ref" in e["data"]}
    far = {key: (p["x"] / ego_layout.WIDER) ** 2 + p["y"] ** 2 for key, p in place.items()}
    assert far["D"] == 0 and far["A"] < far["B"]
    hidden = {s["selector"] for s in ego_layout.hidden(drawn, {"R"}, 0.5)}
    assert hidden == {"edge[n = 1]", "edge[n = 2]", "node[n = 2]", "node[n = 3]"}


@pytest.mark.parametrize("name", ["a/b", "it's", "<b>", "é 💊", "100%", "a?b=c&d#e", "..", "A+B"])
def test_an_address_is_read_as_it_was_made(name: str) -> None:
    path, _, given = address("drug", name, gene=name, run=None).partition("?")
    assert read(path, f"?{given}") == (["drug", name], {"gene": name})


def test_shares_of_paths_stand_apart_and_edges_are_as_thick_as_their_share() -> None:
    first, second = ("Drug", "D"), ("CellLine", "C")

    def path(*between: paths.Node, weight: float = 1.0) -> paths.Path:
        nodes = (first, *between, second)
        return paths.Path(
            tuple(paths.Edge(a, b, "TARGETS", 1.0) for a, b in itertools.pairwise(nodes)), weight
        )

    hub, other = ("Gene", "HUB"), ("Gene", "OTHER")
    lines = [("CellLine", f"L{n}") for n in range(6)]
    drugs = [("Drug", f"D{n}") for n in range(4)]
    found = [path(), path(hub), *(path(line, weight=0.5) for line in lines)]
    found += [*(path(hub, drug) for drug in drugs), path(other, drugs[-1], weight=0.1)]
    names = {node: node[1] for one in found for edge in one.edges for node in (edge.src, edge.dst)}
    drawn = path_layout.between_two(found, names)
    at = {e["data"]["n"]: (e["position"]["x"], e["position"]["y"]) for e in drawn if "ref" in e["data"]}
    edges = [e["data"] for e in drawn if "relation" in e["data"]]
    said = []
    for edge in edges:
        (x, y), (to_x, to_y) = at[edge["from"]], at[edge["to"]]
        length = math.dist((x, y), (to_x, to_y))
        part = {"source": 44 / length, "target": 1 - 44 / length, "middle": 0.5}[edge["near"]]
        said.append((x + part * (to_x - x), y + part * (to_y - y)))
        for number, node in at.items():  # no edge of an end passes behind a node
            if number not in (edge["from"], edge["to"]) and {edge["from"], edge["to"]} & {0, 1}:
                away = abs((to_x - x) * (y - node[1]) - (x - node[0]) * (to_y - y)) / length
                between = min(x, to_x) < node[0] < max(x, to_x)
                assert away > 6 or not between, (edge, number)
    assert min(math.dist(*both) for both in itertools.combinations(said, 2)) > 14
    total = sum(one.weight for one in found)
    through_hub = next(e for e in edges if e["from"] == 0 and e["share"] == f"{5 / total:.0%}")
    assert through_hub["part"] == 1 and through_hub["strength"] == pytest.approx(5 / total, abs=1e-4)
    assert {e["share"] for e in edges} >= {f"{0.5 / total:.1%}", f"{0.1 / total:.1%}"}

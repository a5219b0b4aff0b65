"""Paths between two nodes, expanding and pinning in a real browser, and files that have exactly what is shown."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest
from playwright.sync_api import Page, expect

import pharmagraph as pg
from pharmagraph.explorer.app import page_at
from pharmagraph.kg import paths, run_register
from tests.explorer.conftest import AWKWARD, DRUG, GENE, LINE, Site, opened, until

pytestmark = pytest.mark.once

IDS = {
    "drug": ("Drug", "SYNTHETICDRUG0001"),
    "line": ("CellLine", "SYNTHETICLINE0001"),
    "gene": ("Gene", GENE),
}
CY = "document.getElementById('network')._cyreg.cy"
PLACED = f"Object.fromEntries({CY}.nodes().map(n => [n.data('kind') + ':' + n.data('ref'), n.position()]))"
BOXES = f"{CY}.nodes().map(n => n.renderedBoundingBox({{includeEdges: false, includeOverlays: false}}))"
SHOWN = f"{CY}.elements(':visible').map(e => e.id())"


@pytest.mark.parametrize("to", ["line", "gene"])
def test_paths_are_of_the_graph_and_shares_are_parts_of_their_weight(site: Site, to: str) -> None:
    first, second = IDS["drug"], IDS[to]
    with pg.open_store(site.store, read_only=True) as store:
        run = run_register.find(store, None)["id"]
        found = paths.paths(store, first, second, run, limit=15)
        share = paths.shares(found)
        for path in found:
            assert path.edges[0].src == first and path.edges[-1].dst == second and len(path.edges) <= 3
            for edge, after in zip(path.edges, path.edges[1:], strict=False):
                assert edge.dst == after.src
            for edge in path.edges:
                (a, b), (c, d) = edge.src, edge.dst
                text = f"MATCH (:{a} {{id: $a}})-[e:{edge.type}]-(:{c} {{id: $c}}) RETURN count(e) AS n"
                assert store.rows(text, {"a": b, "c": d})[0]["n"] > 0
    assert len({path.edges for path in found}) == len(found) == 15
    total = sum(path.weight for path in found)
    for edge, part in share.items():
        assert part == pytest.approx(sum(p.weight for p in found if edge in p.edges) / total)
    leaving = sum(part for edge, part in share.items() if edge.src == first)
    assert leaving == pytest.approx(1)


def test_paths_are_drawn_with_the_share_of_each_edge(tab: Page, site: Site) -> None:
    opened(tab, "/network")
    tab.fill("#network-node", f"Drug:{DRUG}")
    tab.fill("#network-to", f"CellLine:{LINE}")
    tab.fill("#network-limit", "8")
    tab.click("main form button[type=submit]")
    tab.wait_for_selector("#network canvas")
    expect(tab.locator("main h1")).to_have_text(f"From {DRUG} to {LINE}")
    expect(tab.locator("section:has(h2:text-is('Paths')) tbody tr")).to_have_count(8)
    edges = tab.locator("section:has(h2:text-is('Edges')) tbody tr")
    label = "['label', 'source-label', 'target-label'].map(name => e.style(name)).join('')"
    labels = tab.evaluate(f"{CY}.edges().map(e => {label})")
    assert len(labels) == edges.count() and all(label.endswith("%") for label in labels)
    tab.fill("#network-least", "0.3")
    tab.press("#network-least", "Tab")
    ends = "n => n.hasClass('centre')"
    until(tab, f"{CY}.edges(':visible').length < {len(labels)}")
    assert tab.evaluate(f"{CY}.nodes().filter({ends}).map(n => n.visible())") == [True, True]


def test_paths_go_from_top_to_bottom_on_a_phone_and_can_be_read(tab: Page) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    opened(tab, f"/network?node=Drug:{DRUG}&to=CellLine:{LINE}&limit=20")
    tab.wait_for_selector("#network canvas")
    until(tab, f"{CY}.scratch('turned') === true")
    ends = f"{CY}.nodes('.centre')"
    first, second = tab.evaluate(f"{ends}.map(n => n.renderedPosition())")
    width, height = tab.evaluate(f"[{CY}.width(), {CY}.height()]")
    for end in (first, second):
        assert 0 < end["x"] < width and 0 < end["y"] < height
    assert abs(first["x"] - second["x"]) < 1 and second["y"] - first["y"] > height / 2
    assert tab.evaluate(f"{CY}.zoom()") == 1


@pytest.mark.parametrize(
    ("width", "drawn"),
    [
        (390, f"node=Drug:{DRUG}&to=CellLine:{LINE}&limit=20"),
        (1280, f"node=Drug:{DRUG}&limit=5&expanded=Gene:{GENE}%0ACellLine:{LINE}"),
    ],
)
def test_no_name_stands_on_another(tab: Page, width: int, drawn: str) -> None:
    tab.set_viewport_size({"width": width, "height": 844})
    opened(tab, f"/network?{drawn}")
    tab.wait_for_selector("#network canvas")
    if width < 600:
        until(tab, f"{CY}.scratch('turned') === true")
    boxes = tab.evaluate(BOXES)
    assert len(boxes) > 10
    over = [
        (one, other)
        for one, other in combinations(boxes, 2)
        if min(one["x2"], other["x2"]) - max(one["x1"], other["x1"]) > 4
        and min(one["y2"], other["y2"]) - max(one["y1"], other["y1"]) > 4
    ]
    assert over == []
    assert all(box["x1"] > -1 and box["x2"] < tab.evaluate(f"{CY}.width()") + 1 for box in boxes)


def test_a_network_on_a_phone_has_all_nodes_in_sight_with_names_of_a_readable_size(tab: Page) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    opened(tab, f"/network?node=Drug:{DRUG}&limit=3")
    tab.wait_for_selector("#network canvas")
    until(tab, f"{CY}.scratch('turned') === true")
    width, height = tab.evaluate(f"[{CY}.width(), {CY}.height()]")
    places = tab.evaluate(f"{CY}.nodes().map(n => n.renderedPosition())")
    assert len(places) > 5
    assert all(0 < place["x"] < width and 0 < place["y"] < height for place in places)
    assert len({(round(place["x"]), round(place["y"])) for place in places}) == len(places)
    sizes = tab.evaluate(f"{CY}.nodes().map(n => parseFloat(n.style('font-size')) * {CY}.zoom())")
    assert min(sizes) >= 10
    tab.fill("#network-least", "0.3")  # filtered, the names stay as large
    tab.press("#network-least", "Tab")
    until(tab, f"{CY}.edges(':hidden').length > 0")
    sizes = tab.evaluate(f"{CY}.nodes().map(n => parseFloat(n.style('font-size')) * {CY}.zoom())")
    assert min(sizes) >= 10 and max(sizes) <= 15


def test_a_node_is_expanded_and_collapsed_and_nothing_moves(tab: Page) -> None:
    opened(tab, f"/network?node=Drug:{DRUG}&limit=3")
    tab.wait_for_selector("#network canvas")
    before = tab.evaluate(PLACED)
    row = tab.locator(f"section:has(h2:text-is('Its edges')) tr:has(td:text-is('{GENE}'))").first
    row.locator("a:text-is('expand')").click()
    until(tab, f"{CY}.nodes().length > {len(before)}")
    after = tab.evaluate(PLACED)
    assert {node: after[node] for node in before} == before
    tab.reload()
    tab.wait_for_selector("#network canvas")
    assert tab.evaluate(PLACED) == after  # the address has it
    row.locator("a:text-is('collapse')").click()
    until(tab, f"{CY}.nodes().length === {len(before)}")
    assert tab.evaluate(PLACED) == before


def test_a_pinned_node_stays_when_all_is_filtered(tab: Page) -> None:
    opened(tab, f"/network?node=Drug:{DRUG}&limit=3&pinned=Gene:{GENE}")
    tab.wait_for_selector("#network canvas")
    for button in tab.locator("#network-relations button").all():
        button.click()
    until(tab, f"{CY}.edges(':visible').length === 0")
    shown = tab.evaluate(f"{CY}.nodes(':visible').map(n => n.data('ref'))")
    assert set(shown) == {GENE, IDS["drug"][1]}
    assert tab.evaluate(f"{CY}.nodes('.pinned').map(n => n.grabbable())") == [False]
    tab.click("main a:text-is('unpin') >> nth=0")
    until(tab, f"{CY}.nodes('.pinned').length === 0")
    assert "pinned=" not in tab.url


def test_files_have_exactly_what_is_shown(tab: Page, tmp_path: Path) -> None:
    opened(tab, f"/network?node=Drug:{DRUG}&limit=3")
    tab.wait_for_selector("#network canvas")
    everything = len(tab.evaluate(SHOWN))
    tab.click("#network-relations button:text-is('TARGETS Gene')")
    until(tab, f"{SHOWN}.length < {everything}")
    for kind in ("graphml", "png", "svg"):
        with tab.expect_download() as saved:
            tab.click(f"button[data-export={kind}]")
        saved.value.save_as(tmp_path / f"network.{kind}")
    graph = nx.read_graphml(tmp_path / "network.graphml")
    nodes = tab.evaluate(f"{CY}.nodes(':visible').map(n => n.data('kind') + ':' + n.data('ref'))")
    assert set(graph.nodes) == set(nodes)
    assert graph.number_of_edges() == tab.evaluate(f"{CY}.edges(':visible').length")
    assert "TARGETS Gene" not in {data["relation"] for *_, data in graph.edges(data=True)}
    assert graph.nodes[f"Drug:{IDS['drug'][1]}"]["name"] == DRUG
    assert (tmp_path / "network.png").read_bytes().startswith(b"\x89PNG")
    texts = " ".join(ElementTree.parse(tmp_path / "network.svg").getroot().itertext())
    assert DRUG in texts


def test_an_awkward_name_is_text_in_the_drawing_and_its_file(tab: Page, tmp_path: Path) -> None:
    opened(tab, "/network?node=Drug:AWKWARD")
    tab.wait_for_selector("#network canvas")
    with tab.expect_download() as saved:
        tab.click("button[data-export=graphml]")
    saved.value.save_as(tmp_path / "network.graphml")
    assert nx.read_graphml(tmp_path / "network.graphml").nodes["Drug:AWKWARD"]["name"] == AWKWARD


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (f"node=Drug:{DRUG}&to=nothing", "is no node"),
        (f"node=Drug:{DRUG}&to=Gene:NOGENE9", "no gene"),
        (f"node=Drug:{DRUG}&to=Drug:{DRUG}", "the same node"),
        (f"node=Drug:{DRUG}&expanded=Gene:NOGENE9", "no gene"),
    ],
)
def test_what_cannot_be_drawn_is_said(site: Site, given: str, words: str) -> None:
    assert words in str(page_at(site.store, "/network", given).component())

"""Every page in a real browser: what it shows is what the store holds, and it can be shared, saved and read aloud."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

import pharmagraph as pg
from tests.explorer.conftest import AWKWARD, DRUG, GENE, LINE, TISSUE, Site, heading, opened, until

pytestmark = pytest.mark.once

PAGES = {
    "/": "What is in the graph",
    f"/drug/{DRUG}": DRUG,
    f"/drug/{DRUG}?gene={GENE}&feature=expression": DRUG,
    f"/gene/{GENE}": GENE,
    f"/cell-line/{LINE}": LINE,
    f"/tissue/{TISSUE}": TISSUE,
    "/pair": "A drug on a cell line",
    f"/pair/{DRUG}/{LINE}": f"{DRUG} on {LINE}",
    "/predict": "Predict compounds",
    f"/predict?ask=1&compounds={DRUG}&tissue={TISSUE}": "Predict compounds",
    "/predict?ask=1": "Predict compounds",
    "/suggest": "What to test next",
    "/suggest?plate=96&by=diverse": "What to test next",
    "/network": "Network",
    f"/network?node=Drug:{DRUG}": f"Around {DRUG}",
    f"/network?node=Drug:{DRUG}&to=CellLine:{LINE}": f"From {DRUG} to {LINE}",
    "/query": "Ask the graph",
    f"/query/top-genes?drug={DRUG}": "top-genes",
    "/runs": "Runs",
    "/search?q=synthetic-drug": "Results for “synthetic-drug”",
    "/search?q=OCc1cccc2ncncc12": "Search by structure",
    "/search?q=c1ccc2": "Search by structure",
    "/no/such/page": "No such page",
}
"""Address → heading."""


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_accessible_and_fits_a_telephone(tab: Page, address: str) -> None:
    assert opened(tab, address) == PAGES[address]
    tab.wait_for_load_state("networkidle")
    for width in (1280, 390):
        tab.set_viewport_size({"width": width, "height": 900})
        until(tab, f"document.documentElement.scrollWidth <= {width}")  # figures follow in a moment
    for theme in ("light", "dark"):
        tab.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        found = Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
        serious = [
            (v["id"], [n["html"][:200] for n in v["nodes"]][:3])
            for v in found
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == [], theme


def test_the_main_path(tab: Page, site: Site) -> None:
    above = tab.locator("main h1")
    opened(tab, "/")
    tab.keyboard.press("/")
    expect(tab.locator("#find")).to_be_focused()
    tab.keyboard.type("synthetc-drug-0001")  # a typing error
    expect(tab.locator("#find")).to_have_value("synthetc-drug-0001")
    tab.click("#suggestions a >> nth=0")
    expect(above).to_have_text(DRUG)
    assert tab.url == f"{site.url}/drug/SYNTHETICDRUG0001"
    assert tab.get_attribute("img.structure", "alt") == f"Structure of {DRUG}"
    tab.click("a:text-is('against response') >> nth=0")
    tab.wait_for_selector("#scatter .main-svg")
    assert "gene=" in tab.url
    tab.click("a:text-is('why') >> nth=0")
    tab.wait_for_selector("#sum .main-svg")
    expect(above).to_have_text(re.compile(f"^{DRUG} on "))
    tab.go_back()
    expect(above).to_have_text(DRUG)
    tab.wait_for_selector("#scatter .main-svg")


def test_a_page_that_is_drawn_again_leaves_the_focus_where_it_is(tab: Page) -> None:
    opened(tab, "/")
    tab.focus("#find")
    tab.evaluate("window.pharmagraph.arrived('pharmagraph')")
    expect(tab.locator("#find")).to_be_focused()
    tab.click("nav a >> nth=-1")
    expect(tab.locator("main h1")).to_be_focused()


def test_enter_goes_to_what_is_called_exactly_so(tab: Page, site: Site) -> None:
    opened(tab, "/")
    tab.fill("#find", "Synthetic Line 0001")
    tab.press("#find", "Enter")
    expect(tab).to_have_url(f"{site.url}/cell-line/SYNTHETICLINE0001")


def test_numbers_are_those_of_the_library(tab: Page, site: Site) -> None:
    opened(tab, f"/pair/{DRUG}/{LINE}")
    with pg.open_store(site.store, read_only=True) as store:
        found = pg.Run.open(store).explain(DRUG, LINE)
    probability = f"{found.prediction['probability']:.4g}"
    assert probability in tab.inner_text("main dl")
    region = tab.locator("[role=region][aria-label^=Contributions]")
    shown = [row.inner_text().split("\t") for row in region.locator("tbody tr").all()]
    assert [row[0] for row in shown] == [row["part"] for row in found.contributions]
    assert float(shown[-1][-1]) == pytest.approx(found.contributions[-1]["contribution"], rel=1e-3)


def test_a_table_is_saved_as_it_is_shown(tab: Page, site: Site, tmp_path: Path) -> None:
    opened(tab, f"/query/biomarkers?drug={DRUG}&limit=4")
    with tab.expect_download() as saved:
        tab.click("button.csv")
    assert saved.value.suggested_filename == "biomarkers.csv"
    saved.value.save_as(tmp_path / "saved.csv")
    with pg.open_store(site.store, read_only=True) as store:
        expected = pg.query(store, "biomarkers", drug=DRUG, limit=4)
    with (tmp_path / "saved.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["gene"] for row in rows] == list(expected["gene"]) and len(rows) == 4
    assert [float(row["effect"]) for row in rows] == list(expected["effect"])


def test_a_form_leads_to_an_address_that_can_be_shared(tab: Page, site: Site) -> None:
    opened(tab, "/query/shared-genes")
    assert "MATCH (:Drug {id: $first})" in tab.inner_text("main pre")
    tab.fill("#query-first", DRUG)
    tab.fill("#query-second", "synthetic-drug-0002")
    tab.click("main button[type=submit]")
    tab.wait_for_selector("main table")
    assert tab.url.endswith(f"/query/shared-genes?first={DRUG}&second=synthetic-drug-0002")
    there = tab.inner_text("main table")
    tab.reload()
    heading(tab)
    assert tab.inner_text("main table") == there


@pytest.mark.parametrize(("form", "words"), [("/pair", "why"), ("/network", "to cell line")])
def test_a_form_has_pairs_to_begin_with(tab: Page, form: str, words: str) -> None:
    opened(tab, form)
    row = tab.locator(".beside tbody tr >> nth=0")
    drug, line = (row.locator("td").nth(n).inner_text() for n in (0, 2))
    row.get_by_text(words).click()
    expect(tab.locator("main h1")).to_have_text(re.compile(f"{re.escape(drug)}.* {re.escape(line)}"))


def test_on_a_phone_the_data_sets_are_a_line_each_and_short_fields_stand_beside_each_other(tab: Page) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    opened(tab, "/")
    rows = tab.locator("section:has(h2:text-is('Data sets')) tbody tr")
    expect(rows.first).to_contain_text("synthetic")
    assert all((row.bounding_box() or {})["height"] < 40 for row in rows.all())
    opened(tab, f"/query/top-genes?drug={DRUG}")
    drug, run = (tab.locator(f"#query-{name}").bounding_box() for name in ("drug", "run"))
    assert drug and run and drug["y"] == run["y"] and drug["x"] + drug["width"] < run["x"]


def test_who_finds_nothing_is_told_of_all_pages(tab: Page) -> None:
    for address in ("/no/such/page", "/search?q=nothing-is-called-so"):
        opened(tab, address)
        pages = tab.locator("main dt a")
        expect(pages).to_have_count(8)
        pages.last.click()
        expect(tab.locator("main h1")).to_have_text("Search by structure")


def test_cypher_of_the_users_own(tab: Page) -> None:
    text = quote("MATCH (d:Drug {name: $name}) RETURN d.id AS id, 1 + 1 AS two")
    opened(tab, f"/query?cypher={text}&%24name={DRUG}")
    assert tab.inner_text("main tbody").split() == ["SYNTHETICDRUG0001", "2"]


def test_the_network_is_filtered_without_moving(tab: Page) -> None:
    opened(tab, f"/network?node=Drug:{DRUG}&limit=5")
    tab.wait_for_selector("#network canvas")
    placed = "document.getElementById('network')._cyreg.cy.nodes().map(n => [n.id(), n.position()])"
    shown = "document.getElementById('network')._cyreg.cy.elements().filter(e => e.visible()).length"
    before, everything = tab.evaluate(placed), tab.evaluate(shown)
    tab.click("#network-relations button >> nth=0")
    until(tab, f"{shown} < {everything}")
    assert tab.get_attribute("#network-relations button >> nth=0", "aria-pressed") == "false"
    assert tab.evaluate(placed) == before
    tab.fill("#network-least", "1")
    tab.press("#network-least", "Tab")
    until(tab, f"{shown} < {everything} / 2")


def test_the_theme_is_kept(tab: Page) -> None:
    opened(tab, "/runs")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(ground)
    tab.click("#theme")
    dark = tab.evaluate(ground)
    assert dark != light
    opened(tab, "/query")
    assert tab.evaluate(ground) == dark


def test_a_page_is_reached_by_the_keyboard_alone(tab: Page) -> None:
    opened(tab, "/")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(20):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.textContent") == "Runs":
            break
    tab.keyboard.press("Enter")
    until(tab, "document.activeElement.tagName === 'H1'")
    assert heading(tab) == "Runs"


def test_an_awkward_name_is_text(tab: Page, site: Site) -> None:
    assert opened(tab, "/drug/AWKWARD") == AWKWARD
    assert tab.title() == f"{AWKWARD} · pharmagraph"
    assert opened(tab, f"/drug/{quote(AWKWARD, safe='')}") == AWKWARD
    assert tab.locator("main img[src=x]").count() == 0
    tab.fill("#find", AWKWARD)
    tab.wait_for_selector("#suggestions a")
    assert AWKWARD in tab.inner_text("#suggestions")
    opened(tab, f"/query/responses?drug={quote(AWKWARD, safe='')}")
    with pg.open_store(site.store, read_only=True) as store:
        assert len(store.node_rows("Drug", ["id"])) == 25

"""The path that most readers take, through a real browser, on the embedded store and on a real Neo4j."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

import pharmagraph as pg
from pharmagraph.kg.copy import copy
from tests.explorer.conftest import DRUG, GENE, LINE, PATIENCE, Served, Site, heading
from tests.store import neo4j_server

pytestmark = pytest.mark.once


@pytest.fixture(params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def of_engine(request: pytest.FixtureRequest, site: Site) -> Iterator[Site]:
    """The explorer on the screen, in each engine."""
    if request.param == "embedded":
        yield site
        return
    with neo4j_server.empty_database() as url:
        with pg.open_store(site.store, read_only=True) as embedded, pg.open_store(url) as server:
            copy(embedded, server)
        with Served(url) as address:
            yield Site(address, url, site.run)


def test_from_home_to_a_prediction(browser: Browser, of_engine: Site) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=of_engine.url)
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    failed = list[str]()
    tab.on("pageerror", lambda error: failed.append(str(error)))
    above = tab.locator("main h1")

    tab.goto("/")
    assert heading(tab) == "What is in the graph"
    assert of_engine.store in tab.inner_text("main")
    tab.fill("#find", "synthetc-drug-0001")  # a typing error
    tab.click("#suggestions a >> nth=0")
    expect(above).to_have_text(DRUG)
    tab.wait_for_selector("figure .main-svg")
    tab.click("section:has(h2:text-is('Genes that decide response')) tbody td a >> nth=0")
    expect(tab.locator("main .kind").first).to_have_text("gene")
    expect(tab.locator("main")).to_contain_text("Drugs whose response it decides")

    _ask(tab, "/pair", {"drug": DRUG, "cell_line": LINE}, "pair")
    expect(above).to_have_text(f"{DRUG} on {LINE}")
    tab.wait_for_selector("#sum .main-svg")
    tab.fill("#if-0", "1.5")
    expect(tab.locator("#if-0-said")).to_contain_text("→")

    _ask(tab, "/network", {"node": f"Drug:{DRUG}"}, "network")
    expect(above).to_have_text(f"Around {DRUG}")
    tab.wait_for_selector("#network canvas")
    _ask(tab, "/network", {"node": f"Drug:{DRUG}", "to": f"Gene:{GENE}"}, "network")
    expect(above).to_have_text(f"From {DRUG} to {GENE}")
    expect(tab.locator("section:has(h2:text-is('Paths')) tbody tr").first).to_be_visible()

    tab.click("nav a:text-is('Runs')")
    tab.click("main a:text-is('about it')")
    expect(above).to_have_text(of_engine.run)
    tab.wait_for_selector("#learning .main-svg")

    _ask(tab, "/query/top-genes", {"drug": DRUG, "limit": "4"}, "query")
    expect(tab.locator("main tbody tr")).to_have_count(4)
    _ask(tab, "/query", {"cypher": "MATCH (d:Drug) RETURN count(d) AS n"})
    expect(tab.locator("main tbody td").first).to_have_text("25")
    _ask(tab, "/query", {"cypher": "MATCH (d:Drug) DELETE d"})
    expect(tab.locator("main .notice")).to_contain_text(re.compile("read|write", re.I))

    _ask(
        tab,
        "/predict",
        {"compounds": f"CC(=O)Oc1ccccc1C(=O)O aspirin\n{DRUG}", "cell_lines": LINE},
        "predict",
    )
    expect(tab.locator("main tbody tr")).to_have_count(2)
    _ask(tab, "/suggest", {"controls": "16", "seed": "2"}, "suggest")
    expect(tab.locator(".plate td")).to_have_count(96)
    context.close()
    assert failed == []


def _ask(tab: Page, address: str, fields: dict[str, str], form: str = "") -> None:
    """Fill in a page's form, whose fields' ids begin with its name, and send it."""
    tab.goto(address)
    heading(tab)
    for name, value in fields.items():
        tab.fill(f"#{form}-{name}" if form else f"#{name}", value)
    tab.click("main form button[type=submit] >> nth=0")

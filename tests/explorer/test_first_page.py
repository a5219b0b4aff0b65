"""The first page: it comes with the layout, without a callback, and loads no script that it does not need."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.explorer.conftest import DRUG, LINE, Site, heading, opened

CALLBACK, LAYOUT, NETWORKS = "/_dash-update-component", "/_dash-layout", "dash_cytoscape"
PRESENT, ABSENT = DRUG, "Loading…"


def fetched(tab: Page) -> list[str]:
    """Addresses that a tab asks for from now on, without what is written by its scripts."""
    found = list[str]()
    tab.on("request", lambda request: found.append(request.url))
    return found


def layout(site: Site, address: str | None) -> str:
    """The layout as a page at an address gets it."""
    request = Request(site.url + LAYOUT, headers={"Referer": address} if address else {})
    with urlopen(request) as answer:
        assert answer.headers["Cache-Control"] == "no-store"  # another page gets another one
        return json.dumps(json.load(answer), ensure_ascii=False)


def test_the_first_page_takes_one_layout_and_no_callback(tab: Page) -> None:
    asked = fetched(tab)
    assert opened(tab, f"/drug/{DRUG}") == DRUG
    tab.wait_for_load_state("networkidle")
    assert sum(LAYOUT in url for url in asked) == 1  # what was fetched ahead is what Dash gets
    assert [url for url in asked if CALLBACK in url or NETWORKS in url] == []
    expect(tab).to_have_title(f"{DRUG} · pharmagraph")
    tab.click("nav a:text-is('Runs')")
    expect(tab.locator("main h1")).to_have_text("Runs")
    assert any(CALLBACK in url for url in asked)
    tab.go_back()
    expect(tab.locator("main h1")).to_have_text(DRUG)


def test_the_script_of_networks_is_fetched_once_and_where_one_is_drawn(tab: Page) -> None:
    asked = fetched(tab)
    opened(tab, "/")
    tab.wait_for_load_state("networkidle")
    assert not any(NETWORKS in url for url in asked)
    for _ in range(2):
        tab.click("nav a:text-is('Network')")
        tab.fill("#network-node", f"Drug:{DRUG}")
        tab.click("main form button[type=submit]")
        tab.wait_for_selector("#network canvas")
        tab.click("nav a:text-is('Home')")
        expect(tab.locator("main h1")).to_have_text("What is in the graph")
    assert sum(NETWORKS in url for url in asked) == 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/drug/{DRUG}", PRESENT),
        (f"/drug/{DRUG}?run=", ABSENT),
        (f"/query/top-genes?drug={DRUG}", ABSENT),  # may take seconds: the frame is shown first
        (f"/predict?ask=1&compounds={DRUG}", ABSENT),
    ],
)
def test_the_layout_has_the_page_that_asks_for_it(site: Site, path: str, expected: str) -> None:
    if path.endswith("run="):
        assert expected in layout(site, f"http://elsewhere.example{path}")
        assert expected in layout(site, None)
    else:
        assert expected in layout(site, site.url + path)


def test_a_page_with_a_long_address_is_itself_and_not_the_first_page(tab: Page, site: Site) -> None:
    """Browsers cut an address of more than 4,096 signs, where it is told, to that of the home page."""
    address = f"/search?q={'synthetic-drug ' * 300}"
    assert opened(tab, address).startswith("Results for")
    assert "/search?q=" in tab.url
    with urlopen(site.url + address.replace(" ", "%20")) as answer:
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_pair_comes_with_the_layout_and_its_sliders_work(tab: Page) -> None:
    opened(tab, f"/pair/{DRUG}/{LINE}")
    assert heading(tab) == f"{DRUG} on {LINE}"
    tab.locator("#what-if .slider input").first.press("ArrowRight")
    expect(tab.locator("#what-if .after").first).to_contain_text("→")

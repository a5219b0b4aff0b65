"""The search box takes a structure, in a real browser and by the API."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from pharmagraph.explorer import api
from tests.explorer.conftest import DRUG, Site, heading, opened

pytestmark = pytest.mark.once

OF_DRUG, BAD = "OCc1cccc2ncncc12", "c1ccc2ncncc"
"""The first drug's structure, written otherwise than the store has it; a ring that is not closed."""


def test_a_structure_in_the_search_box_finds_the_drug_what_is_like_it_and_what_contains_it(tab: Page) -> None:
    opened(tab, "/")
    tab.fill("#find", "n1cncc2c1cccc2")
    tab.wait_for_selector("#suggestions .more a")
    tab.fill("#find", OF_DRUG)
    expect(tab.locator("#suggestions a").first).to_contain_text(DRUG)
    tab.press("#find", "Enter")
    expect(tab.locator("main h1")).to_have_text("Search by structure")
    tables = tab.locator("main section")
    expect(tables).to_have_count(3)
    assert DRUG in tables.nth(0).inner_text()
    similar = [
        float(row.locator("td").nth(1).inner_text()) for row in tables.nth(1).locator("tbody tr").all()
    ]
    drawn = tables.nth(1).locator(".gallery li")
    expect(drawn).to_have_count(min(6, len(similar)))
    assert drawn.first.inner_text().split() == [DRUG, "similarity", "1.00"]
    assert len(similar) > 3 and similar[0] == 1 and similar == sorted(similar, reverse=True)
    tab.fill("#structure-at_least", "0.65")
    tab.click("main form button[type=submit]")
    expect(tables.nth(1).locator("tbody tr")).to_have_count(sum(value >= 0.65 for value in similar))
    tab.click("main section >> nth=0 >> td a")
    expect(tab.locator("main h1")).to_have_text(DRUG)


def test_a_structure_that_cannot_be_read_is_said_beside_the_field(tab: Page) -> None:
    opened(tab, "/")
    tab.fill("#find", BAD)
    expect(tab.locator("#suggestions .notice")).to_contain_text("unclosed ring")
    assert tab.get_attribute("#find", "aria-describedby") == "suggestions"
    tab.press("#find", "Enter")
    expect(tab.locator("#structure-smiles-wrong")).to_contain_text("unclosed ring")
    field = tab.locator("#structure-smiles")
    expect(field).to_have_value(BAD)
    expect(field).to_have_attribute("aria-invalid", "true")
    assert "structure-smiles-wrong" in (field.get_attribute("aria-describedby") or "")
    begin = tab.locator(".gallery a").first
    name = begin.locator("strong").inner_text()
    begin.click()
    expect(tab.locator("main section").first).to_contain_text(name)
    opened(tab, f"/search?smiles={OF_DRUG}&at_least=many")
    expect(tab.locator("#structure-at_least-wrong")).to_contain_text("many")


def test_what_no_drug_has_is_said_in_a_line(tab: Page) -> None:
    opened(tab, "/search?smiles=[Xe]")
    assert tab.locator("main section").count() == 0
    said = "No drug of the graph has this structure; none has a similarity to it of 0.3 or more; none contains it."
    expect(tab.locator("main")).to_contain_text(said)


def test_a_name_comes_before_a_structure(tab: Page, site: Site) -> None:
    opened(tab, f"/search?q={DRUG}")
    expect(tab).to_have_url(f"{site.url}/drug/SYNTHETICDRUG0001")
    assert heading(tab) == DRUG


def test_the_api_finds_structures(site: Site) -> None:
    server = Flask("api")
    api.register(server, site.store)

    def asked(**given: object) -> tuple[int, dict]:
        answer = server.test_client().get("/api/search", query_string=given)
        return answer.status_code, answer.get_json()

    code, found = asked(text=OF_DRUG, structure="exact")
    assert code == 200 and [row["name"] for row in found["rows"]] == [DRUG]
    _, similar = asked(text=OF_DRUG, structure="similar", at_least=0.65, limit=2)
    assert similar["more"] and similar["rows"][0]["name"] == DRUG
    _, containing = asked(text="c1ccc2ncncc2c1", structure="substructure", limit=50)
    assert len(containing["rows"]) > 1
    code, refused = asked(text=BAD, structure="exact")
    assert code == 400 and "unclosed ring" in refused["error"]
    assert asked(text=OF_DRUG, structure="fuzzy")[0] == 400

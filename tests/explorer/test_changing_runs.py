"""Runs are promoted and deleted from the explorer only where it may write, after a question, and by no other site."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import pharmagraph as pg
from pharmagraph.kg import run_register, runs
from tests.explorer.conftest import PATIENCE, Served, Site, opened

pytestmark = pytest.mark.once


@pytest.fixture
def writable(screen: Path, tmp_path: Path) -> Iterator[Site]:
    """The explorer on a copy of the screen, which it may change."""
    shutil.copy(screen, tmp_path / "graph.lbug")
    store = f"ladybug://{tmp_path / 'graph.lbug'}"
    with pg.open_store(store, read_only=True) as graph:
        run = pg.Run.open(graph).id
    with Served(store, allow_write=True) as url:
        yield Site(url, store, run)


def promoted(store: str) -> list[str]:
    with pg.open_store(store, read_only=True) as graph:
        return [row["id"] for row in run_register.runs(graph) if row["promoted"]]


def sent(url: str, run: str, headers: dict[str, str], confirmed: str | None = None) -> tuple[int, str]:
    body = json.dumps({"run": run, "confirmed": run if confirmed is None else confirmed}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


OWN = {"X-Pharmagraph": "1"}


def test_a_run_is_deleted_and_promoted_after_a_question(browser: Browser, writable: Site) -> None:
    with pg.open_store(writable.store) as graph:
        runs._mark_promoted(graph, None)
    tab = browser.new_page(base_url=writable.url)
    tab.set_default_timeout(PATIENCE)
    opened(tab, f"/runs/{writable.run}")
    tab.click("button[data-write=promote]")
    expect(tab.locator("dialog")).to_contain_text(f"Promote run {writable.run}?")
    expect(tab.locator("dialog button:text-is('Cancel')")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(tab.locator("dialog")).to_have_count(0)
    assert promoted(writable.store) == []
    tab.click("button[data-write=promote]")
    tab.click("dialog .yes")
    expect(tab.locator("button[data-write=promote]")).to_have_count(0)
    assert promoted(writable.store) == [writable.run]
    tab.click("button[data-write=delete]")
    expect(tab.locator("dialog")).to_contain_text("no run is, then")
    tab.click("dialog .yes")
    expect(tab).to_have_url(f"{writable.url}/runs")
    expect(tab.locator("main")).to_contain_text("The store has no run")
    with pg.open_store(writable.store, read_only=True) as graph:
        assert run_register.runs(graph) == []
        assert graph.read_edges("ATTENDS", ("Drug", "Gene"), ["src"]).num_rows == 0
    tab.close()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Pharmagraph": "1", "Origin": "http://evil.example"},
        {"X-Pharmagraph": "1", "Origin": "http://localhost.evil.example"},
        {"X-Pharmagraph": "1", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ],
)
def test_another_site_changes_nothing(writable: Site, headers: dict[str, str]) -> None:
    for way in ("promote", "delete"):
        code, said = sent(f"{writable.url}/runs/{way}", writable.run, headers)
        assert code == 403 and ("own pages" in said or "no other site's pages" in said)
    assert promoted(writable.store) == [writable.run]


def test_what_is_not_confirmed_or_not_there_changes_nothing(writable: Site) -> None:
    assert sent(f"{writable.url}/runs/delete", writable.run, OWN, "other")[0] == 400
    assert sent(f"{writable.url}/runs/delete", "none", OWN)[0] == 404
    assert promoted(writable.store) == [writable.run]


def test_an_explorer_that_only_reads_offers_and_does_nothing(tab: Page, site: Site) -> None:
    opened(tab, f"/runs/{site.run}")
    assert tab.locator("[data-write]").count() == 0
    assert f"cli runs delete {site.run}" in tab.inner_text("main")
    code, said = sent(f"{site.url}/runs/delete", site.run, OWN)
    assert code == 403 and "--allow-write" in said
    assert promoted(site.store) == [site.run]

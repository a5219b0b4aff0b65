"""A small screen with awkward names and a trained run, the explorer on it, and a real browser."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest
import yaml
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

import pharmagraph as pg
from pharmagraph.explorer.server import make_server
from tests.golden.conftest import small_preset

PATIENCE = 60_000
"""Milliseconds that a page may take on a machine that does much else."""
expect.set_options(timeout=PATIENCE)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRUG, GENE, LINE, TISSUE = "synthetic-drug-0001", "SYNTHETICG00001", "synthetic-line-0001", "breast"
AWKWARD = "<img src=x onerror=\"document.title='broken'\">'); MATCH (n) DETACH DELETE n // 💊/é"
"""A drug's name that is HTML, Cypher, an emoji and a path at once."""


@dataclass(frozen=True)
class Site:
    """The explorer, started on a store.

    Attributes
    ----------
    url
        Without a slash at the end.
    store
        URL of the store.
    run
        Id of the promoted run.
    """

    url: str
    store: str
    run: str


@pytest.fixture(scope="session")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store with a made-up screen, known targets, a drug of an awkward name, and a promoted run."""
    folder = tmp_path_factory.mktemp("screen")
    options = yaml.safe_load(small_preset())
    options["network"] |= {"relational": False, "axial": False}
    options["training"]["epochs"] = 4  # so that there is a learning curve
    options["targets"] |= {"steps": 10, "members": 2, "candidate_genes": 60}
    (folder / "process.yaml").write_text(yaml.safe_dump(options))
    with pg.open_store(f"ladybug://{folder / 'graph.lbug'}") as store:
        pg.ingest.synthetic(store, drugs=24, cells=24, genes=60)
        store.upsert_nodes(
            "Drug", pa.table({"id": ["AWKWARD"], "name": [AWKWARD], "aliases": [["it's <b>odd</b>"]]})
        )
        pg.train(store, preset=str(folder / "process.yaml"), promote=True, folder=folder / "runs")
    return folder / "graph.lbug"


@pytest.fixture(scope="session")
def site(screen: Path) -> Iterator[Site]:
    """The explorer on the screen."""
    store = f"ladybug://{screen}"
    with pg.open_store(store, read_only=True) as graph:
        run = pg.Run.open(graph).id
    with Served(store) as url:
        yield Site(url, store, run)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a screen and no run."""
    url = f"ladybug://{tmp_path_factory.mktemp('small') / 'graph.lbug'}"
    with pg.open_store(url) as store:
        pg.ingest.synthetic(store, drugs=12, cells=16, genes=40)
    return url


class Served:
    """A context in which the explorer is served; gives its address."""

    def __init__(self, store: str, **more: Any) -> None:
        self._server = make_server(store, 0, **more)

    def __enter__(self) -> str:
        Thread(target=self._server.serve, daemon=True).start()
        return f"http://127.0.0.1:{self._server.bind_addr[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium for the browser tests; apt-get install chromium")
        pytest.skip("no Chromium for the browser tests; apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def tab(browser: Browser, site: Site) -> Iterator[Page]:
    """A tab of 1280 by 900 pixels; the test fails if a page asks another host for anything, or a script fails."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=site.url)
    context.set_default_timeout(PATIENCE)
    page, elsewhere, failed = context.new_page(), list[str](), list[str]()

    def asked(request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            elsewhere.append(request.url)

    page.on("request", asked)

    def said(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "EvalError" in message.text:
            failed.append(message.text)

    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("console", said)
    yield page
    context.close()
    assert elsewhere == []
    assert failed == []


def opened(tab: Page, address: str) -> str:
    """Go to an address; the heading of the page that appears."""
    tab.goto(address)
    return heading(tab)


def heading(tab: Page) -> str:
    """The heading of the page, once there is one."""
    tab.wait_for_selector("main h1")
    return tab.inner_text("main h1")


def until(tab: Page, holds: str) -> None:
    """Wait until an expression of JavaScript is true; the pages' policy forbids what Playwright's own wait does."""
    end = time.monotonic() + PATIENCE / 1000
    while not tab.evaluate(holds):
        assert time.monotonic() < end, holds
        tab.wait_for_timeout(50)


def rows(text: str) -> list[dict[str, Any]]:
    """Rows that a command printed as JSON."""
    found: list[dict[str, Any]] = json.loads(text)
    return found

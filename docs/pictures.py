"""Pictures of the explorer's pages, taken by Chromium: ``make pictures`` writes them into the folder ``pictures``.

Each page is taken whole, 1280 and 390 pixels wide, in the light and the dark theme; the top of one is
``docs/explorer.png``, which the README shows. The store has to hold a promoted run, as after ``make demo``.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, Page, sync_playwright

from pharmagraph.explorer.server import make_server

DOCS = Path(__file__).resolve().parent
SIZES = ((1280, 900), (390, 844))
IN_README = "drug"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pages(drug: str, gene: str, cell_line: str) -> dict[str, str]:
    """Name of a picture → address of its page."""
    return {
        "home": "/",
        "drug": f"/drug/{drug}",
        "gene-against-response": f"/drug/{drug}?gene={gene}&feature=mutation",
        "gene": f"/gene/{gene}",
        "cell-line": f"/cell-line/{cell_line}",
        "pair": f"/pair/{drug}/{cell_line}",
        "network": f"/network?node=Drug:{drug}",
        "network-expanded": f"/network?node=Drug:{drug}&limit=5&expanded=Gene:{gene}&pinned=Gene:{gene}",
        "paths": f"/network?node=Drug:{drug}&to=CellLine:{cell_line}",
        "predict": "/predict",
        "predicted": f"/predict?ask=1&compounds=CC(=O)Oc1ccccc1C(=O)O aspirin%0A{drug}&cell_lines={cell_line}",
        "suggest": "/suggest?plate=96&by=diverse",
        "structure": "/search?q=CC(=O)Oc1ccccc1C(=O)O",
        "structure-unreadable": "/search?q=CC(=O",
        "query": "/query",
        "named-query": f"/query/top-genes?drug={drug}",
        "runs": "/runs",
        "search": f"/search?q={drug[:-1]}",
        "no-such-page": "/no-such-page",
    }


def take(browser: Browser, url: str, addresses: dict[str, str], folder: Path) -> None:
    """Write every picture into a folder, and the README's into ``docs``."""
    folder.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        for width, height in SIZES:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, base_url=url
            )
            tab = context.new_page()
            tab.set_default_timeout(120_000)
            for name, address in addresses.items():
                _open(tab, address)
                tab.screenshot(path=folder / f"{name}-{width}-{theme}.png", full_page=True)
                if (name, width, theme) == (IN_README, SIZES[0][0], "light"):
                    tab.screenshot(path=DOCS / "explorer.png")
            context.close()


def _open(tab: Page, address: str) -> None:
    tab.goto(address)
    tab.wait_for_selector("main h1")
    tab.wait_for_load_state("networkidle")
    for figure in tab.locator("figure .dash-graph").all():
        figure.locator(".main-svg").first.wait_for()


def main() -> None:
    """Serve a store, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", help="as of every command")
    parser.add_argument("--folder", type=Path, default=Path("pictures"))
    parser.add_argument("--drug", default="Dabrafenib")
    parser.add_argument("--gene", default="BRAF")
    parser.add_argument("--cell-line", default="A375")
    asked = parser.parse_args()
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        parser.error("no Chromium here; apt-get install chromium")
    server = make_server(asked.store, 0)
    Thread(target=server.serve, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        url = f"http://127.0.0.1:{server.bind_addr[1]}"
        take(browser, url, pages(asked.drug, asked.gene, asked.cell_line), asked.folder)
        browser.close()
    server.stop()


if __name__ == "__main__":
    main()

"""Pictures of the explorer's pages, taken by Chromium: ``make pictures`` writes them into the folder ``pictures``.

Each page is taken whole, 1280 and 390 pixels wide, in the light and the dark theme. The top of a few stands in the
README and in ``docs``, with few colours so that they are small. The store has to hold a promoted run, as after
``make demo``.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from threading import Thread

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from pharmagraph.explorer.server import make_server
from pharmagraph.kg import run_register
from pharmagraph.kg.store import open_store

DOCS = Path(__file__).resolve().parent
SIZES = ((1280, 900), (390, 844))
IN_DOCS = {"drug": "explorer.png", "paths": "explorer-paths.png", "suggested": "explorer-plate.png"}
"""Name of a picture → its file in ``docs``."""
N_COLOURS = 64
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def pages(drug: str, gene: str, cell_line: str, pathway: str, runs: Sequence[str]) -> dict[str, str]:
    """Name of a picture → address of its page; of runs, the promoted one is the first."""
    both = f"?first={runs[0]}&second={runs[-1]}"
    return {
        "home": "/",
        "drug": f"/drug/{drug}",
        "gene-against-response": f"/drug/{drug}?gene={gene}&feature=mutation",
        "gene": f"/gene/{gene}",
        "cell-line": f"/cell-line/{cell_line}",
        "tissue": "/tissue/skin",
        "pathway": f"/pathway/{pathway}",
        "pair-form": "/pair",
        "pair": f"/pair/{drug}/{cell_line}",
        "pair-what-if": f"/pair/{drug}/{cell_line}",
        "network-form": "/network",
        "network": f"/network?node=Drug:{drug}",
        "network-expanded": f"/network?node=Drug:{drug}&limit=5&expanded=Gene:{gene}&pinned=Gene:{gene}",
        "paths": f"/network?node=Drug:{drug}&to=CellLine:{cell_line}",
        "paths-to-gene": f"/network?node=Drug:{drug}&to=Gene:{gene}&limit=20",
        "predict": "/predict",
        "predicted": f"/predict?ask=1&compounds={ASPIRIN} aspirin%0A{drug}&cell_lines={cell_line}",
        "predict-wrong": "/predict?ask=1&compounds=c1ccc&cell_lines=NOLINE",
        "suggest": "/suggest",
        "suggested": "/suggest?plate=96&by=diverse&tissue=skin",
        "suggested-compounds": f"/suggest?plate=96&by=uncertainty&compounds={ASPIRIN} aspirin%0A{drug}",
        "suggest-waiting": "/suggest?plate=384&by=gain",
        "suggest-wrong": "/suggest?plate=97",
        "structure": f"/search?q={ASPIRIN}",
        "structure-unreadable": "/search?smiles=CC(=O",
        "query": "/query",
        "free-query": "/query?cypher=MATCH (d:Drug)-[t:TARGETS]->(g:Gene) RETURN d.name AS drug, g.id AS gene LIMIT 5",
        "query-wrong": "/query?cypher=MATCH (d:Drag) RETURN d.name",
        "named-query": f"/query/top-genes?drug={drug}",
        "runs": "/runs",
        "runs-side-by-side": f"/runs{both}",
        "run": f"/runs/{runs[-1]}",
        "search": f"/search?q={drug[:-1]}",
        "no-such-page": "/no-such-page",
    }


def _moved(tab: Page) -> None:
    """Move two sliders, and wait for the answers."""
    for number, end in ((0, "min"), (1, "max")):
        slider = tab.locator(f"#if-{number}")
        slider.fill(slider.get_attribute(end) or "0")
    tab.locator("#together:text('→')").wait_for()
    tab.locator("#if-1-said:text('→')").wait_for()


BEFORE: dict[str, Callable[[Page], None]] = {"pair-what-if": _moved}
"""Name of a picture → what is done on the page before it is taken."""
WAITED_FOR = {"suggested": ".plate", "suggested-compounds": ".plate", "suggest-waiting": "#so-far"}
"""Name of a picture → what has to be on its page."""


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
                if name in WAITED_FOR:
                    tab.wait_for_selector(WAITED_FOR[name])
                if name in BEFORE:
                    BEFORE[name](tab)
                tab.screenshot(path=folder / f"{name}-{width}-{theme}.png", full_page=True)
                if name in IN_DOCS and (width, theme) == (SIZES[0][0], "light"):
                    whole = Image.open(BytesIO(tab.screenshot()))
                    few = whole.convert("RGB").quantize(N_COLOURS, dither=Image.Dither.NONE)
                    few.save(DOCS / IN_DOCS[name], optimize=True)
            context.close()


def _open(tab: Page, address: str) -> None:
    tab.goto(address)
    tab.wait_for_selector("main h1")
    if "by=gain" not in address:  # that page goes on asking
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
    parser.add_argument("--only", action="append", help="a picture by its name; repeatable")
    asked = parser.parse_args()
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        parser.error("no Chromium here; apt-get install chromium")
    with open_store(asked.store, read_only=True) as graph:
        runs = [row["id"] for row in sorted(run_register.runs(graph), key=lambda row: not row["promoted"])]
        of_gene = "MATCH (:Gene {id: $gene})-[:MEMBER_OF]->(p:Pathway) RETURN p.id AS id ORDER BY id LIMIT 1"
        pathway = next((row["id"] for row in graph.rows(of_gene, {"gene": asked.gene})), "none")
    if not runs:
        parser.error("the store has no run; cli train --promote")
    addresses = pages(asked.drug, asked.gene, asked.cell_line, pathway, runs)
    if unknown := set(asked.only or ()) - addresses.keys():
        parser.error(f"no picture {', '.join(sorted(unknown))}; there are {', '.join(addresses)}")
    addresses = {name: addresses[name] for name in asked.only or addresses}
    server = make_server(asked.store, 0)
    Thread(target=server.serve, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        url = f"http://127.0.0.1:{server.bind_addr[1]}"
        take(browser, url, addresses, asked.folder)
        browser.close()
    server.stop()


if __name__ == "__main__":
    main()

"""What is shown in place of a page: an unknown address or name, and a store that does not answer."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer.addresses import address
from pharmagraph.explorer.page import Page, hits, section, sentence
from pharmagraph.kg import search
from pharmagraph.kg.errors import AmbiguousNameError, NotFoundError, PharmagraphError, StoreError
from pharmagraph.kg.store import GraphStore

PAGES = (
    ("Home", "/", "what is in the graph"),
    ("Pair", address("pair"), "why a cell line is predicted to be sensitive to a drug"),
    ("Predict", address("predict"), "how sensitive cell lines are to compounds of your own"),
    ("Suggest", address("suggest"), "a plate of pairs to test next"),
    ("Network", address("network"), "what is around a node, and the paths between two"),
    ("Ask", address("query"), "named queries, and Cypher of your own"),
    ("Runs", address("runs"), "trained networks and their figures"),
    (
        "Structure",
        address("search", smiles="CC(=O)Oc1ccccc1C(=O)O"),
        "drugs of a structure, like it, or that contain it",
    ),
)
"""Words, address, and what a page shows."""


def elsewhere() -> Component:
    """The pages, for who did not find what was looked for."""
    pages = [html.Div([html.Dt(dcc.Link(words, href=href)), html.Dd(about)]) for words, href, about in PAGES]
    return section(
        "All pages",
        html.Dl(pages),
        note="The search above finds drugs, genes, cell lines, tissues and pathways by a name, an alias or an id, and "
        "drugs by a SMILES too.",
    )


def unknown_address(graph: GraphStore, path: str) -> Page:
    """A page for an address that leads nowhere: its last part is looked for."""
    last = path.rstrip("/").rpartition("/")[2]
    found = search.index(graph).find(last, 10)
    body = [
        html.P(
            [
                "No page has the address ",
                html.Code(search_text(path)),
                ". Search above, or go ",
                dcc.Link("home", href="/"),
                ".",
            ]
        )
    ]
    return Page("No such page", [*body, *_listed("Did you mean:", found), elsewhere()])


def refused(error: PharmagraphError, graph: GraphStore | None) -> Page:
    """A page that says why there is none; for a name that is not known, with what is called like it."""
    if isinstance(error, (NotFoundError, AmbiguousNameError)) and graph is not None:
        found = search.index(graph).find(error.name, 10)
        return Page("Not found" if isinstance(error, NotFoundError) else "Which one?",
                    [html.P(sentence(error)), *_listed("Called like this:", found), elsewhere()])  # fmt: skip
    if isinstance(error, StoreError) and graph is None:
        said = "The page is asked for again every few seconds, and appears when the store is back."
        return Page(
            "The store does not answer",
            [html.P(sentence(error), className="notice", role="alert"), html.P(said)],
            retry=True,
        )
    return Page("This cannot be shown", [html.P(sentence(error), className="notice", role="alert")])


def _listed(words: str, found: Sequence[search.Hit]) -> list[Component]:
    return [html.P(words), hits(found)] if found else []


def search_text(text: str) -> str:
    """A text as a page repeats it: not the whole of a very long one."""
    return text if len(text) <= search.LONGEST else f"{text[: search.LONGEST]}…"

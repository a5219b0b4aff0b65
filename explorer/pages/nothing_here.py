"""What is shown in place of a page: an unknown address or name, and a store that does not answer."""

from __future__ import annotations

from dash import dcc, html

from pharmagraph.explorer.page import Page, hits, sentence
from pharmagraph.kg import search
from pharmagraph.kg.errors import AmbiguousNameError, NotFoundError, PharmagraphError, StoreError
from pharmagraph.kg.store import GraphStore


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
    return Page("No such page", [*body, *([html.P("Did you mean:"), hits(found)] if found else [])])


def refused(error: PharmagraphError, graph: GraphStore | None) -> Page:
    """A page that says why there is none; for a name that is not known, with what is called like it."""
    if isinstance(error, (NotFoundError, AmbiguousNameError)) and graph is not None:
        found = search.index(graph).find(error.name, 10)
        return Page("Not found" if isinstance(error, NotFoundError) else "Which one?",
                    [html.P(sentence(error)),
                     *([html.P("Called like this:"), hits(found)] if found else [])])  # fmt: skip
    if isinstance(error, StoreError) and graph is None:
        said = "The page is asked for again every few seconds, and appears when the store is back."
        return Page(
            "The store does not answer",
            [html.P(sentence(error), className="notice", role="alert"), html.P(said)],
            retry=True,
        )
    return Page("This cannot be shown", [html.P(sentence(error), className="notice", role="alert")])


def search_text(text: str) -> str:
    """A text as a page repeats it: not the whole of a very long one."""
    return text if len(text) <= search.LONGEST else f"{text[: search.LONGEST]}…"

"""The Dash application: the frame around the pages, and the one callback that makes a page of an address."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer.addresses import address, read
from pharmagraph.explorer.asking import Asked
from pharmagraph.explorer.page import Page, aria, field, sentence
from pharmagraph.explorer.pages import (
    cell_line,
    drug,
    gene,
    groups,
    home,
    network,
    nothing_here,
    pair,
    predict,
    query,
    runs,
    search,
    suggest,
)
from pharmagraph.kg.errors import PharmagraphError
from pharmagraph.kg.store import GraphStore, open_store

PAGES: dict[str, tuple[Callable[[Asked], Page], Collection[int]]] = {
    "": (home.page, (0,)),
    "search": (search.page, (0,)),
    "drug": (drug.page, (1,)),
    "gene": (gene.page, (1,)),
    "cell-line": (cell_line.page, (1,)),
    "pathway": (groups.pathway, (1,)),
    "tissue": (groups.tissue, (1,)),
    "pair": (pair.page, (0, 2)),
    "predict": (predict.page, (0,)),
    "suggest": (suggest.page, (0,)),
    "query": (query.page, (0, 1)),
    "network": (network.page, (0,)),
    "runs": (runs.page, (0, 1)),
}
"""First part of an address → its page, and how many parts may follow."""
NAVIGATION = (
    ("Home", "/"),
    ("Pair", "/pair"),
    ("Predict", "/predict"),
    ("Suggest", "/suggest"),
    ("Network", "/network"),
    ("Ask", "/query"),
    ("Runs", "/runs"),
)
THEME = 'document.documentElement.dataset.theme = localStorage.getItem("theme") || "";'
INLINE = (THEME,)
"""Scripts of the page itself, which the browser is told to run (`explorer.access`)."""
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" href="data:,">
<script>{%theme%}</script>
{%css%}
</head>
<body>
{%app_entry%}
{%config%}
{%scripts%}
{%renderer%}
</body>
</html>""".replace("{%theme%}", THEME)

_log = logging.getLogger("pharmagraph.explorer")


def make_app(store_url: str | None, *, allow_write: bool = False) -> Dash:
    """The application on a store, which is opened for each page.

    Parameters
    ----------
    store_url
        As `open_store` takes it.
    allow_write
        Whether pages offer to promote and delete runs.
    """
    app = Dash(
        "pharmagraph.explorer",
        title="pharmagraph",
        update_title="",
        serve_locally=True,
        index_string=INDEX,
        suppress_callback_exceptions=True,
        compress=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.layout = _frame()

    @app.callback(  # type: ignore[untyped-decorator, unused-ignore]
        Output("content", "children"),
        Output("page-title", "data"),
        Output("retry", "disabled"),
        Output("retry", "interval"),
        Output("navigation", "children"),
        Output("address", "href"),
        Input("address", "pathname"),
        Input("address", "search"),
        Input("retry", "n_intervals"),
    )
    def _show(path: str | None, given: str | None, _n: int) -> tuple[object, ...]:
        from dash import no_update

        page = page_at(store_url, path, given, allow_write=allow_write)
        href = page.goto or no_update
        title = f"{page.title} · pharmagraph"
        return page.component(), title, not page.retry, page.every, _navigation(path), href

    @app.callback(Output("suggestions", "children"), Input("typed", "data"))  # type: ignore[untyped-decorator, unused-ignore]
    def _suggest(text: str | None) -> list[Component]:
        if not text or not text.strip():
            return []
        try:
            with open_store(store_url, read_only=True) as graph:
                return search.suggestions(graph, text)
        except PharmagraphError as error:
            return [html.P(sentence(error), className="notice")]

    app.clientside_callback(  # type: ignore[no-untyped-call]
        "window.pharmagraph.arrived", Output("page-title", "modified_timestamp"), Input("page-title", "data")
    )
    network.register(app)
    return app


def page_at(store_url: str | None, path: str | None, given: str | None, *, allow_write: bool = False) -> Page:
    """The page of an address; where there is none, a page that says why."""
    parts, values = read(path, given)
    graph: GraphStore | None = None
    try:
        graph = open_store(store_url, read_only=True)
        make, lengths = PAGES.get(parts[0] if parts else "", (None, ()))
        if make is None or len(parts[1:]) not in lengths:
            return nothing_here.unknown_address(graph, "/".join(["", *parts]))
        return make(Asked(graph, parts[1:], values, allow_write))
    except PharmagraphError as error:
        return nothing_here.refused(error, graph)
    except Exception as error:
        _log.exception("%s%s", path, given or "")
        said = f"{type(error).__name__}: {error}"
        return Page(
            "This page failed",
            [html.P(said, className="notice", role="alert"), html.P("The terminal of cli serve shows more.")],
        )
    finally:
        if graph is not None:
            graph.close()


def _frame() -> Component:
    """What stands around every page."""
    return html.Div(
        [
            dcc.Location(id="address", refresh="callback-nav"),
            dcc.Store(id="page-title"),
            dcc.Store(id="typed", data=""),  # the search, set while typing by assets/explorer.js
            dcc.Interval(id="retry", disabled=True),
            html.A("Skip to the content", href="#content", className="skip"),
            html.Header(
                [
                    dcc.Link("pharmagraph", href="/", className="brand"),
                    html.Form(
                        [
                            html.Label("Search", htmlFor="find", className="unseen"),
                            field(
                                id="find",
                                name="q",
                                type="search",
                                placeholder="drug, gene, cell line, … or SMILES",
                                **aria(describedby="suggestions"),
                            ),
                            html.Button("Search", type="submit"),
                            html.Div(id="suggestions", **aria(live="polite")),
                        ],
                        action=address("search"),
                        method="get",
                        role="search",
                    ),
                    html.Nav(_navigation("/"), id="navigation", **aria(label="Pages")),
                    html.Button(
                        "Dark or light",
                        id="theme",
                        className="theme",
                        **aria(label="Switch between the dark and the light theme"),
                    ),
                ]
            ),
            html.Main(html.P("Loading…"), id="content"),
            html.Footer(
                "Attention to a gene is a hypothesis, not a discovery and not a cause. "
                "This page takes nothing from elsewhere."
            ),
        ]
    )


def _navigation(path: str | None) -> list[Component]:
    here = f"/{(path or '/').strip('/').partition('/')[0]}"
    return [dcc.Link(text, href=href, className="here" if href == here else "") for text, href in NAVIGATION]

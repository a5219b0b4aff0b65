"""The Dash application: a page of each address, the first in the layout and the others by one callback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from pharmagraph.explorer.access import LAYOUT
from pharmagraph.explorer.addresses import read
from pharmagraph.explorer.asking import Asked
from pharmagraph.explorer.frame import INDEX, frame, navigation, title_of
from pharmagraph.explorer.page import Page, sentence
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
COMPUTING = ("predict", "suggest", "query")
"""First parts of addresses whose page may take seconds: the frame is shown first."""

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

    def _layout() -> Component:
        at = _asked_for()
        page = page_at(store_url, *at, allow_write=allow_write) if at else None
        return frame() if page is None or page.goto else frame(at, page)

    app.layout = _layout

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
        prevent_initial_call=True,  # the layout has the page, or sets no address, which then is a change
    )
    def _show(path: str | None, given: str | None, _n: int) -> tuple[object, ...]:
        from dash import no_update

        page = page_at(store_url, path, given, allow_write=allow_write)
        href = page.goto or no_update
        return page.component(), title_of(page), not page.retry, page.every, navigation(path), href

    @app.callback(  # type: ignore[untyped-decorator, unused-ignore]
        Output("suggestions", "children"), Input("typed", "data"), prevent_initial_call=True
    )
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


def _asked_for() -> tuple[str, str] | None:
    """Path and query of the address whose layout a browser asks for; None where the page comes after the frame."""
    from flask import has_request_context, request

    if not has_request_context() or request.path != LAYOUT or not request.referrer:
        return None
    of = urlsplit(request.referrer)
    if of.netloc != request.host or of.path.strip("/").partition("/")[0] in COMPUTING:
        return None
    return of.path, f"?{of.query}" if of.query else ""

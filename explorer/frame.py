"""What stands around every page: the document that the browser gets first, and the layout with header and footer."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer.access import LAYOUT
from pharmagraph.explorer.addresses import address
from pharmagraph.explorer.page import Page, aria, field

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
"""Scripts of the document itself, which the browser is told to run (`explorer.access`)."""
FETCHED = (LAYOUT, "/_dash-dependencies")
"""What Dash asks for before it draws anything: the browser fetches it while it still reads the scripts."""
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" href="data:,">
{%fetched%}
<script>{%theme%}</script>
{%css%}
</head>
<body>
{%app_entry%}
{%config%}
{%scripts%}
{%renderer%}
</body>
</html>""".replace("{%theme%}", THEME).replace(
    "{%fetched%}",
    "\n".join(f'<link rel="preload" href="{path}" as="fetch" crossorigin="anonymous">' for path in FETCHED),
)


def title_of(page: Page) -> str:
    """What the browser's tab says."""
    return f"{page.title} · pharmagraph"


def frame(at: tuple[str, str] | None = None, page: Page | None = None) -> Component:
    """The layout: what stands around every page, with the first one in it where its address is known.

    Parameters
    ----------
    at
        Path and query of the address, as the browser has them.
    page
        Its page; without one, the callback of the address makes it.
    """
    given = {"pathname": at[0], "search": at[1]} if at and page else {}
    waits = {"disabled": not page.retry, "interval": page.every} if page else {"disabled": True}
    return html.Div(
        [
            dcc.Location(id="address", refresh="callback-nav", **given),
            dcc.Store(id="page-title", data=title_of(page) if page else None),
            dcc.Store(id="typed", data=""),  # the search, set while typing by assets/explorer.js
            dcc.Interval(id="retry", **waits),
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
                                placeholder="drug, gene, cell line, SMILES",
                                **aria(describedby="suggestions"),
                            ),
                            html.Button("Search", type="submit"),
                            html.Div(id="suggestions", **aria(live="polite")),
                        ],
                        action=address("search"),
                        method="get",
                        role="search",
                    ),
                    html.Nav(navigation(at[0] if at else "/"), id="navigation", **aria(label="Pages")),
                    html.Button(
                        "Dark or light",
                        id="theme",
                        className="theme",
                        **aria(label="Switch between the dark and the light theme"),
                    ),
                ]
            ),
            html.Main(page.component() if page else html.P("Loading…"), id="content"),
            html.Footer(
                "Attention to a gene is a hypothesis, not a discovery and not a cause. "
                "This page takes nothing from elsewhere."
            ),
        ]
    )


def navigation(path: str | None) -> list[Component]:
    """Links to the main pages; that of the path is marked."""
    here = f"/{(path or '/').strip('/').partition('/')[0]}"
    return [dcc.Link(text, href=href, className="here" if href == here else "") for text, href in NAVIGATION]

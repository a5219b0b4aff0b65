"""What a search finds: by name, or by structure where the text is a SMILES; and what is offered while typing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer.addresses import address, page_of
from pharmagraph.explorer.asking import Answer, Asked
from pharmagraph.explorer.examples import beside, examples
from pharmagraph.explorer.page import Field, Page, form, hits, section
from pharmagraph.explorer.pages.nothing_here import elsewhere, search_text
from pharmagraph.explorer.structures import drawing
from pharmagraph.explorer.tables import table
from pharmagraph.kg import search, structure_search, structures
from pharmagraph.kg.errors import shortened
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.structure_search import LEAST_SIMILAR

MOST, SUGGESTIONS, FEW = 50, 8, 10
"""Hits on a page, while typing, and up to which the page also says where else to look."""
DRAWN = 6
"""Structures that are drawn beside each other."""
COLUMNS = ("drug", "name", "similarity", "smiles")
_SOME = """
MATCH (d:Drug) WHERE d.smiles IS NOT NULL AND d.smiles <> ''
RETURN d.id AS id, d.name AS name, d.smiles AS smiles ORDER BY id LIMIT $limit
"""


class Drawn(NamedTuple):
    """A structure as a picture: its drug's name, its SMILES, what is said below, and where it leads."""

    name: str
    smiles: str
    words: str
    href: str


def page(asked: Asked) -> Page:
    """What the text of the search box is the name of, or else the drugs of its structure."""
    if "smiles" in asked.given:
        return _structure(asked, asked.given["smiles"])
    text = asked.given.get("q", "")
    if not text:
        about = html.P("Type a name, an alias, an id or a SMILES above.")
        return Page("Search", [about, _to_go_on(asked)])
    found = search.index(asked.graph).find(text, MOST)
    exact = [hit for hit in found if hit.exact]
    if len(exact) == 1:
        return Page(exact[0].name, [], goto=page_of(exact[0].kind, exact[0].id))
    if not exact and (_is_meant(text, found) or not structures.unreadable(text)):
        return _structure(asked, text)
    if not found:
        return Page(
            "Nothing found",
            [
                html.P(f'No drug, gene, cell line, tissue or pathway is called like "{search_text(text)}".'),
                _to_go_on(asked),
            ],
        )
    sure = "exactly this" if found[0].exact else "like this"
    about = html.P(f"{len(found)} called {sure}, or partly so.")
    few = [_to_go_on(asked)] if len(found) <= FEW else []
    return Page(f"Results for “{search_text(text)}”", [about, hits(found), *few])


def _to_go_on(asked: Asked) -> Component:
    """The pages, and pairs to begin with, for who did not find what was looked for."""
    run = {"run": asked.given.get("run")}
    pairs = examples(asked, lambda row: ("why", address("pair", row["drug"], row["cell_line"], **run)))
    return beside(elsewhere(), pairs)


def suggestions(graph: GraphStore, text: str) -> list[Component]:
    """What is offered while a text is typed."""
    text = text.strip()
    found = search.index(graph).find(text, SUGGESTIONS)
    if any(hit.exact for hit in found):
        return [hits(found)]
    reason = structures.unreadable(text)
    if not reason:
        same = structure_search.index(graph).find(text, "exact")
        named = [search.Hit("Drug", hit.id, hit.name, "the same structure", True) for hit in same]
        more = dcc.Link(
            "Drugs of similar structure, and those that contain it", href=address("search", q=text)
        )
        return [hits([*named, *found][:SUGGESTIONS]), html.P(more, className="more")]
    if _is_meant(text, found):
        return [html.P(f"No name, and no structure: {reason}.", className="notice")]
    return [hits(found)]


def _is_meant(text: str, found: list[search.Hit]) -> bool:
    """Whether a text that is no name can only be meant as a structure."""
    return not found and structures.may_be_meant_as_structure(text)


def _structure(asked: Asked, text: str) -> Page:
    """Drugs that are a structure, are like it, or contain it."""
    errors, at_least = {}, LEAST_SIMILAR
    if reason := structures.unreadable(text):
        errors["smiles"] = f"This is no structure: {reason}."
    try:
        at_least = float(asked.given.get("at_least", LEAST_SIMILAR))
    except ValueError:
        at_least = -1.0
    if not 0 <= at_least <= 1:
        errors["at_least"] = f"“{shortened(asked.given['at_least'])}” is no number from 0 to 1."
    fields = [
        Field("smiles", "Structure", "a SMILES, such as CC(=O)Oc1ccccc1C(=O)O", text),
        Field("at_least", "Similar from", "Tanimoto’s coefficient, 0 to 1", str(LEAST_SIMILAR)),
    ]
    ask = form(address("search"), fields, "Search", given=asked.given, file="structure", errors=errors)
    if errors:
        known = [
            Drawn(
                row["name"] or row["id"],
                row["smiles"],
                "what is like it",
                address("search", smiles=row["smiles"]),
            )
            for row in asked.graph.rows(_SOME, {"limit": DRAWN})
        ]
        begin = section("Structures to begin with", _gallery(known)) if known else None
        return Page("Search by structure", [beside(ask, elsewhere()), *([begin] if begin else [])])
    index = structure_search.index(asked.graph)
    body: list[Component] = [
        html.Div([drawing(text, "what was asked for"), ask], className="card"),
    ]
    nothing: list[str] = []
    for title, how, caption, note, none in (
        (
            "The same structure", "exact", "Drugs of this structure", "By InChIKey, so however it is written.",
            "has this structure",
        ),
        (
            "Similar structures", "similar", f"Drugs of a similarity from {at_least:g}",
            "Tanimoto’s coefficient of Morgan fingerprints, radius 2.",
            f"has a similarity to it of {at_least:g} or more",
        ),
        (
            "Contain it", "substructure", "Drugs that contain the structure",
            "Stereochemistry is not compared. A drug is listed whatever else it has.", "contains it",
        ),
    ):  # fmt: skip
        found = index.find(text, how, at_least=at_least)  # type: ignore[arg-type]  # one of the three
        if not found:
            nothing.append(none)
            continue
        rows = [{"drug": h.id, "name": h.name, "similarity": h.similarity, "smiles": h.smiles} for h in found]
        answer = Answer(COLUMNS, rows).first(MOST)
        more = f", {len(rows):,} in all" if len(rows) > MOST else ""
        drawn = [
            Drawn(h.name, h.smiles, f"similarity {h.similarity:.2f}", page_of("Drug", h.id))
            for h in found[:DRAWN]
        ]
        shown = table(answer, f"{caption}{more}", file=f"structure-{how}")
        body.append(section(title, *([_gallery(drawn)] if how == "similar" else []), shown, note=note))
    if nothing:
        body.insert(1, html.P(f"No drug of the graph {'; none '.join(nothing)}."))
    return Page("Search by structure", body, above="structure")


def _gallery(found: Sequence[Drawn]) -> Component:
    """Structures as pictures."""
    return html.Ul(
        [
            html.Li(
                dcc.Link(
                    [drawing(one.smiles, one.name), html.Strong(one.name), html.Span(one.words)],
                    href=one.href,
                )
            )
            for one in found
        ],
        className="gallery",
    )

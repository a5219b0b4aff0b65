"""Questions: the named queries as forms with their Cypher, and read-only Cypher of the user's own."""

from __future__ import annotations

import json
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph.cypher import catalogue
from pharmagraph.cypher.catalogue import Query
from pharmagraph.explorer.addresses import address
from pharmagraph.explorer.asking import Answer, Asked, free
from pharmagraph.explorer.page import Field, Page, field, form, section, sentence
from pharmagraph.explorer.tables import table
from pharmagraph.kg.errors import NotFoundError, PharmagraphError
from pharmagraph.kg.free_cypher import SHOWN
from pharmagraph.kg.statements import parameter_names

EXAMPLE = """MATCH (d:Drug)-[t:TARGETS]->(g:Gene)
RETURN d.name AS drug, g.id AS gene, t.action AS action
ORDER BY drug LIMIT 20"""


def page(asked: Asked) -> Page:
    """The list of queries and the box for Cypher; with a name in the address, that query."""
    if asked.parts:
        return _named(asked, asked.parts[0])
    text = asked.given.get("cypher", "")
    names = parameter_names(text)
    given = {name: value for key, value in asked.given.items() if (name := key.removeprefix("$")) in names}
    box = html.Form(
        [
            html.Label("Cypher that reads", htmlFor="cypher"),
            dcc.Textarea(id="cypher", name="cypher", value=text or EXAMPLE, rows=6, spellCheck=False),
            *(_field(f"${name}", f"${name}", given.get(name, "")) for name in names),
            html.Button("Ask", type="submit"),
        ],
        action=address("query"),
        method="get",
        className="fields",
    )
    answered: list[Component] = []
    if text and set(names) <= given.keys():
        answered = [
            _answered(
                lambda: free(asked.graph.url, text, {k: _value(v) for k, v in given.items()}),
                "Answer",
                "answer",
            )
        ]
    listed = catalogue.catalogue().values()
    queries = [
        part
        for topic in catalogue.TOPICS
        for part in (
            html.H3(topic),
            html.Ul([_link(q) for q in listed if q.topic == topic], className="queries"),
        )
    ]
    return Page(
        "Ask the graph",
        [
            section(
                "Cypher",
                box,
                *answered,
                note="The engine refuses what would write, read files, or take too long.",
            ),
            section("Named queries", *queries),
        ],
    )


def _link(query: Query) -> Component:
    return html.Li([dcc.Link(query.name, href=address("query", query.name)), html.Span(f" {query.about}")])


def _named(asked: Asked, name: str) -> Page:
    queries = catalogue.catalogue()
    if name not in queries:
        raise NotFoundError("query", name, queries, "see: cli query --list")
    query = queries[name]
    fields = [
        Field(
            p.name,
            p.name.replace("_", " "),
            f"{p.about}{'' if p.default is None else f'; {p.default} unless given'}",
        )
        for p in query.parameters
    ]
    body: list[Component] = [html.P(query.about, className="lead")]
    if fields:
        body.append(form(address("query", name), fields, "Ask", given=asked.given, file="query"))
    needed = {p.name for p in query.parameters if p.default is None}
    if needed <= asked.given.keys():
        body.append(_answered(lambda: _ask(asked, query), query.about, name))
    else:
        body.append(
            html.Details(
                [html.Summary("Cypher"), html.Pre(html.Code(query.text), tabIndex="0")],
                open=True,
                className="cypher",
            )
        )
    body.append(html.P(dcc.Link("All queries", href=address("query"))))
    return Page(name, body, above="named query")


def _ask(asked: Asked, query: Query) -> Answer:
    listed = {p.name for p in query.parameters}
    given: dict[str, Any] = {k: v for k, v in asked.given.items() if k in listed}
    return asked.named(query.name, **given).first(SHOWN.rows)


def _answered(ask: Any, caption: str, file: str) -> Component:
    try:
        return table(ask(), caption, file=file, as_asked=True)
    except PharmagraphError as error:
        return html.P(sentence(error), className="notice", role="alert")


def _field(name: str, label: str, value: str) -> Component:
    return html.Div(
        [
            html.Label(label, htmlFor=f"p-{name[1:]}"),
            field(id=f"p-{name[1:]}", name=name, value=value, type="text"),
        ],
        className="field",
    )


def _value(text: str) -> Any:
    """A parameter as it was typed: JSON, such as a list, or else as `cli query` reads it."""
    if text[:1] in '[{"':
        try:
            return json.loads(text)
        except ValueError:
            return text
    return catalogue.literal(text)

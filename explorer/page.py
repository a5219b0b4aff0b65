"""What a page is, and the parts that pages share: sections, notes, definitions, forms, what is said of errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer.addresses import page_of
from pharmagraph.kg.console import cell
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.search import Hit

WORDS = {"Drug": "drug", "Gene": "gene", "CellLine": "cell line", "Pathway": "pathway", "Tissue": "tissue"}
"""Kind → the word for it."""
SHORT = 48
"""Signs of a hint, and of a value, up to which two fields stand beside each other on a phone."""
NO_RUN = "No run is promoted, so there is nothing of a network here. Next: cli train --promote"


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes
    ----------
    title
        Its heading, and the title of the browser's tab.
    body
        What stands below the heading.
    above
        A few words above the heading, such as the kind of thing.
    retry
        Whether the browser asks again by itself: the store may be back, or what is computed be there.
    every
        Milliseconds after which it does.
    goto
        Address of the page to show instead.
    """

    title: str
    body: Sequence[Component]
    above: str = ""
    retry: bool = False
    every: int = 3000
    goto: str | None = None

    def component(self) -> Component:
        """The page as Dash takes it."""
        kind = [html.P(self.above, className="kind")] if self.above else []
        return html.Article([*kind, html.H1(self.title, tabIndex="-1"), *self.body])


def aria(**given: str) -> dict[str, Any]:
    """What is said to screen readers: ``label="…"`` is the attribute ``aria-label``."""
    return {f"aria-{name}": value for name, value in given.items()}


def field(**attributes: str) -> Component:
    """A field of the browser's own, which `assets/explorer.js` makes of the span: an input, textarea or select.

    Dash sets the text of its inputs anew while somebody types; on a slow machine letters then change places.
    """
    given: dict[str, Any] = {"data-attributes": json.dumps(attributes)}
    return html.Span(className="input", **given)


def sentence(said: object) -> str:
    """A message with one full stop; those of an engine have one already."""
    return f"{str(said).rstrip('.')}."


def section(title: str, *content: Component, note: str = "") -> Component:
    """A part of a page under a heading, with a note on what its numbers mean and do not mean."""
    about = [html.P(note, className="note")] if note else []
    return html.Section([html.H2(title), *about, *content])


def definitions(pairs: Iterable[tuple[str, Any]]) -> Component:
    """Names with their values; those without a value are left out."""
    shown = [(name, value) for name, value in pairs if value not in (None, "", [], ())]
    return html.Dl(
        [
            html.Div([html.Dt(name), html.Dd(value if isinstance(value, Component) else cell(value))])
            for name, value in shown
        ]
    )


def hits(found: Sequence[Hit]) -> Component:
    """What a search found, as a list of links."""
    return html.Ul([html.Li(_hit(hit)) for hit in found], className="hits")


def _hit(hit: Hit) -> Component:
    said = [html.Span(hit.name, className="name"), html.Span(WORDS[hit.kind], className="kind")]
    if hit.spelling not in (hit.name, hit.id):
        said.append(html.Span(f"also {hit.spelling}", className="also"))
    return dcc.Link(said, href=page_of(hit.kind, hit.id))


class FieldError(InputError):
    """What is wrong with one field of a form."""

    def __init__(self, name: str, message: object) -> None:
        super().__init__(str(message))
        self.name = name


class Field(NamedTuple):
    """A field of a form.

    Attributes
    ----------
    name
        Of the parameter in the address.
    label, hint
        What stands above it and below it.
    default
        What it holds unless the address says otherwise.
    kind
        ``text``, ``number``, ``textarea``, ``select``, ``file`` or ``hidden``.
    options
        Of a ``select`` the values, each with its words.
    more
        Further attributes of the element, such as ``accept``.
    """

    name: str
    label: str
    hint: str = ""
    default: str = ""
    kind: str = "text"
    options: Sequence[tuple[str, str]] = ()
    more: Mapping[str, str] = {}


def form(
    action: str,
    fields: Sequence[Field],
    button: str,
    *,
    given: Mapping[str, str],
    file: str,
    errors: Mapping[str, str] = {},
) -> Component:
    """A form that leads to an address with its fields as parameters.

    Parameters
    ----------
    action
        Path of the address.
    fields
        In order.
    button
        What its button says.
    given
        Values that are filled in.
    file
        Prefix of the fields' ids, which no other form of the page has.
    errors
        Name of a field → what is wrong with it, which is said beside it.
    """
    rows = [_row(one, given.get(one.name, one.default), file, errors.get(one.name, "")) for one in fields]
    return html.Form(
        [*rows, html.Button(button, type="submit")], action=action, method="get", className="fields"
    )


def _row(one: Field, value: str, file: str, error: str) -> Component:
    id_ = f"{file}-{one.name}"
    if one.kind == "hidden":
        return field(id=id_, name=one.name, value=one.default, type=one.kind)
    about = " ".join([f"{id_}-wrong"] * bool(error) + [f"{id_}-hint"] * bool(one.hint))
    said = aria(describedby=about) if about else {}
    attributes = {"id": id_, "name": one.name, "value": value, "type": one.kind, **one.more, **said}
    if error:
        attributes |= aria(invalid="true")
    if one.kind == "select":
        if value not in dict(one.options):  # an address may say anything; a select would stay empty
            attributes["value"] = one.default or one.options[0][0]
        attributes["options"] = json.dumps(list(one.options))
    wrong = html.P(error, id=f"{id_}-wrong", className="notice", role="alert") if error else None
    hint = html.Small(one.hint, id=f"{id_}-hint") if one.hint else None
    short = one.kind in ("text", "number") and not error and max(len(one.hint), len(value)) <= SHORT
    kind = "field short" if short else "field"
    return html.Div([html.Label(one.label, htmlFor=id_), field(**attributes), wrong, hint], className=kind)

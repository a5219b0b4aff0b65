"""Shows answers as tables: names are links, the rows can be saved as CSV and Parquet, and the Cypher stands below."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer import files
from pharmagraph.explorer.addresses import address, page_of
from pharmagraph.explorer.asking import Answer
from pharmagraph.explorer.page import aria
from pharmagraph.kg.console import cell, flat, no_formula

if TYPE_CHECKING:
    import pyarrow as pa

KIND_OF_COLUMN = {
    "drug": "Drug",
    "gene": "Gene",
    "interacts_with": "Gene",
    "cell_line": "CellLine",
    "tissue": "Tissue",
    "pathway": "Pathway",
}
"""Column → the kind of thing whose page its values lead to."""
NAMED = ("drug", "cell_line")
"""Columns of ids whose names, in a column after them, are shown in their place; files have both."""
SEEN = 15
"""Rows that a table shows at once; of one that has more, their number is told."""
WORDS_OF: dict[str, dict[Any, str]] = {"response": {0: "resistant", 1: "sensitive"}}
"""Column → its values in words, for the eye; files have the values."""
HEADS = {"sensitive": "share sensitive"}
"""Column → what stands above it instead of its name, where that alone does not tell what it is."""
LONG = 28
"""Signs of a text from which those of its column may take several lines; others stay in one."""

Link = Callable[[Mapping[str, Any]], tuple[str, str] | list[tuple[str, str]] | None]
"""A row → text and address of a link at its end, or of several."""


def table(
    answer: Answer,
    caption: str,
    *,
    file: str,
    link: Link | None = None,
    texts: Collection[str] = (),
    whole: Answer | pa.Table | None = None,
    as_asked: bool = False,
    names: Mapping[str, Mapping[str, str]] = {},
    stacked: bool = False,
) -> Component:
    """An answer as a table.

    Parameters
    ----------
    answer
        Its rows, all of which are shown.
    caption
        What the table holds, for the eye and for screen readers.
    file
        Name of the files, without their ending.
    link
        Makes a link at the end of each row, such as to a page about a pair.
    texts
        Columns whose values are no names of the graph, and lead nowhere.
    whole
        What the files have, where that is more than is shown.
    as_asked
        Whether every column is shown as it is: names beside ids, and columns without a value.
    names
        Column of ids → id → what is shown in its place, where the rows have no column of names.
    stacked
        Whether on a phone the cells of a row stand one after the other, long ones in lines of their own, so that all
        of them are in sight.
    """
    if not answer.rows:
        return html.Div(
            [html.P(f"{caption}: no rows.", className="nothing"), cypher(answer)], className="table"
        )
    named = set() if as_asked else _named(answer.columns)
    columns = list(answer.columns) if as_asked else _worth_showing(answer, named)
    words = {} if as_asked else WORDS_OF
    numeric = {c for c in columns if c not in words and all(_is_number(row.get(c)) for row in answer.rows)}
    shown_rows = [_shown(row, columns, words, named, names) for row in answer.rows]
    long = {c for c in columns if any(len(cell(row[c])) >= LONG for row in shown_rows)} - numeric
    of = {c: "n" if c in numeric else "long" if c in long else "" for c in columns}
    heads = [html.Th(_words(c, as_asked), scope="col", className=of[c]) for c in columns]
    if link is not None:
        heads.append(html.Th(html.Span("more", className="unseen"), scope="col"))
    beside: dict[str, dict[str, Any]] = (
        {c: {"data-head": _words(c, as_asked)} for c in columns} if stacked else {}
    )
    body = []
    for row, shown in zip(answer.rows, shown_rows, strict=True):
        cells = [_cell(c, row.get(c), shown[c], of[c], c in texts, beside.get(c, {})) for c in columns]
        body.append(html.Tr([*cells, *_end(row, link)]))
    note = f"; {len(answer.rows):,} rows" if len(answer.rows) > SEEN else ""
    if answer.are_more:
        note = f". These are the first {len(answer.rows):,} rows; there are more"
    return html.Div(
        [
            html.P(f"{caption.removesuffix('.')}{note}.", className="caption"),
            html.Div(
                html.Table([html.Thead(html.Tr(heads)), html.Tbody(body)], **aria(label=caption)),
                className="scroll",
                tabIndex="0",
                role="region",
                **aria(label=caption),
            ),
            html.Div([*saved(answer, file, caption, whole), cypher(answer)], className="below"),
        ],
        className="table stacked" if stacked else "table",
    )


def saved(answer: Answer, file: str, what: str, whole: Answer | pa.Table | None = None) -> list[Component]:
    """Buttons that save an answer's rows, or a whole table, as CSV and Parquet; numbers keep all their digits."""
    files.offer(file, answer if whole is None else whole)
    parquet: dict[str, Any] = {"data-save": f"{file}.parquet", **aria(label=f"Parquet of: {what}")}
    buttons = html.Button("Parquet", className="csv", type="button", **parquet)
    if whole is None or isinstance(whole, Answer):
        return [in_page_csv(whole or answer, file, what), buttons]
    given: dict[str, Any] = {"data-save": f"{file}.csv", **aria(label=f"CSV of: {what}")}
    return [html.Button("CSV", className="csv", type="button", **given), buttons]


def in_page_csv(answer: Answer, file: str, what: str, said: str = "CSV") -> Component:
    """A button that saves rows that the page has as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows([no_formula(flat(row.get(c))) for c in answer.columns] for row in answer.rows)
    given: dict[str, Any] = {
        "data-csv": text.getvalue(),
        "data-file": f"{file}.csv",
        "aria-label": f"CSV of: {what}",
    }
    return html.Button(said, className="csv", type="button", **given)


def cypher(answer: Answer) -> Component:
    """The Cypher of an answer, folded away, with its parameters and a link that asks it again."""
    if not answer.cypher:
        return html.Span()
    again = (
        address("query", answer.query, **answer.parameters)
        if answer.query
        else address("query", cypher=answer.cypher, **_as_given(answer.parameters))
    )
    parameters = json.dumps(dict(answer.parameters), ensure_ascii=False)
    shown = answer.cypher.strip() + (f"\n\n// {parameters}" if answer.parameters else "")
    return html.Details(
        [
            html.Summary("Cypher"),
            html.Pre(html.Code(shown), tabIndex="0"),
            dcc.Link("Ask this, or change it", href=again),
        ],
        className="cypher",
    )


def _as_given(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Parameters of free Cypher as an address has them."""
    return {
        f"${name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in parameters.items()
    }


def _words(column: str, as_asked: bool) -> str:
    return (column if as_asked else HEADS.get(column, column)).replace("_", " ")


def _worth_showing(answer: Answer, named: Collection[str]) -> list[str]:
    """Columns that have a value, without those of names that stand in the place of an id."""
    columns = [c for c in answer.columns if any(row.get(c) not in (None, "", []) for row in answer.rows)]
    return [c for c in columns if c != "name" or not named]


def _named(columns: Sequence[str]) -> set[str]:
    """The column of ids that is followed by one of their names."""
    return {c for c, after in pairwise(columns) if c in NAMED and after == "name"}


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _shown(
    row: Mapping[str, Any],
    columns: Sequence[str],
    words: Mapping[str, Mapping[Any, str]],
    named: Collection[str],
    names: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """What stands in each column of a row: words for values, and names for ids."""
    shown = {c: words[c].get(row.get(c), row.get(c)) if c in words else row.get(c) for c in columns}
    shown |= {c: row.get("name") or row.get(c) for c in columns if c in named}
    return shown | {c: names[c][row[c]] for c in columns if row.get(c) in names.get(c, ())}


def _cell(column: str, value: Any, shown: Any, of: str, is_text: bool, more: Mapping[str, Any]) -> Component:
    text = cell(shown)
    kind = None if is_text else KIND_OF_COLUMN.get(column)
    if kind and isinstance(value, str) and value:
        return html.Td(dcc.Link(text, href=page_of(kind, value)), className=of, **more)
    return html.Td(text, className=of, **more)


def _end(row: Mapping[str, Any], link: Link | None) -> list[Component]:
    if link is None:
        return []
    made = link(row)
    links = made if isinstance(made, list) else [made] if made else []
    return [html.Td([part for text, href in links for part in (dcc.Link(text, href=href), " ")])]

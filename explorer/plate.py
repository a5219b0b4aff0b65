"""Draws a plate as a grid that a keyboard and a screen reader walk through; each well says what it holds, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from pharmagraph.explorer.page import aria
from pharmagraph.kg.console import cell
from pharmagraph.kg.figures import COLOURS
from pharmagraph.kg.shown_names import row_shown
from pharmagraph.model.suggest.plate import EMPTY, POSITIVE, SIZES, VEHICLE

_CONTROLS = {VEHICLE: "#d9d9d9", POSITIVE: "#404040", EMPTY: "transparent"}
_LOW, _MIDDLE, _HIGH = (213, 94, 0), (245, 245, 245), (0, 114, 178)
"""Vermilion is resistant and blue is sensitive, as everywhere."""
_BRIGHT = 0.179
"""Relative luminance from which black ink has more contrast than white."""

Row = Mapping[str, Any]


def grid(rows: Sequence[Row], names: Mapping[str, Mapping[str, str]], title: str) -> Component:
    """The wells of a plate, and below them what the one in focus holds.

    Parameters
    ----------
    rows
        All wells in order, as `pharmagraph.suggesting.plate_rows`.
    names
        What drugs and cell lines are called, of `kg.shown_names.all_shown`.
    title
        What the plate is, for screen readers.
    """
    _, n_columns = SIZES[len(rows)]
    drugs = list(dict.fromkeys(row["drug"] for row in rows if row["drug"] is not None))
    of_drug = dict(zip(drugs, COLOURS, strict=False)) if len(drugs) <= len(COLOURS) else {}
    column = "probability" if "probability" in rows[0] else "ln_ic50"
    values = sorted(row[column] for row in rows if row[column] is not None)
    heads = [html.Th("", scope="col"), *(html.Th(str(n + 1), scope="col") for n in range(n_columns))]
    body = []
    for start in range(0, len(rows), n_columns):
        wells = [
            _well(row, names, column, of_drug.get(row["drug"]) or _shade(row, column, values), start + n == 0)
            for n, row in enumerate(rows[start : start + n_columns])
        ]
        letter = rows[start]["well"].rstrip("0123456789")
        body.append(html.Tr([html.Th(letter, scope="row"), *wells]))
    return html.Div(
        [
            html.Div(
                html.Table([html.Thead(html.Tr(heads)), html.Tbody(body)], role="grid", **aria(label=title)),
                className=f"plate plate-{len(rows)}",
            ),
            html.Div(
                [
                    html.P(
                        "Choose a well, with the arrow keys too: its reason stands here.",
                        id="well",
                        **aria(live="polite"),
                    ),
                    _legend(of_drug, names["drug"], column),
                ],
                className="of-plate",
            ),
        ],
        className="card",
    )


def _well(
    row: Row, names: Mapping[str, Mapping[str, str]], column: str, colour: str, first: bool
) -> Component:
    said = f"{row['well']}: {row['kind']}"
    if row["drug"] is not None:
        called = row_shown(row, names)
        pair = f"{called['drug']} on {called['cell_line']}"
        dose = f", dose {row['dose']}" if row["dose"] else ""
        predicted = f"{column.replace('_', ' ')} {cell(row[column])}"
        said = f"{row['well']}: {pair}{dose}, number {row['rank']}, {predicted}. {row['reason']}."
    given: dict[str, Any] = {"data-said": said, "title": said, **aria(label=said)}
    return html.Td(
        str(row["rank"] or ""),
        role="gridcell",
        tabIndex="0" if first else "-1",
        style={"backgroundColor": colour, "color": _ink(colour)},
        **given,
    )


def _shade(row: Row, column: str, values: Sequence[float]) -> str:
    if row["drug"] is None:
        return _CONTROLS[row["kind"]]
    low, high = (0.0, 1.0) if column == "probability" else (values[0], values[-1])
    part = (row[column] - low) / (high - low) if high > low else 0.5
    part = part if column == "probability" else 1 - part
    ends, share = ((_LOW, _MIDDLE), 2 * part) if part < 0.5 else ((_MIDDLE, _HIGH), 2 * part - 1)
    return "#" + "".join(
        f"{round(a + (b - a) * min(max(share, 0), 1)):02x}" for a, b in zip(*ends, strict=True)
    )


def _ink(colour: str) -> str:
    if not colour.startswith("#"):
        return "inherit"
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "#000000" if luminance >= _BRIGHT else "#ffffff"


def _legend(of_drug: Mapping[str, str], names: Mapping[str, str], column: str) -> Component:
    marks = [(VEHICLE, _CONTROLS[VEHICLE]), (POSITIVE, _CONTROLS[POSITIVE])]
    marks += [(names.get(drug, drug), colour) for drug, colour in of_drug.items()]
    if not of_drug:
        words = "predicted"
        ends = ("0", "1") if column == "probability" else ("the highest ln IC50", "the lowest ln IC50")
        marks += [
            (f"{words}: {ends[0]}, resistant", "#d55e00"),
            (f"{words}: {ends[1]}, sensitive", "#0072b2"),
        ]
    return html.Ul(
        [
            html.Li([html.Span(className="mark", style={"backgroundColor": colour}), said])
            for said, colour in marks
        ],
        className="legend",
    )

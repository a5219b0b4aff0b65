"""Draws plain charts as inline SVG, so that a page opens without a network and prints well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

WIDTH, ROW, LEFT, RIGHT = 640, 22, 190, 70


def bars(
    rows: Sequence[tuple[str, float, float | None]], *, unit: str = "", marked: Sequence[bool] | None = None
) -> str:
    """Horizontal bars, one per row, with a whisker of one standard deviation to both sides.

    Parameters
    ----------
    rows
        Label, value (at least 0), and standard deviation or None.
    unit
        Unit of the values, for the axis.
    marked
        Whether a row has the accent colour.
    """
    if not rows:
        return "<p>Nothing to show.</p>"
    top = max(value + (deviation or 0) for _, value, deviation in rows) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / top
    height = ROW * len(rows) + 24
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img">']
    for number, (label, value, deviation) in enumerate(rows):
        y = ROW * number
        style = "marked" if marked is not None and marked[number] else "bar"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(_short(label))}</text>')
        parts.append(
            f'<rect class="{style}" x="{LEFT}" y="{y + 3}" width="{max(value * scale, 0.5):.1f}" height="{ROW - 8}"/>'
        )
        if deviation:
            a, b = LEFT + max(value - deviation, 0) * scale, LEFT + (value + deviation) * scale
            parts.append(f'<line x1="{a:.1f}" x2="{b:.1f}" y1="{y + 10}" y2="{y + 10}"/>')
        end = LEFT + (value + (deviation or 0)) * scale + 6
        parts.append(f'<text x="{end:.1f}" y="{y + 15}">{value:.3g}</text>')
    if unit:
        parts.append(f'<text class="axis" x="{LEFT}" y="{height - 4}">{escape(unit)}</text>')
    return "".join(parts) + "</svg>"


def lines(
    series: Sequence[tuple[str, Sequence[float], Sequence[float]]], *, x_label: str, y_label: str
) -> str:
    """A line chart whose axes start at 0; a series is its name, x and y, and values that are not finite are left
    out."""
    points = [
        (name, [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y)])
        for name, xs, ys in series
    ]
    every = [p for _, found in points for p in found]
    if not every:
        return "<p>Nothing to show.</p>"
    height, left, bottom = 260, 60, 40
    x_top, y_top = max(x for x, _ in every) or 1.0, max(y for _, y in every) or 1.0
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img">']

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x / x_top * (WIDTH - left - 150), (height - bottom) * (1 - y / y_top) + 10

    (x0, y0), (x1, _), (_, y1) = at(0, 0), at(x_top, 0), at(0, y_top)
    parts.append(f'<path class="frame" d="M{x0:.0f} {y1:.0f}V{y0:.0f}H{x1:.0f}"/>')
    for value, x, y, anchor in (
        (f"{y_top:.3g}", x0 - 6, y1 + 4, "end"),
        ("0", x0 - 6, y0 + 4, "end"),
        (f"{x_top:.3g}", x1, y0 + 16, "middle"),
    ):
        parts.append(f'<text class="axis" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{value}</text>')
    parts.append(
        f'<text class="axis" x="{(x0 + x1) / 2:.0f}" y="{height - 6}" text-anchor="middle">{escape(x_label)}</text>'
    )
    parts.append(f'<text class="axis" x="{x0 + 6:.0f}" y="{y1 + 4:.0f}">{escape(y_label)}</text>')
    for number, (name, found) in enumerate(points):
        if found:
            path = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y in found)
            x, y = at(*found[-1])
            parts.append(f'<polyline class="s{number}" points="{path}"/>')
            parts.append(f'<text class="t{number}" x="{x + 6:.1f}" y="{y + 4:.1f}">{escape(name)}</text>')
    return "".join(parts) + "</svg>"


def table(rows: Sequence[dict[str, object]], columns: Sequence[str]) -> str:
    """An HTML table of some columns; numbers are aligned to the right, missing values are empty."""
    if not rows:
        return "<p>Nothing to show.</p>"
    head = "".join(f"<th>{escape(c.replace('_', ' '))}</th>" for c in columns)
    body = []
    for row in rows:
        cells = []
        for c in columns:
            value = row.get(c)
            kind = ' class="n"' if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
            cells.append(f"<td{kind}>{escape(_cell(value))}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _short(label: str) -> str:
    return label if len(label) <= 26 else label[:25] + "…"

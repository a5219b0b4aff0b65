"""Draws figures as Plotly takes them: plain dictionaries, in colours that colour-blind people tell apart.

The explorer's pages and the cards of notebooks show them. Text and grid lines are coloured by the page, so that a
figure fits the light and the dark theme.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle
from typing import Any

ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
"""The palette of Okabe and Ito, without black."""
OTHERS = "#8A8A8A"
KNOWN = "★"
_NARROW = 120
"""More bars than these stand without a gap."""
COLOURS = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW)
_DASHES = ("solid", "dash", "dot", "dashdot")
SENSITIVE, RESISTANT = BLUE, VERMILION
_FEATURES = {"mutation": ", mutated", "copy_number": ", copies", "dependency": ", knock-out"}

Figure = dict[str, Any]
Row = Mapping[str, Any]


def waterfall(
    rows: Sequence[Row], *, value: str, of: str, by: str | None, title: str, bars: str = "rows"
) -> Figure:
    """Bars of a value, lowest first, coloured by the groups that are most frequent among the lowest quarter.

    Parameters
    ----------
    rows
        With numbers under ``value``.
    value, of, by
        Columns: the value, the name of each bar, and what colours it; without ``by`` all have one colour.
    title
        Of the axis of values.
    bars
        What the bars are, for the other axis, such as ``cell lines``.
    """
    ordered = sorted((row for row in rows if row[value] is not None), key=lambda row: row[value])
    place = {id(row): n for n, row in enumerate(ordered)}
    counts = Counter(row[by] for row in ordered if row[by]) if by else Counter[str]()
    lowest = Counter(row[by] for row in ordered[: -(-len(ordered) // 4)]) if by else Counter[str]()
    frequent = sorted(counts, key=lambda group: (-lowest[group], -counts[group], group))[: len(COLOURS)]
    groups: dict[str, list[Row]] = {}
    for row in ordered:
        group = row[by] if by and row[by] in frequent else "other"
        groups.setdefault(group, []).append(row)
    colour_of = dict(zip(frequent, COLOURS, strict=False)) | {"other": OTHERS if by else BLUE}
    traces = [
        {
            "type": "bar",
            "name": escape(group),
            "x": [place[id(row)] for row in groups[group]],
            "y": [row[value] for row in groups[group]],
            "customdata": [
                [escape(str(row[of])), escape(str((row[by] if by else "") or ""))] for row in groups[group]
            ],
            "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<br>%{y:.3g}<extra></extra>",
            "width": 1 if len(ordered) > _NARROW else 0.8,
            "marker": {"color": colour_of[group], "line": {"width": 0}},
        }
        for group in [*frequent, "other"]
        if group in groups
    ]
    layout = _layout(360, y=title, legend=by is not None)
    layout["xaxis"] |= {
        "showticklabels": False,
        "showgrid": False,
        "title": layout["xaxis"]["title"] | {"text": f"{len(ordered):,} {bars}, the most sensitive first"},
    }
    layout["barmode"] = "overlay"
    return {"data": traces, "layout": layout}


def effects(rows: Sequence[Row], of: str) -> Figure:
    """Effects on response, a bar a row, by the columns ``of``, ``feature``, ``effect`` and ``known``; known ones have a
    star."""
    labels = [
        f"{row[of]}{_FEATURES.get(row['feature'], '')}{f' {KNOWN}' if row['known'] else ''}" for row in rows
    ]
    return signed_bars(labels, [row["effect"] for row in rows], title="resistant ← → sensitive")


def signed_bars(labels: Sequence[str], values: Sequence[float], *, title: str) -> Figure:
    """Horizontal bars to both sides of 0, the first on top; blue above 0, vermilion below."""
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        "y": list(range(len(labels))),
        "customdata": [escape(label) for label in labels],
        "hovertemplate": "%{customdata}<br>%{x:.3g}<extra></extra>",
        "marker": {"color": [SENSITIVE if v >= 0 else RESISTANT for v in values]},
    }
    layout = _layout(70 + 24 * len(labels), x=title)
    layout["yaxis"] |= {
        "tickmode": "array",
        "tickvals": list(range(len(labels))),
        "ticktext": [escape(_short(label)) for label in labels],
        "autorange": "reversed",
        "automargin": True,
        "title": None,
    }
    layout["xaxis"]["zeroline"] = True
    return {"data": [trace], "layout": layout}


def scatter(rows: Sequence[Row], *, x: str, y: str, of: str, x_title: str, y_title: str) -> Figure:
    """A point a row, by two columns of numbers."""
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [row[x] for row in rows],
        "y": [row[y] for row in rows],
        "text": [escape(str(row[of])) for row in rows],
        "hovertemplate": "%{text}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
        "marker": {"color": BLUE, "size": 7, "opacity": 0.65},
    }
    return {"data": [trace], "layout": _layout(380, x=x_title, y=y_title)}


def curves(groups: Mapping[str, Sequence[Row]], *, x: str, y: str, x_title: str, y_title: str) -> Figure:
    """A line for each group, with a point a row, by two columns of numbers."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": escape(group),
            "x": [row[x] for row in rows],
            "y": [row[y] for row in rows],
            "hovertemplate": f"{escape(group)}<br>%{{x}}: %{{y:.4g}}<extra></extra>",
            "line": {"color": colour, "width": 2, "dash": dash},
            "marker": {"color": colour, "size": 7},
        }
        for (group, rows), colour, dash in zip(groups.items(), cycle(COLOURS), cycle(_DASHES), strict=False)
    ]
    return {"data": traces, "layout": _layout(320, x=x_title, y=y_title, legend=len(groups) > 1)}


def strips(groups: Mapping[str, Sequence[Row]], *, y: str, of: str, y_title: str) -> Figure:
    """The values of several groups side by side: their quartiles, and every point."""
    traces = [
        {
            "type": "box",
            "name": f"{escape(group)}<br>(n = {len(rows)})",  # in two lines it is not turned on a phone
            "y": [row[y] for row in rows],
            "text": [escape(str(row[of])) for row in rows],
            "hovertemplate": "%{text}<br>%{y:.3g}<extra></extra>",
            "boxpoints": "all",
            "jitter": 0.6,
            "pointpos": 0,
            "fillcolor": "rgba(0,0,0,0)",
            "line": {"color": colour, "width": 1.5},
            "marker": {"color": colour, "size": 5, "opacity": 0.6},
        }
        for (group, rows), colour in zip(groups.items(), COLOURS, strict=False)
    ]
    return {"data": traces, "layout": _layout(380, y=y_title)}


def _short(label: str, longest: int = 28) -> str:
    return label if len(label) <= longest else f"{label[: longest - 1]}…"


def _layout(height: int, *, x: str = "", y: str = "", legend: bool = False) -> Figure:
    axis = {"zeroline": False, "automargin": True, "gridcolor": "rgba(128,128,128,0.25)", "fixedrange": False}
    return {
        "height": height,
        "margin": {"l": 56, "r": 12, "t": 12, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "showlegend": legend,
        "legend": {"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom"},
        "xaxis": axis | {"title": {"text": x, "font": {"size": 13}}},
        "yaxis": axis | {"title": {"text": y, "font": {"size": 13}}},
        "hoverlabel": {"align": "left"},
    }

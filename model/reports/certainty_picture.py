"""Draws an evaluation of intervals: reliability, error and width by distance, and the error of the surest pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pharmagraph.model.certainty.certainty import LEVELS
from pharmagraph.model.evaluation.certainty_figures import ANSWERED, BINS, DISTANCES

Figures = Mapping[tuple[str, str], Mapping[str, float]]


def write_picture(path: Path, measurements: Sequence[tuple[str, Figures]]) -> None:
    """Write an SVG with a line for the first model of each measurement, given with its title."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "certainty", "font.size": 8}):
        figure = Figure(figsize=(11, 4.2))
        reliability, distance, surest = figure.subplots(1, 3)
        reliability.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for number, (title, found) in enumerate(measurements):
            model, colour = next(iter(found["coverage-90", "pooled"])), f"C{number % 10}"
            _line(reliability, *_reliability(found, model), colour, title)
            for metric, style in (("error", "-"), ("width-90", "--")):
                points = [
                    (found["distance", name][model], found[metric, name][model])
                    for name in (f"distance-{n + 1}" for n in range(DISTANCES))
                    if (metric, name) in found
                ]
                _line(distance, *_columns(points), colour, None, style)
            points = [
                (share, value)
                for share in ANSWERED
                for metric in ("rmse-answered", "accuracy-answered")
                if (value := found.get((metric, f"answered-{share:.0%}"), {}).get(model)) is not None
            ]
            if ("rmse-answered", "answered-100%") not in found:
                points = [(share, 1 - value) for share, value in points]
            _line(surest, *_columns(points), colour, None)
        for axes, x, y in (
            (reliability, "stated", "held"),
            (distance, "distance to training", "ln µmol/l"),
            (surest, "share answered, the surest first", "rmse (ln µmol/l), or share of wrong classes"),
        ):
            axes.set_xlabel(x)
            axes.set_ylabel(y)
        distance.set_ylim(bottom=0)
        surest.set_ylim(bottom=0)
        figure.legend(loc="lower center", ncols=3, frameon=False)
        figure.tight_layout(rect=(0, 0.16, 1, 1))
        figure.savefig(path, format="svg", metadata={"Date": None})


def _reliability(found: Figures, model: str) -> tuple[list[float], list[float]]:
    """Stated and held shares: of classes by tenths of the probability, else by level."""
    tenths = [
        (found["probability", name][model], found["sensitive", name][model])
        for name in (f"bin-{n + 1}" for n in range(BINS))
        if ("sensitive", name) in found
    ]
    if tenths:
        return _columns(tenths)
    names = [(level, f"coverage-{level * 100:.0f}") for level in LEVELS]
    return _columns(
        [(level, found[name, "pooled"][model]) for level, name in names if (name, "pooled") in found]
    )


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _line(
    axes: Any, x: Sequence[float], y: Sequence[float], colour: str, title: str | None, style: str = "-"
) -> None:
    axes.plot(x, y, style, color=colour, marker="o", markersize=3, linewidth=1.2, label=title)

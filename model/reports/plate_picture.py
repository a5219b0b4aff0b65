"""Draws a plate: a circle a well, coloured by drug or by what is predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pharmagraph.kg import picture_file
from pharmagraph.kg.errors import shortened
from pharmagraph.model.suggest.plate import EMPTY, POSITIVE, SIZES, VEHICLE

MOST_NAMED = 20
"""Drugs that a legend names, each with a colour that can be told from the others."""

_CONTROLS = {VEHICLE: "0.85", POSITIVE: "0.25", EMPTY: "white"}

Colour = Literal["drug", "prediction"]


def write_plate(
    path: Path, rows: Sequence[Mapping[str, Any]], *, title: str, colour: Colour | None = None
) -> None:
    """Write a picture of a plate.

    Parameters
    ----------
    path
        As `picture_file.write` takes it.
    rows
        All wells in order, as `pharmagraph.suggesting.plate_rows`.
    title
        Above it.
    colour
        What the colours of samples tell; the drug unless given, or the prediction where there are more than
        `MOST_NAMED` drugs.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    picture_file.require(path)
    n_rows, n_columns = SIZES[len(rows)]
    names = list(dict.fromkeys(row["drug"] for row in rows if row["drug"] is not None))
    column = "probability" if "probability" in rows[0] else "ln_ic50"
    values = [row[column] for row in rows if row[column] is not None]
    if colour is None:
        colour = "drug" if len(names) <= MOST_NAMED else "prediction"
    legend = names if colour == "drug" and len(names) <= MOST_NAMED else []
    with mpl.rc_context({"svg.fonttype": "none", "font.size": 8}):
        scale = 0.42 if n_columns == 12 else 0.3 if n_columns == 24 else 0.2
        figure = Figure(figsize=(n_columns * scale + 3.2, n_rows * scale + 1.3), layout="constrained")
        axes = figure.subplots()
        few = {10: "tab10", MOST_NAMED: "tab20"}
        hues = mpl.colormaps[next((few[most] for most in few if len(names) <= most), "turbo")]
        norm = mpl.colors.Normalize(min(values, default=0.0), max(values, default=1.0))
        shades = mpl.colormaps["viridis"]
        of_drug = {
            name: hues(n if len(names) <= MOST_NAMED else n / len(names)) for n, name in enumerate(names)
        }
        faces = []
        for row in rows:
            if row["drug"] is None:
                faces.append(mpl.colors.to_rgba(_CONTROLS[row["kind"]]))
            else:
                faces.append(of_drug[row["drug"]] if colour == "drug" else shades(norm(row[column])))
        across, down = zip(*((n % n_columns + 1, n // n_columns) for n in range(len(rows))), strict=True)
        area = (scale * 72 * 0.62) ** 2
        axes.scatter(across, down, s=area, c=faces, edgecolors="0.5", linewidths=0.4)
        if n_columns <= 24:
            for x, y, row, face in zip(across, down, rows, faces, strict=True):
                if row["rank"] is not None:
                    ink = "black" if sum(face[:3]) > 1.5 else "white"
                    axes.text(x, y, str(row["rank"]), ha="center", va="center", size=scale * 14, color=ink)
        axes.set_xlim(0.3, n_columns + 0.7)
        axes.set_ylim(n_rows - 0.3, -0.7)
        axes.set_aspect("equal")
        axes.xaxis.tick_top()
        step = 1 if n_columns < 48 else 2
        axes.set_xticks(range(1, n_columns + 1, step))
        axes.set_yticks(
            range(0, n_rows, step), [rows[n * n_columns]["well"].rstrip("1") for n in range(0, n_rows, step)]
        )
        axes.tick_params(length=0)
        axes.set_title(title)
        marks: list[tuple[str, Any]] = [(kind, _CONTROLS[kind]) for kind in (VEHICLE, POSITIVE)]
        marks += [(shortened(name, 24), of_drug[name]) for name in legend]
        handles = [
            mpl.lines.Line2D(
                [], [], marker="o", linestyle="", markerfacecolor=face, markeredgecolor="0.5", label=name
            )
            for name, face in marks
        ]
        figure.legend(
            handles=handles, loc="outside right upper", frameon=False, ncols=1 if len(marks) < 18 else 2
        )
        if colour == "prediction" and values:
            label = "probability of being sensitive" if column == "probability" else "ln IC50 (ln µmol/l)"
            figure.colorbar(mpl.cm.ScalarMappable(norm, shades), ax=axes, label=label, shrink=0.7)
        picture_file.write(figure, path)

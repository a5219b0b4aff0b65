"""Draws a plate: a circle a well, coloured by drug or by what is predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pharmagraph.kg import folders
from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.model.suggest.plate import EMPTY, POSITIVE, SIZES, VEHICLE

SUFFIXES = (".svg", ".png", ".pdf")

MOST_NAMED = 30
"""Drugs that a legend names."""

_CONTROLS = {VEHICLE: "0.85", POSITIVE: "0.25", EMPTY: "white"}

Colour = Literal["drug", "prediction"]


def require_suffix(path: Path) -> None:
    """Refuse the name of a picture that cannot be written.

    Raises
    ------
    InputError
        If its suffix is none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: give a name that ends in {', '.join(SUFFIXES)}")


def write_plate(
    path: Path, rows: Sequence[Mapping[str, Any]], *, title: str, colour: Colour = "drug"
) -> None:
    """Write a picture of a plate.

    Parameters
    ----------
    path
        With one of `SUFFIXES`.
    rows
        All wells in order, as `pharmagraph.suggesting.plate_rows`.
    title
        Above it.
    colour
        What the colours of samples tell.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    require_suffix(path)
    n_rows, n_columns = SIZES[len(rows)]
    names = list(dict.fromkeys(row["drug"] for row in rows if row["drug"] is not None))
    column = "probability" if "probability" in rows[0] else "ln_ic50"
    values = [row[column] for row in rows if row[column] is not None]
    legend = names if colour == "drug" and len(names) <= MOST_NAMED else []
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "plate", "font.size": 8}):
        scale = 0.42 if n_columns == 12 else 0.3 if n_columns == 24 else 0.2
        figure = Figure(figsize=(n_columns * scale + 3.2, n_rows * scale + 1.3), layout="constrained")
        axes = figure.subplots()
        hues = mpl.colormaps["hsv"]
        norm = mpl.colors.Normalize(min(values, default=0.0), max(values, default=1.0))
        shades = mpl.colormaps["viridis"]
        of_drug = {name: hues(n / max(len(names), 1)) for n, name in enumerate(names)}
        faces = []
        for row in rows:
            if row["drug"] is None:
                faces.append(mpl.colors.to_rgba(_CONTROLS[row["kind"]]))
            else:
                faces.append(of_drug[row["drug"]] if colour == "drug" else shades(norm(row[column])))
        across, down = zip(*((n % n_columns + 1, n // n_columns) for n in range(len(rows))), strict=True)
        area = (scale * 72 * 0.62) ** 2
        axes.scatter(across, down, s=area, c=faces, edgecolors="0.5", linewidths=0.4)
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
        with folders.whole(path) as place:
            figure.savefig(place, format=path.suffix[1:].lower(), metadata=_no_date(path))


def _no_date(path: Path) -> dict[str, Any] | None:
    """Metadata by which the same picture is the same file."""
    return {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())

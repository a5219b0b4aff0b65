"""Writes a figure of matplotlib to a file: SVG, PNG or PDF. The file is whole, or not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pharmagraph.kg import folders
from pharmagraph.kg.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".svg", ".png", ".pdf")

_NO_DATE = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def require(path: Path) -> None:
    """Refuse, before long work, a file that cannot be written.

    Raises
    ------
    InputError
        If it has another ending than `ENDINGS`, is a folder, or its folder cannot be made.
    """
    if path.suffix.lower() not in ENDINGS:
        raise InputError(
            f"{path} is no picture; give a name that ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        )
    folders.require_file(path)


def write(figure: Figure, path: Path) -> None:
    """Write a figure; the same figure gives the same file: it has no date, and the ids of an SVG are not random.

    Parameters
    ----------
    figure
        Drawn.
    path
        With one of `ENDINGS`, as `require` asks.
    """
    from matplotlib import rc_context

    ending = path.suffix.lower()
    with folders.whole(path) as place, rc_context({"svg.hashsalt": "pharmagraph"}):
        figure.savefig(place, format=ending[1:], dpi=150, metadata=_NO_DATE.get(ending))

"""Shows measured responses in two groups of cell lines: tables and strips of characters, strip and volcano plots."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg import picture_file
from pharmagraph.model.contrasts.measured import Compared, Result

Q = 0.05
"""Largest q of a drug that has a colour in the volcano plot."""

LABELS = 12
"""Drugs that are named in the volcano plot, those with the smallest p."""

MARKS = ((1, "."), (2, ":"), (3, "o"), (6, "O"), (11, "@"))
"""Fewest cell lines in a character's range → the character; the median is `MEDIAN`."""
MEDIAN = "|"

SENSITIVE, RESISTANT, NEITHER = "#c0504d", "#4f81bd", "#aaaaaa"
_NARROWEST, _WIDEST, _LONGEST_NAME = 20, 72, 28

Strip = tuple[str, npt.NDArray[np.float64]]


def title(result: Result, *, by_drug: bool) -> str:
    """What stands above a table: the groups, the unit, and how to read the sign."""
    first = result.rows[0]
    of = f"{len(result.rows)} drugs" if by_drug else first.drug
    group = first.group if by_drug or len(result.rows) == 1 else "each tissue"
    return (
        f"{of} in {result.dataset}: {group} against {first.other}\n"
        "ln IC50 in ln µmol/l; a shift below 0 and an AUROC above 0.5 mean more sensitive"
    )


def table(rows: Sequence[Compared], *, by_drug: bool) -> list[dict[str, Any]]:
    """The figures that fit beside each other into a terminal; both groups stand in one cell."""
    shown = []
    for row in rows:
        s = row.samples
        shown.append(
            {
                "drug" if by_drug else "group": row.drug if by_drug else row.group,
                "cell_lines": f"{s.n} / {s.n_other}",
                "medians": f"{s.median:.2f} / {s.median_other:.2f}",
                "shift": round(s.shift, 2),
                "auroc": round(s.auroc, 2),
                "p": float(f"{s.p:.2g}"),
            }
            | ({} if row.q is None else {"q": float(f"{row.q:.2g}")})
        )
    return shown


def strips(result: Result) -> list[Strip]:
    """The groups with their values, the most sensitive first by the median: both of one contrast, or the first of each
    of several.
    """
    first = result.rows[0]
    found = [(row.group, row.values) for row in result.rows]
    if len(result.rows) == 1:
        return [*found, (first.other, first.other_values)]
    return sorted(found, key=lambda strip: (float(np.median(strip[1])), strip[0]))


def strip_lines(groups: Sequence[Strip], width: int | None = None) -> list[str]:
    """A line of characters for each group, on one axis of ln IC50.

    Parameters
    ----------
    groups
        Names and values; all values finite, no group empty.
    width
        Of a line in characters; by default the terminal's.
    """
    width = width or shutil.get_terminal_size().columns
    longest = min(max(len(name) for name, _ in groups), _LONGEST_NAME)
    n_cells = max(min(width - longest - 2, _WIDEST), _NARROWEST)
    values = np.concatenate([v for _, v in groups])
    low, high = float(values.min()), float(values.max())
    scale = (n_cells - 1) / (high - low) if high > low else 0.0
    lines = []
    for name, of_group in groups:
        counts = np.bincount(np.rint((of_group - low) * scale).astype(int), minlength=n_cells)
        cells = ["".join(mark for least, mark in MARKS if n >= least)[-1:] or " " for n in counts.tolist()]
        cells[round((float(np.median(of_group)) - low) * scale)] = MEDIAN
        lines.append(f"{name[:longest]:<{longest}}  {''.join(cells)}".rstrip())
    left, right = f"{low:.3g}", f"{high:.3g} ln µmol/l"
    lines.append(f"{'':<{longest}}  {left}{right:>{n_cells - len(left)}}")
    ranges = [f"{mark} {least}" for least, mark in MARKS[:2]]
    ranges += [f"{mark} {a}–{b - 1}" for (a, mark), (b, _) in pairwise(MARKS[2:])]
    lines.append(f"cell lines: {'  '.join(ranges)}  {MARKS[-1][1]} more  {MEDIAN} median")
    return lines


def write_strips(path: Path, result: Result) -> None:
    """Write a picture of the groups' values and medians of one drug."""
    from matplotlib.figure import Figure

    groups = strips(result)
    figure = Figure(figsize=(7.2, 1.6 + 0.5 * len(groups)), layout="constrained")
    axes = figure.subplots()
    generator = np.random.default_rng(0)
    for at, (_, values) in enumerate(groups):
        heights = at + generator.uniform(-0.28, 0.28, len(values))
        axes.scatter(values, heights, s=9, alpha=0.45, color=RESISTANT, linewidths=0)
        axes.vlines(np.median(values), at - 0.38, at + 0.38, color=SENSITIVE, linewidth=2)
    axes.set_yticks(
        range(len(groups)), [f"{name} ({len(values)})" for name, values in groups], parse_math=False
    )
    axes.invert_yaxis()
    first = result.rows[0]
    title = f"{first.drug}, {result.dataset}"
    if len(result.rows) == 1:
        title += f": AUROC {first.samples.auroc:.2f}, p {first.samples.p:.2g}"
    axes.set(xlabel="ln IC50 (ln µmol/l)", title=title)
    picture_file.write(figure, path)


def write_volcano(path: Path, result: Result) -> None:
    """Write a picture of all drugs: the shift of ln IC50, and p."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    axes = figure.subplots()
    smallest = np.finfo(np.float64).tiny
    shift = [row.samples.shift for row in result.rows]
    height = [-np.log10(max(row.samples.p, smallest)) for row in result.rows]
    axes.scatter(shift, height, s=14, alpha=0.8, color=[_colour(row) for row in result.rows], linewidths=0)
    for row, x, y in zip(result.rows[:LABELS], shift, height, strict=False):
        axes.annotate(
            row.drug, (x, y), xytext=(4, 2), textcoords="offset points", fontsize=7, parse_math=False
        )
    axes.axvline(0, color="grey", linewidth=0.8, linestyle=":")
    first = result.rows[0]
    axes.set(
        xlabel=f"shift of ln IC50; red: sensitive, blue: resistant, q ≤ {Q:g}",
        ylabel="−log10 p",
        title=f"{result.dataset}: {first.group} against {first.other}, {len(result.rows)} drugs",
    )
    picture_file.write(figure, path)


def _colour(row: Compared) -> str:
    if row.q is None or row.q > Q:
        return NEITHER
    return SENSITIVE if row.direction == "sensitive" else RESISTANT

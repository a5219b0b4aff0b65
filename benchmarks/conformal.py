"""Compares conformal intervals on the same scores with those of crepes (Boström, 2022), which must be installed.

    pip install crepes
    python -m benchmarks.conformal [--pairs N] [--seed N]

It prints a Markdown table: the largest distance of an end from that of crepes, in units of the response, by kind of
interval. Scores are made up: errors whose size differs from pair to pair and from group to group.
"""

from __future__ import annotations

import argparse
import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.model.certainty.conformal import FEWEST_OF_GROUP, Scores

LEVELS = (0.5, 0.8, 0.9, 0.95)

GROUPS, ASKED = 4, 100
"""Groups of the pairs that are calibrated on, and pairs that are asked for."""

Floats = npt.NDArray[np.floating]


def compared(n: int, seed: int) -> list[tuple[str, float, float]]:
    """Kind of interval, the largest distance of an end from that of crepes, and the mean width of crepes' at 90%."""
    generator = np.random.default_rng(seed)
    group = np.repeat(np.arange(GROUPS), n // GROUPS)
    sigma = np.exp(generator.normal(0, 0.5, len(group)))
    error = sigma * (1 + group) * generator.standard_t(4, len(group))
    new_sigma, new_group = np.exp(generator.normal(0, 0.5, ASKED)), generator.integers(0, GROUPS, ASKED)
    found = []
    for normalised in (False, True):
        for mondrian in (False, True):
            fitted: dict[str, Any] = {"sigmas": sigma} if normalised else {}
            asked: dict[str, Any] = {"sigmas": new_sigma} if normalised else {}
            if mondrian:
                fitted["bins"], asked["bins"] = group, new_group
            words = ("normalised" if normalised else "standard") + (", Mondrian" if mondrian else "")
            for symmetric in (True, False):
                of_both = [
                    ends(error, fitted, asked, symmetric=symmetric) for ends in (_ours, _ends_of_crepes)
                ]
                apart = max(float(np.abs(ours - theirs).max()) for ours, theirs in zip(*of_both, strict=True))
                width = float(np.diff(of_both[1][LEVELS.index(0.9)]).mean())
                sides = "of the absolute error" if symmetric else "of either side"
                found.append((f"{words}, a quantile {sides}", apart, width))
    return found


def _ours(error: Floats, fitted: dict[str, Any], asked: dict[str, Any], *, symmetric: bool) -> list[Floats]:
    """Ends of intervals around 0 by level, (n_asked, 2) each."""
    nobody = np.full(len(error), -1)
    scaled = error / fitted.get("sigmas", 1.0)
    scores = Scores.of(np.abs(scaled) if symmetric else scaled, fitted.get("bins", nobody), nobody)
    group = scores.groups(asked.get("bins", nobody[:ASKED]), nobody[:ASKED])
    found = []
    for level in LEVELS:
        high = scores.quantile(group, level if symmetric else (1 + level) / 2)
        low = -high if symmetric else scores.lower_quantile(group, (1 - level) / 2)
        found.append(np.column_stack([low, high]) * np.reshape(asked.get("sigmas", 1.0), (-1, 1)))
    return found


def _ends_of_crepes(
    error: Floats, fitted: dict[str, Any], asked: dict[str, Any], *, symmetric: bool
) -> list[Floats]:
    crepes = importlib.import_module("crepes")
    kind = crepes.ConformalRegressor if symmetric else crepes.ConformalPredictiveSystem
    theirs = kind().fit(error, **fitted)
    return [theirs.predict_int(np.zeros(ASKED), confidence=level, **asked) for level in LEVELS]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=1_003 * GROUPS, help="Pairs to calibrate on.")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.pairs < GROUPS * FEWEST_OF_GROUP:
        raise SystemExit(
            f"give --pairs {GROUPS * FEWEST_OF_GROUP} or more, so that each group has quantiles of its own"
        )
    try:
        rows = compared(arguments.pairs, arguments.seed)
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error.name} is not installed: pip install {error.name}") from None
    print("| intervals | largest distance of an end | mean width at 90% |\n| --- | --- | --- |")
    for words, apart, wide in rows:
        print(f"| {words} | {apart:.1e} | {wide:.2f} |")


if __name__ == "__main__":
    main()

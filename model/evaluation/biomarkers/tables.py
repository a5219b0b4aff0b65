"""The tables of an evaluation of response genes: pair by pair, and how many are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from pharmagraph.model.evaluation.biomarkers.figures import DEPTH, within
from pharmagraph.model.evaluation.biomarkers.knock_outs import KnockOut
from pharmagraph.model.evaluation.biomarkers.scorers import (
    ASSOCIATION,
    ELASTIC_NET,
    FOREST,
    NETWORK,
    SCORERS,
    SIGNED,
    SMOOTHED,
)
from pharmagraph.model.evaluation.biomarkers.truth import Pair, Truth
from pharmagraph.model.metrics.rank_agreement import rank_biased_overlap

HEADINGS = {
    NETWORK: "network",
    ASSOCIATION: "assoc.",
    SMOOTHED: "smoothed",
    FOREST: "forest",
    ELASTIC_NET: "net",
}
Row = dict[str, Any]


def median_rank(rows: Sequence[Row], scorer: str) -> int | None:
    """Median of the ranks in several fits, the larger of the two in the middle; None where it is not in the list."""
    ranks = sorted(np.inf if row["ranks"][scorer] is None else row["ranks"][scorer] for row in rows)
    middle = ranks[len(ranks) // 2]
    return int(middle) if np.isfinite(middle) else None


def knock_out(rows: Sequence[Row]) -> KnockOut | None:
    """The knock-out of a pair over the held-out cell lines of all folds; None where none was possible."""
    return KnockOut.of([line for row in rows for line in row.get("moves", [])])


def of_pairs(rows: Sequence[Row], truth: Truth) -> list[list[Row]]:
    """The rows of every pair."""
    n = len(truth.pairs)
    return [list(rows[number::n]) for number in range(n)]


def ranks(rows: Sequence[Row], truth: Truth) -> list[Row]:
    """One row for each pair: the median rank of its gene by every scorer, and the sign by the network."""
    found = []
    for pair, own in zip(truth.pairs, of_pairs(rows, truth), strict=True):
        signs = [row["signs"][NETWORK] for row in own]
        right = sum(sign is True for sign in signs) > len(signs) / 2
        by_scorer = {HEADINGS[scorer]: median_rank(own, scorer) for scorer in SCORERS}
        sign = None if all(s is None for s in signs) else "right" if right else "wrong"
        found.append({"drug": pair.drug, "gene": pair.gene, **by_scorer, "sign": sign})
    return found


def knock_outs(rows: Sequence[Row], truth: Truth) -> list[Row]:
    """One row for each pair: what a change of its gene in held-out cell lines does."""
    found = []
    for pair, own in zip(truth.pairs, of_pairs(rows, truth), strict=True):
        one = knock_out(own)
        change = (
            "mutated" if pair.kind == "mutation" else "lost" if pair.kind == "copy_number" else "silenced"
        )
        found.append(
            {
                "drug": pair.drug,
                "gene": pair.gene,
                "change": change,
                "lines": one.n_cell_lines if one else 0,
                "size": one.size if one else None,
                "p": one.p if one else None,
                "right": ("yes" if one.right else "no") if one else None,
            }
        )
    return found


def document(rows: Sequence[Row], truth: Truth, about: Mapping[str, Any]) -> Row:
    """All tables of an evaluation, for `docs/interpretation.json`."""
    fits = {(row["fold"], row["seed"]) for row in rows}
    return {
        **about, "folds": len({fold for fold, _ in fits}), "fits": len(fits), "ranks": ranks(rows, truth),
        "knock_outs": knock_outs(rows, truth), "summary": summary(rows, truth), "verdict": verdict(rows, truth),
    }  # fmt: skip


def records(rows: Sequence[Row], truth: Truth, about: Mapping[str, Any]) -> list[Row]:
    """One row for each pair, fit and scorer with the rank, and one for each pair with the knock-out; for CSV and JSON.

    ``fold`` and ``seed`` are None where all fits are taken together.
    """
    found = []
    empty = dict.fromkeys(("rank", "sign_right", "knock_out", "knock_out_p", "knock_out_right", "cell_lines"))
    for pair, own in zip(truth.pairs, of_pairs(rows, truth), strict=True):
        for row in own:
            for scorer, rank in row["ranks"].items():
                about_row = {
                    **about,
                    "fold": row["fold"],
                    "seed": row["seed"],
                    **_named(pair),
                    "model": scorer,
                }
                found.append({**about_row, **empty, "rank": rank, "sign_right": row["signs"].get(scorer)})
        values: Row = {"rank": median_rank(own, NETWORK)}
        if (one := knock_out(own)) is not None:
            values |= {"knock_out": one.size, "knock_out_p": one.p, "knock_out_right": one.right}
            values |= {"cell_lines": one.n_cell_lines}
        together = {"fold": None, "seed": None, **_named(pair), "model": NETWORK}
        found.append({**about, **together, **empty, **values})
    return found


def _named(pair: Pair) -> Row:
    effect = "sensitive" if pair.effect > 0 else "resistant"
    return {"drug": pair.drug, "gene": pair.gene, "feature": pair.feature, "effect": effect}


def summary(rows: Sequence[Row], truth: Truth) -> list[Row]:
    """One row for each scorer: genes in the first `DEPTH`, signs, and agreement of its lists between fits."""
    found = []
    pairs = of_pairs(rows, truth)
    for scorer in SCORERS:
        first = sum(within(median_rank(own, scorer)) for own in pairs)
        every = [within(row["ranks"][scorer]) for row in rows]
        signs = [row["signs"].get(scorer) for row in rows] if scorer in SIGNED else []
        known = [sign for sign in signs if sign is not None]
        found.append(
            {
                "scorer": scorer,
                f"in first {DEPTH}": f"{first} of {len(pairs)}",
                "recall a fit": float(np.mean(every)),
                "signs right": float(np.mean(known)) if known else None,
                "same, folds": _agreement(pairs, scorer, "fold"),
                "same, seeds": _agreement(pairs, scorer, "seed"),
            }
        )
    return found


def verdict(rows: Sequence[Row], truth: Truth) -> str:
    """How many knock-outs are right, in one line."""
    found = [one for own in of_pairs(rows, truth) if (one := knock_out(own)) is not None]
    if not found:
        return "Knock-outs: none was possible"
    right, first = sum(one.right for one in found), sum(one.right and one.p <= 0.01 for one in found)
    direction = sum(one.size > 0 for one in found)
    return (
        f"Knock-outs right: {right} of {len(found)} ({right / len(found):.0%}); beyond all random genes {first}, "
        f"right direction {direction}"
    )


def _agreement(pairs: Sequence[Sequence[Row]], scorer: str, by: str) -> float | None:
    """Mean rank-biased overlap of the lists of fits that differ in fold, or in seed, alone; None with one fit."""
    other = "seed" if by == "fold" else "fold"
    found = [
        rank_biased_overlap(a["lists"][scorer], b["lists"][scorer], depth=DEPTH)
        for own in pairs
        for a, b in combinations(own, 2)
        if a[by] != b[by] and a[other] == b[other]
    ]
    return float(np.nanmean(found)) if found else None

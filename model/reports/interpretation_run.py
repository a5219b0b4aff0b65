"""Sections of `docs/interpretation.md` about a run, as Markdown, from rows of `worked` and `cli faithfulness`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def in_run(drug: dict[str, Any]) -> list[str]:
    """One drug in a run: the genes it attends to most, and the held-out responses with the largest errors."""
    lines = ["In the run, which was given all its targets:", ""]
    lines += [
        "| rank | gene | excess | spread | stability | q | given target |",
        "|---:|---|---:|---:|---:|---:|---|",
    ]
    for g in drug["genes"]:
        q = "" if g["q"] is None else f"{g['q']:.2g}"
        numbers = f"{g['excess']:.0f} | {g['spread']:.2g} | {g['stability']:.2f} | {q}"
        lines.append(f"| {g['rank']} | {g['gene']} | {numbers} | {'yes' if g['known'] else ''} |")
    n, auroc = drug["n_held_out"], drug["auroc"]
    figure = f"AUROC {auroc:.3f}" if auroc is not None else "no AUROC: one class only"
    lines += [
        "",
        f"Its {n} held-out cell lines, {drug['n_sensitive']} of them sensitive: {figure}. The worst misses:",
        "",
    ]
    lines += ["| cell line | tissue | measured | predicted to be sensitive |", "|---|---|---|---:|"]
    for m in drug["misses"]:
        measured = "sensitive" if m["response"] else "resistant"
        lines.append(f"| {m['cell_line']} | {m['tissue'] or ''} | {measured} | {m['probability']:.2f} |")
    return [*lines, ""]


def about_run(run: dict[str, Any]) -> list[str]:
    """Counts over a run's attention to genes."""
    said = [
        f"{run['drugs_with_targets']:,} of {run['drugs']:,} drugs have known targets; those were given and come first.",
        f"Mean stability of a drug's first 20 genes that were not given, between the run's networks: "
        f"{run['stability']:.3f}.",
        f"Of {run['edges']:,} kept edges {run['q_below']:,} have q below 0.1, for {run['q_below_drugs']:,} drugs; "
        f"{run['q_below_known']:,} of them are to known targets, of which {run['known']:,} are kept."
        if run["q_measured"]
        else "Without --null, so without q.",
    ]
    return [
        f"## One run: {run['datasets']}",
        "",
        f"`{run['command']}` ({run['commit']}, {run['machine']})",
        "",
        *[f"- {one}" for one in said],
        "",
    ]


def about_faithfulness(measured: dict[str, Any]) -> list[str]:
    """The table of `cli faithfulness` with its explanation."""
    return [
        f"## Faithfulness: {measured['dataset']}",
        "",
        f"`{measured['command']}` ({measured['commit']}, {measured['machine']})",
        "",
        "Mean absolute change of the logit of training pairs when each node's first edges of a relation are removed",
        "(deletion) or alone left (insertion), and that over the same for random ones of all the node could attend to:",
        "a drug any candidate gene and any other drug, a cell line any other. An edge that goes takes its term of",
        "the sum with it, in every part with a share in the prediction, and no other takes its place. Faithful: a",
        "large deletion ratio, a small insertion ratio, and attention that beats that of randomised weights.",
        "Agreement: Spearman's correlation with ATTENDS within a node.",
        "",
        "What a drug's genes give its predictions is the overlap of its attention with other drugs'. Most candidates",
        "carry next to nothing, so random ones of all are an easy rival; random ones of the first fifty, which the",
        "store keeps, are a harder one. Randomised weights rank the genes that are no given targets, as does the",
        "ranking that has given targets last: those two are to be compared. Of similar drugs and cell lines",
        "predictions draw on many, by similarities that are there before any weight is learned and in terms that",
        "cancel: their first edges matter little more than random ones, or than those of randomised weights, and no",
        "short list accounts for a prediction.",
        "",
        *table(measured["rows"]),
        "",
    ]


def about_biomarkers(measured: dict[str, Any]) -> list[str]:
    """The tables of `cli evaluate-biomarkers`."""
    return [
        f"## Response genes found again: {measured['dataset']}, {measured['task']}",
        "",
        f"`{measured['command']}` ({measured['commit']}, {measured['machine']})",
        "",
        "Known response genes, looked for in training folds from which whole cell lines are missing; no scorer sees",
        f"these. Folds: {measured['folds']}; fits: {measured['fits']}, of which a rank is the median.",
        "",
        *table(measured["summary"]),
        "",
        *table(measured["ranks"]),
        "",
        "Knock-outs in held-out cell lines: `size` is the change of the prediction in the right direction, in standard",
        "deviations of the drug's ln IC50, or in logits for classes; `p` is the share of 99 random genes of like",
        "variance that move it as far.",
        "",
        *table(measured["knock_outs"]),
        "",
        f"{measured['verdict']}.",
        "",
    ]


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Rows as a Markdown table; p to one digit."""
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|---" + "|---:" * (len(columns) - 1) + "|"]
    for row in rows:
        lines.append("| " + " | ".join(_cell(c, row[c]) for c in columns) + " |")
    return lines


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (str, int)):
        return str(value)
    return f"{value:.1g}" if column.startswith("p, ") else f"{value:.3f}"

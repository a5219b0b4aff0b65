"""Predicts a pair as if a gene were changed in the cell line, or were or were not a known target of the drug.

The answers are about the network, not about nature: they show what it has learned to use. The same change of random
genes of similar variance is a null, so that an effect that any gene has is not taken for this gene's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg import user_tables
from pharmagraph.kg.errors import InputError, ModelError, RowError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.names import Names
from pharmagraph.model.inputs.edits import EXPRESSES, Change, changed
from pharmagraph.model.runs import saved
from pharmagraph.model.training.ensemble import Fitted

LIKE_VARIANCE = 0.05
"""Fraction of the genes, those nearest in variance, from which the genes of the null are sampled."""


def what_if(
    folder: Path,
    drug: str,
    cell_line: str,
    changes: Sequence[Change],
    *,
    n_null: int = 0,
    seed: int = 0,
    device: str = "cpu",
) -> list[dict[str, Any]]:
    """Predict a pair before and after each change; every change starts from the run's own graph.

    Parameters
    ----------
    folder
        The run's.
    drug, cell_line
        Ids.
    changes
        The result has one row for each.
    n_null
        Random genes of similar variance that get the same change of expression; other kinds of change have no null.
    seed
        Of the choice of these genes.

    Returns
    -------
    list of dict
        ``change``, ``before``, ``after``, ``difference`` (probability, or ln IC50 in ln µmol/l); with ``n_null`` also
        ``null_mean`` and ``null_p``, the fraction of differences at least as large, this one included.

    Raises
    ------
    ModelError
        If the run cannot be loaded, or its graph lacks the drug, the cell line or a gene, or has no expression of a
        gene to be silenced.
    """
    pair = _Pair.of(folder, drug, cell_line, device)
    graph, before = pair.graph, pair.before
    random = np.random.default_rng(seed)
    rows = []
    for change in changes:
        gene = _position(graph, "Gene", change.gene)
        difference = pair.difference(change, gene)
        row: dict[str, Any] = {
            "change": str(change), "before": before, "after": before + difference, "difference": difference
        }  # fmt: skip
        if n_null:
            row |= {"null_mean": None, "null_p": None}
        if n_null and change.kind == "expression":
            null = np.array([pair.difference(change, other) for other in _like(graph, gene, n_null, random)])
            at_least = int((np.abs(null) >= abs(difference)).sum())
            row |= {"null_mean": float(null.mean()), "null_p": (1 + at_least) / (1 + len(null))}
        rows.append(row)
    return rows


def rank_genes(
    folder: Path,
    drug: str,
    cell_line: str,
    genes: Sequence[str],
    *,
    n_null: int = 20,
    truth: Mapping[str, float] | None = None,
    seed: int = 0,
    device: str = "cpu",
    advance: Callable[[str], None] = lambda what: None,
) -> list[dict[str, Any]]:
    """Silence genes one by one in a cell line, and rank them by the change of the prediction.

    Parameters
    ----------
    folder, drug, cell_line, seed, device
        As in `what_if`.
    genes
        Symbols; those without expression in the run's graph are left out.
    n_null
        Random genes that are silenced, too, each of similar variance to one of the genes in turn. Together they are the
        null of all genes.
    truth
        Gene symbol → measured effect of perturbing the gene in the cell line, such as a CRISPR effect.
    advance
        Called with the symbol of each gene.

    Returns
    -------
    list of dict
        ``gene``, ``difference``, ``null_p`` (fraction of the null's differences at least as large, this one included),
        and ``truth`` if one is given; the largest difference first.

    Raises
    ------
    ModelError
        If none of the genes has expression in the run's graph.
    """
    pair = _Pair.of(folder, drug, cell_line, device)
    expressed = np.unique(pair.graph.relations[EXPRESSES].dst.numpy())
    numbers = [_position(pair.graph, "Gene", gene) for gene in genes]
    asked = [(g, n) for g, n in zip(genes, numbers, strict=True) if n in expressed]
    if not asked:
        raise ModelError("none of the genes has expression in the run's graph; nothing would change")

    def silenced(gene: int) -> float:
        advance(str(pair.graph.ids["Gene"][gene]))
        return pair.difference(Change(str(gene), "expression", None), gene)

    found = [(gene, silenced(number)) for gene, number in asked]
    random, null = np.random.default_rng(seed), []
    for number in range(n_null):
        (other,) = _like(pair.graph, asked[number % len(asked)][1], 1, random)
        null.append(abs(silenced(int(other))))
    rows = []
    for gene, difference in sorted(found, key=lambda one: -abs(one[1])):
        at_least = sum(n >= abs(difference) for n in null)
        row = {
            "gene": gene,
            "difference": difference,
            "null_p": (1 + at_least) / (1 + n_null) if n_null else None,
        }
        rows.append(row | ({"truth": truth.get(gene)} if truth is not None else {}))
    return rows


def agreement(rows: Sequence[Mapping[str, Any]]) -> tuple[float, int]:
    """Spearman's correlation of the differences of `rank_genes` with the measured effects, and the number of genes."""
    from scipy.stats import spearmanr

    shared = [(row["difference"], row["truth"]) for row in rows if row["truth"] is not None]
    if len(shared) < 3:
        return float("nan"), len(shared)
    return float(spearmanr(*zip(*shared, strict=True)).statistic), len(shared)


def read_effects(path: Path, genes: Sequence[str], names: Names) -> dict[str, float]:
    """Read measured effects of perturbing genes: columns ``gene`` and ``effect``, CSV, or with tabs ``.tsv``, ``.txt``.

    Parameters
    ----------
    path
        The file.
    genes
        Ids of the genes that are ranked.
    names
        Names that the file may use for genes.

    Raises
    ------
    InputError
        If there is no such file or column, or the file has none of the genes.
    RowError
        If an effect is no number, or a name is that of several genes.
    """
    found = {}
    for line, cells in user_tables.rows(path, ("gene", "effect"))[1]:
        gene = names.find_in_row(str(path), line, "gene", cells["gene"]) or cells["gene"].strip()
        try:
            found[gene] = float(cells["effect"])
        except ValueError:
            raise RowError(str(path), line, "effect", cells["effect"], "is not a number") from None
    if not set(found) & set(genes):
        raise InputError(f"{path}: none of its {len(found)} genes is among the {len(genes)} that are ranked")
    return found


def parse_set(text: str) -> Change:
    """``GENE=z`` as a change of expression.

    Raises
    ------
    InputError
        If it is not a symbol, an equals sign and a finite number.
    """
    gene, _, value = text.partition("=")
    try:
        z = float(value)
    except ValueError:
        z = float("nan")
    if not gene or not np.isfinite(z):
        raise InputError(f'--set "{text}": give GENE=z, such as EGFR=-2 (standard deviations)')
    return Change(gene.strip(), "expression", z)


@dataclass(frozen=True)
class _Pair:
    """A run and one pair of drug and cell line, with the prediction before any change."""

    folder: Path
    fitted: Fitted
    graph: Heterograph
    drug: int
    cell_line: int
    before: float

    @classmethod
    def of(cls, folder: Path, drug: str, cell_line: str, device: str) -> _Pair:
        graph = saved.load_graph(folder)
        d, c = _position(graph, "Drug", drug), _position(graph, "CellLine", cell_line)
        fitted = saved.load(folder, graph, device=device)
        return cls(folder, fitted, graph, d, c, _predict(fitted, d, c))

    def difference(self, change: Change, gene: int) -> float:
        """By how much the prediction changes with a gene, given by its node number."""
        graph = changed(self.graph, change, self.drug, self.cell_line, gene)
        return (
            _predict(saved.on_graph(self.fitted, self.folder, graph), self.drug, self.cell_line) - self.before
        )


def _predict(fitted: Fitted, drug: int, cell_line: int) -> float:
    return float(fitted.predict(np.array([drug]), np.array([cell_line]))[0])


def _position(heterograph: Heterograph, kind: str, id_: str) -> int:
    found = np.flatnonzero(heterograph.ids[kind] == id_)
    if not len(found):
        what = {"Drug": "drug", "CellLine": "cell line", "Gene": "gene"}[kind]
        raise ModelError(f"{what} {id_} is not in the run's graph; train again: cli train")
    return int(found[0])


def _like(heterograph: Heterograph, gene: int, n: int, random: np.random.Generator) -> np.ndarray:
    """A sample of other genes with expression edges, from those nearest in the sum of squared z."""
    expresses = heterograph.relations[EXPRESSES]
    z = expresses.features["z"].numpy().astype(np.float64)
    signal = np.bincount(expresses.dst.numpy(), z**2, minlength=heterograph.n_nodes("Gene"))
    others = np.flatnonzero(signal > 0)
    others = others[others != gene]
    nearest = others[np.argsort(np.abs(signal[others] - signal[gene]), kind="stable")]
    pool = nearest[: max(n, int(LIKE_VARIANCE * len(nearest)))]
    return random.choice(pool, min(n, len(pool)), replace=False)

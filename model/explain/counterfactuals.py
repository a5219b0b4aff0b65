"""Predicts a pair as if a gene were changed in the cell line, or were or were not a known target of the drug.

The answers are about the network, not about nature: they show what it has learned to use. The same change of random
genes of similar variance is a null, so that an effect that any gene has is not taken for this gene's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pharmagraph.kg.errors import InputError, ModelError, RowError, none_of
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.numbers import NotANumberError, as_number, finite_number
from pharmagraph.kg.reading.table import rows
from pharmagraph.kg.wording import option
from pharmagraph.model.inputs.changes import Change
from pharmagraph.model.predictor import Entity, Predictor
from pharmagraph.model.runs.folder import GRAPH, reading
from pharmagraph.model.runs.opened import opened

MOST_RELATIVES = 5
"""Genes of its family that are named where a gene was not measured."""

TOGETHER = "all together"
"""What the row of several changes at once says."""

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
    """Predict a pair before and after each change, every one from the run's own graph, and after all of them together.

    Parameters
    ----------
    folder
        The run's.
    drug, cell_line
        Ids.
    changes
        The result has one row for each, and where there are several of different genes, a last one for all together.
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
        If the run cannot be loaded, or its graph lacks the drug, the cell line or a gene, or has no expression, or no
        mutation, of a gene that is to be changed.
    """
    run = _Run.of(folder, drug, cell_line, device, changes)
    before = run.pair.before
    random = np.random.default_rng(seed)
    rows = []
    for change in changes:
        gene = run.genes[change.gene]
        difference = run.pair.difference([(change, gene)])
        row = _row(str(change), before, difference)
        if n_null:
            row |= {"null_mean": None, "null_p": None}
        if n_null and change.kind == "expression":
            others = run.like(gene, n_null, random)
            null = np.array([run.pair.difference([(change, int(other))]) for other in others])
            at_least = int((np.abs(null) >= abs(difference)).sum())
            row |= {"null_mean": float(null.mean()), "null_p": (1 + at_least) / (1 + len(null))}
        rows.append(row)
    if are_together(changes):
        whole = run.pair.difference([(change, run.genes[change.gene]) for change in changes])
        rows.append(_row(TOGETHER, before, whole) | ({"null_mean": None, "null_p": None} if n_null else {}))
    return rows


def are_together(changes: Sequence[Change]) -> bool:
    """Whether changes are asked for together: several, none of which undoes another, as two values of one gene do."""
    what = {(change.gene, change.kind) for change in changes}
    return len(what) == len(changes) > 1


class OpenPair:
    """A pair of a run that is kept, so that one question after the other is answered without reading the run again.

    Parameters
    ----------
    folder, drug, cell_line, device
        As in `what_if`, whose errors it raises.
    """

    def __init__(self, folder: Path, drug: str, cell_line: str, device: str = "cpu") -> None:
        self._run = _Run.of(folder, drug, cell_line, device)
        self._measured: set[tuple[str, str]] = set()

    def changed(self, changes: Sequence[Change]) -> dict[str, Any]:
        """The last row of `what_if`: the prediction before and after one change, or several together."""
        asked = []
        for change in changes:
            asked.append((change, _position({"Gene": self._run.genes}, "Gene", change.gene)))
            if (change.gene, change.kind) not in self._measured:
                _require_measured(self._run.graph, self._run.genes, [change])
                self._measured.add((change.gene, change.kind))
        said = TOGETHER if len(changes) > 1 else str(changes[0])
        return _row(said, self._run.pair.before, self._run.pair.difference(asked))


def _row(change: str, before: float, difference: float) -> dict[str, Any]:
    return {"change": change, "before": before, "after": before + difference, "difference": difference}


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
    run = _Run.of(folder, drug, cell_line, device)
    asked = [(g, n) for g in genes if run.signal[n := _position({"Gene": run.genes}, "Gene", g)] > 0]
    if not asked:
        raise ModelError("none of the genes has expression in the run's graph; nothing would change")

    symbols = list(run.genes)

    def silenced(gene: int) -> float:
        advance(symbols[gene])
        return run.pair.difference([(Change(symbols[gene], "expression", None), gene)])

    found = [(gene, silenced(number)) for gene, number in asked]
    random, null = np.random.default_rng(seed), []
    for number in range(n_null):
        (other,) = run.like(asked[number % len(asked)][1], 1, random)
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
    """Read measured effects of perturbing genes: columns ``gene`` and ``effect``; a row without an effect is skipped.

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
        If an effect is no finite number, a gene is there twice, or a name is that of several genes.
    """
    found: dict[str, float] = {}
    for line, cells in rows(path, ("gene", "effect"))[1]:
        gene = names.find_in_row(str(path), line, "gene", cells["gene"]) or cells["gene"].strip()
        try:
            effect = as_number(cells["effect"])
        except NotANumberError as error:
            raise RowError(str(path), line, "effect", cells["effect"], str(error)) from None
        if effect is None:
            continue
        if gene in found:
            raise RowError(
                str(path), line, "gene", cells["gene"], f"is {gene}, which has an effect already; keep one"
            )
        found[gene] = effect
    if not set(found) & set(genes):
        raise InputError(
            f"{path}: {none_of(len(found), 'gene', 'is', of='its')} among the {len(genes)} that are ranked"
        )
    return found


def parse_set(text: str) -> Change:
    """``GENE=z`` as a change of expression.

    Raises
    ------
    InputError
        If it is not a symbol, an equals sign and a finite number.
    """
    gene, _, value = text.partition("=")
    z = finite_number(value)
    if not gene.strip() or z is None:
        raise InputError(f'--set "{text}": give GENE=z, such as EGFR=-2 (standard deviations)')
    return Change(gene.strip(), "expression", z)


class Pair(Protocol):
    """A drug and a cell line of a run, whose prediction is asked for with one thing otherwise."""

    @property
    def before(self) -> float:
        """The prediction before any change."""
        ...

    def difference(self, changes: Sequence[tuple[Change, int]]) -> float:
        """By how much the prediction changes with some genes at once, each given by its node number."""
        ...


class _Predicted:
    """A `Pair` that the run's predictor answers for: what was learned stays, and the changed entity is asked."""

    def __init__(self, predictor: Predictor, drug: int, cell_line: int) -> None:
        self._predictor, self._drug, self._cell_line = predictor, drug, cell_line
        self.before = self._value(Entity(drug), Entity(cell_line))

    def difference(self, changes: Sequence[tuple[Change, int]]) -> float:
        drug, cell_line = self._predictor.changed_together(self._drug, self._cell_line, changes)
        return self._value(drug, cell_line) - self.before

    def _value(self, drug: Entity, cell_line: Entity) -> float:
        return float(self._predictor.predict([drug], [cell_line])[0, 0])


@dataclass(frozen=True)
class _Run:
    """A run's graph, and one pair of a drug and a cell line in it."""

    graph: SavedArrays
    pair: Pair
    genes: Mapping[str, int]

    @classmethod
    def of(cls, folder: Path, drug: str, cell_line: str, device: str, changes: Sequence[Change] = ()) -> _Run:
        """Refuses what cannot be asked before anything is computed."""
        graph, predictor = opened(folder)
        with reading(folder / GRAPH):
            ids = {
                kind: {id_: n for n, id_ in enumerate(graph.ids(kind))}
                for kind in ("Drug", "CellLine", "Gene")
            }
        d, c = _position(ids, "Drug", drug), _position(ids, "CellLine", cell_line)
        for change in changes:
            _position(ids, "Gene", change.gene)
        _require_measured(graph, ids["Gene"], changes)
        if predictor is not None:
            return cls(graph, _Predicted(predictor, d, c), ids["Gene"])
        from pharmagraph.model.explain.by_network import NetworkPair

        return cls(graph, NetworkPair.of(folder, d, c, device), ids["Gene"])

    @cached_property
    def signal(self) -> np.ndarray:
        """Sum of squared z of each gene, (n_genes,); 0 without expression."""
        signal: np.ndarray = np.nansum(self.graph.profile("expression").astype(np.float64) ** 2, axis=0)
        return signal

    def like(self, gene: int, n: int, random: np.random.Generator) -> np.ndarray:
        """A sample of other genes with expression, from those nearest in the sum of squared z."""
        others = np.flatnonzero(self.signal > 0)
        others = others[others != gene]
        nearest = others[np.argsort(np.abs(self.signal[others] - self.signal[gene]), kind="stable")]
        pool = nearest[: max(n, int(LIKE_VARIANCE * len(nearest)))]
        return random.choice(pool, min(n, len(pool)), replace=False)


def _require_measured(graph: SavedArrays, genes: Mapping[str, int], changes: Sequence[Change]) -> None:
    """Raise ModelError where a gene that is to be changed was not measured; it names measured genes of its family."""
    asked = [change for change in changes if change.kind != "target"]
    if not asked:
        return
    measured = {
        "expression": _with_values(graph.profile("expression")),
        "mutations": set(graph.edges("CellLine", "MUTATED", "Gene")[1].tolist()),
        "copy numbers": _with_values(graph.profile("copy_number")),
    }
    for change in asked:
        gene, what = genes[change.gene], "expression" if change.kind == "expression" else "mutations"
        known = [kind for kind, of_genes in measured.items() if gene in of_genes]
        # a gene that no cell line has mutated may have been sequenced: only one with no value at all was not
        if what in known or (what == "mutations" and known):
            continue
        advice = f"known of it: {', '.join(known)}" if known else "nothing was measured of it"
        if "mutations" in known:
            advice += f"; try {option('mutate', change.gene)}"
        family = _family(graph, list(genes), gene, measured[what])
        relatives = f"; measured of its family: {', '.join(family)}" if family else ""
        done = "mutated" if what == "mutations" else "silenced" if change.value is None else "set"
        raise ModelError(
            f"{change.gene} has no {what} in the run's graph, so it cannot be {done} ({advice}{relatives}); "
            f"{len(measured[what]):,} genes have {what}"
        )


def _family(graph: SavedArrays, symbols: Sequence[str], gene: int, measured: set[int]) -> list[str]:
    """Measured genes homologous to a gene, or where no homology is known, those whose symbol has the same stem."""
    src, dst = graph.edges("Gene", "HOMOLOGOUS", "Gene")
    near = {*dst[src == gene].tolist(), *src[dst == gene].tolist()}
    if not near:
        stem = _stem(symbols[gene])
        near = {n for n, symbol in enumerate(symbols) if _stem(symbol) == stem} if stem else set()
    return sorted(symbols[n] for n in near & measured - {gene})[:MOST_RELATIVES]


def _stem(symbol: str) -> str:
    """A symbol without its number, as ERBB of ERBB2; empty where less than three letters are left."""
    stem = re.sub(r"\d+[A-Z]?\d*$", "", symbol)
    return stem if len(stem) >= 3 else ""


def _with_values(profile: np.ndarray) -> set[int]:
    """Numbers of the genes with a value in any cell line."""
    return set(np.flatnonzero(np.isfinite(profile).any(axis=0)).tolist())


def _position(ids: Mapping[str, Mapping[str, int]], kind: str, id_: str) -> int:
    if id_ not in ids[kind]:
        what = {"Drug": "drug", "CellLine": "cell line", "Gene": "gene"}[kind]
        raise ModelError(f"{what} {id_} is not in the run's graph; train again: cli train")
    return ids[kind][id_]

"""Named sets of genes, from the graph's pathways or a GMT file, restricted to the candidate genes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from pharmagraph.kg.errors import AmbiguousNameError, InputError, RowError, shortened
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.gmt import NO_SET, gene_sets

LEAST_RECOGNISED = 0.5
"""Minimum share of a GMT file's genes that are in the graph; with less, the file is taken to use other ids."""


@dataclass(frozen=True)
class GeneSets:
    """Gene sets over a background of genes.

    Attributes
    ----------
    ids, names
        Ids and names of the sets.
    source
        The graph or the file that they come from.
    background
        Symbols of all candidate genes.
    member
        Whether a gene is in a set, bool CSR, (n_sets, n_background).
    recognised
        Share of the sets' genes that the graph has, in [0, 1].
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    source: str
    background: np.ndarray
    member: sparse.csr_matrix
    recognised: float

    @classmethod
    def of(
        cls,
        sets: Mapping[str, tuple[str, Sequence[str]]],
        background: Sequence[str],
        *,
        source: str,
        smallest: int = 5,
        largest: int = 500,
        recognised: float = 1.0,
    ) -> GeneSets:
        """Keep the sets that have between ``smallest`` and ``largest`` genes in the background.

        Parameters
        ----------
        sets
            Id → name and symbols.
        background
            Symbols, all different.
        """
        position = {g: n for n, g in enumerate(background)}
        kept: list[tuple[str, str]] = []
        rows: list[int] = []
        columns: list[int] = []
        for id_, (name, genes) in sets.items():
            inside = sorted({position[g] for g in genes if g in position})
            if smallest <= len(inside) <= largest:
                rows += [len(kept)] * len(inside)
                columns += inside
                kept.append((id_, name))
        member = sparse.csr_matrix(
            (np.ones(len(rows), bool), (rows, columns)), shape=(len(kept), len(position)), dtype=bool
        )
        return cls(
            tuple(k[0] for k in kept),
            tuple(k[1] for k in kept),
            source,
            np.array(background),
            member,
            recognised,
        )


def read_gmt(path: Path, known: Names) -> tuple[dict[str, tuple[str, list[str]]], float]:
    """The sets of a GMT file, and the share of its genes that the graph has.

    Parameters
    ----------
    path
        A tab-separated file, packed or not: name, description, then symbols.
    known
        Names of the graph's genes. A name that several of them have counts as unknown.

    Returns
    -------
    dict, float
        Id → name and genes, those of the graph by their ids; and the share of the file's distinct genes that are
        known, in [0, 1].

    Raises
    ------
    InputError
        If there is no such file, it is not UTF-8, or less than half of its genes are known.
    RowError
        If a line is not a gene set or repeats a name.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; a GMT file is needed")
    sets: dict[str, tuple[str, list[str]]] = {}
    for one in gene_sets(path, str(path)):
        if not one.is_one:
            raise RowError(str(path), one.line, None, one.written, NO_SET)
        if one.id in sets:
            raise RowError(str(path), one.line, None, one.id, "is in an earlier row; keep one")
        sets[one.id] = (one.title, list(one.genes))
    if not sets:
        raise InputError(f"{path} holds no gene set")
    genes_of_file = {g for _, genes in sets.values() for g in genes}
    ids = {g: found for g in genes_of_file if (found := _only_one(known, g)) is not None}
    unknown = sorted(genes_of_file - set(ids))
    share = 1 - len(unknown) / len(genes_of_file)
    if share < LEAST_RECOGNISED:
        raise InputError(
            f"{path}: {share:.0%} of its {len(genes_of_file):,} genes are in the graph "
            f"({', '.join(shortened(g) for g in unknown[:3])} are not); genes go by HGNC symbol"
        )
    return {id_: (name, [ids.get(g, g) for g in genes]) for id_, (name, genes) in sets.items()}, share


def _only_one(known: Names, gene: str) -> str | None:
    try:
        return known.find(gene)
    except AmbiguousNameError:
        return None

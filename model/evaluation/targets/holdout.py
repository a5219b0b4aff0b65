"""Divides known targets into folds: by pair, by drug or by gene.

Drugs of one structure (salts, duplicates under two numbers) have the same targets, so a fold that separates them tests
a look-up. By default such structure twins are on the same side of every fold.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.wording import named
from pharmagraph.model.presets.choices import Holdout


def held_out(
    known: np.ndarray, structure_group: np.ndarray, holdout: Holdout, n_folds: int = 5, *, seed: int = 0
) -> Iterator[np.ndarray]:
    """Divide the known pairs into folds; every pair is held out once.

    Parameters
    ----------
    known
        Known targets, bool (n_drugs, n_genes).
    structure_group
        Group number of drugs with the same structure, int (n_drugs,).
    holdout
        ``pair``: a pair together with the same gene's pairs of the drug's structure twins. ``pair-with-twins``: single
        pairs, so twins are separated. ``drug``: all pairs of a structure. ``gene``: all pairs of a gene, which then has
        no known drug.
    n_folds
        Number of folds, at least 2.
    seed
        Seed of the shuffle.

    Yields
    ------
    ndarray
        The held-out pairs, bool (n_drugs, n_genes); the other known pairs may be used for fitting.

    Raises
    ------
    ModelError
        If there are fewer things to hold out than folds.
    """
    if n_folds < 2:
        raise ModelError(f"{named('folds')} {n_folds} leaves nothing to test on; use 2 or more")
    drug, gene = np.nonzero(known)
    unit = {
        Holdout.pair: structure_group[drug] * known.shape[1] + gene,
        Holdout.pair_with_twins: drug * known.shape[1] + gene,
        Holdout.drug: structure_group[drug],
        Holdout.gene: gene,
    }[holdout]
    units, number = np.unique(unit, return_inverse=True)
    if len(units) < n_folds:
        raise ModelError(
            f"{len(units)} known targets to hold out by {holdout.value} cannot be cut into {n_folds} folds; "
            "load more targets (cli ingest targets) or use fewer folds"
        )
    fold = (np.random.default_rng(seed).permutation(len(units)) % n_folds)[number]
    for n in range(n_folds):
        aside = np.zeros(known.shape, bool)
        aside[drug[fold == n], gene[fold == n]] = True
        yield aside

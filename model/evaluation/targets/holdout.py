"""Which known targets are held out: pairs, whole drugs or whole genes. It ranks nothing.

Drugs of one structure (salts, duplicates under two numbers) have the same targets; a test that splits them
measures a look-up. Unless they are asked for, structure twins lie on the same side of every cut.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.presets.choices import Holdout


def held_out(
    known: np.ndarray, structure_group: np.ndarray, holdout: Holdout, n_folds: int = 5, *, seed: int = 0
) -> Iterator[np.ndarray]:
    """Cut the known pairs into folds; every pair is held out once.

    Parameters
    ----------
    known
        Known targets, bool (n_drugs, n_genes).
    structure_group
        A number that drugs of one structure share, int (n_drugs,).
    holdout
        ``pair``: a pair goes with the same gene's pairs of its drug's twins. ``pair-with-twins``: pairs alone.
        ``drug``: all pairs of a structure. ``gene``: all pairs of a gene, which is then a gene without any known drug.
    n_folds
        At least 2.
    seed
        Of the draw.

    Yields
    ------
    ndarray
        What is held out, bool (n_drugs, n_genes); the rest of ``known`` may be learned from.

    Raises
    ------
    ModelError
        If there are fewer things to hold out than folds.
    """
    if n_folds < 2:
        raise ModelError(f"--folds {n_folds} leaves nothing to test on; use 2 or more")
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

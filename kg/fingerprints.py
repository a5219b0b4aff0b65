"""Structures: SMILES to Morgan fingerprints and structure keys; no similarity, no graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from kg.errors import InputError

RADIUS = 2
BITS = 2048


def is_structure(smiles: str) -> bool:
    """Whether RDKit reads the text as a molecule with at least one atom."""
    molecule = _molecule(smiles)
    return molecule is not None and bool(molecule.GetNumAtoms())


def inchikey(smiles: str) -> str:
    """The InChIKey of a structure, by which two ways of writing one molecule agree.

    Raises
    ------
    InputError
        If the text is not a structure.
    """
    from rdkit import Chem, rdBase

    molecule = _parsed(smiles)
    to_key: Callable[[Any], str] = Chem.MolToInchiKey
    with rdBase.BlockLogs():
        return to_key(molecule)


def morgan(smiles: Sequence[str | None]) -> npt.NDArray[np.uint8]:
    """Morgan fingerprints, radius 2, folded to 2,048 bits.

    Parameters
    ----------
    smiles
        One structure a drug; None where there is none.

    Returns
    -------
    ndarray
        ``(n, 2048)``, 0 or 1; a row of zeros without a structure.

    Raises
    ------
    InputError
        If a text is not a structure.

    References
    ----------
    Rogers and Hahn, Extended-connectivity fingerprints, J. Chem. Inf. Model. 50 (2010) 742.
    """
    from rdkit.Chem import rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    fingerprints = np.zeros((len(smiles), BITS), dtype=np.uint8)
    for row, text in zip(fingerprints, smiles, strict=True):
        if text is not None:
            row[:] = generator.GetFingerprintAsNumPy(_parsed(text))
    return fingerprints


def _parsed(smiles: str) -> Any:
    molecule = _molecule(smiles)
    if molecule is None:
        raise InputError(f'"{smiles}" is not a structure that RDKit can read; correct the SMILES')
    return molecule


@lru_cache(maxsize=4096)
def _molecule(smiles: str) -> Any:
    """The molecule or None; RDKit's own log is silenced, our errors say what is wrong."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles)

"""Structures: SMILES to fingerprints and structure keys; no similarity, no graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import InputError

RADIUS = 2
BITS = 2048
KEYS = 167
REMEMBERED = 4096
"""Structures of which molecules and views are kept in this process: more than a screen has, at 10 kB a structure."""


def is_structure(smiles: str) -> bool:
    """Whether RDKit reads the text as a molecule with at least one atom."""
    molecule = _molecule(smiles)
    return molecule is not None and bool(molecule.GetNumAtoms())


def is_ascii_sign(character: str) -> bool:
    """Whether a character may stand in a SMILES: ASCII, and neither a blank nor a control character."""
    return "!" <= character <= "~"


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


FINGERPRINTS = (
    "fingerprint",
    "morgan_counts",
    "feature_counts",
    "atom_pair_counts",
    "path_bits",
    "structural_keys",
)
"""Views of a structure, of which the first is the paper's: Morgan bits; how often each environment occurs, by atoms
and by their roles; how often pairs of atoms at a distance occur; bits of linear and branched paths; MACCS keys."""


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
    return _rows(smiles, "fingerprint")


def fingerprints(smiles: Sequence[str | None]) -> dict[str, npt.NDArray[np.uint8]]:
    """Every view of `FINGERPRINTS`, as RDKit computes it.

    Parameters
    ----------
    smiles
        One structure a drug; None where there is none.

    Returns
    -------
    dict
        View → ``(n, 2048)``, or ``(n, 167)`` for MACCS keys; counts end at 255; a row of zeros without a structure.

    Raises
    ------
    InputError
        If a text is not a structure.
    """
    return {view: _rows(smiles, view) for view in FINGERPRINTS}


def scaffolds(smiles: Sequence[str | None]) -> npt.NDArray[np.int64]:
    """A number for each drug that drugs with the same ring systems and linkers share.

    Parameters
    ----------
    smiles
        One structure a drug; None where there is none.

    Returns
    -------
    ndarray
        ``(n,)``; -1 without a structure or without rings.

    Raises
    ------
    InputError
        If a text is not a structure.

    References
    ----------
    Bemis and Murcko, The properties of known drugs, J. Med. Chem. 39 (1996) 2887.
    """
    found = [_scaffold(text) if text is not None else "" for text in smiles]
    code = {text: number for number, text in enumerate(sorted(set(found) - {""}))}
    return np.array([code.get(text, -1) for text in found], dtype=np.int64)


@lru_cache(maxsize=1)
def _views() -> dict[str, Callable[[Any], Any]]:
    from rdkit.Chem import MACCSkeys
    from rdkit.Chem.rdFingerprintGenerator import (
        GetAtomPairGenerator,
        GetMorganFeatureAtomInvGen,
        GetMorganGenerator,
        GetRDKitFPGenerator,
    )

    morgan = GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    roles = GetMorganGenerator(
        radius=RADIUS, fpSize=BITS, atomInvariantsGenerator=GetMorganFeatureAtomInvGen()
    )
    pairs, paths = GetAtomPairGenerator(fpSize=BITS), GetRDKitFPGenerator(fpSize=BITS)
    views = (
        morgan.GetFingerprintAsNumPy,
        morgan.GetCountFingerprintAsNumPy,
        roles.GetCountFingerprintAsNumPy,
        pairs.GetCountFingerprintAsNumPy,
        paths.GetFingerprintAsNumPy,
        lambda molecule: np.array(list(MACCSkeys.GenMACCSKeys(molecule))),  # type: ignore[attr-defined]
    )
    return dict(zip(FINGERPRINTS, views, strict=True))


def _rows(smiles: Sequence[str | None], view: str) -> npt.NDArray[np.uint8]:
    rows = np.zeros((len(smiles), KEYS if view == "structural_keys" else BITS), dtype=np.uint8)
    for row, text in zip(rows, smiles, strict=True):
        if text is not None:
            row[:] = _row(text, view)
    return rows


@lru_cache(maxsize=REMEMBERED * len(FINGERPRINTS))
def _row(smiles: str, view: str) -> npt.NDArray[np.uint8]:
    return np.minimum(_views()[view](_parsed(smiles)), 255).astype(np.uint8)


@lru_cache(maxsize=REMEMBERED)
def _scaffold(smiles: str) -> str:
    """The SMILES of a structure's rings and linkers; empty without rings."""
    from rdkit import Chem
    from rdkit.Chem.Scaffolds import MurckoScaffold

    of: Callable[[Any], Any] = MurckoScaffold.GetScaffoldForMol
    text: str = Chem.MolToSmiles(of(_parsed(smiles)))
    return text


def _parsed(smiles: str) -> Any:
    molecule = _molecule(smiles)
    if molecule is None:
        raise InputError(f'"{smiles}" is not a structure that RDKit can read; correct the SMILES')
    return molecule


@lru_cache(maxsize=REMEMBERED)
def _molecule(smiles: str) -> Any:
    """The molecule or None; RDKit's own log is silenced, our errors say what is wrong."""
    from rdkit import Chem, rdBase

    if not all(is_ascii_sign(character) for character in smiles):
        return (
            None  # RDKit would read it without what stands at its ends, such as a Cyrillic letter for an atom
        )
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles)

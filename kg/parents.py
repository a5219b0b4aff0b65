"""Finds the parent of a structure: without the ions and solvents that it was weighed with, and without their charges.

Two structures are one drug if their parents are; stereochemistry stays. The stored SMILES is what the source gave.
``ions_and_solvents.csv`` has the organic ones that compounds are weighed with.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from pharmagraph.kg.fingerprints import REMEMBERED

LEAST_OF_MIXTURE = 10
"""Atoms besides hydrogen that a second organic part has if it is a compound, and not an ion that is in no list."""

_METALS = frozenset((*range(21, 30), 31, 32, 33, *range(39, 52), *range(57, 85)))
"""Elements of which a compound is a complex, whose parts belong together; zinc and alkali metals are ions."""


_OF_SALTS = frozenset((3, 11, 12, 19, 20, 30, 37, 38, 55, 56))
"""Alkali and alkaline earth metals, and zinc: the metals of salts."""


@dataclass(frozen=True)
class Parent:
    """What is left of a structure.

    Attributes
    ----------
    smiles
        Of the parent; as given where nothing was taken away.
    removed
        SMILES of the ions and solvents, each once.
    others
        SMILES of further organic compounds; the structure is a mixture if there are some.
    """

    smiles: str
    removed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@lru_cache(maxsize=REMEMBERED)
def parent(smiles: str) -> Parent:
    """The parent of a structure that RDKit reads.

    A metal complex, and what has no carbon, is its own parent. Of two organic compounds the larger one is taken, and
    the other is named.
    """
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        if any(atom.GetAtomicNum() in _OF_SALTS for atom in molecule.GetAtoms()):
            molecule = _apart(molecule)
        charged = any(atom.GetFormalCharge() for atom in molecule.GetAtoms())
        if not charged and len(Chem.GetMolFrags(molecule)) < 2:
            return Parent(smiles)
        if any(atom.GetAtomicNum() in _METALS for atom in molecule.GetAtoms()):
            return Parent(smiles)
        whole = {_neutral(part): part for part in Chem.GetMolFrags(molecule, asMols=True)}
    compounds = {
        text: part for text, part in whole.items() if _has_carbon(part) and _flat(text) not in _ions()
    }
    if not compounds:  # an ion or a solvent alone, or nothing organic
        compounds = {text: part for text, part in whole.items() if _has_carbon(part)}
    if not compounds:
        return Parent(smiles)
    order = sorted(compounds, key=lambda text: (-compounds[text].GetNumHeavyAtoms(), text))
    others = [text for text in order[1:] if compounds[text].GetNumHeavyAtoms() >= LEAST_OF_MIXTURE]
    removed = [text for text in whole if text != order[0] and text not in others]
    return Parent(order[0], tuple(sorted(removed)), tuple(others))


def _apart(molecule: Any) -> Any:
    """The molecule with metals of salts as ions, which some sources write as bound: ``CC(=O)O[Na]``."""
    from rdkit.Chem.MolStandardize import rdMolStandardize

    return rdMolStandardize.MetalDisconnector().Disconnect(molecule)


def _neutral(molecule: Any) -> str:
    """Canonical SMILES without the charges that hydrogen balances."""
    from rdkit import Chem
    from rdkit.Chem.MolStandardize import rdMolStandardize

    write: Callable[[Any], str] = Chem.MolToSmiles
    return write(rdMolStandardize.Uncharger().uncharge(molecule))


def _has_carbon(molecule: Any) -> bool:
    return any(atom.GetAtomicNum() == 6 for atom in molecule.GetAtoms())


def _flat(smiles: str) -> str:
    from rdkit import Chem

    write: Callable[..., str] = Chem.MolToSmiles
    return write(Chem.MolFromSmiles(smiles), isomericSmiles=False)


@lru_cache(maxsize=1)
def _ions() -> frozenset[str]:
    """Organic ions and solvents without charge and stereochemistry; parts without carbon are in no list."""
    text = resources.files("pharmagraph.kg").joinpath("ions_and_solvents.csv").read_text("utf-8")
    return frozenset(_flat(row["smiles"]) for row in csv.DictReader(text.splitlines()))

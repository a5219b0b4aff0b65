"""Reads the structure of a new compound as a user types it: its parent, its InChIKey, and what is wrong with it.

Which drug of a graph it is, `kg.names` finds by the InChIKey.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from pharmagraph.kg import parents
from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.kg.fingerprints import inchikey, is_ascii_sign

MAX_ATOMS = 500
"""Atoms other than hydrogen that a structure may have. Insulin has 405. Fingerprints of 500 take half a second, and
those of 3,000 a minute."""
MAX_CHARACTERS = 20 * MAX_ATOMS
"""Characters that a SMILES may have; one with brackets, charges and stereochemistry needs fewer than 20 an atom."""

_SMILES = re.compile(r"\S*[=#()\[\]@/\\*]\S*|(?:[BCNOPSFIHbcnops0-9.:%$+-]|(?<=C)l|(?<=B)r)+")
_NAME = re.compile(r"(?:[A-Z]|(?<=C)l|(?<=B)r|-)+")
_LOG = re.compile(r"^\[[\d:]+\] (?:SMILES Parse Error: )?(.*?)(?: while parsing: .*| for input: .*)?$")
_POSITION = re.compile(r"around position (\d+)")


@dataclass(frozen=True)
class Structure:
    """A structure that can be predicted.

    Attributes
    ----------
    smiles
        One molecule: as it was typed, or the parent of a salt or a mixture.
    inchikeys
        Of what was typed, and of the parent; one where they are the same, none where InChI cannot write the molecule.
    parts
        Molecules and ions in what was typed.
    """

    smiles: str
    inchikeys: tuple[str, ...]
    parts: int


def may_be_a_name(text: str) -> bool:
    """Whether a text that is a SMILES is plausibly a name, too, such as CCCP, BSO, NO or I-BOP.

    It is if it has only letters and hyphens: no digit, no bracket, no bond but a hyphen, and of lower-case letters only
    those of Cl and Br, since c, n, o and s are aromatic atoms.
    """
    return _NAME.fullmatch(text) is not None


def may_be_meant_as_structure(text: str) -> bool:
    """Whether a text, readable or not, has a sign that only structures have, or nothing but what a SMILES may have."""
    return _SMILES.fullmatch(text) is not None


def read(text: str) -> Structure:
    """Read a SMILES.

    A salt or a mixture is replaced by its parent (`kg.parents`), of a mixture by that of the largest compound.

    Raises
    ------
    InputError
        If RDKit cannot read it (the message says at which position or atom), or if it has a blank, more than
        `MAX_ATOMS` atoms or more than `MAX_CHARACTERS` characters.
    """
    from rdkit import Chem

    reason, molecule = _molecule(text)
    if reason:
        raise InputError(f'"{shortened(text)}" is not a structure that can be predicted: {reason}')
    parts = len(Chem.GetMolFrags(molecule))
    parent = text if parts == 1 else parents.parent(text).smiles
    keys = dict.fromkeys(key for key in (inchikey(text), inchikey(parent)) if key)
    return Structure(parent, tuple(keys), parts)


def unreadable(text: str) -> str:
    """Why a text is not a structure that can be predicted; empty if it is one."""
    return _molecule(text)[0]


def too_large(text: str) -> str:
    """Why a SMILES is too large to be predicted or loaded, as the end of a sentence that begins with it.

    Empty if it is not too large, and if it cannot be read.
    """
    from rdkit import Chem, rdBase

    if len(text) > MAX_CHARACTERS:
        return f"has {len(text):,} characters, and {MAX_CHARACTERS:,} are allowed"
    with rdBase.BlockLogs():
        written = Chem.MolFromSmiles(text, sanitize=False)  # to sanitize a large one takes seconds
    n = 0 if written is None else written.GetNumHeavyAtoms()
    return f"has {n:,} atoms besides hydrogen, and {MAX_ATOMS} are allowed" if n > MAX_ATOMS else ""


def _molecule(text: str) -> tuple[str, Any]:
    from rdkit import Chem, rdBase

    if not text or any(c.isspace() for c in text):  # RDKit would read up to the blank
        return "it is empty or has a blank", None
    if text.startswith("InChI="):
        return "it is an InChI; give a SMILES", None
    if reason := _foreign(text):
        return reason, None
    if reason := too_large(text):
        return f"it {reason}", None
    with rdBase.CaptureErrorLog() as log:
        molecule = Chem.MolFromSmiles(text)
    if molecule is None:
        return _reason(log.messages), None
    if not molecule.GetNumHeavyAtoms() or any(not atom.GetAtomicNum() for atom in molecule.GetAtoms()):
        return "it has no atom but hydrogen, or one of no element (*)", None
    if any(
        bond.HasQuery() or bond.GetBondType() == Chem.BondType.UNSPECIFIED for bond in molecule.GetBonds()
    ):
        return "it has a bond of no kind (~)", None
    return "", molecule


def _foreign(text: str) -> str:
    """Why a text has a character that no SMILES has: RDKit leaves it out where it stands in front or at the end."""
    at = next((n for n, sign in enumerate(text, 1) if not is_ascii_sign(sign)), None)
    if at is None:
        return ""
    sign = text[at - 1]
    about = f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".rstrip()
    return f"at position {at} stands {about}, which no SMILES has; type it anew"


def _reason(log: str) -> str:
    """RDKit's message in one line, with the position in the text if it gives one; it counts atoms from 0."""
    lines = log.strip().splitlines()
    match = _LOG.match(lines[0]) if lines else None
    message = match.group(1) if match else "RDKit gives no reason"
    position = _POSITION.search(log)
    return f"{message} at position {position.group(1)}" if position else message

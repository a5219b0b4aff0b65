"""Reads the molecules of SDF and SMILES files one by one; what they are to a graph, `kg.structures` tells.

A molecule that cannot be read is given with the reason, and the next one is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pharmagraph.kg import structures
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.lines import Lines
from pharmagraph.kg.reading.text import opened, tidy

SDF, SMI = (".sdf", ".sd", ".mol"), (".smi", ".smiles", ".ism")
"""Endings of the files, in front of that of a packing."""

PACKED = (".gz", ".xz", ".bz2", ".zip")

MOST_ATOMS = 10 * structures.MAX_ATOMS
"""Atoms, hydrogen included, of a molecule that RDKit is given: it takes seconds for more."""

MOST_LINES = 100_000
"""Lines of one molecule with its data fields; more is no SDF."""

_MOST_DIGITS = 9
"""Digits of a number of atoms that are read; `int` refuses thousands of them."""

_COUNTS = re.compile(r"^[ \d]{2}\d[ \d]{2}\d")
_V3000 = re.compile(r"^M  V30 COUNTS (\d+)")
_LOG = re.compile(r"^\[[\d:]+\] ")
_HEADER = ("smiles", "canonical_smiles", "isomeric_smiles")


@dataclass(frozen=True)
class Molecule:
    """One molecule of a file.

    Attributes
    ----------
    place
        Where it is, for messages: ``molecule 3`` of an SDF, ``row 3`` of a SMILES file.
    title
        Its name; empty where it has none.
    smiles
        Its structure; empty where it cannot be read.
    reason
        Why it cannot be read; empty where it can.
    """

    place: str
    title: str
    smiles: str
    reason: str = ""


def kind_of(path: Path) -> str | None:
    """``sdf`` or ``smi`` by a file's name, whatever it is packed with; None of another file."""
    name = path.name.lower()
    for ending in PACKED:
        name = name.removesuffix(ending)
    if name.endswith(SDF):
        return "sdf"
    return "smi" if name.endswith(SMI) else None


def molecules(path: Path) -> Iterator[Molecule]:
    """The molecules of a file of which `kind_of` tells the kind.

    Raises
    ------
    InputError
        If the file cannot be read, is no SDF, or has no molecule.
    """
    with opened(path, str(path)) as text:
        lines = Lines(text, str(path), None)
        found = False
        for molecule in _of_sdf(lines, path) if kind_of(path) == "sdf" else _of_smiles(lines):
            found = True
            yield molecule
    if not found:
        raise InputError(f"{path} has no molecule; give one with at least one")


def _of_sdf(lines: Lines, path: Path) -> Iterator[Molecule]:
    record: list[str] = []
    number = 0
    for line in lines:
        if line.rstrip() != "$$$$":
            record.append(line.rstrip("\r"))
            if len(record) > MOST_LINES:
                raise InputError(
                    f"{path}: molecule {number + 1} has more than {MOST_LINES:,} lines; it is no SDF"
                )
            continue
        number += 1
        yield _of_record(record, number, path)
        record = []
    if any(line.strip() for line in record):  # a MOL file, or the last molecule without its end
        yield _of_record(record, number + 1, path)


def _of_record(record: list[str], number: int, path: Path) -> Molecule:
    place, title = f"molecule {number}", tidy(record[0]) if record else ""
    counts = record[3] if len(record) > 3 else ""
    if not _COUNTS.match(counts) and "V3000" not in counts:
        if number == 1:
            raise InputError(
                f"{path} is no SDF: the fourth line of its first molecule has no numbers of atoms and bonds; "
                "call a table .csv, and a file of SMILES .smi"
            )
        return Molecule(place, title, "", "its fourth line has no numbers of atoms and bonds")
    stated = next((m[1] for line in record if (m := _V3000.match(line))), "")
    n_atoms = _count(stated) or _count(counts[:3])
    if n_atoms > MOST_ATOMS:
        return Molecule(
            place,
            title,
            "",
            f"it has {n_atoms:,} atoms, and {structures.MAX_ATOMS} besides hydrogen are allowed",
        )
    if not n_atoms:
        return Molecule(place, title, "", "it has no atoms")
    smiles, reason = _smiles("\n".join(record))
    return Molecule(place, title, smiles, reason)


def _count(text: str) -> int:
    """A number of atoms; 0 where none is stated, and no more than `int` reads of a number of any length."""
    digits = text.strip()
    return int(digits[:_MOST_DIGITS]) if digits.isascii() and digits.isdecimal() else 0


def _smiles(block: str) -> tuple[str, str]:
    """The SMILES of a MOL block, and why there is none."""
    from rdkit import Chem, rdBase

    with rdBase.CaptureErrorLog() as log:
        molecule: Any = Chem.MolFromMolBlock(block)
    if molecule is None:
        said = log.messages.strip().splitlines()
        return "", _LOG.sub("", said[0]) if said else "RDKit cannot read it and gives no reason"
    written: str = Chem.MolToSmiles(molecule)
    return written, ""


def _of_smiles(lines: Lines) -> Iterator[Molecule]:
    first = True
    for line in lines:
        smiles, _, title = tidy(line.replace("\t", " ")).partition(" ")
        if not smiles or smiles.startswith("#"):
            continue
        is_header, first = first and smiles.casefold() in _HEADER, False
        if is_header:
            continue
        title = title.strip()
        if title.startswith("|") and "|" in title[1:]:  # extensions, as of ChemAxon
            title = title[title.index("|", 1) + 1 :].strip()
        yield Molecule(f"row {lines.number}", title, smiles)

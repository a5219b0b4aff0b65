"""Checks the structures that files give for drugs, and keeps one for each drug."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.fingerprints import inchikey, is_structure
from pharmagraph.kg.parents import parent
from pharmagraph.kg.structures import too_large


def structures(
    rows: Iterable[tuple[int, str, str]], rejections: Rejections, *, file: str, column: str
) -> dict[str, str]:
    """Choose one SMILES for each drug.

    Parameters
    ----------
    rows
        Line of the file, drug id and SMILES; an empty SMILES means none.
    rejections
        Collects structures that are too large, texts that RDKit cannot parse, and a drug's further structures if they
        are other molecules.
    file, column
        For the messages.

    Returns
    -------
    dict
        Drug id → SMILES of its first row.

    Raises
    ------
    RowError
        At the first bad row, unless rows are being rejected.
    """
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, id_, smiles in rows:
        smiles = (smiles.split() or [""])[
            0
        ]  # behind a blank stand a name or extensions, which are no structure
        if not smiles:
            continue
        if reason := too_large(smiles):
            way = f"leave the SMILES of {id_} empty"
            rejections.bad("Drug", file, line, column, smiles, f"{reason}; {way}")
        elif not is_structure(smiles):
            rejections.bad(
                "Drug",
                file,
                line,
                column,
                smiles,
                f"is not a structure that RDKit can read; correct the SMILES of {id_}",
            )
        elif id_ not in found:
            found[id_], lines[id_] = smiles, line
        elif smiles != found[id_] and inchikey(smiles) != inchikey(found[id_]):
            rejections.bad(
                "Drug",
                file,
                line,
                column,
                smiles,
                f"is another structure than row {lines[id_]} gives {id_}; keep one",
            )
    return found


def chemistry(ids: Sequence[str], smiles_of: Mapping[str, str]) -> dict[str, list[str | None]]:
    """Columns of a table of drugs: the structure as it was given, its key, and that of its parent if it is another."""
    smiles = [smiles_of.get(id_) for id_ in ids]
    keys = [None if text is None else inchikey(text) for text in smiles]
    parents = [None if text is None else inchikey(parent(text).smiles) for text in smiles]
    return {
        "smiles": smiles,
        "inchikey": keys,
        "parent_inchikey": [of or None if of != own else None for own, of in zip(keys, parents, strict=True)],
    }

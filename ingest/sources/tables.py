"""Reads a user's own screen from tables in long form: responses, and drugs, cell lines and expression if present.

DIR/responses.csv    drug, cell_line, and ln_ic50, auc or response (1 sensitive, 0 resistant)
DIR/drugs.csv        drug, smiles, pubchem_cid, max_phase, mechanism
DIR/cells.csv        cell_line, tissue, cosmic_id, depmap_id, cellosaurus_id
DIR/expression.csv   cell_line, gene, value

They may also be called ``.tsv`` or ``.txt``, and be packed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.expression import Statistics, has_spread, statistics, z_scores
from pharmagraph.ingest.gene_words import Symbols
from pharmagraph.ingest.long_table import LongTable, require_rows, without_repeats
from pharmagraph.ingest.longform import read_long
from pharmagraph.ingest.names import aliases_of, cell_line_id, drug_id, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.structures import structures
from pharmagraph.ingest.threshold import DEFAULT, Rule, labels, limits, parse, recorded, unlabelled_note
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.fingerprints import inchikey, morgan
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.reading.text import stem
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.wording import option

_FILES = ("responses", "drugs", "cells", "expression")
_PROPERTIES = {
    "Drug": ("pubchem_cid", "max_phase", "mechanism"),
    "CellLine": ("tissue", "cosmic_id", "depmap_id", "cellosaurus_id"),
}
_SPELLING = " under another spelling; keep one"
_WITHOUT_SMILES = "drug without SMILES"


def read(
    folder: Path,
    rejections: Rejections,
    *,
    name: str | None = None,
    share: float = 0.05,
    neighbours: int = 15,
    threshold: str = DEFAULT,
    without_smiles: bool = False,
) -> Bundle:
    """Read tables into a bundle.

    Parameters
    ----------
    folder
        A folder with the layout above.
    rejections
        Collects bad rows.
    name
        Id of the dataset; by default the folder's name.
    share, neighbours
        Share of the genes kept for each cell line; SIMILAR_TO edges kept for each node.
    threshold
        Rule by which ln IC50 is labelled in rows without ``response`` (`ingest.threshold`).
    without_smiles
        Keep drugs that have no structure.

    Raises
    ------
    InputError
        If the folder or responses.csv is missing, a file lacks a column, no response is left, or no cell line has both
        responses and expression.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give one with responses.csv in it")
    name = name or folder.resolve().name
    rule = parse(threshold)
    files = _files(folder)
    responses = _valid(_read(files["responses"], "responses", rejections, "TESTED_ON"), rejections)
    require_rows(responses, "response")
    tables = {
        kind: _read(files[kind], kind, rejections, label) if kind in files else None
        for kind, label in (("drugs", "Drug"), ("cells", "CellLine"), ("expression", "EXPRESSES"))
    }
    drugs, cells, expression = tables["drugs"], tables["cells"], tables["expression"]
    drug_names = _names(drug_id, "drug", responses, drugs)
    cell_names = _names(cell_line_id, "cell_line", responses, expression, cells)
    smiles = _structures(drugs, rejections)
    bare = [d for d in drug_names if d not in smiles]
    if not without_smiles:
        responses = _with_structure(responses, set(smiles), rejections)
    drug_ids = sorted(drug_names if without_smiles else smiles.keys() & drug_names.keys())
    cell_ids = sorted(cell_names)
    edges: dict[tuple[str, Ends], pa.Table] = {
        ("SIMILAR_TO", ("Drug", "Drug")): assemble.similar_structures(
            drug_ids, morgan([smiles.get(d) for d in drug_ids]), neighbours=neighbours, dataset=name
        ),
        ("TESTED_ON", ("Drug", "CellLine")): _tested_on(responses, rule, name),
    }
    gene_nodes = assemble.node_table("Gene", {"id": []})
    profiles: tuple[Profiles, ...] = ()
    symbols = Symbols()
    lacking: list[str] = []
    if expression is not None:
        lacking = _without_expression(responses, expression)
        genes, z, of_genes = _standardised(expression, cell_ids, rejections, symbols)
        edges["SIMILAR_TO", ("CellLine", "CellLine")] = assemble.similar_profiles(
            cell_ids, z, neighbours=neighbours, dataset=name
        )
        edges["SIMILAR_TO", ("Gene", "Gene")] = assemble.similar_profiles(
            genes, z.T, neighbours=neighbours, dataset=name
        )
        edges["EXPRESSES", ("CellLine", "Gene")] = assemble.expresses(
            cell_ids, genes, z, share=share, dataset=name
        )
        gene_nodes = assemble.gene_table(genes, genes, of_genes)
        profiles = (Profiles.of(name, "expression", cell_ids, genes, z),)
    nodes = {
        "Drug": _nodes("Drug", drug_ids, drug_names, drugs, smiles),
        "Gene": gene_nodes,
        "CellLine": _nodes("CellLine", cell_ids, cell_names, cells, None),
    }
    structure = "" if without_smiles else f" and are left out ({option('without_smiles')} keeps them)"
    notes = (
        *unmatched_note("drugs", [drug_names[d] for d in bare], f"have no structure{structure}"),
        *unlabelled_note(edges["TESTED_ON", ("Drug", "CellLine")], drug_names, rule),
        *unmatched_note("cell lines", lacking, "have responses and no expression"),
        *symbols.notes("expression"),
        *(
            note
            for table in (responses, drugs, cells, expression)
            if table is not None
            for note in table.notes
        ),
    )
    card = DatasetCard(name, f"tables in {folder.resolve().name}", sha256=_sha256(files))
    return Bundle(name, (card,), nodes, edges, tuple(rejections.rejected), notes, profiles)


def _files(folder: Path) -> dict[str, Path]:
    """The folder's files by what they hold."""
    found: dict[str, Path] = {}
    for path in sorted(p for p in folder.iterdir() if p.is_file() and stem(p) in _FILES and p.suffix):
        other = found.setdefault(stem(path), path)
        if other != path:
            raise InputError(f"{folder} has both {other.name} and {path.name}; keep one")
    if "responses" not in found:
        raise InputError(f"{folder / 'responses.csv'} is not a file; a table of responses is needed")
    return found


def _read(path: Path, contract: str, rejections: Rejections, kind: str) -> LongTable:
    """A file's rows; further rows with the same names, once folded, are bad rows."""
    table = read_long(path, contract, rejections, kind=kind)
    folding: dict[str, Callable[[str], str]] = {"drug": drug_id, "cell_line": cell_line_id, "gene": str}
    columns = [c for c in folding if c in table.texts]
    codes = [table.texts[c].numbered(folding[c])[1] for c in columns]
    shown = [table.texts[c] for c in columns]
    return without_repeats(table, codes, rejections, kind, None, _SPELLING, shown)


def _names(folding: Callable[[str], str], column: str, *tables: LongTable | None) -> dict[str, str]:
    """Id → name: of several spellings the first in the last table that has one."""
    names = [n for table in tables if table is not None for n in reversed(table.texts[column].names)]
    return {folding(n): n for n in names}


def _valid(table: LongTable, rejections: Rejections) -> LongTable:
    """Responses with a label of 0 or 1 and an area that is one."""
    response, auc = table.numbers["response"], table.numbers["auc"]
    wrong = [
        (at, "response", f"{response[at]:g}", "is not 0, 1 or empty")
        for at in np.flatnonzero(~np.isin(response, (0, 1)) & ~np.isnan(response))
    ]
    wrong += [(at, "auc", f"{auc[at]:g}", "is below 0; an area cannot be") for at in np.flatnonzero(auc < 0)]
    mask = np.ones(len(table), bool)
    for at, column, text, reason in sorted(wrong):
        rejections.bad("TESTED_ON", table.file, int(table.lines[at]), column, text, reason)
        mask[at] = False
    return table.keep(mask)


def _structures(drugs: LongTable | None, rejections: Rejections) -> dict[str, str]:
    if drugs is None:
        return {}
    rows = [(r.line, drug_id(r["drug"]), r["smiles"] or "") for r in drugs]
    return structures(rows, rejections, file=drugs.file, column="smiles")


def _with_structure(table: LongTable, with_structure: set[str], rejections: Rejections) -> LongTable:
    """The responses of drugs that have a structure; others are counted."""
    drug = table.texts["drug"]
    kept = np.array([drug_id(n) in with_structure for n in drug.names], bool)
    mask = kept[drug.codes]
    rows = np.bincount(drug.codes, minlength=len(kept))
    for number in np.flatnonzero(~kept):
        rejections.set_aside(
            "TESTED_ON", table.file, None, drug.names[number], _WITHOUT_SMILES, rows=int(rows[number])
        )
    if not mask.any():
        raise InputError(
            f"none of the {len(kept):,} drugs of {table.file} has a structure; give their SMILES in drugs.csv (columns "
            f"drug and smiles), or pass {option('without_smiles')} to keep drugs without one"
        )
    return table.keep(mask)


def _tested_on(table: LongTable, rule: Rule, dataset: str) -> pa.Table:
    drugs, drug = table.texts["drug"].numbered(drug_id)
    cells, cell = table.texts["cell_line"].numbered(cell_line_id)
    ln_ic50, given = table.numbers["ln_ic50"], table.numbers["response"]
    measured, labelled = ~np.isnan(ln_ic50), ~np.isnan(given)
    limit = limits(ln_ic50[measured], drug[measured], len(drugs), rule)
    by_rule = labels(ln_ic50, limit[drug])
    response = np.where(labelled, given, by_rule.to_numpy(zero_copy_only=False).astype(np.float64))
    texts = [*(recorded(rule, value) for value in limit), "label as the file gives it"]
    which = np.where(labelled, len(drugs), np.where(np.isnan(response), -1, drug))
    return assemble.edge_table(
        assemble.taken(drugs, drug),
        assemble.taken(cells, cell),
        {
            "ln_ic50": ln_ic50,
            "auc": table.numbers["auc"],
            "response": pa.array(response, from_pandas=True).cast(pa.int64()),
            "threshold": assemble.taken(texts, which),
            "dataset": dataset,
        },
    )


def _without_expression(responses: LongTable, expression: LongTable) -> list[str]:
    """Names of the cell lines with responses that have no expression.

    Raises
    ------
    InputError
        If none has.
    """
    require_rows(expression, "value")
    tested, expressed = responses.texts["cell_line"].names, expression.texts["cell_line"].names
    ids = {cell_line_id(n) for n in expressed}
    lacking = [n for n in tested if cell_line_id(n) not in ids]
    if len(lacking) == len(tested):
        raise InputError(
            f"{responses.file} and {expression.file} have no cell line in common: {tested[0]} in one, {expressed[0]} "
            "in the other; call a cell line the same in both"
        )
    return lacking


def _standardised(
    table: LongTable, cells: list[str], rejections: Rejections, symbols: Symbols
) -> tuple[list[str], npt.NDArray[np.float64], Statistics]:
    """Genes, their z scores ``(cell lines, genes)``, and what these were made with."""
    gene, number = table.texts["gene"], {c: i for i, c in enumerate(cells)}
    _, first, rows = np.unique(gene.codes, return_index=True, return_counts=True)
    lines = table.lines[first]
    usable = [
        symbols.accept(symbol, rejections, "EXPRESSES", table.file, int(line), "gene", rows=int(n))
        for symbol, line, n in zip(gene.names, lines, rows, strict=True)
    ]
    of_names = np.array([number[cell_line_id(n)] for n in table.texts["cell_line"].names])
    values = np.full((len(cells), len(gene.names)), np.nan)
    values[of_names[table.texts["cell_line"].codes], gene.codes] = table.numbers["value"]
    spread = has_spread(values)
    for at in np.flatnonzero(np.array(usable) & ~spread):
        rejections.bad(
            "EXPRESSES",
            table.file,
            int(lines[at]),
            "gene",
            gene.names[at],
            "has the same value in every cell line, so it has no z score; delete it",
        )
    kept = np.array(usable) & spread
    if not kept.any():
        raise InputError(f"{table.file} has no gene left; give HGNC symbols, whose values differ")
    return (
        [gene.names[i] for i in np.flatnonzero(kept)],
        z_scores(values[:, kept]),
        statistics(values[:, kept]),
    )


def _nodes(
    label: str,
    ids: Sequence[str],
    names: dict[str, str],
    table: LongTable | None,
    smiles: dict[str, str] | None,
) -> pa.Table:
    """Nodes with what their table says of them."""
    kind, folding = ("drug", drug_id) if label == "Drug" else ("cell_line", cell_line_id)
    row_of = {folding(r[kind]): r for r in table} if table is not None else {}
    structure = smiles if smiles is not None else {}
    chemistry = {
        "smiles": [structure.get(i) for i in ids],
        "inchikey": [inchikey(structure[i]) if i in structure else None for i in ids],
    }
    return assemble.node_table(
        label,
        {
            "id": ids,
            "name": [names[i] for i in ids],
            **(chemistry if smiles is not None else {}),
            "aliases": [aliases_of(i, kind=kind) or None for i in ids],
            **{p: [row_of[i][p] if i in row_of else None for i in ids] for p in _PROPERTIES[label]},
        },
    )


def _sha256(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for kind in _FILES:
        if kind in files:
            digest.update(f"{files[kind].name}\0{checksum(files[kind])}".encode())
    return digest.hexdigest()

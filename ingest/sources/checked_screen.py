"""Reads the tables of a screen and checks them: all that can be wrong with them is found here. It makes no graph.

Which files these are, and in which shape, is decided in `ingest.shapes`. In the long layout they are

DIR/responses.csv    drug, cell_line, and ln_ic50, auc or response (1 sensitive, 0 resistant); of curves also
                     censored, bound, e_inf, hill, r2, flags
DIR/drugs.csv        drug, smiles, pubchem_cid, broad_id, chembl_id, max_phase, mechanism
DIR/cells.csv        cell_line, tissue, cosmic_id, depmap_id, cellosaurus_id
DIR/expression.csv   cell_line, gene, value

They may also be called ``.tsv`` or ``.txt``, and be packed; be Parquet, Arrow or Excel files; or be sheets of these
names in one workbook.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pharmagraph.ingest.expression import has_spread
from pharmagraph.ingest.gene_words import Symbols
from pharmagraph.ingest.identities.of_screen import identified
from pharmagraph.ingest.long_table import LongTable
from pharmagraph.ingest.manifest.entries import manifest_of
from pharmagraph.ingest.manifest.files import files_of
from pharmagraph.ingest.names import cell_line_id, drug_id, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Levels, Listed, Mutations
from pharmagraph.ingest.shapes.bounds import bounds_note
from pharmagraph.ingest.shapes.read_screen import read_screen
from pharmagraph.ingest.shapes.recognise import Files, recognise
from pharmagraph.ingest.structures import structures
from pharmagraph.ingest.units.given import NOTHING_SAID, Given
from pharmagraph.kg.errors import InputError, some
from pharmagraph.kg.schema import PROFILES
from pharmagraph.kg.wording import option

_WITHOUT_SMILES = "drug without SMILES"
_NO_SPREAD = "gene with the same value in every cell line, which has no z score"


@dataclass(frozen=True)
class CheckedScreen:
    """The good rows of a screen's tables.

    Attributes
    ----------
    files
        Where they come from.
    responses
        Of drugs that become nodes.
    drugs, cells
        What is said of them.
    smiles
        Drug id → structure.
    drug_names, cell_names
        Id → name, of all that a table names.
    drug_ids, cell_ids
        Those that become nodes, in order.
    expression
        Of genes that vary between the cell lines; its cell lines are `cell_ids`.
    mutated
        Pairs of a cell line's id and a gene; None without a table of mutations.
    layers
        Kind of profiles → further omics, whose cell lines are some of `cell_ids`.
    notes
        Sentences about the files and what is left out.
    of_tables
        Sentences about single tables.
    """

    files: Files
    responses: LongTable
    drugs: Listed | None
    cells: Listed | None
    smiles: dict[str, str]
    drug_names: dict[str, str]
    cell_names: dict[str, str]
    drug_ids: list[str]
    cell_ids: list[str]
    expression: Levels | None
    mutated: tuple[tuple[str, str], ...] | None
    layers: dict[str, Levels]
    notes: tuple[str, ...]
    of_tables: tuple[str, ...]


def checked_screen(
    place: Path,
    rejections: Rejections,
    *,
    without_smiles: bool,
    units: Given = NOTHING_SAID,
    human: bool = False,
) -> CheckedScreen:
    """Read the tables of a screen.

    Parameters
    ----------
    place
        A table of responses of any shape of `ingest.shapes`, or a folder with one and more, or with a manifest.
    rejections
        Collects bad rows.
    without_smiles
        Keep drugs that have no structure.
    units
        What the user says of units, by measure.
    human
        Gene symbols in small letters, as Brca1, are of human genes.

    Raises
    ------
    InputError
        If there are no responses, a file has no known shape or lacks a column, no response is left, or no cell line has
        both responses and expression.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    manifest = manifest_of(place)
    files = files_of(manifest) if manifest is not None else recognise(place)
    screen = identified(read_screen(files, rejections, units), rejections, human=human)
    responses, drugs, cells, expression = screen.responses, screen.drugs, screen.cells, screen.expression
    drug_names = _names(drug_id, responses.texts["drug"].names, _listed_names(drugs, "drug"))
    cell_names = _names(
        cell_line_id,
        responses.texts["cell_line"].names,
        expression.cell_lines if expression else (),
        _listed_names(cells, "cell_line"),
    )
    smiles = _structures(drugs, rejections)
    bare = [d for d in drug_names if d not in smiles]
    if not without_smiles:
        responses = _with_structure(responses, set(smiles), rejections)
    cell_ids = sorted(cell_names)
    of_expression, of_mutations = Symbols(), Symbols()
    lacking: list[str] = []
    if expression is not None:
        lacking = _without_expression(responses, expression)
        expression = _varying(expression, cell_ids, rejections, of_expression)
    mutations = screen.mutations
    mutated = _mutated(mutations, cell_ids, rejections, of_mutations) if mutations is not None else None
    of_layers = {kind: Symbols() for kind in screen.layers}
    layers = {
        kind: _accepted(levels, rejections, of_layers[kind], PROFILES[kind].type)
        for kind, levels in screen.layers.items()
    }
    layers = {
        kind: replace(v, cell_lines=tuple(map(cell_line_id, v.cell_lines))) for kind, v in layers.items()
    }
    structure = "" if without_smiles else f" and are left out ({option('without_smiles')} keeps them)"
    notes = (
        *screen.notes,
        *bounds_note(responses),
        *unmatched_note("drugs", [drug_names[d] for d in bare], f"have no structure{structure}"),
        *unmatched_note("cell lines", lacking, "have responses and no expression"),
        *of_expression.notes("expression"),
        *of_mutations.notes("mutations"),
        *(note for kind, symbols in of_layers.items() for note in symbols.notes(kind)),
    )
    tables = (responses, drugs, cells, screen.expression, screen.mutations, *screen.layers.values())
    return CheckedScreen(
        files, responses, drugs, cells, smiles, drug_names, cell_names,
        sorted(drug_names if without_smiles else smiles.keys() & drug_names.keys()), cell_ids, expression, mutated,
        layers, notes, tuple(note for table in tables if table is not None for note in table.notes),
    )  # fmt: skip


def _listed_names(table: Listed | None, column: str) -> list[str]:
    return [row[column] for row in table.rows] if table is not None else []


def _names(folding: Callable[[str], str], *names: Sequence[str]) -> dict[str, str]:
    """Id → name: of several spellings the first in the last table that has one."""
    return {folding(n): n for table in names for n in reversed(table)}


def _structures(drugs: Listed | None, rejections: Rejections) -> dict[str, str]:
    if drugs is None:
        return {}
    rows = [(r.line, drug_id(r["drug"]), r.values.get("smiles") or "") for r in drugs.rows]
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
        n = len(kept)
        has = (
            f"the only drug of {table.file} has no"
            if n == 1
            else f"none of the {n:,} drugs of {table.file} has a"
        )
        there = _structures_there(table, with_structure, rejections)
        raise InputError(
            f"{has} structure{there}; give SMILES in drugs.csv (columns drug and smiles), or pass "
            f"{option('without_smiles')} to keep drugs without one"
        )
    return table.keep(mask)


def _structures_there(table: LongTable, with_structure: set[str], rejections: Rejections) -> str:
    """What the tables of drugs have in place of the structures that are looked for, in brackets."""
    files = [c for c in rejections.columns if c.file != table.file and "drug" in c.used.values()]
    if not files:
        return ""
    if with_structure:
        return f" ({files[0].file} has those of {some(sorted(with_structure))})"
    if "smiles" in files[0].used.values():
        return f" (the column smiles of {files[0].file} is empty)"
    others = some(list(files[0].unused)) if files[0].unused else "drug alone"
    return f" ({files[0].file} has no column smiles, but {others})"


def _without_expression(responses: LongTable, expression: Levels) -> list[str]:
    """Names of the cell lines with responses that have no expression.

    Raises
    ------
    InputError
        If none has.
    """
    tested, expressed = responses.texts["cell_line"].names, expression.cell_lines
    ids = {cell_line_id(n) for n in expressed}
    lacking = [n for n in tested if cell_line_id(n) not in ids]
    if len(lacking) == len(tested):
        raise InputError(
            f"{responses.file} and {expression.file} have no cell line in common: {tested[0]} in one, {expressed[0]} "
            "in the other; call a cell line the same in both"
        )
    return lacking


def _varying(levels: Levels, cells: Sequence[str], rejections: Rejections, symbols: Symbols) -> Levels:
    """The genes that have a z score, with a row of values for each of the cell lines."""
    levels = _accepted(levels, rejections, symbols, "EXPRESSES")
    number = {c: i for i, c in enumerate(cells)}
    rows = (~np.isnan(levels.values)).sum(axis=0)
    values = np.full((len(cells), len(levels.genes)), np.nan)
    values[[number[cell_line_id(n)] for n in levels.cell_lines]] = levels.values
    spread = has_spread(values)
    for at in np.flatnonzero(~spread):
        line, gene = int(levels.lines[at]), levels.genes[at]
        if levels.as_downloaded:
            rejections.set_aside("EXPRESSES", levels.file, line, gene, _NO_SPREAD, rows=int(rows[at]))
            continue
        reason = "has the same value in every cell line, so it has no z score; delete it"
        rejections.bad("EXPRESSES", levels.file, line, "gene", gene, reason)
    kept = np.flatnonzero(spread).tolist()
    if not kept:
        raise InputError(f"{levels.file} has no gene left; give HGNC symbols, whose values differ")
    return _of_genes(replace(levels, cell_lines=tuple(cells), values=values), kept)


def _accepted(levels: Levels, rejections: Rejections, symbols: Symbols, kind: str) -> Levels:
    """The genes whose names are symbols."""
    rows = (~np.isnan(levels.values)).sum(axis=0)
    usable = [
        symbols.accept(symbol, rejections, kind, levels.file, int(line), "gene", rows=int(n))
        for symbol, line, n in zip(levels.genes, levels.lines, rows, strict=True)
    ]
    return _of_genes(levels, [at for at, yes in enumerate(usable) if yes])


def _of_genes(levels: Levels, kept: Sequence[int]) -> Levels:
    """The columns of some genes."""
    if len(kept) == len(levels.genes):
        return levels
    return replace(
        levels,
        genes=tuple(levels.genes[i] for i in kept),
        values=levels.values[:, kept],
        lines=levels.lines[kept],
        entrez=[levels.entrez[i] for i in kept] if levels.entrez else (),
    )


def _mutated(
    mutations: Mutations, cells: Sequence[str], rejections: Rejections, symbols: Symbols
) -> tuple[tuple[str, str], ...]:
    """The pairs of the screen's cell lines, each once."""
    known = set(cells)
    accepted: dict[str, bool] = {}
    pairs: dict[tuple[str, str], None] = {}
    for name, gene, line in zip(mutations.cell_lines, mutations.genes, mutations.lines, strict=True):
        id_ = cell_line_id(name)
        if id_ not in known:
            continue
        if gene not in accepted:
            accepted[gene] = symbols.accept(gene, rejections, "MUTATED", mutations.file, line, "gene")
        if accepted[gene]:
            pairs[id_, gene] = None
    return tuple(pairs)

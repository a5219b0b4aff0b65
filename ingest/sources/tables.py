"""Makes a graph of a screen: responses, and drugs, cell lines, expression and mutations if present.

Which files these come from, and in which shape, is decided in `ingest.shapes`. In the long layout they are

DIR/responses.csv    drug, cell_line, and ln_ic50, auc or response (1 sensitive, 0 resistant); of curves also
                     censored, bound, e_inf, hill, r2, flags
DIR/drugs.csv        drug, smiles, pubchem_cid, broad_id, max_phase, mechanism
DIR/cells.csv        cell_line, tissue, cosmic_id, depmap_id, cellosaurus_id
DIR/expression.csv   cell_line, gene, value

They may also be called ``.tsv`` or ``.txt``, and be packed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.expression import Statistics, has_spread, statistics, z_scores
from pharmagraph.ingest.gene_words import Symbols
from pharmagraph.ingest.identities.of_screen import identified
from pharmagraph.ingest.long_table import LongTable
from pharmagraph.ingest.names import aliases_of, cell_line_id, drug_id, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Levels, Listed, Mutations
from pharmagraph.ingest.shapes.bounds import sides
from pharmagraph.ingest.shapes.read_screen import read_screen
from pharmagraph.ingest.shapes.recognise import Files, recognise
from pharmagraph.ingest.structures import chemistry, structures
from pharmagraph.ingest.threshold import DEFAULT, Rule, labels, limits, parse, recorded, unlabelled_note
from pharmagraph.ingest.units.given import given
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.fingerprints import morgan
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.reading.text import stem
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.wording import option

_PROPERTIES = {
    "Drug": ("pubchem_cid", "max_phase", "mechanism"),
    "CellLine": ("tissue", "cosmic_id", "depmap_id", "passport_id", "cellosaurus_id", "ccle_name", "problem"),
}
_WITHOUT_SMILES = "drug without SMILES"
_NO_SPREAD = "gene with the same value in every cell line, which has no z score"


def read(
    place: Path,
    rejections: Rejections,
    *,
    name: str | None = None,
    share: float = 0.05,
    neighbours: int = 15,
    threshold: str = DEFAULT,
    without_smiles: bool = False,
    units: Mapping[str, str] | Sequence[str] = (),
    human: bool = False,
) -> Bundle:
    """Read a screen into a bundle.

    Parameters
    ----------
    place
        A table of responses of any shape of `ingest.shapes`, or a folder with one and more.
    rejections
        Collects bad rows.
    name
        Id of the dataset; by default the name of the folder, or of the file.
    share, neighbours
        Share of the genes kept for each cell line; SIMILAR_TO edges kept for each node.
    threshold
        Rule by which ln IC50 is labelled in rows without ``response`` (`ingest.threshold`).
    without_smiles
        Keep drugs that have no structure.
    units
        Of responses and expression, where columns do not say them: ``{"ic50": "nM"}`` (`ingest.units.given`).
    human
        Gene symbols in small letters, as Brca1, are of human genes.

    Raises
    ------
    InputError
        If a unit is not clear or contradicts the values, there are no responses, a file has no known shape or lacks a
        column, no response is left, or no cell line has both responses and expression.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    rule = parse(threshold)
    files = recognise(place)
    called = place.resolve().name
    name = name or (stem(place) if place.is_file() else called)
    screen = identified(read_screen(files, rejections, given(units)), rejections, human=human)
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
    drug_ids = sorted(drug_names if without_smiles else smiles.keys() & drug_names.keys())
    cell_ids = sorted(cell_names)
    edges: dict[tuple[str, Ends], pa.Table] = {
        ("SIMILAR_TO", ("Drug", "Drug")): assemble.similar_structures(
            drug_ids, morgan([smiles.get(d) for d in drug_ids]), neighbours=neighbours, dataset=name
        ),
        ("TESTED_ON", ("Drug", "CellLine")): _tested_on(responses, rule, name),
    }
    profiles: tuple[Profiles, ...] = ()
    symbols = Symbols()
    lacking: list[str] = []
    genes: list[str] = []
    of_genes: Statistics | None = None
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
        profiles = (Profiles.of(name, "expression", cell_ids, genes, z),)
    mutated = symbols_of_mutations = None
    if screen.mutations is not None:
        symbols_of_mutations = Symbols()
        mutated = _mutated(screen.mutations, cell_ids, rejections, symbols_of_mutations, name)
        edges["MUTATED", ("CellLine", "Gene")] = mutated
    nodes = {
        "Drug": _nodes("Drug", drug_ids, drug_names, drugs, smiles),
        "Gene": _gene_nodes(genes, of_genes, expression, mutated),
        "CellLine": _nodes("CellLine", cell_ids, cell_names, cells, None),
    }
    structure = "" if without_smiles else f" and are left out ({option('without_smiles')} keeps them)"
    notes = (
        *screen.notes,
        *unmatched_note("drugs", [drug_names[d] for d in bare], f"have no structure{structure}"),
        *unlabelled_note(edges["TESTED_ON", ("Drug", "CellLine")], drug_names, rule),
        *unmatched_note("cell lines", lacking, "have responses and no expression"),
        *symbols.notes("expression"),
        *(symbols_of_mutations.notes("mutations") if symbols_of_mutations else ()),
        *(
            note
            for table in (responses, drugs, cells, expression, screen.mutations)
            if table is not None
            for note in table.notes
        ),
    )
    source = f"tables in {called}" if place.is_dir() else called
    card = DatasetCard(name, source, sha256=_sha256(files))
    return Bundle(name, (card,), nodes, edges, tuple(rejections.rejected), notes, profiles)


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
    side = sides(table)
    by_rule = labels(ln_ic50, limit[drug], side)
    response = np.where(labelled, given, by_rule.to_numpy(zero_copy_only=False).astype(np.float64))
    texts = [*(recorded(rule, value) for value in limit), "label as the file gives it"]
    which = np.where(labelled, len(drugs), np.where(np.isnan(response), -1, drug))
    nothing = np.full(len(table), np.nan)
    return assemble.edge_table(
        assemble.taken(drugs, drug),
        assemble.taken(cells, cell),
        {
            "ln_ic50": ln_ic50,
            "censored": assemble.taken(["above", "below"], np.where(side == 0, -1, side < 0)),
            "auc": table.numbers["auc"],
            **{name: table.numbers.get(name, nothing) for name in ("e_inf", "hill", "r2")},
            "flags": pa.array(
                table.texts["flags"].cells() if "flags" in table.texts else [None] * len(table), pa.string()
            ),
            "response": pa.array(response, from_pandas=True).cast(pa.int64()),
            "threshold": assemble.taken(texts, which),
            "dataset": dataset,
        },
    )


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


def _standardised(
    levels: Levels, cells: list[str], rejections: Rejections, symbols: Symbols
) -> tuple[list[str], npt.NDArray[np.float64], Statistics]:
    """Genes, their z scores ``(cell lines, genes)``, and what these were made with."""
    number = {c: i for i, c in enumerate(cells)}
    rows = (~np.isnan(levels.values)).sum(axis=0)
    usable = np.array(
        [
            symbols.accept(symbol, rejections, "EXPRESSES", levels.file, int(line), "gene", rows=int(n))
            for symbol, line, n in zip(levels.genes, levels.lines, rows, strict=True)
        ],
        bool,
    )
    values = np.full((len(cells), len(levels.genes)), np.nan)
    values[[number[cell_line_id(n)] for n in levels.cell_lines]] = levels.values
    spread = has_spread(values)
    for at in np.flatnonzero(usable & ~spread):
        line, gene = int(levels.lines[at]), levels.genes[at]
        if levels.as_downloaded:
            rejections.set_aside("EXPRESSES", levels.file, line, gene, _NO_SPREAD, rows=int(rows[at]))
            continue
        reason = "has the same value in every cell line, so it has no z score; delete it"
        rejections.bad("EXPRESSES", levels.file, line, "gene", gene, reason)
    kept = usable & spread
    if not kept.any():
        raise InputError(f"{levels.file} has no gene left; give HGNC symbols, whose values differ")
    return (
        [levels.genes[i] for i in np.flatnonzero(kept)],
        z_scores(values[:, kept]),
        statistics(values[:, kept]),
    )


def _mutated(
    mutations: Mutations, cells: Sequence[str], rejections: Rejections, symbols: Symbols, dataset: str
) -> pa.Table:
    """MUTATED edges of the screen's cell lines, with the value 1."""
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
    src, dst = [c for c, _ in pairs], [g for _, g in pairs]
    return assemble.edge_table(
        pa.array(src, pa.string()), pa.array(dst, pa.string()), {"value": 1.0, "dataset": dataset}
    )


def _gene_nodes(
    genes: list[str], of_genes: Statistics | None, levels: Levels | None, mutated: pa.Table | None
) -> pa.Table:
    """Genes of all omics; those that the table of expression has an Entrez id of get it."""
    ids = sorted({*genes, *(assemble.genes_of(mutated) if mutated is not None else ())})
    if levels is None or of_genes is None or levels.z:
        return assemble.node_table("Gene", {"id": ids})
    if not levels.entrez:
        return assemble.gene_table(ids, genes, of_genes)
    entrez = dict(zip(levels.genes, levels.entrez, strict=True))
    return assemble.gene_table(ids, genes, of_genes, entrez_id=[entrez.get(g) for g in ids])


def _nodes(
    label: str,
    ids: Sequence[str],
    names: dict[str, str],
    table: Listed | None,
    smiles: dict[str, str] | None,
) -> pa.Table:
    """Nodes with what their table says of them."""
    kind, folding = ("drug", drug_id) if label == "Drug" else ("cell_line", cell_line_id)
    row_of = {folding(r[kind]): r.values for r in table.rows} if table is not None else {}
    return assemble.node_table(
        label,
        {
            "id": ids,
            "name": [names[i] for i in ids],
            **(chemistry(ids, smiles) if smiles is not None else {}),
            "aliases": [
                sorted({*aliases_of(i, kind=kind), *row_of.get(i, {}).get("aliases", ())}) or None
                for i in ids
            ],
            **{p: [row_of.get(i, {}).get(p) for i in ids] for p in _PROPERTIES[label]},
        },
    )


def _sha256(files: Files) -> str:
    digest = hashlib.sha256()
    for found in sorted(files.found, key=lambda f: f.path.name):
        digest.update(f"{found.path.name}\0{checksum(found.path)}".encode())
    return digest.hexdigest()

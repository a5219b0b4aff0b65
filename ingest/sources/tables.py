"""Makes a graph of a screen: responses, and drugs, cell lines, expression and mutations if present.

The tables are read, and checked, in `ingest.sources.checked_screen`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.expression import statistics, z_scores
from pharmagraph.ingest.long_table import LongTable, Texts, repeated
from pharmagraph.ingest.manifest.entries import Manifest, manifest_of
from pharmagraph.ingest.names import aliases_of, cell_line_id, drug_id
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Levels, Listed
from pharmagraph.ingest.shapes.bounds import sides
from pharmagraph.ingest.shapes.recognise import Files
from pharmagraph.ingest.sources.checked_screen import checked_screen
from pharmagraph.ingest.structures import chemistry
from pharmagraph.ingest.threshold import DEFAULT, Rule, labels, limits, parse, recorded, unlabelled_note
from pharmagraph.ingest.units.given import given
from pharmagraph.kg.fingerprints import morgan
from pharmagraph.kg.layers import layer
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.reading.text import located, stem
from pharmagraph.kg.schema import Ends

FAR_COPIES = 1.0
"""|log2(ratio)| of a copy number above which it has an edge: less than a half, or more than the double."""

_PROPERTIES = {
    "Drug": ("pubchem_cid", "max_phase", "mechanism"),
    "CellLine": ("tissue", "cosmic_id", "depmap_id", "passport_id", "cellosaurus_id", "ccle_name", "problem"),
}


def read(
    place: Path,
    rejections: Rejections,
    *,
    name: str | None = None,
    share: float = 0.05,
    neighbours: int = 15,
    threshold: str | None = None,
    without_smiles: bool = False,
    units: Mapping[str, str] | Sequence[str] = (),
    human: bool = False,
) -> Bundle:
    """Read a screen into a bundle.

    Parameters
    ----------
    place
        A table of responses of any shape of `ingest.shapes`, or a folder with one and more, or with a manifest.
    rejections
        Collects bad rows.
    name
        Id of the dataset; by default the manifest's, or the name of the folder or the file. Where a folder has several
        screens, their responses are datasets of their own, as GDSC1 and GDSC2, that are part of this one. If it was
        given, it is in front of their names.
    share, neighbours
        Share of the genes kept for each cell line; SIMILAR_TO edges kept for each node.
    threshold
        Rule by which ln IC50 is labelled in rows without ``response`` (`ingest.threshold`); by default the manifest's,
        or `DEFAULT`.
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
    manifest = manifest_of(place)
    said_name = manifest.name if manifest is not None else ""
    rule = rule_of(manifest, threshold)
    called = place.resolve().name
    prefix = name or said_name
    name = prefix or (called if place.is_dir() else stem(place))
    rejections.name = name
    screen = checked_screen(place, rejections, without_smiles=without_smiles, units=given(units), human=human)
    drug_ids, cell_ids, expression = screen.drug_ids, screen.cell_ids, screen.expression
    several = screen.responses.texts.get("dataset")
    named = [f"{prefix}-{one}" if prefix else one for one in several.names] if several else [name]
    edges: dict[tuple[str, Ends], pa.Table] = {
        ("SIMILAR_TO", ("Drug", "Drug")): assemble.similar_structures(
            drug_ids, morgan([screen.smiles.get(d) for d in drug_ids]), neighbours=neighbours, dataset=name
        ),
        ("TESTED_ON", ("Drug", "CellLine")): tested_on(screen.responses, rule, named),
    }
    profiles: list[Profiles] = []
    if expression is not None:
        genes, z = list(expression.genes), z_scores(expression.values)
        edges["SIMILAR_TO", ("CellLine", "CellLine")] = assemble.similar_profiles(
            cell_ids, z, neighbours=neighbours, dataset=name
        )
        edges["SIMILAR_TO", ("Gene", "Gene")] = assemble.similar_profiles(
            genes, z.T, neighbours=neighbours, dataset=name
        )
        edges["EXPRESSES", ("CellLine", "Gene")] = assemble.expresses(
            cell_ids, genes, z, share=share, dataset=name
        )
        profiles.append(Profiles.of(name, "expression", cell_ids, genes, z))
    mutated = None
    if screen.mutated is not None:
        mutated = edges["MUTATED", ("CellLine", "Gene")] = _mutated(screen.mutated, name)
    for kind, levels in screen.layers.items():
        of = layer(kind)
        edges[of.edges, of.ends] = assemble.layer_edges(
            of, levels.cell_lines, levels.genes, levels.values, dataset=name,
            threshold=FAR_COPIES if kind == "copy_number" else None,
        )  # fmt: skip
        profiles.append(Profiles.of(name, kind, levels.cell_lines, levels.genes, levels.values))
    nodes = {
        "Drug": _nodes("Drug", drug_ids, screen.drug_names, screen.drugs, screen.smiles),
        "Gene": _gene_nodes(expression, mutated, screen.layers.values()),
        "CellLine": _nodes("CellLine", cell_ids, screen.cell_names, screen.cells, None),
    }
    unlabelled = unlabelled_note(edges["TESTED_ON", ("Drug", "CellLine")], screen.drug_names, rule)
    notes = (*screen.notes, *unlabelled, *screen.of_tables)
    source = f"tables in {called}" if place.is_dir() else called
    cards = [DatasetCard(name, source, sha256=_sha256(screen.files))]
    cards += [DatasetCard(dataset, source, part_of=name) for dataset in named if dataset != name]
    return Bundle(name, tuple(cards), nodes, edges, tuple(rejections.rejected), notes, tuple(profiles))


def rule_of(manifest: Manifest | None, threshold: str | None) -> Rule:
    """The rule that labels ln IC50: that which is given, or else that of the manifest, or `DEFAULT`."""
    return parse(threshold or (manifest.threshold if manifest is not None else "") or DEFAULT)


def tested_on(table: LongTable, rule: Rule, datasets: Sequence[str]) -> pa.Table:
    """TESTED_ON edges of each screen, whose thresholds are its own."""
    if "dataset" not in table.texts:
        return _tested_on(table, rule, datasets[0])
    of_row = table.texts["dataset"].codes
    parts = [_tested_on(table.keep(of_row == n), rule, dataset) for n, dataset in enumerate(datasets)]
    return pa.concat_tables(parts, promote_options="default").combine_chunks()


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
    nothing = repeated(np.nan, len(table))
    flags = table.texts.get("flags", Texts((), repeated(-1, len(table))))
    return assemble.edge_table(
        assemble.taken(drugs, drug),
        assemble.taken(cells, cell),
        {
            "ln_ic50": ln_ic50,
            "censored": assemble.taken(["above", "below"], np.where(side == 0, -1, side < 0)),
            "auc": table.numbers["auc"],
            **{name: table.numbers.get(name, nothing) for name in ("e_inf", "hill", "r2")},
            "flags": assemble.taken(flags.names, flags.codes),
            "response": pa.array(response, from_pandas=True).cast(pa.int64()),
            "threshold": assemble.taken(texts, which),
            "dataset": dataset,
        },
    )


def _mutated(pairs: Sequence[tuple[str, str]], dataset: str) -> pa.Table:
    """MUTATED edges, with the value 1."""
    src, dst = [c for c, _ in pairs], [g for _, g in pairs]
    return assemble.edge_table(
        pa.array(src, pa.string()), pa.array(dst, pa.string()), {"value": 1.0, "dataset": dataset}
    )


def _gene_nodes(levels: Levels | None, mutated: pa.Table | None, layers: Iterable[Levels]) -> pa.Table:
    """Genes of all omics, with the Entrez ids that a table has of them."""
    tables = [*([levels] if levels is not None else []), *layers]
    ids = sorted(
        {*(g for t in tables for g in t.genes), *(assemble.genes_of(mutated) if mutated is not None else ())}
    )
    entrez = {g: e for t in reversed(tables) if t.entrez for g, e in zip(t.genes, t.entrez, strict=True)}
    more = {"entrez_id": [entrez.get(g) for g in ids]} if entrez else {}
    if levels is None or levels.z:
        return assemble.node_table("Gene", {"id": ids, **more})
    return assemble.gene_table(ids, list(levels.genes), statistics(levels.values), **more)


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
    for path in files.beside:
        digest.update(f"{path.name}\0{checksum(path)}".encode())
    for found in sorted(files.found, key=lambda f: f.name):
        digest.update(f"{found.name}\0{checksum(located(found.path)[0])}".encode())
    return digest.hexdigest()

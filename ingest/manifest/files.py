"""Makes the files of a screen of a manifest: each with a shape that reads it as the manifest says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from pharmagraph.ingest.long_table import LongTable, require_rows
from pharmagraph.ingest.longform import read_named
from pharmagraph.ingest.manifest.entries import CONTRACTS, Entry, Manifest
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Levels, Listed, Mutations
from pharmagraph.ingest.shapes.bounds import with_bounds
from pharmagraph.ingest.shapes.long_form import distinct
from pharmagraph.ingest.shapes.recognise import Files, Found, shape_of, tables_of
from pharmagraph.ingest.shapes.shape import (
    CELLS,
    DRUGS,
    EXPRESSION,
    LAYERS,
    MUTATIONS,
    RESPONSES,
    Companions,
    Part,
    Shape,
)
from pharmagraph.ingest.shapes.sides import NAMING
from pharmagraph.ingest.shapes.tables import valid
from pharmagraph.ingest.shapes.wide import Layout, read_expression, read_layer, read_mutations, read_responses
from pharmagraph.ingest.units.expression import in_logarithms
from pharmagraph.ingest.units.responses import in_graph_units
from pharmagraph.kg.errors import InputError, some
from pharmagraph.kg.profile_kinds import PROFILES
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import located, shown

_KINDS = {
    RESPONSES: "TESTED_ON",
    DRUGS: "Drug",
    CELLS: "CellLine",
    EXPRESSION: "EXPRESSES",
    MUTATIONS: "MUTATED",
}
_WIDE: Mapping[str, Callable[..., Part]] = {
    RESPONSES: read_responses,
    EXPRESSION: read_expression,
    MUTATIONS: read_mutations,
    **{layer: partial(read_layer, kind=PROFILES[layer].type) for layer in LAYERS},
}


def files_of(manifest: Manifest) -> Files:
    """The files that a manifest names; what else the folder has is not read, but for tables that a public one needs.

    Raises
    ------
    InputError
        If a file is not there, lacks a column, or has another shape than the manifest says; or if there are no
        responses.
    """
    folder = manifest.path.parent
    found = [Found(entry.path, _shape(entry)) for entry in manifest.entries]
    if not any(f.shape.gives == RESPONSES for f in found):
        raise InputError(f"{shown(manifest.path)} names no responses; add responses: file: …")
    named = {f.path.resolve() for f in found}
    others = []
    for path in tables_of(folder):
        if path.resolve() in named or path == manifest.path:
            continue
        try:
            shape = shape_of(path)
        except InputError:
            shape = Shape("")
        if shape.name and not shape.gives and not shape.instead:
            found.append(Found(path, shape))
        else:
            others.append(f"not read: {path.relative_to(folder)} is not in {manifest.path.name}")
    return Files(tuple(found), tuple(others), (manifest.path,))


def _shape(entry: Entry) -> Shape:
    if not located(entry.path)[0].is_file():
        folder = entry.path.parent
        there = [p.name for p in sorted(folder.iterdir()) if p.is_file()] if folder.is_dir() else []
        raise entry.at.error(f"{entry.path.name} is not a file; {folder.name} has {some(there) or 'none'}")
    called = f"{entry.part} as the manifest says"
    if entry.wide:
        layout = Layout(entry.rows, entry.values, entry.skip)
        return Shape(called, entry.part, _in_units(entry, partial(_WIDE[entry.part], layout=layout)))
    if not entry.columns:
        shape = shape_of(entry.path)
        if shape.gives != entry.part or shape.read is None:
            raise entry.at.error(f"{entry.path.name} is of another shape, {shape.name}; say its columns")
        return replace(shape, read=_in_units(entry, shape.read))
    with records(entry.path) as table:
        table.header.columns(list(entry.columns.values()))
    naming: dict[str, str] = {c: entry.columns[c] for c in NAMING if c in entry.columns}
    return Shape(called, entry.part, _in_units(entry, partial(_long, entry)), naming=naming)


def _in_units(entry: Entry, read: Callable[[Path, Companions, Rejections], Part]) -> Callable[..., Part]:
    """Reading with the units of an entry, which win over what was said of all files."""

    def reading(path: Path, beside: Companions, rejections: Rejections) -> Part:
        return read(path, replace(beside, units={**beside.units, **entry.units}), rejections)

    return reading


def _long(entry: Entry, path: Path, beside: Companions, rejections: Rejections) -> Part:
    """Read a table with a row a fact, under the names that its columns have in the file."""
    names = {("ln_ic50" if c == "ic50" else c): name for c, name in entry.columns.items()}
    kind = _KINDS.get(entry.part) or PROFILES[entry.part].type
    contract = CONTRACTS[entry.part]
    if entry.part == MUTATIONS and "value" in names:  # a row without a value is then no call
        contract = replace(contract, valued=(("value",),))
    table = distinct(read_named(path, contract, names, rejections, kind=kind), rejections, kind)
    return _PARTS[entry.part](table, beside, rejections)


def _responses(table: LongTable, beside: Companions, rejections: Rejections) -> Part:
    table = with_bounds(valid(in_graph_units(table, beside.units, rejections), rejections), rejections)
    require_rows(table, "response", rejections)
    return Part(responses=table)


def _expression(table: LongTable, beside: Companions, rejections: Rejections) -> Part:
    require_rows(table, "value", rejections)
    table, scale = in_logarithms(table, beside.units)
    return Part(expression=Levels.of(table, z=scale == "z"))


def _mutations(table: LongTable, beside: Companions, rejections: Rejections) -> Part:
    """Each row is a mutation, but for those whose value is 0."""
    table = table.keep(table.numbers["value"] != 0)
    cell, gene = table.texts["cell_line"], table.texts["gene"]
    return Part(
        mutations=Mutations(
            table.file,
            tuple(cell.names[code] for code in cell.codes),
            tuple(gene.names[code] for code in gene.codes),
            tuple(table.lines.tolist()),
            table.notes,
        )
    )


_PARTS: Mapping[str, Callable[[LongTable, Companions, Rejections], Part]] = {
    RESPONSES: _responses,
    DRUGS: lambda table, beside, rejections: Part(drugs=Listed.of(table)),
    CELLS: lambda table, beside, rejections: Part(cells=Listed.of(table)),
    EXPRESSION: _expression,
    MUTATIONS: _mutations,
    **{layer: lambda table, beside, rejections: Part(layer=Levels.of(table)) for layer in LAYERS},
}

"""Gives the drugs, cell lines and genes of a screen's tables one name each, before a graph is made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pharmagraph.ingest.identities import cell_lines, drugs
from pharmagraph.ingest.identities.genes import Renamed, renamed
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.screen import Levels, Mutations, Screen
from pharmagraph.kg.profile_kinds import PROFILES

_SAME_GENE = "another row is this gene, too"


def identified(screen: Screen, rejections: Rejections, *, human: bool = False) -> Screen:
    """A screen whose tables go by one name for each thing, with notes on what was changed or left out.

    Parameters
    ----------
    screen
        As its files have it.
    rejections
        Collects what is left out.
    human
        Whether gene symbols in small letters, as Brca1, are human.

    Raises
    ------
    InputError
        If a table has genes of mouse.
    RowError
        At the first pair or gene that is there under two names, unless rows are being rejected.
    """
    screen = drugs.identified(screen, rejections)
    expression = _levels(screen.expression, "EXPRESSES", rejections, human) if screen.expression else None
    layers = {
        kind: _levels(levels, PROFILES[kind].type, rejections, human)
        for kind, levels in screen.layers.items()
    }
    mutations = _mutations(screen.mutations, human) if screen.mutations else None
    names = [
        *screen.responses.texts["cell_line"].names,
        *(expression.cell_lines if expression else ()),
        *(row["cell_line"] for row in (screen.cells.rows if screen.cells else ())),
    ]
    cells = cell_lines.with_problems(screen.cells, names, screen.responses.file)
    return replace(screen, expression=expression, mutations=mutations, cells=cells, layers=layers)


def _levels(levels: Levels, kind: str, rejections: Rejections, human: bool) -> Levels:
    found = renamed(levels.genes, levels.file, human=human)
    kept = _kept(levels, kind, found, rejections)
    return replace(
        levels,
        genes=tuple(found.names[at] or "" for at in kept),
        values=levels.values if len(kept) == len(levels.genes) else levels.values[:, kept],
        lines=levels.lines[kept],
        entrez=[levels.entrez[at] for at in kept] if levels.entrez else (),
        notes=(*levels.notes, *found.notes),
    )


def _kept(levels: Levels, kind: str, found: Renamed, rejections: Rejections) -> list[int]:
    """Positions of the genes that have a symbol, each once; a second row of a gene is a bad row, or counted if the
    symbol of its id was looked up."""
    first: dict[str, int] = {}
    measured = (~np.isnan(levels.values)).sum(axis=0)
    for at, name in enumerate(found.names):
        line, gene, rows = int(levels.lines[at]), levels.genes[at], int(measured[at])
        if name is None:
            rejections.set_aside(kind, levels.file, line, gene, "id without a symbol", rows=rows)
        elif (before := first.setdefault(name, at)) == at:
            continue
        elif found.looked_up[at] or levels.as_downloaded:
            rejections.set_aside(kind, levels.file, line, gene, _SAME_GENE, rows=rows)
        else:
            reason = f"is {name}, as row {levels.lines[before]} is; keep one"
            rejections.bad(kind, levels.file, line, "gene", gene, reason, rows=rows)
    return sorted(first.values())


def _mutations(mutations: Mutations, human: bool) -> Mutations:
    genes = list(dict.fromkeys(mutations.genes))
    found = renamed(genes, mutations.file, human=human)
    names = dict(zip(genes, found.names, strict=True))
    kept = [at for at, gene in enumerate(mutations.genes) if names[gene] is not None]
    return replace(
        mutations,
        cell_lines=tuple(mutations.cell_lines[at] for at in kept),
        genes=tuple(names[mutations.genes[at]] or "" for at in kept),
        lines=tuple(mutations.lines[at] for at in kept),
        notes=(*mutations.notes, *found.notes),
    )

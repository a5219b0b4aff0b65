"""Makes two groups of cell lines from what is asked for: ``tissue``, ``mutation:GENE``, ``msi``, or a file.

A line of which the graph does not know the property is in neither group.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from pharmagraph.kg.errors import InputError, NotFoundError, RowError, some
from pharmagraph.kg.names import index
from pharmagraph.kg.reading.numbers import NO_NAME
from pharmagraph.kg.reading.table import rows
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.wording import named

FORMS = "tissue, tissue:NAME, mutation:GENE, mutation:GENE:any, msi, or a CSV with the columns cell_line and group"

COLUMNS = ("cell_line", "group")

_LINES = "MATCH (c:CellLine) RETURN c.id AS cell_line, c.tissue AS tissue, c.msi AS msi ORDER BY cell_line"
_MUTATED = """
MATCH (c:CellLine)-[m:MUTATED]->(:Gene {id: $gene}) WHERE m.gone IS NULL
RETURN c.id AS cell_line, m.driver AS driver, m.dataset AS dataset
"""
_GENES = """
MATCH (:CellLine)-[m:MUTATED]->(g:Gene)
RETURN count(DISTINCT g.id) AS genes, count(DISTINCT CASE WHEN m.driver = true THEN g.id END) AS drivers
"""
_PROFILED = """
MATCH (c:CellLine)-[m:MUTATED|COPY_NUMBER]->(:Gene)
WHERE m.dataset IN $datasets AND (NOT $driver OR m.driver = true)
RETURN DISTINCT c.id AS cell_line
"""

Note = Callable[[str], None]


@dataclass(frozen=True)
class Contrast:
    """Two groups of cell lines that have none in common.

    Attributes
    ----------
    group, other
        What they are called.
    lines, other_lines
        Ids of their cell lines.
    """

    group: str
    other: str
    lines: frozenset[str]
    other_lines: frozenset[str]


def contrasts(store: GraphStore, by: str, note: Note) -> list[Contrast]:
    """The groups that are asked for: one contrast, or for ``tissue`` one of each tissue against the rest.

    Parameters
    ----------
    store
        Open.
    by
        One of `FORMS`.
    note
        Is told which lines of a file are not known, and what counts as a mutation.

    Raises
    ------
    InputError
        If it is none of these, nothing is known of it, or the file has not one or two groups.
    RowError
        If a line of the file is in two groups, or several cell lines have its name.
    NotFoundError
        If there is no such gene or tissue.
    AmbiguousNameError
        If several genes have the name.
    """
    kind, _, rest = by.partition(":")
    if kind == "tissue":
        return _of_tissues(store, rest or None)
    if kind == "mutation" and rest:
        gene, _, extent = rest.partition(":")
        if extent not in ("", "any"):
            raise InputError(f'{named("by")} {by}: "{extent}" is not any; write mutation:{gene}:any')
        return [_of_mutation(store, gene, driver=not extent, note=note)]
    if by == "msi":
        lines = store.rows(_LINES)
        if all(line["msi"] is None for line in lines):
            raise InputError(
                "the graph does not know which lines have instable microsatellites; cli ingest gdsc loads that "
                "for the lines of GDSC"
            )
        return [_named("instable", "stable", *(_where(lines, "msi", known) for known in (True, False)))]
    if not Path(by).is_file():
        raise InputError(f'{named("by")} "{by}" is neither a file nor one of these: {FORMS}')
    return [_of_file(store, Path(by), note)]


def _of_tissues(store: GraphStore, wanted: str | None) -> list[Contrast]:
    lines = [line for line in store.rows(_LINES) if line["tissue"]]
    tissues = sorted({line["tissue"] for line in lines})
    if wanted is not None and wanted not in tissues:
        raise NotFoundError("tissue", wanted, tissues, "see: cli query tissues")
    every = {line["cell_line"] for line in lines}
    chosen = tissues if wanted is None else [wanted]
    return [_named(t, "other tissues", own := _where(lines, "tissue", t), every - own) for t in chosen]


def _of_mutation(store: GraphStore, name: str, *, driver: bool, note: Note) -> Contrast:
    gene = index(store, "Gene").require(name)
    events = store.rows(_MUTATED, {"gene": gene})
    if not events:
        (known,) = store.rows(_GENES)
        if not known["genes"]:
            raise InputError(
                "the graph has no mutations, so lines cannot be told apart by them; load some: "
                "cli ingest omics FILE --kind mutation"
            )
        raise InputError(
            f"no cell line of the graph has a known mutation of {gene}; those of {known['genes']:,} genes are "
            f"known, of {known['drivers']:,} as drivers (cli query drivers cell_line=NAME lists those of a cell line)"
        )
    marked = [event for event in events if event["driver"]]
    if driver and not marked:
        note(f"no mutation of {gene} is marked as a driver of cancer; any mutation counts")
    driver = driver and bool(marked)
    counted = marked if driver else events
    mutated = {event["cell_line"] for event in counted}
    datasets = sorted({event["dataset"] for event in counted})
    profiled = store.rows(_PROFILED, {"datasets": datasets, "driver": driver})
    every = {row["cell_line"] for row in profiled}
    if marked:  # a line without any event is known by its microsatellites, which are profiled with the events
        every |= {line["cell_line"] for line in store.rows(_LINES) if line["msi"] is not None}
    what = "driver event" if driver else "mutation"
    return _named(f"{gene} {what}", f"no {gene} {what}", mutated, every - mutated)


def _of_file(store: GraphStore, file: Path, note: Note) -> Contrast:
    known = index(store, "CellLine")
    group_of: dict[str, str] = {}
    groups: dict[str, int] = {}
    unknown = []
    for number, row in rows(file, COLUMNS)[1]:
        group = row["group"]
        if group.lower() in NO_NAME and group:
            raise RowError(
                str(file),
                number,
                "group",
                group,
                "is a word for nothing; name the group, or leave the row out",
            )
        if not group.isprintable():
            raise RowError(
                str(file), number, "group", group, "holds a character that is not printed; remove it"
            )
        if not group:
            raise RowError(
                str(file), number, "group", group, "is empty; name the group, or leave the row out"
            )
        groups.setdefault(group, number)
        if len(groups) > 2:
            names = ", ".join(groups)
            raise RowError(
                str(file),
                number,
                "group",
                group,
                f"is a third group ({names}); keep two, or one against the rest",
            )
        id_ = known.find_in_row(str(file), number, "cell_line", row["cell_line"])
        if id_ is None:
            unknown.append(row["cell_line"])
        elif group_of.setdefault(id_, group) != group:
            raise RowError(
                str(file), number, "cell_line", row["cell_line"],
                f"is {id_}, which is in the group {group_of[id_]} already; keep one of both rows",
            )  # fmt: skip
    if not groups:
        raise InputError(f"{file} has no rows below its header; give a cell line and its group a row")
    missing = f"{file}: {len(unknown):,} of {len(unknown) + len(group_of):,} cell lines are not in the graph"
    if not group_of:
        raise InputError(f"{missing} ({some(unknown)}); see: cli status")
    if unknown:
        note(f"{missing} and left out: {some(unknown)}")
    first, *second = groups
    own = {id_ for id_, group in group_of.items() if group == first}
    others = group_of.keys() - own if second else known.names.keys() - own
    return _named(first, second[0] if second else "all others", own, others)


def _where(lines: Sequence[dict[str, object]], column: str, value: object) -> set[str]:
    return {str(line["cell_line"]) for line in lines if line[column] == value}


def _named(group: str, other: str, lines: Collection[str], other_lines: Collection[str]) -> Contrast:
    return Contrast(group, other, frozenset(lines), frozenset(other_lines))

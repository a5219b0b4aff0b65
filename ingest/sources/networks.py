"""Pairs of genes in the shapes that network files have: columns of symbols, SIF, BioGRID's tab files, STRING's links.

The shape is told from the content, never from the name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pharmagraph.ingest.known import Known
from pharmagraph.ingest.longform import table_rows
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.header import folded
from pharmagraph.kg.reading.records import records
from pharmagraph.kg.reading.text import existing, opened, shown, tidy
from pharmagraph.kg.wording import option

KIND = "INTERACTS_WITH"
COLUMNS = (
    ("source_symbol", "target_symbol"),
    ("gene_a", "gene_b"),
    ("PARTICIPANT_A", "PARTICIPANT_B"),
)
MIN_SCORE = 700
"""STRING's combined score, of 1,000, from which it calls an interaction one of high confidence."""

_WHAT = "a table of interactions is needed"
_BIOGRID = ("official_symbol_interactor_a", "official_symbol_interactor_b")
_HUMAN = "9606"
_LABEL = re.compile(r"\((.+)\)$")  # MI:0018(two hybrid)
_LOOKED_AT = 200


@dataclass(frozen=True)
class Pair:
    """Two names of genes in a row, the columns that they stand in, and what the row gives as its source."""

    line: int
    names: tuple[str, str]
    columns: tuple[str, str]
    sources: tuple[str, ...]


@dataclass
class Network:
    """The pairs of a file, and what is left out while they are read.

    Attributes
    ----------
    shape
        What the file is, in words.
    pairs
        To be read once.
    left_out
        Reason → number of rows; complete once ``pairs`` are read.
    """

    shape: str
    pairs: Iterator[Pair]
    left_out: Counter[str] = field(default_factory=Counter)

    def notes(self) -> tuple[str, ...]:
        """Sentences about the shape and what was left out."""
        return (
            f"read as {self.shape}",
            *(f"{n:,} rows left out: {reason}" for reason, n in self.left_out.items()),
        )


def network(
    path: Path,
    known: Known,
    rejections: Rejections,
    *,
    min_score: int = MIN_SCORE,
    names: Path | None = None,
) -> Network:
    """Find out what a file is.

    Parameters
    ----------
    path
        The file; packed or not.
    known
        Nodes of the graph: a word between two genes that is itself a gene tells a table from SIF.
    rejections
        Collects bad rows.
    min_score
        Of STRING, the smallest combined score, of 1,000.
    names
        STRING's ``protein.info`` file, which says the symbols of its proteins.

    Raises
    ------
    InputError
        If it is of none of the shapes, or needs ``names``.
    """
    with opened(existing(path, what=_WHAT)) as file:
        first = [line for line in islice(file, _LOOKED_AT) if line.strip()]
    head = [folded(cell) for cell in re.split(r"[\t, ]", first[0].strip())] if first else []
    whole = [folded(cell) for cell in first[0].strip().split("\t")] if first else []
    if set(_BIOGRID) <= set(whole):
        return _made("a BioGRID tab file", lambda out: _of_biogrid(path, rejections, out))
    if head[:2] == ["protein1", "protein2"]:
        symbols = _symbols_of_string(path, names)
        return _made(
            f"STRING's links, combined score {min_score} and more",
            lambda out: _of_string_links(path, symbols, min_score, rejections, out),
        )
    if [one.lstrip("#") for one in whole[:2]] == ["node1", "node2"]:
        return _made(
            f"STRING's table, combined score {min_score / 1000:g} and more",
            lambda out: _of_string_table(path, min_score, rejections, out),
        )
    for pair in COLUMNS:
        if set(map(folded, pair)) <= {*head, *whole}:
            return _made("a table", lambda out, pair=pair: _of_columns(path, pair, rejections))
    if _is_sif(first, known):
        return _made("SIF", lambda out: _of_sif(path, rejections))
    with records(path) as table:
        for pair in COLUMNS:
            if all(table.header.find(column) is not None for column in pair):
                return _made("a table", lambda out, pair=pair: _of_columns(path, pair, rejections))
        raise table.header.lacks([" and ".join(pair) for pair in COLUMNS])


def _made(shape: str, read: Callable[[Counter[str]], Iterator[Pair]]) -> Network:
    left_out: Counter[str] = Counter()
    return Network(shape, read(left_out), left_out)


def _of_columns(path: Path, columns: tuple[str, str], rejections: Rejections) -> Iterator[Pair]:
    more = ("method", "source", "INTERACTION_TYPE")
    for line, row in table_rows(path, columns, rejections, kind=KIND, what=_WHAT, optional=more):
        methods = next((row[c] for c in more if row.get(c)), "")
        found = [(_LABEL.search(part), part) for part in methods.split("|") if part]
        sources = tuple(label.group(1) if label else part for label, part in found)
        yield Pair(line, (row[columns[0]], row[columns[1]]), columns, sources)


def _of_biogrid(path: Path, rejections: Rejections, out: Counter[str]) -> Iterator[Pair]:
    a, b = "Official Symbol Interactor A", "Official Symbol Interactor B"
    ids = ("Organism ID Interactor A", "Organism ID Interactor B")
    with records(path) as table:  # tab3 writes ID, tab2 has no such word
        if table.header.find(ids[0]) is None:
            ids = ("Organism Interactor A", "Organism Interactor B")
    optional = ("Experimental System Type", "Experimental System", *ids)
    for line, row in table_rows(path, (a, b), rejections, kind=KIND, what=_WHAT, optional=optional):
        if row.get("Experimental System Type", "physical").lower() != "physical":
            out["genetic interactions, not of proteins"] += 1
        elif any(row.get(one, _HUMAN) != _HUMAN for one in ids):
            out["of another species"] += 1
        else:
            yield Pair(line, (row[a], row[b]), (a, b), (f"BioGRID: {row.get('Experimental System', '')}",))


def _of_string_table(path: Path, min_score: int, rejections: Rejections, out: Counter[str]) -> Iterator[Pair]:
    columns = ("node1", "node2")
    rows = table_rows(path, (*columns, "combined_score"), rejections, kind=KIND, what=_WHAT)
    for line, row in rows:
        score = _score(row["combined_score"], 1.0)
        if score is None:
            rejections.bad(
                KIND, shown(path), line, "combined_score", row["combined_score"], "is not a score from 0 to 1"
            )
        elif round(1000 * score) < min_score:
            out["a combined score below the threshold"] += 1
        else:
            yield Pair(line, (row["node1"], row["node2"]), columns, (f"STRING {round(1000 * score)}",))


def _of_string_links(
    path: Path, symbols: dict[str, str], min_score: int, rejections: Rejections, out: Counter[str]
) -> Iterator[Pair]:
    with opened(path) as file:
        header = next(file).split()
        if "combined_score" not in header:
            raise InputError(
                f"{shown(path)}, row 1, has no column combined_score; give STRING's links as it ships them"
            )
        at = header.index("combined_score")
        for line, text in enumerate(file, start=2):
            cells = text.split()
            if not cells:
                continue
            if len(cells) != len(header) or (score := _score(cells[at], 1000)) is None:
                rejections.bad(
                    KIND,
                    shown(path),
                    line,
                    None,
                    tidy(text),
                    f"is not {len(header)} cells with a score of at most 1,000",
                )
            elif score < min_score:
                out["a combined score below the threshold"] += 1
            elif cells[0] not in symbols or cells[1] not in symbols:
                out["proteins without a symbol in the file of names"] += 1
            else:
                pair = (symbols[cells[0]], symbols[cells[1]])
                yield Pair(line, pair, ("protein1", "protein2"), (f"STRING {score:g}",))


def _symbols_of_string(path: Path, names: Path | None) -> dict[str, str]:
    if names is None:
        raise InputError(
            f"{shown(path)} names proteins by STRING's ids; give its file of names, 9606.protein.info.v12.0.txt.gz, "
            f"with {option('names', 'FILE')}"
        )
    found = {}
    with opened(existing(names, what="STRING's protein.info file is needed")) as file:
        header = next(file, "").rstrip("\n").split("\t")
        if header[:2] != ["#string_protein_id", "preferred_name"]:
            raise InputError(
                f"{shown(names)}, row 1, does not begin with #string_protein_id and preferred_name; give STRING's "
                "protein.info file"
            )
        for text in file:
            cells = text.rstrip("\n").split("\t")
            if len(cells) > 1 and cells[0].startswith(f"{_HUMAN}."):
                found[cells[0]] = tidy(cells[1])
    if not found:
        raise InputError(f"{shown(names)} has no human protein ({_HUMAN}.…); give the file of taxon {_HUMAN}")
    return found


def _of_sif(path: Path, rejections: Rejections) -> Iterator[Pair]:
    """Lines of a node, a relation and one or several nodes; a node alone is no interaction."""
    with opened(path) as file:
        for line, text in enumerate(file, start=1):
            cells = _sif_cells(text)
            if len(cells) == 2:
                what = "is not a gene, a relation and genes, separated by tabs or blanks"
                rejections.bad(KIND, shown(path), line, None, tidy(text), what)
            for target in cells[2:]:
                yield Pair(line, (cells[0], target), ("1", "3"), (cells[1],))


def _is_sif(lines: list[str], known: Known) -> bool:
    rows = [cells for line in lines if len(cells := _sif_cells(line)) != 1]
    if not rows or len(rows[0]) < 3 or sum(len(cells) < 3 for cells in rows) > len(rows) / 2:
        return False
    relations, targets = {cells[1] for cells in rows if len(cells) > 1}, [cells[-1] for cells in rows]
    numbers = sum(_score(target, float("inf")) is not None for target in targets)
    genes = sum(known.genes_of([relation])[0] != [] for relation in relations)
    return not genes and numbers < len(targets) / 2 and len(relations) <= max(len(rows) / 2, 1)


def _sif_cells(text: str) -> list[str]:
    text = text.strip()
    return [tidy(cell) for cell in (text.split("\t") if "\t" in text else text.split()) if cell.strip()]


def _score(text: str, most: float) -> float | None:
    if not re.fullmatch(r"\d+(\.\d+)?([eE]-?\d+)?", text):
        return None
    return value if (value := float(text)) <= most else None

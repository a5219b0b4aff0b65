"""Tells what a text is that stands for a gene and is no symbol: a date, a word for nothing, an id of another kind."""

from __future__ import annotations

import re

from pharmagraph.ingest.identities import gene_dates
from pharmagraph.ingest.names import is_gene_symbol, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.kg.reading.numbers import NO_NAME

_FLOAT = re.compile(r"\d+(?:\.\d+)?[eE]\+\d+")
ENSEMBL, OTHER_SPECIES = "Ensembl id", "symbol of another species, such as mouse"
_KINDS = (
    (ENSEMBL, re.compile(r"ENS[A-Z]{0,4}[GTP]\d{11}(\.\d+)?(_PAR_Y)?", re.IGNORECASE)),
    ("RefSeq id", re.compile(r"[NX][MRP]_\d+(\.\d+)?")),
    ("probe id", re.compile(r"\S+_at|ILMN_\d+|A_\d+_P\d+|cg\d{8}|TC\d+\.hg\.\d+|AFFX-\S+")),
    ("HGNC id", re.compile(r"HGNC:\d+")),
    (
        OTHER_SPECIES,
        re.compile(r"(?!C\d+orf\d+$)[A-Z](?=[a-z0-9-]*[a-z])[a-z0-9-]+"),
    ),
)


def is_nothing(text: str) -> bool:
    """Whether a text is what programs write where there is no name."""
    return text.strip().lower() in NO_NAME


def other_kind(text: str) -> str | None:
    """The kind of id that a text is instead of a symbol; None where it is of no such kind."""
    if is_nothing(text) or gene_dates.is_written_date(text):
        return None
    return next((kind for kind, form in _KINDS if form.fullmatch(text)), None)


def fault(text: str) -> str:
    """Why a text is no gene symbol, as the end of a sentence that begins with it; empty where it may be one."""
    if is_nothing(text):
        return "is a word for nothing; give the gene's HGNC symbol or delete the row"
    if gene_dates.is_written_date(text):
        return (
            f"is a date, which a spreadsheet made of a gene symbol{gene_dates.meant(text)}; give the symbol, in cells "
            "of text"
        )
    if day := gene_dates.serial(text):
        return (
            f"is a number, as spreadsheets store the date {day.day} {day:%B} that they make of a gene symbol"
            f"{gene_dates.meant(text)}; use HGNC symbols"
        )
    if _FLOAT.fullmatch(text):
        return "is a number, which a spreadsheet made of an identifier; use HGNC symbols"
    if not is_gene_symbol(text):
        return "is not a gene symbol; use HGNC symbols"
    return ""


class Symbols:
    """Accepts gene symbols that a table gives, and collects ids of other kinds, which are left out."""

    def __init__(self) -> None:
        self._others: dict[str, list[str]] = {}
        self._n = 0

    def accept(
        self,
        text: str,
        rejections: Rejections,
        kind: str,
        file: str,
        line: int,
        column: str | None,
        *,
        rows: int = 1,
    ) -> bool:
        """Whether a text may be a symbol; a bad row is reported if not, an id of another kind is counted.

        Parameters
        ----------
        kind, file, line, column
            Of the row, for the report.
        rows
            Rows that are lost with the gene.

        Raises
        ------
        RowError
            If it is neither, unless rows are being rejected.
        """
        self._n += 1
        if other := other_kind(text):
            self._others.setdefault(other, []).append(text)
            rejections.set_aside(kind, file, line, text, f"{other} where a symbol is needed", rows=rows)
            return False
        if reason := fault(text):
            rejections.bad(kind, file, line, column, text, reason, rows=rows)
            return False
        return True

    def notes(self, what: str) -> tuple[str, ...]:
        """A sentence for each other kind of id that counts and names them."""
        return tuple(
            sentence
            for other, names in sorted(self._others.items())
            for sentence in unmatched_note(
                f"genes of {what}",
                names,
                f"are given as {other}, not as HGNC symbol, and are left out ({len(names) / self._n:.0%} of the genes)",
            )
        )

"""The mean of replicates: one row a pair, of a table of any size.

A table is what `cli ingest tables` reads as responses or expression, except that a pair may be there many times, and
that it may be in many files. Of IC50s the mean is taken of ln µmol/l, so that it is the logarithm of the geometric
mean; other values are averaged as they are. Where a pair has bounds (``>10``, or above in the column censored) and
measured values, the measured ones count; where it has bounds alone, the tightest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pharmagraph.ingest.cells_with_bounds import CENSORED
from pharmagraph.ingest.contracts import FILES, FileContract
from pharmagraph.ingest.longform import columns_of, fault
from pharmagraph.ingest.names import cell_line_id, drug_id
from pharmagraph.ingest.replicates.engines import Engine, Frame, Kind, Name, engine, reason
from pharmagraph.ingest.replicates.files import files_of
from pharmagraph.ingest.replicates.layout import layout
from pharmagraph.ingest.replicates.measured import (
    GOOD,
    IC50,
    SIDE,
    VALUED,
    concentration,
    judged,
    text,
    wrong,
)
from pharmagraph.ingest.replicates.result import REPLICATES, as_text, full_disk, written
from pharmagraph.ingest.units.given import NOTHING_SAID, Given
from pharmagraph.kg.errors import InputError, PharmagraphError, shortened
from pharmagraph.kg.folders import require_file, whole
from pharmagraph.kg.reading.text import shown, tidy
from pharmagraph.kg.wording import named as argument

SPREAD = "spread"
_APART = "_apart"
"""Column of means: whether no value is measured, and the bounds exclude each other."""
_FOLDING: Mapping[str, Callable[[str], str]] = {"drug": drug_id, "cell_line": cell_line_id}
_MEASURES = {"responses": (IC50, "auc"), "expression": ("value",)}


@dataclass(frozen=True)
class Averaged:
    """What became of a table's rows.

    Attributes
    ----------
    rows
        Number of rows that were read.
    pairs
        Number of rows that were written: one a drug and cell line, or a cell line and gene.
    repeated
        Number of pairs that had several values.
    without_value, bad
        Numbers of rows that were left out: those without a value, and those with a bad name or value.
    spellings
        Name that was written → its other spellings.
    engine
        Name of the engine that averaged.
    notes
        Sentences for the report.
    """

    rows: int
    pairs: int
    repeated: int
    without_value: int
    bad: int
    spellings: Mapping[str, tuple[str, ...]]
    engine: Name
    notes: tuple[str, ...] = ()


def average(
    paths: Sequence[Path],
    out: Path,
    *,
    on: Name = "polars",
    master: str | None = None,
    units: Given = NOTHING_SAID,
    reject_rows: bool = False,
) -> Averaged:
    """Average the replicates of a table, and write what is left.

    Parameters
    ----------
    paths
        Files of Parquet, or of text with commas, semicolons or tabs, or folders of such files, with the same columns.
    out
        The file that is written, text with commas if it ends in ``.csv``, or else Parquet: the names, the mean of each
        measure, ``replicates``, and for IC50s ``spread``, the standard deviation of ln IC50, empty for a single value.
    on, master
        The engine; of Spark, where it runs (`engines.engine`).
    units
        Of IC50s where the column's name does not say it, as ``{"ic50": "nM"}``.
    reject_rows
        Leave bad rows out, with their number, in place of refusing the table.

    Raises
    ------
    InputError
        If a file is missing, is of another kind or has other columns than the first, a unit is not known, or there is
        a bad row, unless they are rejected; nothing is written then.
    """
    require_file(out)
    if out.exists() and not out.is_file():
        raise InputError(f"{argument('out')} {out} is no file, as a device or a pipe is none; give a file")
    files, kind, unread = files_of(paths)
    if any(out.exists() and out.samefile(file) for file in files):
        raise InputError(f"{argument('out')} {out} is one of the tables themselves; give another file")
    with engine(on, master) as (opened, instead), _told(files, opened.name):
        table = _Table.of(opened, files, kind, units)
        counts = table.counts()
        if counts["bad"] and not reject_rows:
            raise table.fault(counts["bad"])
        if counts["rows"] == counts["bad"] + counts["without_value"]:
            raise InputError(f"{shown(files[0])}: no row has a value; nothing was written")
        kept, spellings = table.one_spelling()
        means = kept.means()
        with whole(out) as place:
            with full_disk(out):
                opened.write(means.drop(_APART), place, kept.key)
            pairs, repeated = written(place, shown(files[0]), kept.key)
            if out.suffix.lower() == ".csv":
                as_text(place)
        apart = kept.contradictions(means) if counts["above"] and counts["below"] else ()
    notes = (*((instead,) if instead else ()), *unread, *table.notes, *apart)
    return Averaged(
        counts["rows"], pairs, repeated, counts["without_value"], counts["bad"], spellings, opened.name, notes
    )


@dataclass(frozen=True)
class _Table:
    """The rows with the contract's columns, and whether each is good.

    ``frame`` has ``key``, ``measures`` as numbers, and the columns of `measured.judged`.
    """

    engine: Engine
    frame: Frame
    file: str
    key: tuple[str, ...]
    measures: Mapping[str, str]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, engine: Engine, files: Sequence[Path], kind: Kind, units: Given) -> _Table:
        import narwhals as nw

        file, found = shown(files[0]), layout(files, kind)
        header = found.header
        part = "expression" if header.has("gene") else "responses"
        contract = FILES[part]
        at = columns_of(header, contract)
        measures = {c: header.names[at[c]] for c in _MEASURES[part] if c in at}
        if not measures:
            raise header.lacks(_MEASURES[part], needed=contract.key, taken=at)
        taken = {c: header.names[at[c]] for c in contract.key} | measures
        if part == "responses" and CENSORED in at:
            taken[CENSORED] = header.names[at[CENSORED]]
        unread = header.unused(taken.values(), contract.columns)
        unit = concentration(file, measures[IC50], units) if IC50 in measures else None
        names = [taken[c] for c in contract.key]
        found.require_types(names, tuple(measures.values()), [taken[c] for c in taken if c == CENSORED])
        frame = engine.scan(files, kind, found.separator)
        own = frame.collect_schema().names()  # an engine gives names that repeat another ending
        places = {c: header.find(name) for c, name in taken.items()}
        if any(
            at is None or at >= len(own) or not _alike(own[at], header.names[at]) for at in places.values()
        ):
            raise InputError(
                f"{file}: {engine.name} finds other columns in its first row ({shortened(', '.join(own))}); end its "
                "lines with line feeds"
            )
        frame = frame.select(nw.col(own[at]).alias(c) for c, at in places.items() if at is not None)
        frame = judged(engine, frame, contract.key, tuple(measures), unit)
        frame = _without_faults(engine, frame, contract)
        return cls(engine, frame, file, contract.key, measures, (unread,) if unread else ())

    def counts(self) -> dict[str, int]:
        import narwhals as nw

        good, valued = nw.col(GOOD), nw.col(VALUED)
        found = self.engine.collect(
            self.frame.select(
                nw.len().alias("rows"),
                (1 - good).sum().alias("bad"),
                (good * (1 - valued)).sum().alias("without_value"),
                (nw.when(nw.col(SIDE) == 1).then(1).otherwise(0)).sum().alias("above"),
                (nw.when(nw.col(SIDE) == -1).then(1).otherwise(0)).sum().alias("below"),
            )
        )
        return {name: int(found[name][0] or 0) for name in found.columns}

    def contradictions(self, means: Frame) -> tuple[str, ...]:
        """A sentence that counts the pairs whose bounds exclude each other; none where there are none."""
        import narwhals as nw

        apart = self.engine.collect(means.filter(nw.col(_APART)).select(*self.key).sort(*self.key))
        if not len(apart):
            return ()
        drug, cell_line = apart.row(0)
        pairs = "a pair has" if len(apart) == 1 else f"{len(apart):,} pairs have"
        first = f": {drug} on {cell_line}" if len(apart) == 1 else f"; the first is {drug} on {cell_line}"
        return (f"{pairs} bounds that exclude each other, and got the one above{first}",)

    def fault(self, n: int) -> InputError:
        """The error of the first bad row that the engine finds."""
        import narwhals as nw

        row = self.engine.collect(self.frame.filter(nw.col(GOOD) == 0).head(1)).rows(named=True)[0]
        for column in self.key:
            if row[column] is None:
                others = ", ".join(f"{c} {row[c]}" for c in self.key if row[c] is not None)
                return self._error(n, f"the column {column} is empty" + (f" ({others})" if others else ""))
            if (said := row.get(_fault_of(column))) is not None:
                return self._error(n, f'{column} "{shortened(row[column])}" {said}', "or ")
        name = next(c for c in (*self.measures, CENSORED) if row.get(wrong(c)) == 1)
        of = f"{row['drug']} on" if "drug" in self.key else f"{row['gene']} in"
        what = "is not above, below or empty" if name == CENSORED else "is no finite number"
        if name == IC50 and self.measures[IC50] != IC50:
            what = "is no concentration"
        cell = f'{self.measures.get(name, name)} "{shortened(row[text(name)])}"'
        return self._error(n, f"{cell} of {of} {row['cell_line']} {what}")

    def _error(self, n: int, reason: str, way_out: str = "correct it, or ") -> InputError:
        rows = ", this row" if n == 1 else f", one of {n:,} bad rows"
        way_out += f"leave such rows out with {argument('reject_rows')}"
        return InputError(f"{self.file}: {reason}{rows}; {way_out}. Nothing was written")

    def one_spelling(self) -> tuple[_Table, dict[str, tuple[str, ...]]]:
        """The good rows, with one spelling of each name: of drugs and cell lines the first in the alphabet."""
        import narwhals as nw

        frame = self.frame.filter((nw.col(GOOD) == 1) & (nw.col(VALUED) == 1))
        spellings: dict[str, tuple[str, ...]] = {}
        for column in self.key:
            written = self.engine.collect(frame.select(column).unique())[column].to_list()
            groups: dict[str, set[str]] = {}
            for name in map(tidy, written):
                groups.setdefault(_FOLDING.get(column, str)(name), set()).add(name)
            kept_of = {name: min(group) for group in groups.values() for name in group}
            spellings |= {min(g): tuple(sorted(g))[1:] for g in groups.values() if len(g) > 1}
            pairs = [(name, kept_of[tidy(name)]) for name in written if kept_of[tidy(name)] != name]
            if not pairs:
                continue
            table = self.engine.frame({column: [a for a, _ in pairs], "_kept": [b for _, b in pairs]})
            frame = frame.join(table, on=column, how="left")
            kept = nw.when(~nw.col("_kept").is_null()).then(nw.col("_kept")).otherwise(nw.col(column))
            frame = frame.with_columns(kept.alias(column)).drop("_kept")
        return _Table(self.engine, frame, self.file, self.key, self.measures, self.notes), spellings

    def means(self) -> Frame:
        """A row a pair: the names, the measures as the table calls them, ``replicates``, ``spread`` and `_APART`."""
        import narwhals as nw

        measured = {
            c: nw.when(nw.col(SIDE) == 0).then(nw.col(c)) if c == IC50 else nw.col(c) for c in self.measures
        }
        given = dict(measured)
        if IC50 in self.measures:
            given["_above"] = nw.when(nw.col(SIDE) == 1).then(nw.col(IC50))
            given["_below"] = nw.when(nw.col(SIDE) == -1).then(nw.col(IC50))
        frame = self.frame.with_columns(**given)
        wanted = [nw.len().alias(REPLICATES), *(nw.col(c).mean() for c in self.measures)]
        if IC50 in self.measures:
            wanted += [
                nw.col(IC50).std(ddof=1).alias(SPREAD),
                nw.col("_above").max(),
                nw.col("_below").min(),
            ]
        means = frame.group_by(*self.key).agg(*wanted)
        names = {c: (c if c == IC50 else name) for c, name in self.measures.items()}
        columns = [*(nw.col(c) for c in self.key), *(nw.col(c).alias(name) for c, name in names.items())]
        if IC50 in self.measures:
            unknown = nw.col(IC50).is_null()
            side = (
                nw.when(unknown & ~nw.col("_above").is_null())
                .then(nw.lit("above"))
                .otherwise(nw.when(unknown & ~nw.col("_below").is_null()).then(nw.lit("below")))
            )
            means = means.with_columns(
                side.alias(CENSORED),
                nw.when(unknown)
                .then(nw.when(nw.col("_above").is_null()).then(nw.col("_below")).otherwise(nw.col("_above")))
                .otherwise(nw.col(IC50))
                .alias(IC50),
                (unknown & (nw.col("_above") > nw.col("_below"))).fill_null(False).alias(_APART),
            )
            columns += [nw.col(CENSORED), nw.col(SPREAD)]
        else:
            means = means.with_columns(nw.lit(False).alias(_APART))
        return means.select(*columns, nw.col(REPLICATES).cast(nw.Int64), nw.col(_APART))


def _fault_of(column: str) -> str:
    """The column that says what is wrong with a name; null where nothing is."""
    return f"_fault_{column}"


def _without_faults(engine: Engine, frame: Frame, contract: FileContract) -> Frame:
    """The rows, of which those are bad that have a name which a load refuses (`longform.fault`)."""
    import narwhals as nw

    for column in contract.key:
        found = engine.collect(frame.select(column).unique())[column].to_list()
        names = [n for n in found if n is not None]
        said = {n: wrong_with for n in names if (wrong_with := fault(tidy(n), column, contract))}
        if not said:
            continue
        table = engine.frame({column: list(said), _fault_of(column): list(said.values())})
        frame = frame.join(table, on=column, how="left")
        good = nw.when(nw.col(_fault_of(column)).is_null()).then(nw.col(GOOD)).otherwise(0)
        frame = frame.with_columns(good.alias(GOOD))
    return frame


def _alike(one: str, other: str) -> bool:
    return " ".join(tidy(one).split()) == " ".join(tidy(other).split())


@contextmanager
def _told(files: Sequence[Path], on: Name) -> Iterator[None]:
    """Errors of an engine, such as of a damaged file, in one line."""
    try:
        yield
    except (PharmagraphError, OSError):
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("polars", "pyspark", "py4j", "narwhals"):
            raise
        place = shown(files[0]) + (f" and {len(files) - 1:,} more" if len(files) > 1 else "")
        them = "it" if len(files) == 1 else "them"
        raise InputError(
            f"{place}: {on} cannot read {them} ({shortened(reason(error))}); fetch damaged files again, and give "
            "files with the same columns"
        ) from None

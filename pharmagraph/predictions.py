"""What a run says of pairs that were not measured: predictions, which pilots to measure, and what to test next.

A `Run` has these methods; files and names are read by `rows` and `suggesting`, and nothing is computed here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pharmagraph import rows
from pharmagraph.kg import arguments
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import GraphStore

if TYPE_CHECKING:
    import pandas as pd

File: TypeAlias = str | PathLike[str]
Numbers: TypeAlias = (
    "Mapping[str, float] | pd.Series | pd.DataFrame"  # by name; a DataFrame has both as columns
)
Note: TypeAlias = Callable[[str], None]
By: TypeAlias = Literal["gain", "uncertainty", "diverse", "targets", "random"]
WAYS = ("gain", "uncertainty", "diverse", "targets", "random")


@dataclass(frozen=True)
class Predictions:
    """A run as far as it predicts; the attributes are those of `Run`."""

    store: GraphStore = field(repr=False, compare=False)
    id: str
    folder: Path
    about: Mapping[str, Any] = field(repr=False, compare=False)

    def predict(
        self,
        drugs: str | Sequence[str] | None = None,
        cell_lines: File | Numbers | Sequence[File | Numbers] | None = None,
        *,
        smiles: str | Sequence[str] | None = None,
        pilot: File | pd.DataFrame | None = None,
        note: Note = warnings.warn,
        limit: int | None = None,
        device: str = "auto",
        level: float | None = None,
        at_least: float | None = None,
    ) -> pd.DataFrame:
        """Predict the responses of cell lines to drugs, known to the graph or new.

        Parameters
        ----------
        drugs
            One or several, by name, alias, id or SMILES; all of the run's unless these or ``smiles`` are given.
        cell_lines
            As drugs; a new one is its expression, by any name of the genes. A mapping, or a Series without a name, is
            z (standard deviations). A file, a DataFrame (its index is not read), and a Series with a name, which has
            the genes as its index, are read in one way: a column, or a name, ``z`` or ``zscore`` holds z. Any other,
            such as ``tpm``, ``counts``, ``value`` or ``A375``, and one row below a header of genes, hold TPM, counts
            or log2 of either, told apart by their distribution and standardised with the run's genes (docs/omics.md).
        smiles
            New drugs, beside ``drugs``; a text that may be a name, too, such as ``CCCP``, is a structure here alone.
        pilot
            Measured responses of the one drug that is asked for, with the columns ``cell_line`` and ``ln_ic50`` (ln
            µmol/l) or ``response`` (1 sensitive, 0 resistant), or of the one cell line, with ``drug`` for
            ``cell_line``. Predictions of its other pairs are conditioned on them; nothing is trained.
        note
            Called with what is read otherwise than typed, such as the parent of a salt; a warning unless given.
        limit, device
            Rows, the most sensitive first, all unless given; and ``cpu``, ``cuda``, or ``auto``.
        level, at_least
            Of the interval, 0.9 unless given; and the least calibrated probability of the likelier class.

        Returns
        -------
        pandas.DataFrame
            ``drug``, ``cell_line`` (ids; a new drug is ``(new drug)``, or its SMILES where there are several),
            ``probability`` of being sensitive, or ``ln_ic50`` (ln µmol/l), what docs/library.md lists of intervals, and
            ``measured`` (in training); the most sensitive first.

        Raises
        ------
        NotFoundError
            If a name is neither known nor a structure or a file, or is a structure that may be meant as a name.
        InputError
            If a structure cannot be read or is too large, or expression cannot be read or standardised.
        ModelError
            If both sides are left out.
        """
        import pandas as pd

        given: dict[str, Any] = {"smiles": smiles, "pilot": pilot, "note": note, "limit": limit}
        given |= {"device": device, "level": level, "at_least": at_least}
        return pd.DataFrame(rows.predict(self, drugs, cell_lines, **given))

    def suggest_pilots(
        self,
        n: int,
        drug: str | None = None,
        cell_line: File | Numbers | None = None,
        *,
        smiles: str | None = None,
        note: Note = warnings.warn,
    ) -> pd.DataFrame:
        """Which responses of one drug, or of one cell line, to measure first so that the others are predicted best.

        Parameters
        ----------
        n
            How many.
        drug, cell_line, smiles, note
            One drug or one cell line, as in `predict`.

        Returns
        -------
        pandas.DataFrame
            ``rank``, ``cell_line`` or ``drug`` (ids), and ``explained``: share of the variance of the predictions that
            is gone with it and those before it, in [0, 1].

        Raises
        ------
        ModelError
            If both or none are given, or the run cannot take pilots.
        """
        import pandas as pd

        return pd.DataFrame(rows.suggest_pilots(self, n, drug, cell_line, smiles=smiles, note=note))

    def predict_many(
        self,
        drugs: str | Sequence[str] | None = None,
        cell_lines: File | Numbers | Sequence[File | Numbers] | None = None,
        *,
        smiles: str | Sequence[str] | None = None,
        drugs_file: File | None = None,
        cell_lines_file: File | None = None,
        pairs_file: File | None = None,
        tissue: str | None = None,
        reject_rows: bool = False,
        note: Note = warnings.warn,
        top: int | None = None,
        limit: int | None = None,
        device: str = "auto",
        level: float | None = None,
        at_least: float | None = None,
        intervals: bool = True,
    ) -> pd.DataFrame:
        """Predict files of drugs, cell lines or pairs, or the whole matrix, as `cli predict` does (docs/predict.md).

        Parameters
        ----------
        drugs, cell_lines, smiles, note, device, level, at_least
            As in `predict`; all of the run's where a side is given neither here nor as a file.
        drugs_file
            An SDF, SMILES (``.smi``), or a table with a column ``drug``, ``smiles`` or both.
        cell_lines_file
            A table with a column ``cell_line``, or of expression: ``gene``, and a column for each new cell line.
        pairs_file
            A table with ``drug`` or ``smiles``, and ``cell_line``; nothing else may be given then.
        tissue
            Only cell lines of it, where none are given.
        reject_rows
            Whether bad rows of files are left out.
        top
            Of each drug only so many cell lines, the most sensitive first.
        limit
            Rows in all, the most sensitive first; without it they come drug by drug, and all are in memory.
        intervals
            Whether it is told how sure predictions are.

        Returns
        -------
        pandas.DataFrame
            As of `predict`, with ``drug_id`` and ``cell_line_id`` where a file calls one otherwise than the graph.
        """
        import pandas as pd
        import pyarrow as pa

        from pharmagraph.model.runs.many import best

        asked = drugs, cell_lines, smiles, drugs_file, cell_lines_file, tissue
        if pairs_file is not None and any(one is not None for one in asked):
            raise InputError(
                "pairs_file says which pairs are asked for; leave the other drugs and cell lines out"
            )
        kept = arguments.whole_number("limit", limit, least=1) if limit is not None else None
        found = rows.predict_many(
            self, drugs, cell_lines, smiles=smiles, drugs_file=_path("drugs_file", drugs_file),
            cell_lines_file=_path("cell_lines_file", cell_lines_file), pairs_file=_path("pairs_file", pairs_file),
            tissue=tissue, reject_rows=reject_rows, note=note, device=device, intervals=intervals,
            top=arguments.whole_number("top", top, least=1) if top is not None else None,
            level=arguments.number("level", level) if level is not None else None,
            at_least=arguments.number("at_least", at_least) if at_least is not None else None,
        )  # fmt: skip
        table = best(found.tables, kept) if kept is not None else pa.concat_tables(list(found.tables))
        for at, column in enumerate(table.schema):  # words, not pandas' categories of one block
            if pa.types.is_dictionary(column.type):
                table = table.set_column(at, column.name, table[at].cast(column.type.value_type))
        return pd.DataFrame(table.to_pandas())

    def suggest(
        self,
        by: By = "gain",
        plate: int = 96,
        *,
        drugs: str | Sequence[str] | None = None,
        tissues: str | Sequence[str] | None = None,
        compounds: File | None = None,
        stocks: File | None = None,
        cell_lines: File | None = None,
        per_drug: int | None = None,
        per_cell: int | None = None,
        genes: str | Sequence[str] | None = None,
        controls: int | None = None,
        control_columns: Sequence[int] | None = None,
        doses: int = 1,
        reject_rows: bool = False,
        seed: int = 0,
        note: Note = warnings.warn,
    ) -> pd.DataFrame:
        """What to test next: a plate of untested pairs or new compounds, each with a reason (docs/guide.md).

        Parameters
        ----------
        by
            ``gain``: what teaches most about all pairs asked about; ``uncertainty``: the widest intervals; ``diverse``:
            unsure and unlike each other; ``targets``: what tells a drug's genes apart; ``random``.
        plate, doses
            Wells of the plate, 96, 384 or 1,536, and of each pair, side by side.
        drugs, tissues
            Names of drugs, and tissues of cell lines, that are asked about; all of the run unless given.
        compounds
            File of compounds, as ``drugs_file`` of `predict_many`.
        stocks, cell_lines
            Tables of what there is: ``drug`` and, if it has one, ``wells``; and ``cell_line``.
        per_drug, per_cell
            Most pairs of one drug, and of one cell line.
        genes
            For ``targets``: genes that may decide the response; those attended to most unless given.
        controls, control_columns
            Wells of controls, half vehicle, and their columns, from 1; two columns, the outer ones, unless given.
        reject_rows
            Whether bad rows of ``compounds`` are left out.
        seed, note
            Of all draws; and what is told of what was chosen: a warning unless given.

        Returns
        -------
        pandas.DataFrame
            A row a well: ``well``, ``kind``, ``drug``, ``cell_line``, ``dose``, ``rank``, the prediction with ``low``
            and ``high``, ``score`` and ``reason``.
        """
        import pandas as pd

        from pharmagraph.model.suggest.acquisition import Acquisition
        from pharmagraph.suggesting import Lab, plate_of, plate_rows, suggest

        arguments.require_store(self.store)
        arguments.function("note", note)
        names = {
            name: tuple(arguments.texts(name, given)) if given is not None else ()
            for name, given in (("drugs", drugs), ("tissues", tissues), ("genes", genes))
        }
        most = {
            name: arguments.whole_number(name, given, least=1) if given is not None else None
            for name, given in (("per_drug", per_drug), ("per_cell", per_cell))
        }
        files = {
            name: _path(name, given)
            for name, given in (("compounds", compounds), ("stocks", stocks), ("cell_lines", cell_lines))
        }
        laid = plate_of(
            arguments.whole_number("plate", plate, least=1), controls, control_columns,
            arguments.whole_number("doses", doses, least=1),
        )  # fmt: skip
        way = Acquisition(arguments.one_of("by", by, WAYS))
        lab = Lab(**names, **files, **most, reject_rows=reject_rows)  # type: ignore[arg-type]  # three kinds of names
        found, wells = suggest(self, lab, way, laid, seed=arguments.seed(seed))
        for sentence in found.notes:
            note(sentence)
        return pd.DataFrame(plate_rows(found.pairs, wells))


def _path(argument: str, given: File | None) -> Path | None:
    return Path(arguments.path(argument, given)) if given is not None else None

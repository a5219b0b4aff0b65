"""What to test next by a run: names and files are looked up in the store; `model.runs.suggestions` chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.names import Names, index
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.wording import named
from pharmagraph.model.runs import available
from pharmagraph.model.runs.asked import Asked
from pharmagraph.model.runs.listed import drugs_of_file
from pharmagraph.model.runs.suggestions import Suggester, Suggestion, Wanted
from pharmagraph.model.suggest.acquisition import Acquisition
from pharmagraph.model.suggest.plate import SIZES, Plate, Well
from pharmagraph.rows import Run, explain, of_tissue

N_GENES = 5
"""Genes of a drug that are taken for what decides its responses, those attended to most, unless they are named."""


@dataclass(frozen=True)
class Lab:
    """What is asked about, and what the laboratory has.

    Attributes
    ----------
    drugs
        Names of drugs; all of the run where there are neither these, compounds nor stocks.
    tissues
        Tissues of the cell lines that one wants to know; all unless given.
    compounds, stocks, cell_lines
        Files of compounds (as `model.runs.listed.drugs_of_file` reads them), of stocks, and of cell lines in culture.
    reject_rows
        Whether bad rows of the compounds are left out.
    per_drug, per_cell
        Most pairs of a drug, and of a cell line.
    genes
        Names of genes that may decide the responses, for ``targets``.
    """

    drugs: Sequence[str] = ()
    tissues: Sequence[str] = ()
    compounds: Path | None = None
    stocks: Path | None = None
    cell_lines: Path | None = None
    per_drug: int | None = None
    per_cell: int | None = None
    genes: Sequence[str] = ()
    reject_rows: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked of a run, with every name and file read; the store is not needed any more.

    Attributes
    ----------
    suggester, wanted
        The run, and what may be tested.
    by, plate
        How to choose, and for what.
    genes
        Ids of genes, for ``targets``.
    notes
        What there was to say about the files.
    """

    suggester: Suggester
    wanted: Wanted
    by: Acquisition
    plate: Plate
    genes: Sequence[str]
    notes: Sequence[str]

    def chosen(
        self, *, seed: int = 0, advance: Callable[[], None] = lambda: None
    ) -> tuple[Suggestion, list[Well]]:
        """Pairs to test, the first first, and all wells of the plate.

        Parameters
        ----------
        seed
            Of all draws.
        advance
            Called after each pair that is chosen.

        Raises
        ------
        ModelError
            If no pair is left, or nothing is known by which to choose.
        """
        found = self.suggester.suggest(
            self.wanted, self.by, self.plate.room, genes=self.genes, seed=seed, advance=advance
        )
        wells = self.plate.laid_out([(row["drug"], row["cell_line"]) for row in found.pairs])
        return Suggestion(found.pairs, [*self.notes, *found.notes]), wells


def suggest(
    run: Run,
    lab: Lab,
    by: Acquisition,
    plate: Plate,
    *,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> tuple[Suggestion, list[Well]]:
    """Pairs to test, the first first, and all wells of the plate: `question`, and `Question.chosen`, whose errors it
    raises."""
    return question(run, lab, by, plate).chosen(seed=seed, advance=advance)


def question(run: Run, lab: Lab, by: Acquisition, plate: Plate) -> Question:
    """Read what is asked.

    Parameters
    ----------
    run
        The run by which to choose.
    lab
        What may be tested.
    by
        How to choose.
    plate
        Which gives the number of pairs.

    Raises
    ------
    InputError
        If a file cannot be read or names what the graph does not have.
    NotFoundError
        If a drug, a tissue or a gene is not known.
    ModelError
        If the run is not calibrated or has no Gaussian process.
    """
    store = run.store
    suggester = Suggester(run.folder, run.id)
    drug_names, line_names = index(store, "Drug"), index(store, "CellLine")
    of_drugs, of_lines = suggester.ids("Drug"), suggester.ids("CellLine")
    notes, compounds, drugs = list[str](), dict[str, str](), [drug_names.require(name) for name in lab.drugs]
    if lab.compounds is not None:
        read = drugs_of_file(lab.compounds, of_drugs, drug_names, notes.append, reject=lab.reject_rows)
        compounds = _new(lab.compounds, read, drug_names)
        drugs += [of_drugs[one.number] for one in read if one.number is not None]
    stocks = None
    if lab.stocks is not None:
        stocks = available.read_stocks(lab.stocks, drug_names, compounds)
        stocks = {name: None if wells is None else wells // plate.doses for name, wells in stocks.items()}
    drugs = list(dict.fromkeys(drugs))
    if not drugs and stocks is not None:
        drugs = [id_ for id_ in stocks if id_ not in compounds]
    elif not drugs and not compounds:
        drugs = of_drugs
    if by is Acquisition.targets and len(drugs) + len(compounds) != 1:
        raise InputError(
            f"{named('by')} targets is about what decides the responses to one drug; name it: {named('drug')} NAME"
        )
    lines = _of_tissues(store, of_lines, lab.tissues)
    in_culture = (
        available.read_cell_lines(lab.cell_lines, line_names) if lab.cell_lines is not None else lines
    )
    wanted = Wanted(
        available.numbers(of_drugs, drugs, "drug"), compounds,
        available.numbers(of_lines, lines, "cell_line"), available.numbers(of_lines, in_culture, "cell_line"),
        stocks, lab.per_drug, lab.per_cell, _tested(store),
    )  # fmt: skip
    genes = _genes(run, lab.genes, drugs) if by is Acquisition.targets else []
    return Question(suggester, wanted, by, plate, genes, notes)


def _new(path: Path, read: Sequence[Asked], names: Names) -> dict[str, str]:
    """Structures of the compounds of a file that the run does not have, by their names.

    Raises
    ------
    InputError
        If one is called as a drug of the graph with another structure is: a plate could not tell them apart.
    """
    new = {one.name: one for one in read if one.smiles is not None}
    for name, one in new.items():
        if (known := names.find(name)) not in {None, one.stored}:
            raise InputError(
                f'{path}: "{name}" is {known} of the graph, which has another structure; rename it, or leave it out '
                f"and ask for {named('drug')}"
            )
    return {name: one.smiles for name, one in new.items() if one.smiles is not None}


def plate_of(size: int, controls: int | None, columns: Sequence[int] | None, doses: int) -> Plate:
    """A plate; unless their number is given, the controls fill two columns. Errors as of `Plate`."""
    return Plate(size, 2 * SIZES.get(size, (0, 0))[0] if controls is None else controls, columns, doses)


def plate_rows(pairs: Sequence[dict[str, Any]], wells: Sequence[Well]) -> list[dict[str, Any]]:
    """A row a well: ``well``, ``kind``, ``drug``, ``cell_line``, ``dose``, ``rank`` and what is said of the pair."""
    of_pair = list(pairs[0]) if pairs else ["drug", "cell_line"]
    rest = [name for name in of_pair if name not in ("drug", "cell_line")]
    found = []
    for well in wells:
        pair = pairs[well.pair] if well.pair is not None else {}
        found.append(
            {
                "well": well.name, "kind": well.kind, "drug": pair.get("drug"), "cell_line": pair.get("cell_line"),
                "dose": well.dose or None, "rank": None if well.pair is None else well.pair + 1,
            }
            | {name: pair.get(name) for name in rest}
        )  # fmt: skip
    return found


def _of_tissues(store: GraphStore, lines: Sequence[str], tissues: Sequence[str]) -> list[str]:
    """Ids of the run's cell lines of some tissues, or of all."""
    if not tissues:
        return list(lines)
    wanted = set().union(*(of_tissue(store, tissue) for tissue in tissues))
    found = [id_ for id_ in lines if id_ in wanted]
    if not found:
        raise ModelError(f"the run has no cell line of {' or '.join(tissues)}; train again: cli train")
    return found


def _tested(store: GraphStore) -> dict[str, set[str]]:
    """Id of a drug → ids of the cell lines on which it was tested, by any data set of the store."""
    edges = store.read_edges("TESTED_ON", ("Drug", "CellLine"), ["src", "dst"])
    found: dict[str, set[str]] = {}
    for drug, line in zip(edges["src"].to_pylist(), edges["dst"].to_pylist(), strict=True):
        found.setdefault(drug, set()).add(line)
    return found


def _genes(run: Run, genes: Sequence[str], drugs: Sequence[str]) -> list[str]:
    """Ids of the genes that may decide the responses to a drug: those named, or those that it attends to most."""
    if genes:
        known: Names = index(run.store, "Gene")
        return [known.require(gene) for gene in genes]
    attended = [row["gene"] for row in explain(run, drugs[0], None, limit=N_GENES).genes] if drugs else []
    if not attended:
        raise InputError(
            "nothing is known of what decides the responses; name genes that may: "
            f"{named('gene')} EGFR {named('gene')} ERBB2"
        )
    return attended

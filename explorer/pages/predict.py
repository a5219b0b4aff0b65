"""Predictions of compounds that are pasted or in a file, by the code of `cli predict`; the command stands below."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dash import html
from dash.development.base_component import Component

from pharmagraph import rows as of_run
from pharmagraph.explorer import compound_fields
from pharmagraph.explorer.addresses import address
from pharmagraph.explorer.asking import Answer, Asked
from pharmagraph.explorer.page import NO_RUN, Field, FieldError, Page, form, section, sentence
from pharmagraph.explorer.tables import in_page_csv, table
from pharmagraph.kg.console import next_command
from pharmagraph.kg.errors import InputError, ModelError, NotFoundError, PharmagraphError, shortened
from pharmagraph.kg.names import index
from pharmagraph.kg.shown_names import all_shown
from pharmagraph.kg.wording import typed
from pharmagraph.model.runs.many import best
from pharmagraph.run import Run

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN, MOST_PAIRS = 200, 100_000
"""Rows on the page, and pairs that are predicted for one."""
HYPOTHESIS = "A hypothesis, not a measurement. Measured says whether the run was trained on the pair."
INTERVAL = "Low and high are the ends of the interval at {level:.0%}."
UNLIKE = "Unlike says that the structure is far from those the run was trained on, where predictions are less sure."


@dataclass(frozen=True)
class Wanted:
    """What the form asks for, after its fields were read."""

    compounds: compound_fields.Given
    cell_lines: list[str]
    tissue: str | None
    top: int | None
    intervals: bool
    reject: bool
    command: list[str]
    notes: list[str] = field(default_factory=list)


def page(asked: Asked) -> Page:
    """The form, and where it is filled in, the predictions."""
    title = "Predict compounds"
    if asked.run is None:
        return Page(title, [html.P(NO_RUN, className="notice")])
    lead = html.P(
        "How sensitive are cell lines to your compounds? Nothing leaves this machine.", className="lead"
    )
    if "ask" not in asked.given and not {"compounds", "file"} & asked.given.keys():
        return Page(title, [lead, _form(asked, {})])
    try:
        with _wanted(asked) as wanted:
            found = _predictions(asked, wanted)
    except FieldError as error:
        return Page(title, [lead, _form(asked, {error.name: sentence(error)})])
    except ModelError as error:
        return Page(
            title, [lead, html.P(sentence(error), className="notice", role="alert"), _form(asked, {})]
        )
    return Page(title, [*found, section("Others", _form(asked, {}))])


def _form(asked: Asked, errors: Mapping[str, str]) -> Component:
    tissues = [(row["tissue"], row["tissue"]) for row in asked.tissues.rows if row["tissue"]]
    fields = [
        Field("ask", "", default="1", kind="hidden"),
        *compound_fields.fields("Compounds"),
        Field(
            "cell_lines", "Cell lines", "names, a line each or with commas; all of the run unless given",
            kind="textarea", more={"rows": "2", "spellcheck": "false"},
        ),
        Field("tissue", "Or those of a tissue", kind="select", options=[("", "all tissues"), *tissues]),
        Field("top", "Cell lines of each compound", "the most sensitive; all unless given"),
        compound_fields.REJECT,
        Field(
            "intervals", "How sure", kind="select", options=[("", "with intervals"), ("no", "without, which is faster")]
        ),
        *([Field("run", "Run", "its id")] if "run" in asked.given else []),
    ]  # fmt: skip
    return form(address("predict"), fields, "Predict", given=asked.given, file="predict", errors=errors)


@contextmanager
def _wanted(asked: Asked) -> Iterator[Wanted]:
    """The fields as `cli predict` takes them; the file of pasted compounds is there meanwhile."""
    given = asked.given
    with compound_fields.of_form(given, index(asked.graph, "Drug")) as of_form:
        if of_form is None:
            raise FieldError("compounds", "Give a SMILES or a name of a drug, or choose a file below")
        yield _read(asked, of_form)


def _read(asked: Asked, of_form: compound_fields.Given) -> Wanted:
    given = asked.given
    command = ["cli", "predict", "--drugs", of_form.file.name]
    lines = _cell_lines(asked)
    tissue = given.get("tissue")
    if lines and tissue:
        raise FieldError("tissue", "Cell lines are given above; leave them or the tissue out")
    if lines:
        command += ["--cell", lines[0]] if len(lines) == 1 else ["--cells", "cell-lines.csv"]
    if tissue:
        command += ["--tissue", tissue]
    top = _top(given.get("top"))
    command += [] if top is None else ["--top", str(top)]
    command += ["--run", given["run"]] if "run" in given else []
    intervals, reject = given.get("intervals") != "no", "reject" in given
    command += [] if intervals else ["--no-interval"]
    command += ["--reject-rows"] if reject else []
    notes = list(of_form.pasted.notes) if of_form.pasted is not None else []
    return Wanted(of_form, lines, tissue, top, intervals, reject, command, notes)


def _cell_lines(asked: Asked) -> list[str]:
    """Ids of the cell lines that are given by name; a text is never taken for a file."""
    text = asked.given.get("cell_lines", "")
    names = [name.strip() for line in text.splitlines() for name in line.split(",") if name.strip()]
    known = index(asked.graph, "CellLine") if names else None
    try:
        return list(dict.fromkeys(known.require(name) for name in names)) if known else []
    except PharmagraphError as error:
        raise FieldError("cell_lines", error) from None


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise FieldError("top", f"“{shortened(text)}” is no whole number from 1")
    return int(text)


def _predictions(asked: Asked, wanted: Wanted) -> list[Component]:
    """What was predicted, as a table, and how a command line does the same."""
    place = wanted.compounds.place
    try:
        with typed():
            found = of_run.predict_many(
                Run.open(asked.graph, asked.given.get("run")), None, wanted.cell_lines or None,
                drugs_file=wanted.compounds.file, tissue=wanted.tissue, reject_rows=wanted.reject, top=wanted.top,
                intervals=wanted.intervals, note=wanted.notes.append,
            )  # fmt: skip
            command = shlex.join([*wanted.command, "--out", "predicted.csv"])
            if found.n_pairs > MOST_PAIRS:
                raise InputError(
                    f"{found.n_pairs:,} pairs are more than the {MOST_PAIRS:,} that a page predicts; choose cell lines "
                    f"or a tissue, or: {command}"
                )
            whole = _whole(found.tables)
    except NotFoundError as error:
        raise FieldError(
            "tissue" if error.what == "tissue" else place, wanted.compounds.said(error)
        ) from None
    except InputError as error:
        raise FieldError(place, wanted.compounds.said(error)) from None
    rows = best(iter([whole]), SHOWN).to_pylist()
    names = all_shown(asked.graph)
    known, lines = names["drug"], {"cell_line": names["cell_line"]}
    run = {"run": asked.given.get("run")}

    def why(row: Mapping[str, Any]) -> tuple[str, str] | None:
        drug = row.get("drug_id", row["drug"])
        return ("why", address("pair", drug, row["cell_line"], **run)) if drug in known else None

    caption = f"{whole.num_rows:,} pairs of {found.n_drugs:,} compounds and {found.n_cell_lines:,} cell lines"
    if whole.num_rows > SHOWN:
        caption += f", of which the {SHOWN} most sensitive are shown; the files have all"
    shown, level = _columns(whole.column_names, rows), rows[0].get("level")
    note = HYPOTHESIS if level is None else f"{HYPOTHESIS} {INTERVAL.format(level=level)}"
    note += f" {UNLIKE}" if "unlike" in shown else ""
    notes = [html.Li(f"{wanted.compounds.said(text)}.") for text in wanted.notes]
    return [
        *([html.Div(html.Ul(notes, className="notes"), role="status")] if notes else []),
        table(
            Answer(shown, rows),
            caption,
            file="predicted",
            link=why,
            texts=("drug",),
            whole=whole,
            names=lines,
            as_asked=True,  # the note below tells of every column
        ),
        html.P(note, className="note"),
        _command(asked, wanted, command),
    ]


def _columns(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Columns that a page shows: `unlike` only where something is."""
    unsaid = {"drug_id", "level"} | ({"unlike"} if not any(row.get("unlike") for row in rows) else set())
    return [name for name in names if name not in unsaid]


def _command(asked: Asked, wanted: Wanted, command: str) -> Component:
    """The command line that writes the same, and the files that it reads."""
    lists = wanted.compounds.lists()
    if len(wanted.cell_lines) > 1:
        lines = Answer(["cell_line"], [{"cell_line": line} for line in wanted.cell_lines])
        lists.append(in_page_csv(lines, "cell-lines", "the cell lines", "cell-lines.csv"))
    return html.Div(
        [
            html.P("The command that does the same:", className="note"),
            html.Pre(html.Code(next_command(command, asked.graph.url)), tabIndex="0", id="command"),
            *([html.P(["The lists that it reads: ", *lists], className="note")] if lists else []),
        ]
    )


def _whole(tables: Iterator[pa.Table]) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables(list(tables)).unify_dictionaries().combine_chunks()

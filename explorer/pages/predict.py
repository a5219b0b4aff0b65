"""Predictions of compounds that are pasted or in a file, by the code of `cli predict`; the command stands below."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from dash import html
from dash.development.base_component import Component

from pharmagraph import rows as of_run
from pharmagraph.explorer import compounds
from pharmagraph.explorer.addresses import address
from pharmagraph.explorer.asking import Answer, Asked
from pharmagraph.explorer.page import NO_RUN, Field, Page, form, section
from pharmagraph.explorer.tables import in_page_csv, table
from pharmagraph.explorer.uploads import ENDINGS, MOST_BYTES, PASTED, UPLOADS
from pharmagraph.kg.console import next_command
from pharmagraph.kg.errors import InputError, ModelError, NotFoundError, PharmagraphError, shortened
from pharmagraph.kg.names import index
from pharmagraph.kg.wording import typed
from pharmagraph.model.runs.many import best
from pharmagraph.run import Run

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN, MOST_PAIRS = 200, 100_000
"""Rows on the page, and pairs that are predicted for one."""
HYPOTHESIS = "A hypothesis, not a measurement. Measured says whether the run was trained on the pair."
INTERVAL = (
    "Low and high are the ends of the interval at {level:.0%}; unlike says that the structure is far from those that "
    "the run was trained on, where predictions are less sure."
)


@dataclass(frozen=True)
class Wanted:
    """What the form asks for, after its fields were read."""

    file: Path
    cell_lines: list[str]
    tissue: str | None
    top: int | None
    intervals: bool
    reject: bool
    pasted: compounds.Compounds | None
    command: list[str]
    notes: list[str] = field(default_factory=list)


class FieldError(InputError):
    """What is wrong with one field of the form."""

    def __init__(self, name: str, message: object) -> None:
        super().__init__(str(message))
        self.name = name


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
        return Page(title, [lead, _form(asked, {error.name: f"{error}."})])
    except ModelError as error:
        return Page(title, [lead, html.P(f"{error}.", className="notice", role="alert"), _form(asked, {})])
    return Page(title, [*found, section("Others", _form(asked, {}))])


def _form(asked: Asked, errors: Mapping[str, str]) -> Component:
    tissues = [(row["tissue"], row["tissue"]) for row in asked.named("tissues").rows if row["tissue"]]
    most = f"{MOST_BYTES // 1024**2} MiB"
    fields = [
        Field("ask", "", default="1", kind="hidden"),
        Field(
            "compounds", "Compounds", "a SMILES a line, and a name after a blank if you like; or names of drugs",
            kind="textarea", more={"rows": "5", "spellcheck": "false", "data-long": "file"},
        ),
        Field(
            "file", "Or a file, chosen or dropped here",
            f"SMILES (.smi), SDF, or CSV with a column drug, smiles or both; at most {most}",
            kind="file", more={"accept": ",".join(ENDINGS), "data-most": str(MOST_BYTES)},
        ),
        Field(
            "cell_lines", "Cell lines", "names, a line each or with commas; all of the run unless given",
            kind="textarea", more={"rows": "2", "spellcheck": "false"},
        ),
        Field("tissue", "Or those of a tissue", kind="select", options=[("", "all tissues"), *tissues]),
        Field("top", "Cell lines of each compound", "the most sensitive; all unless given"),
        Field(
            "reject", "Compounds that cannot be read", kind="select",
            options=[("", "say which, and predict none"), ("1", "leave them out")],
        ),
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
    text = given.get("compounds", "")
    command, pasted, file = ["cli", "predict"], None, None
    if "file" in given:
        try:
            file = UPLOADS.path(given["file"])
        except InputError as error:
            raise FieldError("file", error) from None
        if text:
            raise FieldError("file", "There are compounds above, too; keep the file or those")
        if file.name == PASTED:
            text = file.read_text(encoding="utf-8", errors="replace")
            file = None
    if file is None:
        if not text:
            raise FieldError("compounds", "Give a SMILES or a name of a drug, or choose a file below")
        pasted = compounds.read(text, index(asked.graph, "Drug"))
        file = Path("compounds.csv")
    command += ["--drugs", file.name]
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
    with TemporaryDirectory() as folder:
        if pasted is not None:
            file = Path(folder) / file
            file.write_text(pasted.csv, encoding="utf-8")
        notes = list(pasted.notes) if pasted is not None else []
        yield Wanted(file, lines, tissue, top, intervals, reject, pasted, command, notes)


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
    place = "file" if wanted.pasted is None else "compounds"
    try:
        with typed():
            found = of_run.predict_many(
                Run.open(asked.graph, asked.given.get("run")), None, wanted.cell_lines or None,
                drugs_file=wanted.file, tissue=wanted.tissue, reject_rows=wanted.reject, top=wanted.top,
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
        raise FieldError("tissue" if error.what == "tissue" else place, _said(error, wanted)) from None
    except InputError as error:
        raise FieldError(place, _said(error, wanted)) from None
    rows = best(iter([whole]), SHOWN).to_pylist()
    known = {row["id"] for row in asked.graph.node_rows("Drug", ["id"])}
    run = {"run": asked.given.get("run")}

    def why(row: Mapping[str, Any]) -> tuple[str, str] | None:
        drug = row.get("drug_id", row["drug"])
        return ("why", address("pair", drug, row["cell_line"], **run)) if drug in known else None

    caption = f"{whole.num_rows:,} pairs of {found.n_drugs:,} compounds and {found.n_cell_lines:,} cell lines"
    if whole.num_rows > SHOWN:
        caption += f", of which the {SHOWN} most sensitive are shown; the files have all"
    shown = [c for c in whole.column_names if c not in ("drug_id", "level")]
    level = rows[0].get("level")
    note = HYPOTHESIS if level is None else f"{HYPOTHESIS} {INTERVAL.format(level=level)}"
    notes = [html.Li(f"{_said(text, wanted)}.") for text in wanted.notes]
    return [
        *([html.Div(html.Ul(notes, className="notes"), role="status")] if notes else []),
        table(Answer(shown, rows), caption, file="predicted", link=why, texts=("drug",), whole=whole),
        html.P(note, className="note"),
        _command(asked, wanted, command),
    ]


def _command(asked: Asked, wanted: Wanted, command: str) -> Component:
    """The command line that writes the same, and the files that it reads."""
    lists: list[Component] = []
    if wanted.pasted is not None:
        given = [{"drug": drug, "smiles": smiles} for drug, smiles in wanted.pasted.rows]
        lists.append(
            in_page_csv(Answer(["drug", "smiles"], given), "compounds", "the compounds", "compounds.csv")
        )
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


def _said(message: object, wanted: Wanted) -> str:
    """A message that names the file as the user does, and lines of what was pasted."""
    called = "the list" if wanted.pasted else wanted.file.name
    text = str(message).replace(str(wanted.file), called).rstrip(".")
    text = text.replace("leave them out with --reject-rows", "choose below to leave them out")
    return wanted.pasted.in_lines(text) if wanted.pasted else text

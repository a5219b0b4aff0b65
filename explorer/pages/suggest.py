"""What to test next: a plate of untested pairs, chosen by the code of `cli suggest`, with a reason a well."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph import suggesting
from pharmagraph.explorer import compound_fields, files
from pharmagraph.explorer.addresses import address
from pharmagraph.explorer.asking import Answer, Asked
from pharmagraph.explorer.choosing import DESK, Choosing
from pharmagraph.explorer.choosing import Plate as Chosen
from pharmagraph.explorer.page import NO_RUN, Field, FieldError, Page, aria, form, section, sentence
from pharmagraph.explorer.plate import grid
from pharmagraph.explorer.tables import table
from pharmagraph.explorer.uploads import MOST_BYTES
from pharmagraph.kg.console import next_command
from pharmagraph.kg.errors import AmbiguousNameError, InputError, ModelError, NotFoundError, shortened
from pharmagraph.kg.kept import stamp
from pharmagraph.kg.names import index
from pharmagraph.kg.shown_names import all_shown
from pharmagraph.kg.wording import typed
from pharmagraph.model.suggest.acquisition import Acquisition
from pharmagraph.model.suggest.plate import SIZES, Plate
from pharmagraph.run import Run

WAYS = {
    Acquisition.gain: "gain: what teaches most about all pairs asked about",
    Acquisition.uncertainty: "uncertainty: the widest intervals",
    Acquisition.diverse: "diverse: unsure, and unlike each other",
    Acquisition.targets: "targets: what tells the genes of one drug apart",
    Acquisition.random: "random",
}
WHOLE = {"controls": 0, "doses": 1, "per_drug": 1, "per_cell": 1, "seed": 0}
"""Fields that are whole numbers, and the least of each."""
FIELD_OF = {"drug": "drugs", "gene": "genes", "tissue": "tissue"}
"""What an error is about → the field beside which it is said."""
OPTIONS = {
    "--plate": "plate", "--controls": "controls", "--control-columns": "control_columns", "--by": "by",
    "--drug": "drugs", "--gene": "genes",
}  # fmt: skip
"""Option that an error names → the field."""


SOON, EVERY = 1.5, 1500
"""Seconds for which the first answer waits for a plate, and milliseconds after which a waiting page asks again."""


def page(asked: Asked) -> Page:
    """The form, and where it was sent, the plate."""
    title = "What to test next"
    if asked.run is None:
        return Page(title, [html.P(NO_RUN, className="notice")])
    lead = html.P(
        "A plate of untested pairs that tell most about the others, with a reason a well.", className="lead"
    )
    if "plate" not in asked.given:
        return Page(title, [lead, _form(asked, {})])
    try:
        with typed():
            choosing = _choosing(asked)
            whole = choosing.wait(None if files.are_collected() else SOON if not choosing.n else 0)
            if whole is None:
                return _waiting(title, choosing)
            return Page(title, [*_shown(asked, whole), section("Another plate", _form(asked, {}))])
    except FieldError as error:
        return Page(title, [lead, _form(asked, {error.name: sentence(error)})])
    except ModelError as error:
        return Page(
            title, [lead, html.P(sentence(error), className="notice", role="alert"), _form(asked, {})]
        )


def _waiting(title: str, choosing: Choosing) -> Page:
    """How far a plate is; the page asks again by itself."""
    seconds = round(time.monotonic() - choosing.begun)
    said = (
        f"{choosing.n:,} of {choosing.total:,} pairs are chosen" if choosing.n else "All pairs are compared"
    )
    words = f"{said}; {seconds:,} s so far. The plate appears here by itself."
    given: dict[str, Any] = {"value": str(choosing.n), "max": str(choosing.total)} if choosing.n else {}
    return Page(
        title,
        [
            html.P(words, id="so-far", className="lead"),
            html.Progress(**given, **aria(label="Pairs chosen")),
            html.P(dcc.Link("Ask for another plate", href=address("suggest"))),
        ],
        retry=True,
        every=EVERY,
    )


def _form(asked: Asked, errors: Mapping[str, str]) -> Component:
    tissues = [(row["tissue"], row["tissue"]) for row in asked.tissues.rows if row["tissue"]]
    ways = [(str(way), words) for way, words in WAYS.items()]
    fields = [
        Field("plate", "Wells", default="96", kind="select", options=[(str(n), f"{n:,}") for n in SIZES]),
        Field("by", "Choose by", default="gain", kind="select", options=ways),
        Field("controls", "Wells of controls", "half vehicle; two columns of them unless given"),
        Field("control_columns", "Columns of the controls", "with commas; the outer two unless given"),
        Field("doses", "Wells of each pair", "side by side", "1"),
        Field(
            "drugs", "Drugs", "names, a line each; without these and compounds all of the run, or those in stock",
            kind="textarea", more={"rows": "2", "spellcheck": "false"},
        ),
        *compound_fields.fields("New compounds"),
        compound_fields.REJECT,
        Field(
            "stocks", "Stocks", "CSV with a column drug, and wells, for how many there is enough; all unless given",
            kind="file", more={"accept": ".csv,.tsv,.txt", "data-most": str(MOST_BYTES)},
        ),
        Field("tissue", "Cell lines", kind="select", options=[("", "all tissues"), *tissues]),
        Field("per_drug", "Most pairs of a drug", "no limit unless given"),
        Field("per_cell", "Most pairs of a cell line", "no limit unless given"),
        Field("genes", "Genes", "for targets: with commas; those attended to most unless given"),
        Field("seed", "Seed", "of all draws", "0"),
        *([Field("run", "Run", "its id")] if "run" in asked.given else []),
    ]  # fmt: skip
    return form(address("suggest"), fields, "Suggest", given=asked.given, file="suggest", errors=errors)


def _choosing(asked: Asked) -> Choosing:
    """The plate that is asked for, begun unless it was; what is wrong with the form is raised."""
    assert asked.run is not None  # asked for by `page`
    key = (asked.graph.url, asked.run["id"], stamp(asked.graph), tuple(sorted(asked.given.items())))
    return DESK.choosing(key, lambda: _question(asked))


def _question(asked: Asked) -> tuple[suggesting.Question, int]:
    given = asked.given
    numbers = {name: _whole(given.get(name), name, least) for name, least in WHOLE.items()}
    wells = _whole(given["plate"], "plate", 1) or 0
    if given.get("by", "gain") not in [*Acquisition]:
        raise FieldError(
            "by", f"“{shortened(given['by'])}” is no way to choose; there are {', '.join(Acquisition)}"
        )
    by = Acquisition(given.get("by", "gain"))
    controls = numbers["controls"]
    if controls is None:
        controls = 2 * SIZES.get(wells, (0, 0))[0]
    stocks = compound_fields.uploaded(given, "stocks") if "stocks" in given else None
    with ExitStack() as there:
        compounds = None
        if {"compounds", "file"} & given.keys():
            compounds = there.enter_context(compound_fields.of_form(given, index(asked.graph, "Drug")))
        lab = suggesting.Lab(
            drugs=[line.strip() for line in given.get("drugs", "").splitlines() if line.strip()],
            tissues=[given["tissue"]] if "tissue" in given else [],
            compounds=compounds.file if compounds else None, stocks=stocks, reject_rows="reject" in given,
            per_drug=numbers["per_drug"], per_cell=numbers["per_cell"],
            genes=[gene.strip() for gene in given.get("genes", "").split(",") if gene.strip()],
        )  # fmt: skip
        try:
            plate = Plate(wells, controls, _columns(given.get("control_columns")), numbers["doses"] or 1)
            asks = suggesting.question(Run.open(asked.graph, given.get("run")), lab, by, plate)
        except (NotFoundError, AmbiguousNameError) as error:
            field = FIELD_OF.get(error.what, "drugs")
            if compounds and field == "drugs" and error.name not in lab.drugs:
                raise FieldError(compounds.place, compounds.said(error)) from None
            raise FieldError(field, str(error)) from None
        except FieldError:
            raise
        except InputError as error:
            raise _beside(error, compounds, stocks) from None
    return asks, numbers["seed"] or 0


def _beside(error: InputError, compounds: compound_fields.Given | None, stocks: Path | None) -> FieldError:
    """The field that an error is about: that of a file it names, or of an option."""
    said = str(error)
    if stocks is not None and said.startswith(str(stocks)):
        return FieldError("stocks", said.replace(str(stocks), stocks.name))
    if compounds is not None and str(compounds.file) in said:
        return FieldError(compounds.place, compounds.said(error))
    words = (OPTIONS.get(word.strip(":;,")) for word in said.split())
    return FieldError(next((field for field in words if field), "plate"), said.removeprefix("--"))


def _shown(asked: Asked, whole: Chosen) -> list[Component]:
    """The plate, its wells as a table, and how a command line does the same."""
    given, (found, laid) = asked.given, whole
    wells, by = len(laid), given.get("by", "gain")
    names = all_shown(asked.graph)
    rows = suggesting.plate_rows(found.pairs, laid)
    known = all(row["drug"] in names["drug"] for row in rows if row["drug"] is not None)
    samples = sorted((row for row in rows if row["rank"]), key=lambda row: (row["rank"], row["dose"]))
    columns = [c for c in rows[0] if c not in ("kind", "dose")]
    notes = [html.Li(f"{note}.") for note in found.notes]
    caption = f"{len(found.pairs):,} pairs by {by}, the first first; the files have every well"
    return [
        grid(rows, names, f"Plate of {wells:,} wells by {by}"),
        *([html.Div(html.Ul(notes, className="notes"), role="status")] if notes else []),
        table(
            Answer(columns, samples), caption, file="plate", whole=Answer(list(rows[0]), rows),
            link=lambda row: _why(row, names, given.get("run")), texts=[] if known else ["drug"],
            names=names, stacked=True,
        ),
        *_command_of(asked),
    ]  # fmt: skip


def _why(
    row: Mapping[str, Any], names: Mapping[str, Mapping[str, str]], run: str | None
) -> tuple[str, str] | None:
    if row["drug"] not in names["drug"]:  # a new compound has no page
        return None
    return "why", address("pair", row["drug"], row["cell_line"], run=run)


def _command_of(asked: Asked) -> list[Component]:
    """The command that does the same, and the files that it reads."""
    with compound_fields.of_form(asked.given, index(asked.graph, "Drug")) as compounds:
        words = _command(asked.given)
        words += ["--compounds", compounds.file.name] if compounds else []
        lists = compounds.lists() if compounds else []
    if "stocks" in asked.given:
        words += ["--stocks", compound_fields.uploaded(asked.given, "stocks").name]
    command = next_command(
        shlex.join([*words, "--out", "plate.csv", "--picture", "plate.svg"]), asked.graph.url
    )
    return [
        html.P("The command that does the same:", className="note"),
        html.Pre(html.Code(command), tabIndex="0", id="command"),
        *([html.P(["The list that it reads: ", *lists], className="note")] if lists else []),
    ]


def _command(given: Mapping[str, str]) -> list[str]:
    """The words of a form's command line, but for its files."""
    words = ["cli", "suggest", "--by", given.get("by", "gain"), "--plate", given["plate"]]
    for name in ("controls", "control_columns", "doses", "tissue", "per_drug", "per_cell", "seed", "run"):
        if name in given:
            words += [f"--{name.replace('_', '-')}", given[name]]
    for drug in given.get("drugs", "").splitlines():
        words += ["--drug", drug.strip()] if drug.strip() else []
    for gene in given.get("genes", "").split(","):
        words += ["--gene", gene.strip()] if gene.strip() else []
    return [*words, *(["--reject-rows"] if "reject" in given else [])]


def _whole(text: str | None, name: str, least: int) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not least <= int(text) < 10**9:
        raise FieldError(name, f"“{shortened(text)}” is no whole number from {least}")
    return int(text)


def _columns(text: str | None) -> list[int] | None:
    if text is None:
        return None
    parts: list[Any] = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) < 9 for part in parts):
        raise FieldError("control_columns", f"“{shortened(text)}” is no list of numbers, such as 1,12")
    return [int(part) for part in parts]

"""What to test next: a plate of untested pairs, chosen by the code of `cli suggest`, with a reason a well."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dash import html
from dash.development.base_component import Component

from pharmagraph import suggesting
from pharmagraph.explorer.addresses import address
from pharmagraph.explorer.asking import Answer, Asked
from pharmagraph.explorer.page import NO_RUN, Field, Page, form, section
from pharmagraph.explorer.plate import grid
from pharmagraph.explorer.tables import table
from pharmagraph.kg.console import next_command
from pharmagraph.kg.errors import AmbiguousNameError, InputError, ModelError, NotFoundError, shortened
from pharmagraph.kg.names import preferred
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


@dataclass(eq=False)
class _FieldError(Exception):
    """What is wrong with a field of the form."""

    field: str
    message: str


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
            found = _suggested(asked)
    except _FieldError as error:
        return Page(title, [lead, _form(asked, {error.field: f"{error.message.rstrip('.')}."})])
    except ModelError as error:
        return Page(title, [lead, html.P(f"{error}.", className="notice", role="alert"), _form(asked, {})])
    return Page(title, [*found, section("Another plate", _form(asked, {}))])


def _form(asked: Asked, errors: Mapping[str, str]) -> Component:
    tissues = [(row["tissue"], row["tissue"]) for row in asked.named("tissues").rows if row["tissue"]]
    ways = [(str(way), words) for way, words in WAYS.items()]
    fields = [
        Field("plate", "Wells", default="96", kind="select", options=[(str(n), f"{n:,}") for n in SIZES]),
        Field("by", "Choose by", default="gain", kind="select", options=ways),
        Field("controls", "Wells of controls", "half vehicle; two columns of them unless given"),
        Field("control_columns", "Columns of the controls", "with commas; the outer two unless given"),
        Field("doses", "Wells of each pair", "side by side", "1"),
        Field(
            "drugs", "Drugs", "names, a line each; all of the run unless given", kind="textarea",
            more={"rows": "2", "spellcheck": "false"},
        ),
        Field("tissue", "Cell lines", kind="select", options=[("", "all tissues"), *tissues]),
        Field("per_drug", "Most pairs of a drug", "no limit unless given"),
        Field("per_cell", "Most pairs of a cell line", "no limit unless given"),
        Field("genes", "Genes", "for targets: with commas; those attended to most unless given"),
        Field("seed", "Seed", "of all draws", "0"),
        *([Field("run", "Run", "its id")] if "run" in asked.given else []),
    ]  # fmt: skip
    return form(address("suggest"), fields, "Suggest", given=asked.given, file="suggest", errors=errors)


def _suggested(asked: Asked) -> list[Component]:
    given = asked.given
    numbers = {name: _whole(given.get(name), name, least) for name, least in WHOLE.items()}
    wells = _whole(given["plate"], "plate", 1) or 0
    if given.get("by", "gain") not in [*Acquisition]:
        raise _FieldError(
            "by", f"“{shortened(given['by'])}” is no way to choose; there are {', '.join(Acquisition)}"
        )
    by = Acquisition(given.get("by", "gain"))
    controls = numbers["controls"]
    if controls is None:
        controls = 2 * SIZES.get(wells, (0, 0))[0]
    lab = suggesting.Lab(
        drugs=[line.strip() for line in given.get("drugs", "").splitlines() if line.strip()],
        tissues=[given["tissue"]] if "tissue" in given else [],
        per_drug=numbers["per_drug"], per_cell=numbers["per_cell"],
        genes=[gene.strip() for gene in given.get("genes", "").split(",") if gene.strip()],
    )  # fmt: skip
    run = Run.open(asked.graph, given.get("run"))
    try:
        plate = Plate(wells, controls, _columns(given.get("control_columns")), numbers["doses"] or 1)
        found, laid = suggesting.suggest(run, lab, by, plate, seed=numbers["seed"] or 0)
    except (NotFoundError, AmbiguousNameError) as error:
        raise _FieldError(FIELD_OF.get(error.what, "drugs"), str(error)) from None
    except InputError as error:
        named = next(
            (place for word in str(error).split() if (place := OPTIONS.get(word.strip(":;,")))), "plate"
        )
        raise _FieldError(named, str(error)) from None
    names = preferred(asked.graph, "Drug") | preferred(asked.graph, "CellLine")
    rows = suggesting.plate_rows(found.pairs, laid)
    samples = sorted((row for row in rows if row["rank"]), key=lambda row: (row["rank"], row["dose"]))
    columns = [c for c in rows[0] if c not in ("kind", "dose")]
    notes = [html.Li(f"{note}.") for note in found.notes]
    caption = f"{len(found.pairs):,} pairs by {by}, the first first; the files have every well"
    return [
        grid(rows, names, f"Plate of {wells:,} wells by {by}"),
        *([html.Div(html.Ul(notes, className="notes"), role="status")] if notes else []),
        table(
            Answer(columns, samples), caption, file="plate", whole=Answer(list(rows[0]), rows),
            link=lambda row: ("why", address("pair", row["drug"], row["cell_line"], run=given.get("run"))),
        ),
        html.P("The command that does the same:", className="note"),
        html.Pre(html.Code(next_command(_command(given), asked.graph.url)), tabIndex="0", id="command"),
    ]  # fmt: skip


def _command(given: Mapping[str, str]) -> str:
    """The command line of a form."""
    words = ["cli", "suggest", "--by", given.get("by", "gain"), "--plate", given["plate"]]
    for name in ("controls", "control_columns", "doses", "tissue", "per_drug", "per_cell", "seed", "run"):
        if name in given:
            words += [f"--{name.replace('_', '-')}", given[name]]
    for drug in given.get("drugs", "").splitlines():
        words += ["--drug", drug.strip()] if drug.strip() else []
    for gene in given.get("genes", "").split(","):
        words += ["--gene", gene.strip()] if gene.strip() else []
    return shlex.join([*words, "--out", "plate.csv", "--picture", "plate.svg"])


def _whole(text: str | None, name: str, least: int) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not least <= int(text) < 10**9:
        raise _FieldError(name, f"“{shortened(text)}” is no whole number from {least}")
    return int(text)


def _columns(text: str | None) -> list[int] | None:
    if text is None:
        return None
    parts: list[Any] = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) < 9 for part in parts):
        raise _FieldError("control_columns", f"“{shortened(text)}” is no list of numbers, such as 1,12")
    return [int(part) for part in parts]

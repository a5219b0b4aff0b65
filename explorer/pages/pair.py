"""A drug on a cell line: prediction, measurements, the sum that the prediction is, and the evidence behind it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph import rows as of_run
from pharmagraph.explorer import events
from pharmagraph.explorer.addresses import address, page_of
from pharmagraph.explorer.asking import Answer, Asked, Rows
from pharmagraph.explorer.examples import beside, examples
from pharmagraph.explorer.figures import shown
from pharmagraph.explorer.page import NO_RUN, Field, Page, aria, definitions, field, form, section, sentence
from pharmagraph.explorer.tables import table
from pharmagraph.kg import shown_names
from pharmagraph.kg.console import cell, next_command
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.figures import signed_bars
from pharmagraph.kg.names import find_drug, find_node
from pharmagraph.model.explain import explanation
from pharmagraph.model.explain.changeable import changeable
from pharmagraph.run import Run

ROWS = 10

FIGURES = {
    "probability": "predicted probability of being sensitive",
    "calibrated": "the same, calibrated on hidden training pairs",
    "predicted_ln_ic50": "predicted ln IC50 (ln µmol/l)",
}
"""Figure of a prediction → its words."""


def page(asked: Asked) -> Page:
    """The pair that the address names; without one, a form that asks for it."""
    if len(asked.parts) < 2:
        if {"drug", "cell_line"} <= asked.given.keys():
            return page(Asked(asked.graph, (asked.given["drug"], asked.given["cell_line"]), asked.given))
        same_run = {"run": asked.given.get("run")}
        fields = [
            Field("drug", "Drug", "name, alias or id"),
            Field("cell_line", "Cell line", "name, alias or id"),
        ]
        ask = form(address("pair"), fields, "Show", given=asked.given, file="pair")
        lead = html.P("Why is a cell line predicted to be sensitive to a drug?", className="lead")
        known = examples(
            asked, lambda row: ("why", address("pair", row["drug"], row["cell_line"], **same_run))
        )
        return Page("A drug on a cell line", [lead, beside(ask, known)])
    drug = find_drug(asked.graph, asked.parts[0])
    line = find_node(asked.graph, "CellLine", asked.parts[1])
    measured = _answer(asked, explanation.MEASURED, {"drug": drug["id"], "cell_line": line["id"]})
    body: list[Component] = [
        html.P(
            [
                dcc.Link(drug["name"], href=page_of("Drug", drug["id"])),
                " on ",
                dcc.Link(line["name"], href=page_of("CellLine", line["id"])),
                f", {line['tissue'] or 'tissue not known'}",
            ]
        ),
    ]
    tail = section(
        "Measured",
        table(
            measured, "Measured responses of the pair, a row a data set", file=_file(drug, line, "measured")
        ),
    )
    title = f"{drug['name']} on {line['name']}"
    if asked.run is None:
        return Page(title, [*body, html.P(NO_RUN, className="notice"), tail], above="pair")
    try:
        found = of_run.explain(Run.open(asked.graph, asked.run["id"]), drug["id"], line["id"], limit=ROWS)
    except ModelError as error:
        return Page(title, [*body, html.P(sentence(error), className="notice"), tail], above="pair")
    predicted = found.prediction
    body += [
        definitions(
            [
                *((words, predicted.get(figure)) for figure, words in FIGURES.items()),
                *interval(predicted),
                ("run", dcc.Link(found.run_id, href=address("runs", found.run_id))),
            ]
        ),
        tail,
        _sum(found.contributions, "probability" in predicted, asked.run["folder"], drug, line),
        *_what_if(asked, found, drug, line),
        _evidence(asked, found, drug, line),
    ]
    if found.drivers:
        columns = ["gene", "kind", "event", "target"]
        said = [row | {"event": events.in_words(row["event"])} for row in found.drivers]
        body.append(
            section(
                "Driver events",
                table(
                    Answer(columns, said),
                    f"Driver events of {line['name']}; known targets of the drug first",
                    file=_file(drug, line, "drivers"),
                    whole=Answer(columns, found.drivers),
                ),
            )
        )
    if found.paths:
        names = shown_names.shown(asked.graph, found.nodes)
        rows = [
            {
                "path": shown_names.path_shown([(s.src, s.type, s.dst) for s in p.steps], names), "ids": p.text,
                "kind": p.kind, "weight": p.weight, "share": p.share, "response": p.response,
            }
            for p in found.paths
        ]  # fmt: skip
        shown_paths = table(
            Answer([column for column in rows[0] if column != "ids"], rows),
            "Paths from the drug to the cell line",
            file=_file(drug, line, "paths"),
            whole=Answer(list(rows[0]), rows),
        )
        note = "The share is among the paths of one kind that are shown."
        body.append(section("Paths", shown_paths, note=note))
    body += [
        html.P(
            f"Attention {relation} has no part in the predictions of this run: {reason}.", className="note"
        )
        for relation, reason in found.unused_attention.items()
    ]
    return Page(title, body, above="pair")


def _sum(
    contributions: Rows, is_probability: bool, folder: str, drug: dict[str, Any], line: dict[str, Any]
) -> Component:
    unit = "logits of a sensitive response" if is_probability else "ln IC50 (ln µmol/l)"
    title = "What the prediction is the sum of"
    if not contributions:
        here = Path(folder).is_dir()
        why = (
            "A component of this run's network has no terms for single genes, so there is no such sum."
            if here
            else f"The run's folder {folder} is not there; bring it back, or train again."
        )
        return section(title, html.P(why, className="nothing"))
    answer = Answer(list(contributions[0]), contributions)
    labels = [f"{row['part']} {row['feature'] or ''}".strip() for row in contributions]
    bars = signed_bars(
        labels, [row["contribution"] for row in contributions], title="logits" if is_probability else unit
    )
    how = f'cli explain --drug "{drug["id"]}" --cell "{line["id"]}"'
    return section(
        title,
        shown(
            bars,
            f"Contributions in {unit}; the last is the sum",
            answer,
            file=_file(drug, line, "sum"),
            id_="sum",
        ),
        table(answer, f"Contributions, in {unit}", file=_file(drug, line, "sum")),
        html.P(["Read from the run's folder, as ", html.Code(how), " does."], className="note"),
        note="Exact: the rows add up to the last. A gene's part is association within this screen, not cause.",
    )


def _what_if(
    asked: Asked, found: explanation.Explanation, drug: dict[str, Any], line: dict[str, Any]
) -> list[Component]:
    """A slider for each gene of the sum that can be changed; `assets/explorer.js` asks what the prediction becomes."""
    assert asked.run is not None  # asked for by `page`
    folder = Path(asked.run["folder"] or "")
    if not found.contributions or not folder.is_dir():
        return []
    genes = changeable(folder, line["id"], found.contributions)
    if not genes:
        return []
    sliders = []
    for n, row in enumerate(genes):
        id_, is_expression = f"if-{n}", row["feature"] == "expression"
        words = f"{row['gene']} {'expression, z' if is_expression else 'mutated: 0 no, 1 yes'}"
        given: dict[str, Any] = {
            "data-gene": row["gene"],
            "data-feature": row["feature"],
            "data-now": row["now"],
        }
        given |= {f"data-{name}": row[name] for name in ("least", "most")}
        sliders.append(
            html.Div(
                [
                    html.Label(words, htmlFor=id_),
                    field(
                        id=id_, type="range", min=str(row["least"]), max=str(row["most"]),
                        step="any" if is_expression else "1", value=str(row["now"]), **aria(describedby=f"{id_}-said"),
                    ),
                    html.Output(cell(row["now"]), className="now"),
                    html.Output("", id=f"{id_}-said", className="after"),
                ],
                className="slider",
                **given,
            )
        )  # fmt: skip
    of_pair: dict[str, Any] = {"data-drug": drug["id"], "data-line": line["id"], "data-run": found.run_id}
    of_pair["data-figure"] = "probability" if "probability" in found.prediction else "ln IC50"
    typed = ["cli", "explain", "--drug", drug["id"], "--cell", line["id"]]
    typed += ["--run", asked.given["run"]] if "run" in asked.given else []
    of_pair["data-command"] = next_command(shlex.join(typed), asked.graph.url)
    return [
        section(
            "What if a gene were otherwise?",
            html.Div(
                [
                    *sliders,
                    html.P(
                        [html.Strong("All together: "), html.Output("", id="together")],
                        id="together-row",
                        hidden=True,
                    ),
                    html.Button("As it is", type="button", id="as-it-is"),
                ],
                id="what-if",
                **of_pair,
            ),
            html.P("The command that does the same:", className="note"),
            html.Pre(
                html.Code(f"{of_pair['data-command']} --set GENE=Z", id="what-if-command"),
                tabIndex="0",
                id="command",
            ),
            note="A slider says what its gene alone would change, and the last line what all that are moved would "
            "together. The left end silences a gene. What the network has learned, not a cause.",
        )
    ]


def _evidence(
    asked: Asked, found: explanation.Explanation, drug: dict[str, Any], line: dict[str, Any]
) -> Component:
    given = {"drug": drug["id"], "cell_line": line["id"], "run": found.run_id, "limit": ROWS}
    columns = ["name", "weight", "rank", "response", "ln_ic50"]
    drugs = Answer(
        ["drug", *columns],
        [{"drug": r["id"], **r} for r in found.evidence["similar_drugs"]],
        explanation.SIMILAR_DRUGS,
        given,
    )
    lines = Answer(
        ["cell_line", *columns],
        [{"cell_line": r["id"], **r} for r in found.evidence["similar_cell_lines"]],
        explanation.SIMILAR_CELL_LINES,
        given,
    )
    return section(
        "Similar measurements",
        table(drugs, f"Similar drugs, measured on {line['name']}", file=_file(drug, line, "similar-drugs")),
        table(
            lines,
            f"Similar cell lines, measured with {drug['name']}",
            file=_file(drug, line, "similar-lines"),
        ),
        note="Most of a prediction comes from such measurements. Weight is the run's attention.",
    )


def _answer(asked: Asked, cypher: str, given: dict[str, Any]) -> Answer:
    return Answer(["dataset", "response", "ln_ic50"], asked.graph.rows(cypher, given), cypher, given)


def _file(drug: dict[str, Any], line: dict[str, Any], what: str) -> str:
    return f"{drug['id']}-{line['id']}-{what}"


def interval(predicted: dict[str, Any]) -> list[tuple[str, str]]:
    """The interval of a prediction, where its run has one."""
    if predicted.get("level") is None:
        return []
    ends = f"{predicted['low']:.6g} to {predicted['high']:.6g}"
    of = "the probability" if "probability" in predicted else "a measurement"
    return [(f"interval of {of} at {predicted['level']:.0%}", ends)]

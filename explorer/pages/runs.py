"""Runs: all of them with their held-out figures, one of them, and two side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph.explorer.addresses import address
from pharmagraph.explorer.asking import Answer, Asked
from pharmagraph.explorer.figures import shown
from pharmagraph.explorer.page import Field, Page, definitions, form, section
from pharmagraph.explorer.tables import table
from pharmagraph.kg import run_register, runs
from pharmagraph.kg.figures import curves
from pharmagraph.model.runs.learning_curve import figure_of, learning_curve

FIGURES = ("auroc pooled", "spearman pooled", "rmse pooled")
"""Held-out figures of the list, each beside the additive baseline; those that no run has are left out."""
CURVES = (
    "An inner fold is a part of the training pairs that a network was not fitted to. All its components count the same "
    "here; their weights are chosen afterwards, so that a run can be better than its curves. That of a training that "
    "was cut off begins where it went on."
)


def page(asked: Asked) -> Page:
    """All runs; with an id in the address that one, with ``first`` and ``second`` those two."""
    if asked.parts:
        return _one(asked, asked.parts[0])
    rows = run_register.runs(asked.graph)
    if not rows:
        return Page("Runs", [html.P("The store has no run. Next: cli train --promote")])
    given = {"first": rows[0]["id"], "second": rows[-1]["id"]} | dict(asked.given)
    compared: list[Component] = []
    if asked.given.get("first") and asked.given.get("second"):
        found = runs.compare(asked.graph, asked.given["first"], asked.given["second"])
        answer = Answer(list(found[0]) if found else [], found)
        compared = [
            table(answer, f"{asked.given['first']} beside {asked.given['second']}", file="compared-runs")
        ]
    fields = [Field("first", "First run"), Field("second", "Second run")]
    return Page(
        "Runs",
        [
            section("All runs", brief(rows), note="Figures are of pairs that the run never saw."),
            section(
                "Two runs side by side",
                form(address("runs"), fields, "Compare", given=given, file="runs"),
                *compared,
                note="Held-out figures, and how many of the first genes of each drug two runs share.",
            ),
        ],
    )


def brief(rows: Sequence[dict[str, Any]]) -> Component:
    """A table of runs, the newest first, each with a link to its page."""
    names = [f for figure in FIGURES for f in (figure, f"additive {figure}")]
    shown = [
        {k: row[k] for k in ("id", "preset", "split")}
        | {"started_at": (row["started_at"] or "")[:16].replace("T", " "), "promoted": bool(row["promoted"])}
        | {name: row["metrics"].get(name) for name in names}
        for row in reversed(rows)
    ]
    columns = [c for c in shown[0] if any(row[c] is not None for row in shown)] if shown else []
    return table(
        Answer(columns, shown),
        "Each run and its figures on held-out pairs, the newest first",
        file="runs",
        link=lambda row: ("about it", address("runs", row["id"])),
    )


def _one(asked: Asked, run_id: str) -> Page:
    row = run_register.find(asked.graph, run_id)
    metrics = [
        {"metric": name, "run": value, "additive": row["metrics"].get(f"additive {name}")}
        for name, value in row["metrics"].items()
        if not name.startswith("additive ")
    ]
    config = [{"option": k, "value": v} for k, v in _flattened(row["config"])]
    brief_ = (
        "preset",
        "seed",
        "split",
        "datasets",
        "device",
        "started_at",
        "folder",
        "gene_attention",
        "git_fingerprint",
    )
    unused = [{"relation": k, "reason": v} for k, v in row["unused_attention"].items()]
    body = [
        definitions(
            [(name.replace("_", " "), row[name]) for name in brief_] + [("promoted", bool(row["promoted"]))]
        ),
        section(
            "On held-out pairs",
            table(
                Answer(["metric", "run", "additive"], metrics),
                "Held-out figures beside the additive baseline",
                file=f"{run_id}-figures",
            ),
        ),
    ]
    body.append(_learning(row))
    strongest = asked.graph, (), {"run": run_id}
    body.append(
        section(
            "Genes that decide the response to a drug",
            table(
                Asked(*strongest).named("strongest-biomarkers"),
                "The gene that decides most of a drug's response",
                file=f"{run_id}-biomarkers",
            ),
            note="Association within this screen, not cause.",
        )
    )
    if unused:
        body.append(
            section(
                "Attention without a part in the predictions",
                table(
                    Answer(["relation", "reason"], unused), "Relations and reasons", file=f"{run_id}-unused"
                ),
            )
        )
    body.append(
        section(
            "Configuration",
            html.Details(
                [
                    html.Summary(f"{len(config)} options"),
                    table(
                        Answer(["option", "value"], config), "Options of the run", file=f"{run_id}-options"
                    ),
                ]
            ),
        )
    )
    body += [_change(asked, row), html.P(dcc.Link("All runs", href=address("runs")))]
    return Page(run_id, body, above="run")


def _learning(row: dict[str, Any]) -> Component:
    """The figure of each network on its inner fold, by epoch."""
    folder, title = Path(row["folder"] or ""), "Learning curves"
    rows = learning_curve(folder)
    if not rows:
        why = "The run's folder has none: it is not there, or was made before runs kept them. Next: cli train"
        return section(title, html.P(why, className="nothing"))
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in rows:
        groups.setdefault(f"network {one['network']}", []).append(one)
    figure = figure_of(folder)
    caption = f"{figure} of each network on its inner fold, by epoch"
    answer = Answer(list(rows[0]), rows)
    if max(map(len, groups.values())) == 1:
        once = html.P(
            "Each network was judged after one epoch alone, which makes no curve.", className="nothing"
        )
        return section(title, once, table(answer, caption, file=f"{row['id']}-learning"), note=CURVES)
    drawn = curves(groups, x="epoch", y="figure", x_title="epoch", y_title=figure)
    return section(
        title,
        shown(drawn, caption, answer, file=f"{row['id']}-learning", id_="learning"),
        html.Details([html.Summary("The figures"), table(answer, caption, file=f"{row['id']}-learning")]),
        note=CURVES,
    )


def _change(asked: Asked, row: dict[str, Any]) -> Component:
    """Buttons that promote and delete the run, where the explorer may write; or the commands that do so."""
    run_id = row["id"]
    if not asked.may_write:
        ways = [f"cli runs promote {run_id}", f"cli runs delete {run_id}"]
        said = html.P(
            ["This explorer only reads. ", *(x for way in ways for x in (html.Code(way), " "))],
            className="note",
        )
        return section("Promote or delete", said)
    promoting = (
        f"Promote run {run_id}? Queries and pages then use it unless told otherwise, and the run that is promoted now "
        "loses its place."
    )
    deleting = f"Delete run {run_id}, with its attention and predictions? Its folder {row['folder']} stays."
    if row["promoted"]:
        deleting += " It is promoted: no run is, then."
    offered = [("delete", "Delete this run", deleting)]
    if not row["promoted"]:
        offered.insert(0, ("promote", "Promote this run", promoting))
    buttons = []
    for name, words, question in offered:
        given: dict[str, Any] = {"data-write": name, "data-run": run_id, "data-question": question}
        buttons.append(html.Button(words, type="button", **given))
    return section("Promote or delete", html.Div(buttons, className="below"))


def _flattened(options: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(options, dict):
        return [(path, options)]
    return [
        pair
        for key, value in options.items()
        for pair in _flattened(value, f"{path}.{key}" if path else str(key))
    ]

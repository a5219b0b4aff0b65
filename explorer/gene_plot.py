"""Plots the measured response of a drug against a gene: its values over cell lines, or with and without a mutation."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from pharmagraph.explorer import profile_values
from pharmagraph.explorer.asking import Answer, Asked
from pharmagraph.explorer.figures import shown
from pharmagraph.kg.errors import PharmagraphError
from pharmagraph.kg.figures import scatter, strips
from pharmagraph.kg.names import find_node
from pharmagraph.model.contrasts.groups import contrasts
from pharmagraph.model.contrasts.measured import compare

MUTATION = "mutation"
UNITS = {
    "expression": "expression (z over cell lines)",
    "copy_number": "copy number (as the source gives it)",
    "methylation": "methylation (as the source gives it)",
    "proteomics": "protein level (z over cell lines)",
    "dependency": "effect of the knock-out (−1: common essential)",
}
"""Kind of profile → the axis of its values."""


def gene_plot(asked: Asked, drug: dict[str, Any], name: str, feature: str) -> Component:
    """Response against a gene, or a line that says why there is none."""
    try:
        content = _plot(asked, drug, find_node(asked.graph, "Gene", name)["id"], feature)
    except PharmagraphError as error:
        content = [html.P(f"{error}.", className="notice")]
    return html.Div(content, id="against")


def _plot(asked: Asked, drug: dict[str, Any], gene: str, feature: str) -> list[Component]:
    found = asked.named("responses", {"drug": drug["id"]})
    measured = [row for row in found.rows if row["ln_ic50"] is not None]
    datasets = sorted(
        {row["dataset"] for row in measured}, key=lambda d: -sum(r["dataset"] == d for r in measured)
    )
    dataset = asked.given.get("dataset") or (datasets[0] if datasets else "")
    rows = [row for row in measured if row["dataset"] == dataset]
    if not rows:
        return [html.P(f"{drug['name']} has no ln IC50 to plot {gene} against.", className="notice")]
    file = f"{drug['id']}-{gene}-{feature}"
    if feature == MUTATION:
        return _with_and_without(asked, drug, gene, dataset, rows, found, file)
    if feature not in UNITS:
        return [html.P(f'"{feature}" is none of {", ".join([*UNITS, MUTATION])}.', className="notice")]
    values = profile_values.of_gene(asked.graph, feature, gene)
    joined = [
        {
            "cell_line": r["cell_line"],
            "name": r["name"],
            "tissue": r["tissue"],
            gene: values[r["cell_line"]],
            "ln_ic50": r["ln_ic50"],
        }
        for r in rows
        if r["cell_line"] in values
    ]
    if not joined:
        return [
            html.P(
                f"The graph has no {feature.replace('_', ' ')} of {gene} over cell lines.", className="notice"
            )
        ]
    figure = scatter(
        joined,
        x=gene,
        y="ln_ic50",
        of="name",
        x_title=f"{gene}: {UNITS[feature]}",
        y_title="ln IC50 (ln µmol/l)",
    )
    answer = Answer(
        ["cell_line", "name", "tissue", gene, "ln_ic50"], joined, found.cypher, found.parameters, "responses"
    )
    rho = _spearman([row[gene] for row in joined], [row["ln_ic50"] for row in joined])
    what = f"{feature.replace('_', ' ')} of {gene}"
    said = f"{drug['name']} against {what} in {len(joined):,} cell lines of {dataset}; Spearman {rho}"
    return [html.H3(f"{gene} against response"), shown(figure, said, answer, file=file, id_="scatter")]


def _with_and_without(
    asked: Asked,
    drug: dict[str, Any],
    gene: str,
    dataset: str,
    rows: list[dict[str, Any]],
    found: Answer,
    file: str,
) -> list[Component]:
    by, notes = f"mutation:{gene}:any", list[str]()
    (groups,) = contrasts(asked.graph, by, notes.append)
    parts = {
        groups.group: [row for row in rows if row["cell_line"] in groups.lines],
        groups.other: [row for row in rows if row["cell_line"] in groups.other_lines],
    }
    said = str(compare(asked.graph, by, drug=drug["id"], dataset=dataset, note=notes.append).rows[0])
    joined = [
        {"cell_line": r["cell_line"], "name": r["name"], "group": group, "ln_ic50": r["ln_ic50"]}
        for group, members in parts.items()
        for r in members
    ]
    answer = Answer(
        ["cell_line", "name", "group", "ln_ic50"], joined, found.cypher, found.parameters, "responses"
    )
    figure = strips(parts, y="ln_ic50", of="name", y_title="ln IC50 (ln µmol/l)")
    return [html.H3(f"{gene} against response"), shown(figure, said, answer, file=file, id_="scatter")]


def _spearman(x: list[float], y: list[float]) -> str:
    from scipy.stats import spearmanr

    return f"{spearmanr(x, y).statistic:.2f}" if len(x) > 2 and len(set(x)) > 1 else "not defined"

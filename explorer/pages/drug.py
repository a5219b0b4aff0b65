"""A drug: structure, identities, measured responses, genes that decide response, target hypotheses, similar drugs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from pharmagraph import rows as of_run
from pharmagraph.explorer.addresses import address
from pharmagraph.explorer.asking import Answer, Asked
from pharmagraph.explorer.figures import shown
from pharmagraph.explorer.gene_plot import gene_plot
from pharmagraph.explorer.page import NO_RUN, Page, definitions, section, sentence
from pharmagraph.explorer.structures import drawing
from pharmagraph.explorer.tables import table
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.figures import KNOWN, effects, waterfall
from pharmagraph.kg.names import find_drug
from pharmagraph.model.explain.explanation import GENES
from pharmagraph.run import Run

ROWS = 15
TARGET_COLUMNS = ("gene", "rank", "weight", "excess", "spread", "q", "stability", "publications", "known")
DECIDE = (
    "Association within this screen, not cause: genes that vary together share an effect. An effect above 0 makes a "
    "cell line with more of the feature more sensitive. Spread is over the networks of the run."
)
TARGETS = (
    "Hypotheses, not discoveries. This attention was fitted to known targets, so known ones come first; excess is in "
    "multiples of an even share."
)


def page(asked: Asked) -> Page:
    """The drug that the address names."""
    drug = find_drug(asked.graph, asked.parts[0])
    smiles = drug["smiles"]
    picture = (
        drawing(smiles, drug["name"]) if smiles else html.P("No structure is known.", className="nothing")
    )
    identities = definitions(
        [
            ("id", drug["id"]),
            ("also called", drug["aliases"]),
            ("InChIKey", drug["inchikey"]),
            ("PubChem", str(drug["pubchem_cid"] or "")),
            ("highest phase", drug["max_phase"]),
            ("mechanism", drug["mechanism"]),
            ("SMILES", html.Code(smiles) if smiles else None),
        ]
    )
    body = [
        html.Div([picture, identities], className="card"),
        html.P(
            dcc.Link(
                "Its neighbours in the network",
                href=address("network", node=f"Drug:{drug['id']}", **_run(asked)),
            )
        ),
        _responses(asked, drug),
    ]
    if asked.run is None:
        body.append(html.P(NO_RUN, className="notice"))
    else:
        body += [_deciding(asked, drug), _targets(asked, drug), _similar(asked, drug)]
    return Page(drug["name"], body, above="drug")


def _responses(asked: Asked, drug: dict[str, Any]) -> Component:
    found = asked.named("responses", {"drug": drug["id"]})
    if not found.rows:
        return section("Measured response", html.P("It was tested on no cell line.", className="nothing"))
    dataset = asked.given.get("dataset") or Counter(row["dataset"] for row in found.rows).most_common(1)[0][0]
    of_dataset = Answer(
        found.columns,
        [r for r in found.rows if r["dataset"] == dataset],
        found.cypher,
        found.parameters,
        "responses",
    )
    content: list[Component] = []
    others = sorted({row["dataset"] for row in found.rows} - {dataset})
    if others:
        links = [dcc.Link(o, href=address("drug", drug["id"], dataset=o, **_run(asked))) for o in others]
        content.append(html.P([f"Shown: {dataset}. Also in: ", *(x for link in links for x in (link, " "))]))
    n_sensitive = sum(row["response"] == 1 for row in of_dataset.rows)
    said = f"{drug['name']} on {len(of_dataset.rows):,} cell lines of {dataset}, {n_sensitive:,} of them sensitive"
    if any(row["ln_ic50"] is not None for row in of_dataset.rows):
        figure = waterfall(
            of_dataset.rows,
            value="ln_ic50",
            of="name",
            by="tissue",
            title="ln IC50 (ln µmol/l)",
            bars="cell lines",
        )
        content.append(
            shown(
                figure,
                f"{said}. The lower, the more sensitive.",
                of_dataset,
                file=f"{drug['id']}-responses",
                id_="responses",
            )
        )
    content.append(
        table(
            of_dataset.first(ROWS),
            f"{said}: the most sensitive",
            file=f"{drug['id']}-most-sensitive",
            link=lambda row: ("why", address("pair", drug["id"], row["cell_line"], **_run(asked))),
        )
    )
    return section(
        "Measured response",
        *content,
        note="IC50 beyond the highest dose tested are extrapolated by the source.",
    )


def _deciding(asked: Asked, drug: dict[str, Any]) -> Component:
    found = asked.named("biomarkers", {"drug": drug["id"]}, limit=ROWS)
    if not found.rows:
        why = "This run keeps no genes that decide response for it."
        return section("Genes that decide response", html.P(why, className="nothing"))
    figure = effects(found.rows, "gene")
    gene, feature = asked.given.get("gene"), asked.given.get("feature", "expression")
    plot = [gene_plot(asked, drug, gene, feature)] if gene else []

    def against(row: Any) -> tuple[str, str]:
        given = {
            "gene": row["gene"],
            "feature": row["feature"],
            "dataset": asked.given.get("dataset"),
            **_run(asked),
        }
        return "against response", address("drug", drug["id"], **given)

    return section(
        "Genes that decide response",
        *plot,
        shown(
            figure,
            f"Effect of each gene; {KNOWN} known target",
            found,
            file=f"{drug['id']}-genes",
            id_="genes",
        ),
        table(found, "Genes that decide response", file=f"{drug['id']}-genes", link=against),
        note=DECIDE,
    )


def _targets(asked: Asked, drug: dict[str, Any]) -> Component:
    assert asked.run is not None  # asked for by `page`
    try:
        genes = of_run.explain(Run.open(asked.graph, asked.run["id"]), drug["id"], None, limit=ROWS).genes
    except ModelError as error:
        return section("Target hypotheses", html.P(sentence(error), className="nothing"))
    columns = [c for c in TARGET_COLUMNS if any(row[c] is not None for row in genes)]
    given = {"drug": drug["id"], "run": asked.run["id"], "limit": ROWS}
    answer = Answer(columns, genes, GENES, given)
    return section(
        "Target hypotheses",
        table(answer, f"Genes that {drug['name']} attends to as targets", file=f"{drug['id']}-targets"),
        note=TARGETS,
    )


def _similar(asked: Asked, drug: dict[str, Any]) -> Component:
    found = asked.named("similar-drugs", {"drug": drug["id"]}, limit=ROWS)
    return section(
        "Similar drugs",
        table(found, "Drugs of similar structure", file=f"{drug['id']}-similar"),
        note="Similarity of structure; attention rank is what the run made of it.",
    )


def _run(asked: Asked) -> dict[str, str]:
    return {"run": asked.given["run"]} if "run" in asked.given else {}

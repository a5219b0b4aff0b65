"""A gene: identities, drugs whose response it decides, drugs that may bind it, driver events, pathways."""

from __future__ import annotations

from dash import dcc, html

from pharmagraph.explorer.addresses import address
from pharmagraph.explorer.asking import Asked
from pharmagraph.explorer.figures import shown
from pharmagraph.explorer.page import NO_RUN, Page, definitions, section
from pharmagraph.explorer.tables import table
from pharmagraph.kg.figures import KNOWN, effects
from pharmagraph.kg.names import find_node

ROWS = 15


MUTATED = """
MATCH (c:CellLine)-[m:MUTATED|COPY_NUMBER]->(:Gene {id: $gene})
WHERE m.driver = true
  AND CASE WHEN m.value < 0 THEN 'loss' WHEN m.event STARTS WITH 'gain' THEN 'gain' ELSE 'mutation' END = 'mutation'
RETURN count(c) AS n
"""
"""Lines with an event that `driver-response` counts, without which it has no rows."""


def page(asked: Asked) -> Page:
    """The gene that the address names."""
    gene = find_node(asked.graph, "Gene", asked.parts[0])
    id_ = gene["id"]
    body = [
        definitions(
            [
                ("name", gene["name"]),
                ("HGNC", gene["hgnc_id"]),
                ("Entrez", str(gene["entrez_id"] or "")),
                ("Ensembl", gene["ensembl_id"]),
                ("also called", gene["aliases"]),
                ("common essential", gene["common_essential"]),
                ("selectively essential", gene["selective"]),
            ]
        ),
        html.P(
            dcc.Link(
                "Its neighbours in the network",
                href=address("network", node=f"Gene:{id_}", run=asked.given.get("run")),
            )
        ),
    ]
    if asked.run is None:
        body.append(html.P(NO_RUN, className="notice"))
    else:
        found = asked.named("sensitivity-genes", {"gene": id_}, limit=ROWS)
        figure = []
        if found.rows:
            bars = effects(found.rows, "drug")
            figure = [
                shown(
                    bars,
                    f"Effect of {id_} on each drug; {KNOWN} known target",
                    found,
                    file=f"{id_}-drugs",
                    id_="drugs",
                )
            ]
        body += [
            section(
                "Drugs whose response it decides",
                *figure,
                table(
                    found,
                    f"Drugs whose response {id_} decides",
                    file=f"{id_}-response",
                    link=lambda row: (
                        "against response",
                        address(
                            "drug", row["drug"], gene=id_, feature=row["feature"], run=asked.given.get("run")
                        ),
                    ),
                ),
                note="Association within this screen, not cause. Above 0: more of it, more sensitive.",
            ),
            section(
                "Drugs that may act on it",
                table(
                    asked.named("top-drugs", {"gene": id_}, limit=ROWS),
                    f"Drugs that attend to {id_} as a target",
                    file=f"{id_}-top-drugs",
                ),
                note="Hypotheses: attention that was fitted to known targets. Excess is in multiples of an even share.",
            ),
        ]
    body += [
        section(
            "Drugs that are known to act on it",
            table(
                asked.named("targeted-by", {"gene": id_}),
                f"Drugs with {id_} as a known target",
                file=f"{id_}-targeted-by",
            ),
        ),
    ]
    mutated = asked.graph.rows(MUTATED, {"gene": id_})[0]["n"]
    for dataset in ((asked.run or {}).get("datasets") or ()) if mutated else ():  # it reads every response
        found = asked.named("driver-response", {"gene": id_}, dataset=dataset, limit=ROWS)
        if found.rows:
            body.append(
                section(
                    "Drugs that act otherwise where it is mutated",
                    table(
                        found,
                        f"Mean ln IC50 with and without a driver mutation of {id_}, {dataset}",
                        file=f"{id_}-drivers",
                    ),
                    note="A difference of means in one screen, tissues not taken into account.",
                )
            )
    body.append(
        section(
            "Pathways",
            table(
                asked.named("gene-pathways", {"gene": id_}),
                f"Pathways of {id_}, the smallest first",
                file=f"{id_}-pathways",
            ),
        )
    )
    return Page(id_, body, above="gene")

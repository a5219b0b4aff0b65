"""A cell line: identities, measured and predicted responses, driver events, similar cell lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from dash import dcc, html

from pharmagraph.explorer import events
from pharmagraph.explorer.addresses import address, page_of
from pharmagraph.explorer.asking import Answer, Asked
from pharmagraph.explorer.figures import shown
from pharmagraph.explorer.page import NO_RUN, Page, definitions, section
from pharmagraph.explorer.tables import WORDS_OF, table
from pharmagraph.kg.figures import waterfall
from pharmagraph.kg.names import find_node

ROWS = 15


def page(asked: Asked) -> Page:
    """The cell line that the address names."""
    line = find_node(asked.graph, "CellLine", asked.parts[0])
    id_, name = line["id"], line["name"]
    run = {"run": asked.given.get("run")}
    body = [
        definitions(
            [
                ("id", id_),
                (
                    "tissue",
                    dcc.Link(line["tissue"], href=page_of("Tissue", line["tissue"]))
                    if line["tissue"]
                    else None,
                ),
                ("also called", line["aliases"]),
                ("COSMIC", str(line["cosmic_id"] or "")),
                ("DepMap", line["depmap_id"]),
                ("Cellosaurus", line["cellosaurus_id"]),
                ("microsatellite instability", line["msi"]),
            ]
        )
    ]
    if line["problem"]:
        body.insert(0, html.P(f"Known problem: {line['problem']}", className="notice"))
    body.append(
        html.P(
            dcc.Link("Its neighbours in the network", href=address("network", node=f"CellLine:{id_}", **run))
        )
    )
    tested = asked.named("tested-drugs", {"cell_line": id_})
    if tested.rows:
        dataset = Counter(row["dataset"] for row in tested.rows).most_common(1)[0][0]
        rows = [row for row in tested.rows if row["dataset"] == dataset]
        of_dataset = Answer(tested.columns, rows, tested.cypher, tested.parameters, "tested-drugs")
        content = []
        if any(row["difference"] is not None for row in rows):
            figure = waterfall(
                rows,
                value="difference",
                of="name",
                by=None,
                title="ln IC50 minus the drug's mean",
                bars="drugs",
            )
            said = f"{len(rows):,} drugs on {name}, {dataset}: below 0 it is more sensitive than the mean cell line"
            content.append(shown(figure, said, of_dataset, file=f"{id_}-responses", id_="responses"))
        content.append(
            table(
                of_dataset.first(ROWS),
                f"Drugs to which {name} is most sensitive, compared with other cell lines ({dataset})",
                file=f"{id_}-most-sensitive",
                link=lambda row: ("why", address("pair", row["drug"], id_, **run)),
            )
        )
        body.append(
            section(
                "Measured responses",
                *content,
                note="IC50 beyond the highest dose tested are extrapolated by the source.",
            )
        )
    if asked.run is None:
        body.append(html.P(NO_RUN, className="notice"))
    else:
        predicted = asked.named("sensitive-drugs", {"cell_line": id_}, limit=ROWS)
        body.append(
            section(
                "Predicted to be sensitive to",
                table(
                    replace(predicted, rows=[_in_words(row) for row in predicted.rows]),
                    f"Drugs to which {name} is predicted to be sensitive",
                    file=f"{id_}-predicted",
                    whole=predicted,
                    link=lambda row: ("why", address("pair", row["drug"], id_, **run)),
                ),
                note="Low and high bound the calibrated probability, which can differ from the probability itself. "
                "Measured is empty where the line was not tested.",
            )
        )
    drivers = asked.named("drivers", {"cell_line": id_})
    in_words = replace(drivers, rows=[row | {"event": events.in_words(row["event"])} for row in drivers.rows])
    body.append(
        section(
            "Driver events",
            table(in_words, f"Driver events of {name}", file=f"{id_}-drivers", whole=drivers),
            note=events.SEGMENTS if any(events.has_segment(row["event"]) for row in drivers.rows) else "",
        )
    )
    if asked.run is not None:
        similar = asked.named("similar-cell-lines", {"cell_line": id_}, limit=ROWS)
        body.append(
            section(
                "Similar cell lines",
                table(similar, "Cell lines of similar expression", file=f"{id_}-similar"),
            )
        )
    return Page(name, body, above="cell line")


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    """A predicted pair with the measured response in words; files have the number."""
    return row | {"measured": WORDS_OF["response"].get(row["measured"])}

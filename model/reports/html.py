"""Pages about a drug or a run, each one HTML file that opens without a network."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from pharmagraph.kg import runs
from pharmagraph.kg.store import GraphStore
from pharmagraph.model.biology.annotate import attended
from pharmagraph.model.explain.drivers import driver_events, in_one_line
from pharmagraph.model.explain.explanation import explain
from pharmagraph.model.explain.faithfulness.curves import Curve
from pharmagraph.model.reports.charts import bars, lines, table

_BY_TISSUE = """
MATCH (d:Drug {id: $drug})-[t:TESTED_ON]->(c:CellLine)
WHERE t.response IS NOT NULL
RETURN coalesce(c.tissue, 'unknown') AS tissue, count(*) AS cell_lines, avg(t.response) AS sensitive
ORDER BY sensitive DESC, tissue
"""
_PATHWAYS = """
MATCH (d:Drug {id: $drug})-[e:ENRICHED]->(s:Pathway)
WHERE e.run_id = $run
RETURN s.name AS pathway, e.test AS test, e.score AS score, e.overlap AS overlap, e.p AS p, e.q AS q
ORDER BY p, pathway, test LIMIT 15
"""
_MOST_SENSITIVE = """
MATCH (d:Drug {id: $drug})-[p:PREDICTED]->(c:CellLine)
WHERE p.run_id = $run
RETURN c.id AS id, c.name AS cell_line, c.tissue AS tissue, p.probability AS probability, p.ln_ic50 AS ln_ic50,
       p.low AS low, p.high AS high, p.level AS level, EXISTS { MATCH (d)-[:TESTED_ON]->(c) } AS measured
ORDER BY coalesce(p.probability, -p.ln_ic50) DESC, cell_line LIMIT 15
"""

NOT_ENRICHED = "<p>None written yet: cli enrich.</p>"
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}p.note{color:#666}
svg{width:100%;height:auto;font-size:12px}svg text{fill:#333}svg .axis{fill:#777}
.bar{fill:#9db7d5}.marked{fill:#c0504d}svg line{stroke:#333}.frame{fill:none;stroke:#999}
polyline{fill:none;stroke-width:2}.s0{stroke:#c0504d}.s1{stroke:#4f81bd}.s2{stroke:#777}
.t0{fill:#c0504d}.t1{fill:#4f81bd}.t2{fill:#777}
table{border-collapse:collapse;width:100%}th,td{padding:.2rem .6rem;border-bottom:1px solid #ddd;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}
"""


def drug_report(store: GraphStore, drug: Mapping[str, Any], *, run_id: str | None = None) -> str:
    """HTML about one drug in one run.

    Raises
    ------
    NotFoundError
        If there is no such run.
    ModelError
        If the run has no attention of the drug.
    """
    found = explain(store, drug, run_id=run_id, limit=20)
    given = {"drug": drug["id"], "run": found.run_id}
    tissues = store.query(_BY_TISSUE, {"drug": drug["id"]}).to_pylist()
    pathways = store.query(_PATHWAYS, given).to_pylist()
    predicted = store.query(_MOST_SENSITIVE, given).to_pylist()
    genes = bars(
        [(g["gene"], g["excess"], _in_excess(g)) for g in found.genes],
        unit="excess",
        marked=[g["known"] for g in found.genes],
    )
    scores = ["gene", "rank", "weight", "excess", "percentile", "spread", "q", "publications", "known"]
    sensitive = [(f"{t['tissue']} ({t['cell_lines']})", t["sensitive"], None) for t in tissues]
    drivers = driver_events(
        store, [row["id"] for row in (*found.evidence["leaned_on"], *predicted)], drug["id"]
    )
    for row in (*found.evidence["leaned_on"], *predicted):
        row["driver_events"] = in_one_line(drivers[row["id"]])
    events = ["driver_events"] if any(drivers.values()) else []
    about_events = (
        "Driver events: mutated genes and fusions, + gained, − lost; known targets of the drug come first."
        if events
        else ""
    )
    leaned_on = table(found.evidence["leaned_on"], ["name", "rank", "weight", "response", "ln_ic50", *events])
    most = table(
        predicted,
        ["cell_line", "tissue", "probability", "ln_ic50", "low", "high", "level", "measured", *events],
    )
    sections = [
        (
            "Genes the run attends to as targets",
            "Attention in multiples of an even share; known targets, which the run was given, are red. The whisker is "
            "the standard deviation over networks.",
            genes,
        ),
        ("All scores", "", table(found.genes, scores)),
        (
            "Pathways of these genes",
            "Minus the logarithm of p, against the genes that could be attended to.",
            bars([_strength(p) for p in pathways], unit="−log10 p") if pathways else NOT_ENRICHED,
        ),
        (
            "Measured response by tissue",
            "Share of the cell lines that are sensitive.",
            bars(sensitive, unit="share sensitive") if tissues else "<p>No measured response.</p>",
        ),
        ("Cell lines of the drug that the run attends to most", about_events, leaned_on),
        ("Cell lines predicted most sensitive", about_events, most),
    ]
    about = f"Run {found.run_id}. Attention says where the network looks; it is no proof of mechanism."
    for relation, reason in found.unused_attention.items():
        about += f" Attention {relation} has no part in the predictions of this run: {reason}."
    return _page(str(drug["name"]), about, sections)


def run_report(store: GraphStore, run_id: str | None = None, *, curve: Curve | None = None) -> str:
    """HTML about one run: held-out figures, ranks of known targets, and faithfulness if it was measured.

    Parameters
    ----------
    store
        Holds the run.
    run_id
        The promoted run unless given.
    curve
        From `explain.faithfulness.measure.deletion_curve`.

    Raises
    ------
    NotFoundError
        If there is no such run.
    ModelError
        If the run's folder is gone.
    """
    run = runs.find(store, run_id)
    sections = [
        (
            "Held-out figures",
            "",
            table([{"figure": k, "value": v} for k, v in run["metrics"].items()], ["figure", "value"]),
        ),
        _known_targets(store, run),
    ]
    if curve is not None:
        n = [float(k) for k in curve.counts]
        sections.append(
            (
                "Faithfulness",
                "Mean absolute change of the predictions' logits when edges to genes are removed from each drug: those "
                "it attends to most, or random ones.",
                lines(
                    [("most attended", n, list(curve.ranked)), ("random", n, list(curve.random))],
                    x_label="gene edges removed",
                    y_label="change",
                ),
            )
        )
    about = f"Preset {run['preset']}, split {run['split']}, seed {run['seed']}, {run['started_at']}, {run['device']}."
    return _page(f"Run {run['id']}", about, sections)


def _known_targets(store: GraphStore, run: Mapping[str, Any]) -> tuple[str, str, str]:
    """The section on the ranks of known targets in a run's attention."""
    title = "Known targets among the genes attended to"
    if run["gene_attention"] == "none":
        why = run["unused_attention"].get("Drug→Gene", "its network has no such relation")
        return title, f"The run has no attention of drugs to genes: {why}.", ""
    found = attended(store, run["id"])
    known = store.read_edges("TARGETS", ("Drug", "Gene"), ["src", "dst"])
    position = {d: n for n, d in enumerate(found.drugs)}
    column = {g: n for n, g in enumerate(found.genes)}
    pairs = {
        (position[d], column[g])
        for d, g in zip(known["src"].to_pylist(), known["dst"].to_pylist(), strict=True)
        if d in position and g in column
    }
    ranks = np.array([found.rank[d, g] for d, g in sorted(pairs)])
    ranks = ranks[ranks > 0]
    at = [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0]
    recall = [float((ranks <= k).mean()) if len(ranks) else float("nan") for k in at]
    competitors = (found.rank > 0).sum(1)[[d for d, g in sorted(pairs) if found.rank[d, g]]]
    chance = [float(np.minimum(k / competitors, 1).mean()) if len(ranks) else float("nan") for k in at]
    return (
        title,
        f"{len(ranks):,} known targets are among the genes that could be attended to. They were given to the run, "
        "so this shows what it uses; cli evaluate-targets measures what it finds when they are hidden.",
        lines(
            [("attention", at, recall), ("chance", at, chance)],
            x_label="first genes of a drug",
            y_label="share found",
        ),
    )


def _strength(pathway: Mapping[str, Any]) -> tuple[str, float, None]:
    """A pathway's label, and minus the decimal logarithm of its p."""
    p = max(pathway["p"], 1e-300)
    return (
        f"{pathway['pathway']} ({'ranks' if pathway['test'] == 'ranks' else 'first'})",
        -float(np.log10(p)),
        None,
    )


def _in_excess(gene: Mapping[str, Any]) -> float | None:
    """The standard deviation of a gene's excess over networks."""
    if gene["spread"] is None or not gene["weight"]:
        return None
    return float(gene["spread"] * gene["excess"] / gene["weight"])


def _page(title: str, about: str, sections: list[tuple[str, str, str]]) -> str:
    body = "".join(
        f"<h2>{escape(head)}</h2>" + (f'<p class="note">{escape(note)}</p>' if note else "") + content
        for head, note, content in sections
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1><p>{escape(about)}</p>{body}</body></html>\n"
    )

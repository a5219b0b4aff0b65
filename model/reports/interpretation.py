"""Makes `docs/interpretation.md` from the rows in `docs/interpretation.json`.

``python -m pharmagraph.model.reports.interpretation`` prints the page. With one of these words it adds rows to the JSON
file, with the command, the commit and the machine:

    add ROWS.json "COMMAND"             rows that `cli evaluate-targets --out ROWS.json` wrote
    faithfulness ROWS.json "COMMAND"    rows that `cli faithfulness --out ROWS.json` wrote
    run STORE RUN "COMMAND"             counts over a run's attention to genes
    biomarkers TABLES.json "COMMAND"    tables that `cli evaluate-biomarkers --out TABLES.json` wrote
    work STORE RUN DRUG...              drugs whose targets are hidden: the genes found, and the run's own genes
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.model.evaluation.targets.figures import summary
from pharmagraph.model.reports.interpretation_run import (
    about_biomarkers,
    about_faithfulness,
    about_run,
    in_run,
    table,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "interpretation.json"
SPLITS = {
    "target-pair": "Targets held out by pair, structure twins together",
    "target-pair-with-twins": "Targets held out by pair, twins apart",
    "target-drug": "All targets of a drug held out",
    "target-gene": "Genes without any known drug",
    "truth": "Independent truth",
}
DATASETS = {"curated-targets": "GDSC1", "curated-targets+nci60-targets": "NCI-60"}
"""Data sets of known targets that are held out → the screen that they are used with."""

_SCORES = """
## What each score is good for

| score on ATTENDS | meaning | use it for | do not use it for |
|---|---|---|---|
| `weight` | the attention coefficient; the weights of one drug over its genes sum to 1 | shares within a drug | comparing drugs: with few candidates weights are large |
| `rank`, `percentile` | position within the drug, and among all edges of the relation | short lists | certainty |
| `excess` | weight times competitors; 1 is an even share | comparing drugs, and hubs | proof |
| `spread` | standard deviation of the weight over the networks of the run | discarding genes that depend on the seed | cause |
| `stability` | agreement between seeds on a drug's first 20 genes that are not known targets; 1 is the same list | deciding whether a drug's list is reproducible | single genes |
| `q` of objective `target` (by `cli train --null 20`) | false discovery rate against permuted responses | deciding whether attention depends on the responses | targets known from structure alone: their attention does not come from responses |
| `q` of objective `response` (by the same) | how often an association with response this large appears by chance among cell lines of the same tissue, as a false discovery rate within the drug and kind of omics | discarding genes that chance or the tissue explains | cause: genes that go together get a small q together |
| `publications`, `expected_publications`, `publications_p` (by `cli enrich --literature`) | abstracts that name both, against independence | what is known already | what is new |
| ENRICHED `q` | a gene set stands out among attended genes, against all that could be attended to | the mechanism behind a list | single genes |

Attention to a gene is no proof of mechanism.
"""  # noqa: E501 (a table's row is one line)


def markdown(document: dict[str, Any]) -> str:
    """The page of a document of measurements and worked drugs."""
    lines = [
        "# How far attention can be trusted",
        "",
        "`python -m pharmagraph.model.reports.interpretation` prints this page from `interpretation.json`, which holds",
        "the rows with the command, commit and machine that made them.",
        "What was not run with this network stands in the section Not run.",
        "",
        "Every drug has the same candidate genes: all that any evidence reaches, such as homology or a pathway. The",
        "first scorer, `attention`, is the attention to genes of `model/targets`: a softmax over a drug's candidates,",
        "fitted to the targets that are not held out. The ATTENDS edges of a run with the objective `target` are",
        "the same attention, fitted to all known targets. There known targets come first, and the genes after them are",
        "predictions; their quality is measured here, on held-out targets.",
        "",
        "A table is over five disjoint folds of a fifth of the targets: mean ± standard deviation over folds.",
        "Unless the title says otherwise, targets of structure twins are hidden, too. AUROC and AUPR are means over",
        "drugs. Recall is the share of all held-out targets that are among their drug's first 5 or 20 genes, mrr",
        "the mean over drugs of 1 / rank of the first held-out target. p is from Wilcoxon's signed-rank test of",
        "attention against the scorer, paired over structures.",
        "",
        "The simple scorers, with which attention is compared: `popularity`, how many drugs have the gene as a",
        "target; `transfer`, the targets of drugs of similar structure; `network-proximity`, a random walk over",
        "interactions from the drug's other targets; `association` and `dependency-association`, how the gene's",
        "expression, or the need for it by CRISPR, goes with the drug's response; `family`, genes alike in sequence",
        "to the drug's other targets; `transfer-and-family`, both; `factorisation` of the table of targets. Ties of",
        "most scorers are broken by popularity, so `dependency-association` is popularity where the graph has no",
        "dependencies, such as GDSC1's. `attention-without-family` is fitted without families of genes; of the",
        "other scorers only those with family in their name use them. Network proximity is constant in a graph",
        "without interactions, such as GDSC1's, and association has no value for targets without expression, which",
        "are half of GDSC1's.",
        "",
    ]
    for measurement in document["measurements"]:
        rows = measurement["rows"]
        lines += [
            f"## {SPLITS[rows[0]['split']]}: {_screen(rows[0]['dataset'])}",
            "",
            f"`{measurement['command']}` ({measurement['commit']}, {measurement['machine']})",
            "",
            *table(_with_spread(rows)),
            "",
        ]
    for measured in document.get("biomarkers", []):
        lines += about_biomarkers(measured)
    for run in document.get("runs", []):
        lines += about_run(run)
    for measured in document.get("faithfulness", []):
        lines += about_faithfulness(measured)
    if document["worked"]:
        lines += ["## Worked drugs", ""]
        lines += [
            "All known targets of these drugs, and of their structure twins, were hidden before the fit.",
            "",
        ]
        for drug in document["worked"]:
            lines += _worked(drug)
    lines += ["## Not run", "", *(f"- {one}" for one in _not_run(document)), ""]
    return "\n".join(lines).rstrip() + "\n" + _SCORES


def _screen(dataset: str) -> str:
    """The screen of a data set of targets, and the data set in brackets."""
    return f"{DATASETS[dataset]} ({dataset})" if dataset in DATASETS else dataset


def _not_run(document: dict[str, Any]) -> list[str]:
    """Tables that the page has room for and the document has no rows of."""
    there = {(m["rows"][0]["split"], m["rows"][0]["dataset"]) for m in document["measurements"]}
    missing = [
        f"{title}: {_screen(dataset)}"
        for split, title in SPLITS.items()
        for dataset in DATASETS
        if split != "truth" and (split, dataset) not in there
    ]
    tasks = {m["task"] for m in document.get("biomarkers", []) if m["dataset"] == "GDSC1"}
    missing += [
        f"Response genes found again: GDSC1, {task}"
        for task in ("regression", "classification")
        if task not in tasks
    ]
    sections = {"runs": "One run", "faithfulness": "Faithfulness", "worked": "Worked drugs"}
    return missing + [title for name, title in sections.items() if not document.get(name)]


def _with_spread(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of `summary`, with the standard deviation over folds after each mean."""
    folds = sorted({row["fold"] for row in rows if row["fold"] is not None})
    of_fold = [summary([row for row in rows if row["fold"] == fold]) for fold in folds]
    found = []
    for n, means in enumerate(summary(rows)):
        row = dict(means)
        for name, mean in means.items():
            values = [one[n][name] for one in of_fold if one[n].get(name) is not None]
            if isinstance(mean, float) and len(values) == len(folds) > 1 and not name.startswith("p, "):
                row[name] = f"{mean:.3f} ± {np.std(values, ddof=1):.3f}"
        found.append(row)
    return found


def _worked(drug: dict[str, Any]) -> list[str]:
    n_first = sum(1 for g in drug["genes"] if g["known"])
    lines = [
        f"### {drug['drug']}",
        "",
        f"{n_first} of {len(drug['targets'])} known targets are among the first {len(drug['genes'])} of "
        f"{drug['n_candidates']:,} genes.",
        "",
        "| rank | gene | excess | known target | other drugs with it |",
        "|---:|---|---:|---|---:|",
    ]
    for rank, gene in enumerate(drug["genes"], start=1):
        known = "yes" if gene["known"] else ""
        lines.append(f"| {rank} | {gene['gene']} | {gene['excess']:.0f} | {known} | {gene['drugs']} |")
    missed = [f"{t['gene']} ({t['rank']:,})" for t in drug["targets"] if t["rank"] > len(drug["genes"])]
    wrong = [g["gene"] for g in drug["genes"] if not g["known"]]
    lines += ["", "Known targets below that, with their ranks: " + (", ".join(missed) or "none") + "."]
    lines += ["Listed, but by no source here a target: " + (", ".join(wrong) or "none") + ".", ""]
    return lines + (in_run(drug["run"]) if drug.get("run") else [])


def _read() -> dict[str, Any]:
    document: dict[str, Any] = (
        json.loads(PAGE.read_text(encoding="utf-8")) if PAGE.is_file() else {"measurements": [], "worked": []}
    )
    return document


def _write(document: dict[str, Any]) -> None:
    """Write the JSON file with one row per line, so that a change of a row changes one line."""
    text = json.dumps(document, indent=1)
    compact = text.replace(",\n     ", ", ").replace("{\n     ", "{").replace("\n    }", "}")
    PAGE.write_text(compact + "\n", encoding="utf-8")
    PAGE.with_suffix(".md").write_text(markdown(document), encoding="utf-8")


def _made_by(command: str) -> dict[str, str]:
    from pharmagraph.kg.provenance import git_fingerprint

    machine = f"{os.cpu_count()} × {platform.machine()}, Python {platform.python_version()}"
    return {"command": command, "commit": git_fingerprint(), "machine": machine}


def _add(rows_file: str, command: str) -> None:
    rows = json.loads(Path(rows_file).read_text(encoding="utf-8"))
    document = _read()
    key = (rows[0]["dataset"], rows[0]["split"])
    kept = [m for m in document["measurements"] if (m["rows"][0]["dataset"], m["rows"][0]["split"]) != key]
    kept.append(_made_by(command) | {"rows": rows})
    document["measurements"] = sorted(
        kept, key=lambda m: (list(SPLITS).index(m["rows"][0]["split"]), m["rows"][0]["dataset"])
    )
    _write(document)


def _add_faithfulness(rows_file: str, command: str) -> None:
    dataset, rows = json.loads(Path(rows_file).read_text(encoding="utf-8"))
    document = _read()
    kept = [m for m in document.get("faithfulness", []) if m["dataset"] != dataset]
    kept.append(_made_by(command) | {"dataset": dataset, "rows": rows})
    document["faithfulness"] = sorted(kept, key=lambda m: m["dataset"])
    _write(document)


def _add_biomarkers(tables_file: str, command: str) -> None:
    found = json.loads(Path(tables_file).read_text(encoding="utf-8"))
    document = _read()
    key = (found["dataset"], found["task"])
    kept = [m for m in document.get("biomarkers", []) if (m["dataset"], m["task"]) != key]
    kept.append(_made_by(command) | found)
    _write(document | {"biomarkers": sorted(kept, key=lambda m: (m["dataset"], m["task"]))})


def _add_run(store_url: str, run_id: str, command: str) -> None:
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.reports.worked import of_run

    with open_store(store_url, read_only=True) as store:
        found = of_run(store, run_id)
    document = _read()
    kept = [r for r in document.get("runs", []) if r["datasets"] != found["datasets"]]
    runs = sorted([*kept, _made_by(command) | found], key=lambda r: str(r["datasets"]))
    _write(document | {"runs": runs})


def _work(store_url: str, run_id: str, names: Sequence[str]) -> None:
    from pharmagraph.kg.heterograph import export
    from pharmagraph.kg.names import find_drug
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.reports.worked import in_run, work
    from pharmagraph.model.targets.problem import target_problem

    with open_store(store_url, read_only=True) as store:
        ids = [str(find_drug(store, name)["id"]) for name in names]
        problem = target_problem(export(store))
        said = [asdict(in_run(store, run_id, drug)) for drug in ids]
    made = _made_by(f"python -m pharmagraph.model.reports.interpretation work STORE RUN {' '.join(names)}")
    document = _read()
    document["worked"] = [
        asdict(found) | {"drug": name, "run": run} | made
        for name, found, run in zip(names, work(problem, ids), said, strict=True)
    ]
    _write(document)


if __name__ == "__main__":
    if sys.argv[1:2] == ["add"]:
        _add(*sys.argv[2:4])
    elif sys.argv[1:2] == ["faithfulness"]:
        _add_faithfulness(*sys.argv[2:4])
    elif sys.argv[1:2] == ["biomarkers"]:
        _add_biomarkers(*sys.argv[2:4])
    elif sys.argv[1:2] == ["run"]:
        _add_run(*sys.argv[2:5])
    elif sys.argv[1:2] == ["work"]:
        _work(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        print(markdown(_read()), end="")

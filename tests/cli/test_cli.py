"""The command line as a user meets it: real files, exit codes and one-line errors.

`cli` starts a process. What another test has shown of a process is typed in this one, which has torch loaded already.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.typed import typed

CHECKOUT = Path(__file__).resolve().parents[2]


def cli(*words: str, cwd: Path, check: int | None = 0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "120", "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "-m", "pharmagraph.cli", *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done


def here(*words: str, cwd: Path, check: int = 0) -> subprocess.CompletedProcess[str]:
    done = typed(*words, cwd=cwd, environment={"COLUMNS": "120"})
    assert done.returncode == check, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose store holds a synthetic screen and one promoted run."""
    folder = tmp_path_factory.mktemp("screen")
    here("ingest", "synthetic", "--quiet", cwd=folder)
    here("train", "--preset", "fast", "--epochs", "2", "--promote", "--quiet", cwd=folder)
    return folder


def test_help_is_quick_and_loads_neither_torch_nor_dgl() -> None:
    script = (
        "import sys; from pharmagraph import cli;"
        "heavy = {'torch', 'dgl', 'pandas', 'pyarrow', 'numpy', 'ladybug', 'neo4j', 'rdkit'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_explanation_loads_neither_torch_nor_pandas(screen: Path) -> None:
    script = (
        "import sys; from pharmagraph import cli; sys.argv = ['cli', 'explain', '--drug', 'synthetic-drug-0001'];\n"
        "try: cli.main()\n"
        "finally: print(sorted({'torch', 'dgl', 'pandas', 'scipy', 'rdkit'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=screen, capture_output=True, text=True, check=True
    )
    assert "Genes synthetic-drug-0001 attends to" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_loop_ends_in_links_that_cypher_answers(screen: Path) -> None:
    rows = json.loads(cli("query", "strongest-links", "--format", "json", cwd=screen).stdout)
    assert rows
    assert {"drug", "gene", "rank", "weight", "excess", "known"} == set(rows[0])
    typed = cli(
        "query",
        "--cypher",
        "MATCH (d:Drug)-[t:TARGETS]->(g:Gene) WHERE t.attention > $least RETURN count(*) AS n",
        "least=0",
        "--format",
        "json",
        cwd=screen,
    )
    assert json.loads(typed.stdout)[0]["n"] > 0


def test_status_names_what_the_store_holds(screen: Path) -> None:
    rows = json.loads(cli("status", "--format", "json", cwd=screen).stdout)
    values = {(row["section"], row["name"]): row["value"] for row in rows}
    assert values["count", "Drug"] == 60
    assert values["store", "health"] == "complete; next: cli query --list"
    assert "synthetic" in cli("status", cwd=screen).stdout


def test_runs_are_listed_and_shown(screen: Path) -> None:
    listed = json.loads(here("runs", "list", "--format", "json", cwd=screen).stdout)
    assert len(listed) == 1 and listed[0]["promoted"] is True
    shown = here("runs", "show", listed[0]["id"], "--format", "csv", cwd=screen).stdout
    assert shown.startswith("property,value\n")


def test_predictions_are_compared_with_what_was_held_out(screen: Path) -> None:
    (run,) = json.loads(here("runs", "list", "--format", "json", cwd=screen).stdout)
    done = here("runs", "calibration", run["id"], "--format", "json", cwd=screen)
    rows = json.loads(done.stdout)
    every, held_out = (row for row in rows if row["by"] == "pairs")
    assert held_out["group"] == "held out at training" and held_out["n"] == every["n"] > 100
    assert 0.8 < every["held"] <= 1 and every["held_low"] < every["held"] <= every["held_high"]
    bins = [row for row in rows if row["by"] == "reliability"]
    assert sum(row["n"] for row in bins) == every["n"]
    bias = sum(row["n"] * (row["held"] - row["stated"]) for row in bins) / every["n"]
    assert bias == pytest.approx(every["bias"])
    assert {"dataset", "tissue", "drug"} <= {row["by"] for row in rows}
    assert "nothing that the run had predicted was measured after its training" in done.stderr


def test_a_prediction_for_a_named_pair(screen: Path) -> None:
    drug = json.loads(here("query", "strongest-links", "--format", "json", cwd=screen).stdout)[0]["drug"]
    rows = json.loads(here("predict", "--drug", drug, "--format", "json", cwd=screen).stdout)
    assert all(0 <= row["probability"] <= 1 for row in rows) and len(rows) == 20


def test_targets_are_hidden_and_looked_for(screen: Path) -> None:
    done = here(
        "evaluate-targets", "--models", "transfer,popularity", "--holdout", "drug", "--folds", "3",
        "--out", "targets.json", "--format", "json", "--quiet", cwd=screen,
    )  # fmt: skip
    rows = json.loads(done.stdout)
    assert rows == json.loads((screen / "targets.json").read_text())
    assert {row["grouping"] for row in rows} == {"pooled", "per_drug", "paired_difference", "paired_p"}
    assert {row["split"] for row in rows} == {"target-drug"}


def test_a_subgraph_is_exported_as_safetensors_and_parquet(screen: Path) -> None:
    out = here("export", "heterograph", "heterograph", "--dataset", "synthetic", cwd=screen).stdout
    assert {file.name for file in (screen / "heterograph").iterdir()} == {
        "graph.safetensors",
        "nodes.parquet",
    }
    assert "Drug-TESTED_ON-CellLine" in out


@pytest.mark.dgl
def test_a_subgraph_is_exported_for_dgl(screen: Path) -> None:
    out = here("export", "dgl", "graph", "--dataset", "synthetic", cwd=screen).stdout
    assert (screen / "graph" / "graph.bin").is_file() and "Drug-TESTED_ON-CellLine" in out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("query", "top-genes", "drug=nothing-like-it"), 1, 'error: no drug "nothing-like-it" in the graph'),
        (("query", "top-gnes"), 1, "did you mean top-genes"),
        (("query", "--cypher", "MATCH (n:Drug) DETACH DELETE n"), 1, "error: "),
        (("query",), 1, "nothing asked; name a query (cli query --list) or pass --cypher"),
        (("runs", "show", "r0"), 1, 'error: no run "r0"'),
        (("train", "--preset", "defalt"), 1, "defalt"),
        (("train", "--dataset", "GDSC9"), 1, 'no dataset "GDSC9"'),
        (("evaluate-targets", "--models", "guess"), 1, 'no target scorer "guess"'),
        (("explain", "--drug", "nothing-like-it"), 1, 'no drug "nothing-like-it" in the graph'),
        (("explain", "--drug", "synthetic-drug-0001", "--silence", "X"), 1, "needs a cell line: --cell NAME"),
        (("evaluate-targets", "--truth", "none.csv"), 1, "none.csv: there is no such file"),
        (("evaluate-targets", "--holdout", "cell"), 2, "--holdout"),
        (("evaluate-biomarkers", "--truth", "none.csv"), 1, "none.csv: there is no such file"),
        (("ingest", "drgt", "not-there"), 1, "not-there"),
        (("status", "--store", "mysql://x"), 1, '"mysql://x" is not a store'),
        (("status", "--store", "ladybug://none.lbug"), 1, "none.lbug"),
        (("query", "--bogus"), 2, "bogus"),
        (("train", "--seed", "many"), 2, "--seed"),
    ],
)
def test_what_is_wrong_is_one_line_without_a_traceback(
    screen: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    in_a_process = (
        words[0] in {"train", "query"} or words[-1] == "guess"
    )  # of torch, of none, of scikit-learn
    done = (cli if in_a_process else here)(*words, cwd=screen, check=code)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    if code == 1:
        assert len(done.stderr.strip().splitlines()) == 1


def test_an_interrupted_training_leaves_no_run(screen: Path, tmp_path: Path) -> None:
    here("ingest", "synthetic", "--quiet", cwd=tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "pharmagraph.cli", "train", "--preset", "fast", "--epochs", "100000"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background job ignores Ctrl-C and passes that on to whatever it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        until = time.monotonic() + 300
        while not list(tmp_path.glob("runs/.unfinished/*/network-0.ckpt")):  # it is fitting
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert json.loads(here("runs", "list", "--format", "json", cwd=tmp_path).stdout) == []


def test_the_doctor_finds_the_embedded_store_and_the_kernels() -> None:
    rows = {r["what"]: r for r in json.loads(cli("doctor", "--format", "json", cwd=CHECKOUT).stdout)}
    assert rows["embedded store"]["state"] == "ok"
    assert rows["kernels"]["state"] == "ok"


def test_pathways_of_attended_genes_are_written_and_asked_for(screen: Path) -> None:
    here("enrich", "--test", "ranks", "--quiet", cwd=screen)
    drug = "synthetic-drug-0001"
    asking = ("enrich", "--drug", drug, "--test", "ranks", "--format", "json", "--quiet")
    rows = json.loads(here(*asking, cwd=screen).stdout)
    asked = json.loads(
        here("query", "enriched-pathways", f"drug={drug}", "--format", "json", cwd=screen).stdout
    )
    found = {row["name"]: row["q"] for row in rows}
    assert found == {row["pathway"]: row["q"] for row in asked} and found
    done = here("enrich", "--drug", "synthetic-drug-1", cwd=screen, check=1)
    assert done.stderr.startswith('error: no drug "synthetic-drug-1" in the graph; did you mean')
    done = here("enrich", "--literature", "--drug", drug, "--offline", cwd=screen, check=1)
    assert "0 of 20 genes searched and written" in done.stderr and "Traceback" not in done.stderr


def test_a_prediction_is_explained(screen: Path) -> None:
    pair = ("--drug", "synthetic-drug-0001", "--cell", "synthetic-line-0001")
    found = json.loads(here("explain", *pair, "--format", "json", "--out", "why.graphml", cwd=screen).stdout)
    assert 0 <= found["prediction"]["probability"] <= 1 and found["genes"] and found["paths"]
    assert (screen / "why.graphml").is_file()
    assert "Paths" in here("explain", *pair, cwd=screen).stdout
    rows = json.loads(
        here("explain", *pair, "--set", "SYNTHETICG00001=-2", "--format", "json", cwd=screen).stdout
    )
    assert rows[0]["after"] == pytest.approx(rows[0]["before"] + rows[0]["difference"])


def test_a_run_gets_a_page_with_its_faithfulness(screen: Path) -> None:
    here("report", "--faithfulness", "--out", "run.html", cwd=screen)
    page = (screen / "run.html").read_text()
    assert "gene edges removed" in page and "Known targets among the genes attended to" in page

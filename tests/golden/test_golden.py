"""What the pages tell a user to type is typed, on a slice of the real data; so are the commands of `commands.txt`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from scipy.stats import spearmanr

from benchmarks import questions
from pharmagraph.cypher import catalogue
from pharmagraph.model.presets.config import load_preset
from tests.golden.conftest import PROFILE, Desk
from tests.golden.coverage import used
from tests.golden.lines import PAGES, Line, commands, lines_of
from tests.pubmed import FakePubMed
from tests.store import neo4j_server

FIRST = ("README.md", "guide.md")
"""What later pages build on."""

IN_PAGES = [
    line for page in sorted(PAGES, key=lambda p: (p.name not in FIRST, p.name)) for line in lines_of(page)
]
SHOWN = [line for line in IN_PAGES if line.skipped is None]
FROM_FIRST = [line for line in SHOWN if line.place.startswith(FIRST)]
TYPED = [*FROM_FIRST, *commands(), *(line for line in SHOWN if line not in FROM_FIRST)]

QUICKER = (
    (r"(--models \S*|--preset )\bdefault\b", r"\1small.yaml"),
    (r"^(cli train)(?!.*--preset)", r"\1 --preset small.yaml"),
    (r"^(cli evaluate (?!.*--fold ).*)", r"\1 --fold 0 --epochs 1 --members 1"),
    (r"^(cli evaluate-targets(?!.*--fold ).*)", r"\1 --fold 0 --members 1"),
    (r"^(cli evaluate-biomarkers(?!.*--fold ).*)", r"\1 --preset small.yaml --fold 0 --seeds 1 --members 1"),
    (r"--trials \d+", "--trials 2 --epochs 1 --members 1"),
    (r"--workers \d+", "--workers 1"),
)
"""What is typed for what is written, where only the time differs."""

VALUES = {
    "drug": "lapatinib",
    "first": "erlotinib",
    "second": "lapatinib",
    "cell_line": "BT-474",
    "gene": "ERBB2",
    "tissue": "breast",
    "pathway": "GO:0007411",
}
"""Values of the parameters of named queries; ``second`` is a run in ``compare-runs``."""


READING = (
    "cli status --format json",
    "cli runs list --format json",
    "cli compare --by mutation:BRAF --format json",
    "cli predict --drug trametinib --cell A375 --format json",
    "cli predict --drug CCOc1ccccc1 --cell A375 --format json",
    "cli explain --drug lapatinib --cell BT-474 --limit 5 --format json",
    "cli explain --drug lapatinib --cell BT-474 --silence ERBB2 --format json",
)
"""Lines that print the same on both engines, but for the address of the store."""

ON_NEO4J = (
    "cli copy ladybug://pharmagraph.lbug URL --quiet",
    *(f"{line} --store URL" for line in READING),
    "cli report --drug trametinib --out on-neo4j.html --store URL",
    "cli db migrate --store URL",
    "cli db drop --store URL --yes --detach",
)


def typed(desk: Desk, line: Line, pubmed: str) -> str:
    """The line as it is typed: quicker, with the runs that there are and values for what a page leaves open."""
    text = re.sub(r"\s+#\s.*$", "", line.text)
    for pattern, replacement in QUICKER:
        text = re.sub(pattern, replacement, text)
    if "{" in text and not line.place.startswith(FIRST):
        text = text.format(**desk.runs(), pubmed=pubmed)
    if not line.place.startswith("queries.md"):
        return text
    text = re.sub(r"\s\[[^]]*\]", "", text)
    values = VALUES
    if " compare-runs " in text:
        values = VALUES | {"second": desk.runs()["fast"]}
    if " driver-response " in text:
        values = VALUES | {"gene": "BRAF"}  # mutated in more cell lines
    return re.sub(r"(\w+)=[A-Z_]+\b", lambda found: f"{found[1]}={values[found[1]]}", text)


@pytest.fixture(scope="module")
def pubmed() -> Iterator[str]:
    """The address of a stand-in for PubMed."""
    server = FakePubMed()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.url
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("line", TYPED, ids=str)
def test_what_is_shown_works(golden: Desk, line: Line, pubmed: str) -> None:
    text = typed(golden, line, pubmed)
    if not text.startswith("cli "):
        pytest.fail(f"{line}: not a command of ours; put <!-- not run: reason --> before the block")
    outcome = golden.must(text)
    assert outcome.out.strip() or outcome.error.strip() or "--quiet" in text, f"{text} printed nothing"
    if text.startswith("cli query "):
        assert "no rows" not in outcome.out, text
    for hint in re.findall(r"^(?:Next: | +)(cli .*)$", outcome.out, re.MULTILINE):
        assert used(hint), f"{text} names a command that there is not: {hint}"


def test_every_page_with_commands_says_why_some_are_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = Counter(
        (line.place.split(":")[0], line.skipped) for line in IN_PAGES if line.skipped is not None
    )
    with capsys.disabled():
        for (page, reason), n in skipped.items():
            print(f"\n{page}: {n} commands are not run: {reason}", end="")


def test_a_mark_needs_a_reason_and_a_block(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- not run: -->\n\n    cli status\n")
    with pytest.raises(ValueError, match=r"page\.md:1: .* no reason"):
        lines_of(page)
    page.write_text("<!-- not run: a server -->\n\nSome text.\n\n    cli status\n")
    with pytest.raises(ValueError, match="before no commands"):
        lines_of(page)
    page.write_text(
        "<!-- not run: a server -->\n\n    cli db start\n\nThen:\n\n```\n$ cli status\nmade: 3\n```\n"
    )
    assert [(line.text, line.skipped) for line in lines_of(page)] == [
        ("cli db start", "a server"),
        ("cli status", None),
    ]


def test_all_parts_of_the_default_preset_are_in_the_run(golden: Desk) -> None:
    shipped = load_preset("default")
    run = json.loads((golden.folder / "runs" / golden.runs()["run"] / "config.json").read_text())
    assert set(run["component_weights"]) == set(shipped.training.expected_weights)
    assert all(weight > 0 for weight in run["component_weights"].values())
    network = shipped.network.model_dump(mode="json")
    switches = [k for k, v in network.items() if isinstance(v, (bool, str)) or k == "relations"]
    assert {k: run["config"]["network"][k] for k in switches} == {k: network[k] for k in switches}
    assert run["gene_attention"] == "targets"


def test_a_gene_that_a_drug_needs_changes_the_prediction(golden: Desk) -> None:
    outcome = golden.must("cli explain --drug lapatinib --cell BT-474 --silence ERBB2 --format json")
    (row,) = json.loads(outcome.out)
    assert row["before"] - row["after"] > 1e-4
    known = json.loads(golden.must("cli query top-genes drug=erlotinib --format json").out)
    assert known[0]["gene"] == "EGFR" and known[0]["known"] is True


def _predicted(desk: Desk, *asked: str) -> tuple[dict[tuple[str, str], float], str]:
    """What `cli predict` says of pairs, and its notes."""
    outcome = desk.must(f"cli predict {' '.join(asked)} --limit 100000 --format json")
    rows = json.loads(outcome.out)
    return {(row["drug"], row["cell_line"]): row["probability"] for row in rows}, outcome.error


def test_a_profile_in_any_unit_is_the_same_new_cell_line(golden: Desk, without_layers: str) -> None:
    for run in (golden.runs()["run"], without_layers):
        log2, said = _predicted(golden, f"--cell log2.csv --run {run}")
        assert "log2.csv: column value read as log2 of abundance" in said and " 0 missing" in said
        tpm, said = _predicted(golden, f"--cell tpm.csv --run {run}")
        assert "tpm.csv: column tpm read as TPM" in said
        assert tpm == pytest.approx(log2, abs=1e-3) and len({round(v, 4) for v in tpm.values()}) > 20
        known, _ = _predicted(golden, f"--cell {PROFILE} --run {run}")
        of_drug = {drug: value for (drug, _), value in known.items()}
        pairs = [(value, of_drug[drug]) for (drug, _), value in tpm.items()]
        assert spearmanr(*zip(*pairs, strict=True)).statistic > 0.8


def test_a_run_without_layers_answers_from_its_arrays_as_its_network_does(
    golden: Desk, without_layers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run = golden.folder / "runs" / without_layers, f"--run {without_layers}"
    assert (folder / "predictor.safetensors").is_file()
    weights = json.loads((folder / "config.json").read_text())["component_weights"]
    assert set(weights) == {"gaussian_process", "factors"} and min(weights.values()) > 0
    asked = {
        "known": f"--drug trametinib {run}",
        "new drug": f"--smiles CC(=O)OC1=CC=CC=C1C(=O)O {run}",
        "new cell line": f"--cell tpm.csv {run}",
    }
    silenced = f"cli explain --drug lapatinib --cell BT-474 --silence ERBB2 {run} --format json"
    by_arrays = {what: _predicted(golden, words)[0] for what, words in asked.items()}
    (change,) = json.loads(golden.must(silenced).out)
    monkeypatch.setattr("pharmagraph.model.predictor.Predictor.of", lambda folder, graph: None)
    by_network = {what: _predicted(golden, words)[0] for what, words in asked.items()}
    (network_change,) = json.loads(golden.must(silenced).out)
    assert (
        by_arrays["known"] == pytest.approx(by_network["known"], abs=1e-4) and len(by_arrays["known"]) > 100
    )
    for what in ("new drug", "new cell line"):  # similarities there are those of a graph of one entity more
        assert by_arrays[what] == pytest.approx(by_network[what], abs=0.03) and len(by_arrays[what]) > 20
    assert change["before"] == pytest.approx(network_change["before"], abs=1e-4)
    # the network solves the process again with the changed line, the arrays keep what was learned of it
    assert change["difference"] < -1e-4 and network_change["difference"] < -1e-4


def test_a_run_without_attention_is_refused_where_attention_is_asked_for(golden: Desk) -> None:
    outcome = golden.type(
        f"cli faithfulness --run {golden.runs()['fast']} --edges 1"
    )  # trained with --conv none
    assert outcome.code == 1
    assert "ModelError: the run has no attention to genes: its conv is none" in outcome.error


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a database without nodes, for all tests here."""
    with neo4j_server.empty_database() as url:
        yield url


@pytest.mark.neo4j
def test_reading_commands_say_the_same_on_neo4j(golden: Desk, server: str) -> None:
    golden.must(ON_NEO4J[0].replace("URL", server))
    for line in READING:
        here, there = golden.must(line).out, golden.must(f"{line} --store {server}").out
        assert _rounded(there.replace(server, "")) == _rounded(
            here.replace("ladybug://pharmagraph.lbug", "")
        ), line
    for name, query in catalogue.catalogue().items():
        if name == "compare-runs":
            continue  # its second run is not among the values
        required = [p.name for p in query.parameters if p.default is None]
        line = f"cli query {name} {' '.join(f'{p}={VALUES[p]}' for p in required)} --format json"
        here, there = (_rounded(golden.must(text).out) for text in (line, f"{line} --store {server}"))
        assert sorted(there, key=repr) == sorted(here, key=repr), line
    for line in ON_NEO4J[-3:]:
        golden.must(line.replace("URL", server))


def _rounded(text: str) -> Any:
    """JSON with numbers of nine digits: an engine adds in an order of its own."""
    return json.loads(text, parse_float=lambda number: float(f"{float(number):.9g}"))


def test_an_assistant_answers_every_question_by_the_tools_alone(golden: Desk) -> None:
    store = f"ladybug://{golden.folder / 'pharmagraph.lbug'}"
    answered = questions.answers(store)
    assert len(answered) == 40
    assert {row["question"]: row["wrong"] for row in answered if row["wrong"]} == {}
    assert max(row["calls"] for row in answered) <= questions.MOST_CALLS

"""Measured responses between groups of cell lines, on a small graph worked out by hand and on both engines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from pharmagraph.kg.errors import InputError, NotFoundError, RowError
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.model.contrasts.groups import contrasts
from pharmagraph.model.contrasts.measured import Result, compare
from pharmagraph.model.reports import contrasts as shown
from tests.cli.typed import typed
from tests.store import neo4j_server

LINES = [f"L{n:02d}" for n in range(14)]
"""The first five have a driver event of BRAF; of the last one nothing is known."""
TISSUES = ["skin"] * 6 + ["lung"] * 5 + ["bone"] * 2 + [None]
MSI = [True] * 3 + [False] * 9 + [None, None]
DRUGS = {"RAFI": -5.0, "PLAIN": 0.0, "ANTI": 1.5}
"""Drug → shift of ln IC50 in the lines with the event."""


def responses() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    return {d: generator.normal(size=14) + shift * (np.arange(14) < 5) for d, shift in DRUGS.items()}


def fill(store: GraphStore) -> None:
    store.create_schema()
    names = [f"Line-{n:02d}" for n in range(14)]
    columns = {"id": LINES, "name": names, "tissue": TISSUES, "msi": pa.array(MSI, pa.bool_())}
    store.upsert_nodes("CellLine", pa.table(columns))
    store.upsert_nodes("Drug", pa.table({"id": [*DRUGS, "NEW"], "name": ["Raf-i", "Plain", "Anti", "New"]}))
    store.upsert_nodes("Gene", pa.table({"id": ["BRAF", "TTN", "OTHER", "NONE"]}))
    drivers = [(line, "BRAF") for line in LINES[:5]]
    passengers = [
        (LINES[5], "BRAF"),
        *((line, "TTN") for line in LINES[4:8]),
        *((x, "OTHER") for x in LINES[:13]),
    ]
    for pairs, driver, dataset in ((drivers, True, "events"), (passengers, None, "exomes")):
        table = {
            "src": [p[0] for p in pairs], "dst": [p[1] for p in pairs], "value": [1.0] * len(pairs),
            "driver": pa.array([driver] * len(pairs), pa.bool_()), "dataset": [dataset] * len(pairs),
        }  # fmt: skip
        store.upsert_edges("MUTATED", ("CellLine", "Gene"), pa.table(table))
    for drug, values in responses().items():
        table = {"src": [drug] * 14, "dst": LINES, "ln_ic50": values, "dataset": ["screen"] * 14}
        store.upsert_edges("TESTED_ON", ("Drug", "CellLine"), pa.table(table))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"ladybug://{tmp_path_factory.mktemp('graph')}/graph.lbug"
    with open_store(url) as store:
        fill(store)
    return url


@pytest.fixture(scope="module", params=["ladybug", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def store(request: pytest.FixtureRequest, url: str) -> Iterator[GraphStore]:
    """Read by every test, written by none."""
    if request.param == "ladybug":
        with open_store(url, read_only=True) as graph:
            yield graph
    else:
        with neo4j_server.empty_database() as address, open_store(address) as graph:
            fill(graph)
            yield graph


def figures(store: GraphStore, by: str, **asked: str) -> tuple[Result, list[str]]:
    notes: list[str] = []
    return compare(store, by, note=notes.append, **asked), notes  # type: ignore[arg-type]


def test_all_drugs_are_sorted_by_p_and_signed(store: GraphStore) -> None:
    result, notes = figures(store, "mutation:braf")
    first, second = result.rows[:2]
    assert [row.drug for row in result.rows] == ["Raf-i", "Anti", "Plain"] and not notes
    assert (first.direction, second.direction) == ("sensitive", "resistant")
    assert (result.dataset, first.group, first.samples.n, first.samples.n_other) == (
        "screen",
        "BRAF driver event",
        5,
        7,
    )
    values = responses()["RAFI"]
    assert first.samples.p == pytest.approx(stats.mannwhitneyu(values[:5], values[5:12]).pvalue)
    q = stats.false_discovery_control([row.samples.p for row in result.rows])
    assert [row.q for row in result.rows] == pytest.approx(q)
    row = first.row()
    assert row["shift"] < 0 < row["rank_biserial"] == 2 * row["auroc"] - 1
    assert row["shift_low"] < row["shift"] < row["shift_high"]


def test_without_a_mutation_are_lines_that_were_looked_at(store: GraphStore) -> None:
    (driver,) = contrasts(store, "mutation:BRAF", print)
    assert (driver.lines, driver.other_lines) == ({*LINES[:5]}, {*LINES[5:12]})
    (any_,) = contrasts(store, "mutation:BRAF:any", print)
    assert (any_.lines, any_.other_lines) == ({*LINES[:6]}, {*LINES[6:13]})
    notes: list[str] = []
    (passenger,) = contrasts(store, "mutation:TTN", notes.append)
    assert notes == ["no mutation of TTN is marked as a driver of cancer; any mutation counts"]
    assert (passenger.group, passenger.lines) == ("TTN mutation", {*LINES[4:8]})
    assert passenger.other_lines == {*LINES[:4], *LINES[8:13]}


def test_each_tissue_against_the_rest_leaves_out_small_and_unknown_ones(store: GraphStore) -> None:
    result, notes = figures(store, "tissue", drug="raf-I")
    by_group = {row.group: row for row in result.rows}
    assert notes == ["1 tissue with fewer than 3 cell lines in a group is left out: bone"]
    assert {g: (r.samples.n, r.samples.n_other) for g, r in by_group.items()} == {
        "skin": (6, 7),
        "lung": (5, 8),
    }
    assert all(row.q is not None for row in result.rows)
    one, _ = figures(store, "tissue:skin", drug="RAFI")
    assert one.rows[0].samples == by_group["skin"].samples and one.rows[0].q is None


def test_microsatellites_are_compared_where_they_are_known(store: GraphStore) -> None:
    (found,) = contrasts(store, "msi", print)
    assert (found.lines, found.other_lines) == ({*LINES[:3]}, {*LINES[3:12]})


def test_groups_of_a_file(store: GraphStore, tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    file.write_text(
        "cell_line,group\n" + "".join(f"line {n:02d},a\n" for n in range(4)) + "HELA,a\nL09,b\nL09,b\n"
    )
    notes: list[str] = []
    (two,) = contrasts(store, str(file), notes.append)
    assert (two.group, two.lines, two.other, two.other_lines) == ("a", {*LINES[:4]}, "b", {"L09"})
    assert notes == [f"{file}: 1 of 6 cell lines are not in the graph and left out: HELA"]
    file.write_text("cell_line,group\nL00,mine\n")
    (one,) = contrasts(store, str(file), print)
    assert (one.other, one.other_lines) == ("all others", {*LINES[1:]})


@pytest.mark.parametrize(
    ("by", "drug", "error", "said"),
    [
        ("mutation:NONE", None, InputError, "no cell line of the graph has a known mutation of NONE; those of 3 genes"),
        ("mutation:BRAFF", None, NotFoundError, 'no gene "BRAFF" in the graph; did you mean BRAF?'),
        ("mutation:BRAF:all", None, InputError, '"all" is not any; write mutation:BRAF:any'),
        ("tissue:skn", None, NotFoundError, 'no tissue "skn" in the graph; did you mean skin?'),
        ("tissue", None, InputError, "compares each tissue for one drug"),
        ("tissue:bone", None, InputError, "on 2 cell lines of the group bone and 11 of other tissues; each"),
        ("groups", None, InputError, "is neither a file nor one of these: tissue, tissue:NAME, mutation:GENE"),
        ("msi", "New", InputError, "New has no measured ln IC50; see: cli query coverage"),
        ("msi", "Rafi2", NotFoundError, 'no drug "Rafi2" in the graph'),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(
    store: GraphStore, by: str, drug: str | None, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as found:
        compare(store, by, drug=drug, note=print)
    assert said in str(found.value) and "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (
            "mutation:ABCB1",
            "the graph has no mutations, .*; load some: cli ingest omics FILE --kind mutation",
        ),
        ("msi", "does not know which lines have instable microsatellites; cli ingest gdsc loads that"),
    ],
)
def test_what_the_graph_has_nothing_of_is_said_with_the_command_that_loads_it(
    tmp_path: Path, by: str, said: str
) -> None:
    with open_store(f"ladybug://{tmp_path}/bare.lbug") as bare:
        bare.create_schema()
        bare.upsert_nodes("Gene", pa.table({"id": ["ABCB1"]}))
        bare.upsert_nodes("CellLine", pa.table({"id": ["L00"], "name": ["L00"]}))
        with pytest.raises(InputError, match=said):
            contrasts(bare, by, print)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (
            "cell_line,group\nL00,a\nL01,b\nL02,c\n",
            RowError,
            'row 4, column group: "c" is a third group (a, b, c)',
        ),
        (
            "cell_line,group\nL00,a\nline-00,b\n",
            RowError,
            'row 3, column cell_line: "line-00" is L00, which is in the',
        ),
        ("cell_line,group\nL00,\n", RowError, 'row 2, column group: "" is empty'),
        (
            "cell_line,group\nL00,NA\n",
            RowError,
            'row 2, column group: "NA" is a word for nothing; name the group',
        ),
        ("cell_line,group\nL00,\x1b[31ma\n", RowError, "holds a character that is not printed; remove it"),
        ("cell_line,group\nHELA,a\n", InputError, "1 of 1 cell lines are not in the graph (HELA)"),
        ("cell_line,group\n", InputError, "has no rows below its header; give a cell line"),
        ("cell_line,set\nL00,a\n", InputError, 'there is no column "group"; it has cell_line, set'),
    ],
)
def test_a_file_that_makes_no_two_groups_is_refused(
    url: str, tmp_path: Path, text: str, error: type[Exception], said: str
) -> None:
    file = tmp_path / "groups.csv"
    file.write_text(text)
    with open_store(url, read_only=True) as store, pytest.raises(error) as found:
        contrasts(store, str(file), print)
    assert said in str(found.value)


def test_responses_of_two_datasets_are_not_mixed(tmp_path: Path) -> None:
    with open_store(f"ladybug://{tmp_path}/two.lbug") as store:
        fill(store)
        second = {
            "src": ["RAFI"] * 14,
            "dst": LINES,
            "ln_ic50": responses()["ANTI"],
            "dataset": ["again"] * 14,
        }
        store.upsert_edges("TESTED_ON", ("Drug", "CellLine"), pa.table(second))
        with pytest.raises(
            InputError, match="responses of again and screen are not on one scale; give dataset with"
        ):
            figures(store, "msi", drug="RAFI")
        again, _ = figures(store, "mutation:BRAF", drug="RAFI", dataset="again")
        assert again.rows[0].direction == "resistant"
        with pytest.raises(
            NotFoundError, match='no dataset of ln IC50 "agan" in the graph; did you mean again'
        ):
            figures(store, "msi", dataset="agan")
        with pytest.raises(InputError, match="Anti has no measured ln IC50 in again"):
            figures(store, "msi", drug="Anti", dataset="again")


def test_a_strip_has_every_line_and_the_median() -> None:
    groups = [("few", np.array([0.0, 0.0, 10.0])), ("many", np.full(12, 5.0))]
    few, many, axis, legend = shown.strip_lines(groups, width=41)
    assert few == "few   |" + " " * 33 + "."  # the median hides the two lines that are on it
    assert many == "many" + " " * (2 + 17) + "|"
    assert axis.split() == ["0", "10", "ln", "µmol/l"] and len(axis) == 41
    assert legend == "cell lines: . 1  : 2  o 3–5  O 6–10  @ more  | median"


def test_pictures_are_written_whole_and_are_the_same_again(url: str, tmp_path: Path) -> None:
    with open_store(url, read_only=True) as store:
        one, all_ = figures(store, "mutation:BRAF", drug="RAFI")[0], figures(store, "mutation:BRAF")[0]
    shown.write_strips(tmp_path / "one.svg", one)
    shown.write_strips(tmp_path / "again.svg", one)
    shown.write_volcano(tmp_path / "all.png", all_)
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "again.svg").read_text()
    assert text.startswith("<?xml") and text.rstrip().endswith("</svg>")
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    assert {p.name for p in tmp_path.iterdir()} == {"one.svg", "again.svg", "all.png"}


def test_the_command_prints_figures_strips_and_a_sentence(url: str) -> None:
    done = typed("compare", "--drug", "Raf-i", "--by", "mutation:BRAF", "--store", url)
    assert done.returncode == 0, done.stderr
    assert "Raf-i in screen: BRAF driver event against no BRAF driver event" in done.stdout
    assert "5 / 7" in done.stdout and "| median" in done.stdout
    assert "Raf-i: ln IC50 is shifted by -" in done.stdout and "rank-biserial correlation" in done.stdout
    listed = typed("compare", "--by", "mutation:BRAF", "--limit", "1", "--format", "csv", "--store", url)
    header, row = listed.stdout.splitlines()
    assert header.split(",")[:5] == ["drug", "group", "other", "n", "n_other"] and row.startswith(
        "Raf-i,BRAF driver"
    )
    refused = typed("compare", "--by", "msi", "--out", "picture.doc", "--store", url)
    assert refused.returncode == 1
    assert refused.stderr == "error: picture.doc is no picture; give a name that ends in .svg, .png or .pdf\n"


def test_a_comparison_loads_neither_torch_nor_scipy(url: str) -> None:
    code = (
        "import sys; sys.argv = ['cli', 'compare', '--by', 'mutation:BRAF', '--store', sys.argv[1]];"
        "from pharmagraph.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'torch', 'dgl', 'pandas', 'scipy', 'matplotlib', 'rdkit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr

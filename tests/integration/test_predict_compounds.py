"""What `cli predict` makes of a compound: a name, a structure, a text that is both, and what is neither."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pytest
import torch
from rdkit import Chem
from typer.testing import CliRunner, Result

from pharmagraph.cli import app
from pharmagraph.kg import runs
from pharmagraph.kg.errors import AmbiguousNameError, InputError, NotFoundError, PharmagraphError
from pharmagraph.kg.fingerprints import inchikey
from pharmagraph.kg.names import index
from pharmagraph.kg.store import open_store
from pharmagraph.kg.wording import typed
from pharmagraph.model.inputs.changes import NEW_DRUG
from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.runs import saved
from pharmagraph.model.runs import trained as training_run
from pharmagraph.model.runs.asked import asked_drugs
from pharmagraph.run import Run

torch.set_num_threads(1)  # this network is far too small for more

LINE = "SYNTHETICLINE0001"
NEW = "CCOc1ccccc1C=O"


@dataclass(frozen=True)
class Screen:
    """A store with a promoted run, the ids of the run's drugs, and the structure of each of its drugs."""

    url: str
    ids: list[str]
    structure: dict[str, str]

    def call(self, *asked: str, format: str = "json") -> Result:
        """`cli predict` in one cell line."""
        options = ["--store", self.url, "--format", format, "--device", "cpu", "--cell", LINE]
        return CliRunner().invoke(app, ["predict", *options, *asked], catch_exceptions=False)

    def predict(self, *asked: str) -> dict[str, float]:
        """Drug → probability in one cell line."""
        return {row["drug"]: row["probability"] for row in json.loads(self.call(*asked).stdout)}

    def read(self, option: str, *texts: str) -> tuple[dict[str, str | None], str]:
        """What is read, before anything is predicted: drug → structure of a new one; and the notes."""
        with open_store(self.url, read_only=True) as store:
            names = index(store, "Drug")
        notes: list[str] = []
        drugs, smiles = (texts, None) if option == "--drug" else (None, texts)
        asked = asked_drugs(self.ids, drugs, smiles, names, notes.append)
        assert all(one.number is None or self.ids[one.number] == one.name for one in asked)
        return {one.name: one.smiles for one in asked}, "\n".join(notes)

    def refused(self, option: str, text: str) -> str:
        """The one line of the error, as a command prints it."""
        with typed(), pytest.raises(PharmagraphError) as error:
            self.read(option, text)
        assert "\n" not in str(error.value) and len(str(error.value)) < 300
        return f"{type(error.value).__name__}: {error.value}"


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Screen:
    from pharmagraph.ingest.commands import synthetic

    folder = tmp_path_factory.mktemp("compounds")
    url = f"ladybug://{folder}/graph.lbug"
    synthetic(drugs=24, cells=16, genes=40, store=url, quiet=True)
    with open_store(url) as graph:
        preset = load_preset("fast", training={"epochs": 1, "members": 1})
        trained = training_run.train(graph, preset, folder=folder / "runs", device="cpu")
        runs.promote(graph, trained.run_id)
        structure = {r["id"]: r["smiles"] for r in graph.read_nodes("Drug", ["id", "smiles"]).to_pylist()}
        ids = list(structure)
        aliases = [["CCCP", "twin"], ["NO", "twin"]]
        graph.upsert_nodes("Drug", pa.table({"id": ids[:2], "aliases": aliases}))
    assert len({inchikey(s) for s in structure.values()}) > 10
    return Screen(url, list(saved.load_graph(trained.folder).ids["Drug"]), structure)


def _drugs(screen: Screen) -> list[str]:
    """One drug of each structure."""
    return list({inchikey(s): id_ for id_, s in reversed(screen.structure.items())}.values())


@pytest.mark.parametrize("text", ["BSO", "CO", "CC", "CCO", "CCCl", "BrCCBr", "I-BOP", "OSI", "SNS", "PON"])
def test_a_name_that_is_also_a_structure_is_asked_back(screen: Screen, text: str) -> None:
    message = screen.refused("--drug", text)
    assert message.startswith(f'NotFoundError: no drug "{text}" in the graph')
    assert f"for the structure pass --smiles {text}" in message
    assert screen.read("--smiles", text) == ({NEW_DRUG: text}, "")


def test_a_known_name_wins_over_the_structure_that_it_spells(screen: Screen) -> None:
    first, second = list(screen.structure)[:2]
    assert screen.read("--drug", "CCCP") == ({first: None}, "")
    assert screen.read("--drug", "no") == ({second: None}, "")
    assert screen.read("--smiles", "CCCP") == ({NEW_DRUG: "CCCP"}, "")


@pytest.mark.parametrize(
    "salt", ["Cl", "Br", "O", "[Na+].[Cl-]", "CS(=O)(=O)O", "OC(=O)C=CC(=O)O", "O.O", "[K+].[I-]", "OS(=O)(=O)O", "CO"]
)  # fmt: skip
@pytest.mark.parametrize("option", ["--drug", "--smiles"])
def test_a_salt_is_predicted_as_its_parent(screen: Screen, salt: str, option: str) -> None:
    parent = Chem.CanonSmiles(NEW)
    found, notes = screen.read(option, f"{NEW}.{salt}")
    assert f"{salt.count('.') + 2} parts; its parent is taken: {parent}" in notes
    assert found == {NEW_DRUG: parent}


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("synthetic-drug-1", "did you mean synthetic-drug-00"),
        ("Nutlin 3", "see: cli status"),
        ("syntetic-drug-0002", "synthetic-drug-0002"),
        ("SYNTHETICDRUG003", "SYNTHETICDRUG0003"),
        ("erlotinib", "see: cli status"),
        ("Nutlin-3a (-)", "see: cli status"),
        ("(+)-JQ1", "nor is it a structure"),
        ("5-FU", "see: cli status"),
        ("SN-38", "nor is it a structure"),
        ("cccp-like", "did you mean CCCP?"),
    ],
)
def test_a_name_instead_of_a_structure_offers_the_nearest(screen: Screen, typed: str, near: str) -> None:
    assert near in screen.refused("--drug", typed)
    assert "is not a structure that can be predicted" in screen.refused("--smiles", typed)


@pytest.mark.parametrize(
    ("smiles", "place"),
    [
        ("CC(=O)OX", "position 8"),
        ("CC(=O", "position 3"),
        ("CC)C", "position 3"),
        ("C1CC(=O)C", "unclosed ring"),
        ("C(C)(C)(C)(C)C", "atom # 0 C, 5"),
        ("CO(=C)C", "atom # 1 O, 4"),
        ("CC[Na", "position 5"),
        ("CC==C", "position 4"),
        ("c1cccc1", "Unkekulized atoms: 0 1 2 3 4"),
        ("CC(=O)[Xx]", "position"),
    ],
)
def test_a_structure_that_cannot_be_read_says_where(screen: Screen, smiles: str, place: str) -> None:
    for option in ("--drug", "--smiles"):
        message = screen.refused(option, smiles)
        assert place in message and smiles in message


@pytest.mark.parametrize("text", ["C" * 501, "C" * 5000, "CC(=O)" * 1000, "[13CH2]" * 1500, "C" * 100_000])
def test_a_structure_that_is_too_large_is_refused(screen: Screen, text: str) -> None:
    for words in (("--smiles", text), ("--drug", f"{text}=C")):
        message = screen.refused(*words)
        assert "500 are allowed" in message or "10,000 are allowed" in message


@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("salt", ["", ".Cl"])
def test_a_drug_of_the_graph_is_found_by_its_structure(screen: Screen, number: int, salt: str) -> None:
    id_ = _drugs(screen)[number]
    molecule = Chem.MolFromSmiles(screen.structure[id_])
    other = Chem.MolToSmiles(molecule, doRandom=True, kekuleSmiles=False, allHsExplicit=True)
    found, notes = screen.read("--smiles", other + salt)
    same = [d for d, s in screen.structure.items() if inchikey(s) == inchikey(screen.structure[id_])]
    assert found == {same[0]: None}
    assert f"has the InChIKey of {same[0]}" in notes and all(d in notes for d in same)


@pytest.mark.parametrize("number", range(10))
def test_another_form_of_a_drug_is_new_and_said(screen: Screen, number: int) -> None:
    id_ = _drugs(screen)[number]
    molecule = Chem.MolFromSmiles(screen.structure[id_])
    molecule.GetAtomWithIdx(0).SetIsotope(13)
    labelled = Chem.MolToSmiles(molecule)
    found, notes = screen.read("--smiles", labelled)
    assert found == {NEW_DRUG: labelled}
    assert f"has the skeleton of {id_}" in notes and "predicted as new" in notes


def test_a_drug_that_came_after_the_run_is_new_by_structure_and_refused_by_name(screen: Screen) -> None:
    later = pa.table({"id": ["LATER"], "name": ["Later"], "smiles": [NEW], "inchikey": [inchikey(NEW)]})
    with open_store(screen.url) as graph:
        graph.upsert_nodes("Drug", later)
    try:
        found, notes = screen.read("--smiles", NEW)
        assert found == {NEW_DRUG: NEW}
        assert "is LATER, which came into the graph after this run was trained" in notes
        assert "drug LATER came into the graph after this run was trained" in screen.refused(
            "--drug", "Later"
        )
    finally:
        with open_store(screen.url) as graph:
            graph.delete_nodes("Drug", ["LATER"])


def test_several_new_drugs_are_called_by_their_structures(screen: Screen) -> None:
    long = "CC(=O)Oc1ccccc1C(=O)NCCCCCCCCCCCCCCCCCCCCCCCC=O"
    asked = ("--drug", "synthetic-drug-0003", "--smiles", NEW, "--smiles", long, "--smiles", NEW)
    assert set(screen.predict(*asked)) == {"SYNTHETICDRUG0003", NEW, long}
    assert screen.read("--smiles", NEW, NEW) == ({NEW_DRUG: NEW}, "")
    table = screen.call(*asked, format="table").stdout
    assert long not in table and "CC(=O)Oc1ccccc1C(=O)NCCCCC" in table


@pytest.mark.parametrize("written", ["twin", "TWIN", "T-win"])
def test_a_name_of_two_drugs_is_refused_with_both(screen: Screen, written: str) -> None:
    message = screen.refused("--drug", written)
    assert message.startswith("AmbiguousNameError")
    assert all(drug in message for drug in ("SYNTHETICDRUG0001", "SYNTHETICDRUG0002"))


def test_the_library_takes_structures_and_tells_notes(screen: Screen) -> None:
    with open_store(screen.url, read_only=True) as graph:
        run, told = Run.open(graph), list[str]()
        table = run.predict(smiles=[f"{NEW}.Cl", "CCCP"], note=told.append)
        assert set(table["drug"]) == {f"{NEW}.Cl", "CCCP"} and len(table) == 32
        assert len(told) == 1 and "2 parts" in told[0]
        with pytest.warns(UserWarning, match="its parent is taken"):
            salt = run.predict(smiles=f"{NEW}.Cl")
        parent = run.predict(NEW)
        pd.testing.assert_frame_equal(salt, parent)
        for call, error in (
            (lambda: run.predict("BSO"), NotFoundError),
            (lambda: run.predict("twin"), AmbiguousNameError),
            (lambda: run.predict(smiles="C1CC"), InputError),
            (lambda: run.predict(smiles=[]), InputError),
            (lambda: run.predict(smiles=3), TypeError),  # type: ignore[arg-type]
            (lambda: run.predict(NEW, note=None), TypeError),  # type: ignore[arg-type]
        ):
            with pytest.raises(error):
                call()


def test_a_new_drug_is_predicted_as_it_is_alone_and_a_known_structure_as_the_known_drug(
    screen: Screen,
) -> None:
    alone = screen.predict("--smiles", NEW)[NEW_DRUG]
    known = screen.structure["SYNTHETICDRUG0003"]
    asked = screen.call("--smiles", f"{NEW}.Cl", "--smiles", "c1ccccc1O", "--drug", known)
    together = {row["drug"]: row["probability"] for row in json.loads(asked.stdout)}
    (id_,) = set(together) - {f"{NEW}.Cl", "c1ccccc1O"}
    assert inchikey(screen.structure[id_]) == inchikey(known)
    assert together[f"{NEW}.Cl"] == pytest.approx(alone, abs=1e-5)
    assert together[id_] == pytest.approx(screen.predict("--drug", id_)[id_], abs=1e-6)
    assert "its parent is taken" in asked.stderr and f"has the InChIKey of {id_}" in asked.stderr


def test_a_table_has_names_and_json_has_ids(screen: Screen) -> None:
    id_ = screen.ids[0]
    with open_store(screen.url, read_only=True) as store:
        name = {row["id"]: row["name"] for row in store.node_rows("Drug", ["id", "name"])}[id_]
        line = {row["id"]: row["name"] for row in store.node_rows("CellLine", ["id", "name"])}[LINE]
    assert (name, line) != (id_, LINE)
    cells = screen.call("--drug", id_, format="table").stdout.split()
    assert {name, line} <= set(cells) and not {id_, LINE} & set(cells)
    assert list(screen.predict("--drug", id_)) == [id_]

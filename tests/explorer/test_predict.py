"""The page that predicts: compounds pasted and in files, the rows of `cli predict`, and what is said of bad ones."""

from __future__ import annotations

import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect
from rdkit import Chem

from pharmagraph.explorer.app import page_at
from pharmagraph.explorer.uploads import MOST_BYTES, MOST_KEPT, Uploads
from pharmagraph.kg.errors import InputError
from tests.explorer.conftest import AWKWARD, DRUG, LINE, TISSUE, Site, opened

pytestmark = pytest.mark.once

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
PASTED = f"{ASPIRIN} aspirin, a test\n\n{DRUG}\n{AWKWARD}\n=1+1\n"


def submit(tab: Page) -> None:
    tab.click("main form button[type=submit]")


def saved(tab: Page, button: str, folder: Path) -> Path:
    with tab.expect_download() as download:
        tab.click(button)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_pasted_compounds_are_predicted_as_the_command_predicts_them(
    tab: Page, site: Site, tmp_path: Path
) -> None:
    opened(tab, "/predict")
    tab.fill("#predict-compounds", PASTED)
    tab.select_option("#predict-tissue", TISSUE)
    tab.select_option("#predict-reject", "1")
    submit(tab)
    tab.wait_for_selector("main table")
    assert "line 5" in tab.inner_text(".notes")
    assert AWKWARD in tab.inner_text("main table") and tab.locator("main img[src=x]").count() == 0
    for column in ("low", "high", "measured"):
        assert tab.locator(f"main th:text-is('{column}')").count() == 1
    assert tab.locator("main th:text-is('unlike')").count() == 0, "nothing is; the files have the column"
    whole = saved(tab, "button[data-save='predicted.csv']", tmp_path)
    parquet = saved(tab, "button[data-save='predicted.parquet']", tmp_path)
    saved(tab, "button:text-is('compounds.csv')", tmp_path)
    words = shlex.split(tab.inner_text("#command"))
    assert words[:2] == ["cli", "predict"] and site.store in words
    words[words.index("predicted.csv")] = "typed.csv"
    command = [sys.executable, "-m", "pharmagraph.cli", *words[1:]]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    assert whole.read_text() == (tmp_path / "typed.csv").read_text()
    assert "unlike" in whole.read_text().splitlines()[0].split(",")
    table = pq.read_table(parquet)
    assert table.num_rows == len(whole.read_text().splitlines()) - 1
    assert table["probability"].type == "float" and table["measured"].type == "bool"
    tab.click("td a:text-is('why') >> nth=0")
    expect(tab.locator("main h1")).to_contain_text(" on ")


def test_a_file_is_uploaded_and_predicted(tab: Page, tmp_path: Path) -> None:
    writer = Chem.SDWriter(str(tmp_path / "two of mine.sdf"))
    for name, smiles in (("first", ASPIRIN), ("second", "OCc1cccc2ncncc12")):
        molecule = Chem.MolFromSmiles(smiles)
        molecule.SetProp("_Name", name)
        writer.write(molecule)
    writer.close()
    opened(tab, "/predict")
    tab.set_input_files("#predict-file", tmp_path / "two of mine.sdf")
    tab.fill("#predict-cell_lines", f"{LINE}, synthetic-line-0002")
    submit(tab)
    rows = tab.locator("main tbody tr")
    expect(rows).to_have_count(4)
    assert {row.locator("td").first.inner_text() for row in rows.all()} == {"first", "second"}
    assert "--drugs two-of-mine.sdf --cells cell-lines.csv" in tab.inner_text("#command")
    tab.fill("#predict-top", "1")  # the file is still there
    submit(tab)
    expect(rows).to_have_count(2)
    tab.fill("#predict-compounds", ASPIRIN)
    submit(tab)
    expect(tab.locator("#predict-file-wrong")).to_contain_text("above")
    tab.click("button:text-is('Leave the file that was given out')")
    submit(tab)
    expect(rows).to_have_count(1)


def test_a_long_list_is_sent_as_a_file(tab: Page) -> None:
    opened(tab, "/predict")
    tab.fill("#predict-compounds", "\n".join(f"{'C' * n}O alcohol{n}" for n in range(1, 101)))
    tab.fill("#predict-cell_lines", LINE)
    submit(tab)
    expect(tab.locator("main tbody tr")).to_have_count(100)
    assert "file=" in tab.url and "alcohol" not in tab.url


def test_what_is_wrong_is_said_beside_the_field(tab: Page, tmp_path: Path) -> None:
    def said(field: str, words: str) -> None:
        wrong = tab.locator(f"#predict-{field}-wrong")
        expect(wrong).to_contain_text(words)
        assert wrong.get_attribute("role") == "alert"
        own = tab.locator(f"#predict-{field}")
        expect(own).to_have_attribute("aria-invalid", "true")
        assert f"predict-{field}-wrong" in (own.get_attribute("aria-describedby") or "")

    opened(tab, "/predict")
    submit(tab)
    said("compounds", "Give a SMILES")
    tab.fill("#predict-compounds", "c1ccc")
    submit(tab)
    said("compounds", "unclosed ring")
    tab.fill("#predict-compounds", f"{DRUG}\nsynthetc-drug-0002")
    submit(tab)
    said("compounds", "line 2")
    tab.fill("#predict-compounds", DRUG)
    tab.fill("#predict-cell_lines", "nowhere-1")
    submit(tab)
    said("cell_lines", "nowhere-1")
    tab.fill("#predict-cell_lines", LINE)
    tab.select_option("#predict-tissue", TISSUE)
    submit(tab)
    said("tissue", "leave them or the tissue out")
    large = tmp_path / "large.smi"
    large.write_bytes(b"C\n" * (MOST_BYTES // 2 + 1))
    opened(tab, "/predict")
    tab.set_input_files("#predict-file", large)
    submit(tab)
    said("file", "5.0 MiB are allowed")
    (tmp_path / "packed.smi").write_bytes(b"\x1f\x8b\0\0")
    tab.set_input_files("#predict-file", tmp_path / "packed.smi")
    submit(tab)
    said("file", "is no text")


def test_no_text_is_taken_for_a_file_of_the_machine(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("gene,z\nSYNTHETICG00001,1\n")
    for field in ("compounds", "cell_lines"):
        given = {"ask": "1", "compounds": DRUG, field: str(secret)}
        shown = str(page_at(site.store, "/predict", urlencode(given)).component())
        assert f"predict-{field}-wrong" in shown and "html.Table" not in shown


def test_a_run_without_intervals_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pharmagraph.model.runs.many.certainty_of", lambda *_: None)
    given = urlencode({"ask": "1", "compounds": DRUG, "cell_lines": LINE})
    shown = str(page_at(site.store, "/predict", given).component())
    assert "this run has no intervals" in shown and "ends of the interval" not in shown


def test_more_pairs_than_a_page_predicts_are_refused_with_the_command(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pharmagraph.explorer.pages.predict.MOST_PAIRS", 10)
    shown = str(page_at(site.store, "/predict", urlencode({"compounds": DRUG})).component())
    assert "24 pairs are more than the 10" in shown and "cli predict --drugs compounds.csv" in shown


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 403),
        ({"X-Pharmagraph": "1", "Origin": "http://evil.example"}, 403),
        ({"X-Pharmagraph": "1", "Origin": "null"}, 403),
        ({"X-Pharmagraph": "1", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-Pharmagraph": "1", "X-File-Name": "a.exe"}, 400),
        ({"X-Pharmagraph": "1", "X-File-Name": "../../a.smi"}, 200),
    ],
)
def test_only_the_explorers_own_pages_upload(site: Site, headers: dict[str, str], code: int) -> None:
    request = urllib.request.Request(f"{site.url}/upload", data=b"CCO\n", headers=headers)
    assert answered(request) == code


def test_a_table_is_not_given_to_another_site(site: Site) -> None:
    asked: dict[str, Any] = {"of": f"/drug/{DRUG}", "file": "SYNTHETICDRUG0001-genes"}
    url = f"{site.url}/table.parquet?{urlencode(asked)}"
    assert answered(urllib.request.Request(url)) == 200
    assert answered(urllib.request.Request(url, headers={"Sec-Fetch-Site": "cross-site"})) == 403
    assert answered(urllib.request.Request(f"{site.url}/table.csv?of=/&file=none")) == 404


def answered(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_uploads_are_few_and_have_names_that_are_safe() -> None:
    uploads = Uploads()
    first = uploads.keep("..\\..\\$(rm -rf).smi", b"C")
    assert uploads.path(first).name == "rm--rf.smi"
    keys = [uploads.keep("a.smi", b"C") for _ in range(MOST_KEPT)]
    assert all(uploads.path(key).read_bytes() == b"C" for key in keys)
    with pytest.raises(InputError, match="choose it again"):
        uploads.path(first)
    for name, content, words in (
        ("a.smi", b" ", "empty"),
        ("a", b"C", "ends in"),
        ("a.csv", b"C" * (MOST_BYTES + 1), "MiB"),
    ):
        with pytest.raises(InputError, match=words):
            uploads.keep(name, content)

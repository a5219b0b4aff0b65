"""Downloads of public portals are told apart and read in the right units; every value is checked by hand.

The files are made up here, in the shape of those of the portals.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.shapes.recognise import recognise
from pharmagraph.ingest.sources import tables
from pharmagraph.kg.errors import InputError, RowError

GDSC_HEADER = (
    "DATASET,NLME_RESULT_ID,NLME_CURVE_ID,COSMIC_ID,CELL_LINE_NAME,SANGER_MODEL_ID,TCGA_DESC,DRUG_ID,DRUG_NAME,"
    "PUTATIVE_TARGET,PATHWAY_NAME,COMPANY_ID,WEBRELEASE,MIN_CONC,MAX_CONC,LN_IC50,AUC,RMSE,Z_SCORE"
)
LINES = {"A375": (906793, "ACH-000219"), "HT-29": (905939, "ACH-000552"), "MC-CAR": (683665, "ACH-000698")}
GDSC = {  # drug, drug id, line → ln IC50 and area; one drug was screened twice
    ("Erlotinib", 1, "A375"): (2.395685, 0.982114),
    ("Erlotinib", 1, "HT-29"): (3.140923, 0.984816),
    ("Erlotinib", 1, "MC-CAR"): (-1.25, 0.5),
    ("Erlotinib", 1168, "A375"): (3.395685, 0.882114),
    ("PLX-4720", 1036, "A375"): (-0.75, 0.61),
    ("PLX-4720", 1036, "HT-29"): (1.5, 0.9),
}
PRISM_HEADER = (
    "broad_id,depmap_id,ccle_name,screen_id,upper_limit,lower_limit,slope,r2,auc,ec50,ic50,name,moa,target,disease.area,"
    "indication,smiles,phase,passed_str_profiling,row_name"
)
SYMBOLS = ["EGFR (1956)", "TP53 (7157)", "C1orf112 (55732)", "BRAF (673)", "FLAT (9)"]
EXPRESSION = np.array([[5.25, 0.0, 4.5, 7.125, 1], [0.5, 6.75, 3.875, 8.0, 1], [3.0, 2.0, 6.0, 0.25, 1]])


def gdsc(folder: Path) -> Path:
    rows = [
        f"GDSC1,281,1580,{LINES[line][0]},{line},SIDM0000{n},SKCM,{id_},{drug},EGFR,RTK,1046,Y,0.0078,2,{ln},{auc},0.1,0.4"
        for n, ((drug, id_, line), (ln, auc)) in enumerate(GDSC.items())
    ]
    path = folder / "GDSC1_fitted_dose_response_27Oct23.csv"
    path.write_text("\n".join([GDSC_HEADER, *rows]) + "\n")
    return path


def prism(folder: Path, *rows: str) -> Path:
    path = folder / "secondary-screen-dose-response-curve-parameters.csv"
    path.write_text("\n".join([PRISM_HEADER, *rows]) + "\n")
    return path


def prism_row(
    line: str, ccle: str, run: str, auc: str, ic50: str, name: str, smiles: str, passed: str = "TRUE"
) -> str:
    return (
        f'BRD-K1,{line},{ccle},{run},1,0.1,1.5,0.9,{auc},0.3,{ic50},{name},EGFR inhibitor,"EGFR, ERBB2",oncology,,'
        f'"{smiles}",Launched,{passed},{line}_{run}'
    )


def model(folder: Path) -> None:
    rows = [
        f"{a},{n},{n.replace('-', '').upper()},{n.replace('-', '')}_SITE,{c},Skin,CVCL_0001"
        for n, (c, a) in LINES.items()
    ]
    rows.append("ACH-009999,NOWHERE,NOWHERE,,,Lung,")
    head = "ModelID,CellLineName,StrippedCellLineName,CCLEName,COSMICID,OncotreeLineage,RRID"
    (folder / "Model.csv").write_text("\n".join([head, *rows]) + "\n")


def matrix(folder: Path, values: np.ndarray, name: str, ids: list[str] | None = None) -> Path:
    ids = ids or [a for _, a in LINES.values()]
    rows = [",".join([i, *map(str, v)]) for i, v in zip(ids, values.tolist(), strict=True)]
    path = folder / name
    path.write_text("\n".join([",".join(["", *SYMBOLS]), *rows]) + "\n")
    return path


def read(place: Path, *, reject: bool = False) -> Bundle:
    return tables.read(place, Rejections(keep_going=reject), without_smiles=True, share=1.0)


def responses(bundle: Bundle) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    rows = bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    return {(r["src"], r["dst"]): (r["ln_ic50"], r["auc"]) for r in rows}


def node(bundle: Bundle, label: str, id_: str) -> dict[str, object]:
    return next(r for r in bundle.nodes[label].to_pylist() if r["id"] == id_)


def expression(bundle: Bundle) -> dict[tuple[str, str], float]:
    (profiles,) = bundle.profiles
    return {
        (c, g): float(profiles.values[i, j])
        for i, c in enumerate(profiles.cell_lines)
        for j, g in enumerate(profiles.genes)
    }


def standardised(column: np.ndarray) -> list[float]:
    mean = sum(column) / len(column)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in column) / len(column))
    return [(v - mean) / deviation for v in column]


def test_gdsc_is_read_in_ln_micromolar_and_repeats_are_averaged(tmp_path: Path) -> None:
    bundle = read(gdsc(tmp_path))
    expected = {
        (drug.upper().replace("-", ""), line.replace("-", "")): value
        for (drug, id_, line), value in GDSC.items()
        if (drug, line) != ("Erlotinib", "A375")
    } | {("ERLOTINIB", "A375"): ((2.395685 + 3.395685) / 2, (0.982114 + 0.882114) / 2)}
    found = responses(bundle)
    assert found.keys() == expected.keys()
    for pair, values in expected.items():
        assert found[pair] == pytest.approx(values, abs=1e-9)
    assert node(bundle, "CellLine", "HT29")["cosmic_id"] == 905939
    assert bundle.name == "GDSC1_fitted_dose_response_27Oct23"
    assert bundle.notes[0] == "found: GDSC fitted dose response (GDSC1_fitted_dose_response_27Oct23.csv)"
    assert "pairs that were measured more than once, and are averaged: 1" in bundle.notes


def test_two_releases_in_a_file_are_refused(tmp_path: Path) -> None:
    path = gdsc(tmp_path)
    text = path.read_text().splitlines()
    path.write_text("\n".join([*text, text[1].replace("GDSC1", "GDSC2")]))
    with pytest.raises(InputError, match="holds GDSC1 and GDSC2"):
        read(path)


def test_gdsc_takes_depmap_expression_and_structures_beside_it(tmp_path: Path) -> None:
    gdsc(tmp_path)
    model(tmp_path)
    matrix(tmp_path, EXPRESSION, "OmicsExpressionProteinCodingGenesTPMLogp1.csv")
    (tmp_path / "drugs.csv").write_text("drug,smiles\nErlotinib,CCO\n")
    (tmp_path / "README.txt").write_text("words\n")
    bundle = read(tmp_path)
    found = expression(bundle)
    for j, gene in enumerate(["EGFR", "TP53", "C1orf112", "BRAF"]):
        for line, z in zip(("A375", "HT29", "MCCAR"), standardised(EXPRESSION[:, j]), strict=True):
            assert found[line, gene] == pytest.approx(z, abs=6e-5)
    assert len(found) == 12
    assert [(r.value, r.kind) for r in bundle.rejected] == [("FLAT", "EXPRESSES")]
    assert node(bundle, "Gene", "EGFR")["entrez_id"] == 1956
    line = node(bundle, "CellLine", "A375")
    assert (line["depmap_id"], line["cosmic_id"], line["tissue"]) == ("ACH-000219", 906793, "skin")
    assert bundle.nodes["CellLine"].num_rows == 3 and node(bundle, "Drug", "ERLOTINIB")["smiles"] == "CCO"
    assert any(n.startswith("not read: ") and "README.txt" in n for n in bundle.notes)


def test_default_sequencings_of_the_newer_matrices_are_taken(tmp_path: Path) -> None:
    gdsc(tmp_path)
    model(tmp_path)
    head = ",SequencingID,ModelID,IsDefaultEntryForModel,ModelConditionID,IsDefaultEntryForMC," + ",".join(
        SYMBOLS
    )
    rows = [
        f"{i},CDS-{i},{a},{default},MC-1,Yes," + ",".join(map(str, values))
        for i, (a, default, values) in enumerate(
            [(a, "Yes", v) for (_, a), v in zip(LINES.values(), EXPRESSION.tolist(), strict=True)]
            + [("ACH-000219", "No", [9.0, 9.0, 9.0, 9.0, 9.0])]
        )
    ]
    (tmp_path / "expr.csv").write_text("\n".join([head, *rows]) + "\n")
    bundle = read(tmp_path)
    assert expression(bundle)["A375", "EGFR"] == pytest.approx(standardised(EXPRESSION[:, 0])[0], abs=6e-5)
    assert "sequencings that are not their cell line's default, and are left out: 1" in bundle.notes


def test_expression_without_names_of_its_lines_is_one_line(tmp_path: Path) -> None:
    gdsc(tmp_path)
    matrix(tmp_path, EXPRESSION, "expr.csv")
    with pytest.raises(InputError, match=r"all 3 cell lines are known by a DepMap id alone.*Model.csv"):
        read(tmp_path)


MATRICES = {
    "effects": (EXPRESSION / 8 - 0.7, "gene effects.*without responses"),
    "logarithms below 0": (EXPRESSION - 0.9, "no known shape"),
    "copy numbers": (np.linspace(0.8, 1.6, 15).reshape(3, 5), "relative copy numbers.*without responses"),
    "probabilities": (np.linspace(0.01, 0.99, 15).reshape(3, 5), "dependency probabilities"),
    "calls": (np.arange(15).reshape(3, 5) % 3, "matrix of mutations"),
    "TPM": (EXPRESSION * 40, "another scale than log2"),
    "expression": (EXPRESSION, "DepMap expression.*without responses"),
}


@pytest.mark.parametrize("kind", MATRICES)
def test_matrices_with_one_header_are_told_apart_by_their_values(tmp_path: Path, kind: str) -> None:
    values, said = MATRICES[kind]
    path = matrix(tmp_path, values, "m.csv")
    with pytest.raises(InputError, match=said) as caught:
        recognise(path)
    assert "\n" not in str(caught.value)


def test_prism_ic50_in_micromolar_becomes_its_logarithm(tmp_path: Path) -> None:
    path = prism(
        tmp_path,
        prism_row("ACH-000219", "A375_SKIN", "MTS010", "0.81", "1.5", "erlotinib", "CCO, CCN"),
        prism_row("ACH-000219", "A375_SKIN", "HTS002", "0.2", "90", "erlotinib", "CCO, CCN"),
        prism_row("ACH-000552", "HT29_LARGE_INTESTINE", "HTS002", "0.7", "", "erlotinib", "CCO, CCN"),
        prism_row("ACH-000698", "MCCAR_BLOOD", "HTS002", "0.3", "0.05", "erlotinib", "CCO", "FALSE"),
        prism_row("ACH-000552", "HT29_LARGE_INTESTINE", "MTS005", "0.4", "0.25", "olaparib", "CCCO"),
        prism_row("ACH-000552", "HT29_LARGE_INTESTINE", "MTS006", "0.6", "4", "olaparib", "CCCO"),
    )
    bundle = read(path)
    assert responses(bundle) == {
        ("ERLOTINIB", "A375"): (pytest.approx(math.log(1.5)), 0.81),
        ("ERLOTINIB", "HT29"): (None, 0.7),
        ("OLAPARIB", "HT29"): (pytest.approx(0.0, abs=1e-9), pytest.approx(0.5)),  # ln 1/4 and ln 4
    }
    assert sorted((r.reason, r.rows) for r in bundle.rejected) == [
        ("cell line that failed STR profiling", 1),
        ("earlier run of a pair that MTS010 measured", 1),
    ]
    line = node(bundle, "CellLine", "HT29")
    assert (line["depmap_id"], line["ccle_name"], line["tissue"]) == (
        "ACH-000552", "HT29_LARGE_INTESTINE", "large_intestine",
    )  # fmt: skip
    assert sorted(bundle.nodes["CellLine"]["id"].to_pylist()) == ["A375", "HT29"]
    drug = node(bundle, "Drug", "ERLOTINIB")
    assert (drug["smiles"], drug["mechanism"]) == ("CCO", "EGFR inhibitor")


def test_an_ic50_of_zero_is_a_bad_row(tmp_path: Path) -> None:
    path = prism(tmp_path, prism_row("ACH-000219", "A375_SKIN", "MTS010", "0.8", "0", "erlotinib", "CCO"))
    with pytest.raises(RowError, match='row 2, column ic50: "0" is not above 0'):
        read(path)


def ctrp(folder: Path) -> None:
    files = {
        "v20.data.curves_post_qc.txt": "experiment_id\tconc_pts_fit\tfit_num_param\tapparent_ec50_umol\t"
        "area_under_curve\t"
        "master_cpd_id\n1\t16\t3\t0.156\t14.782\t1788\n2\t16\t3\t10.01\t13.327\t1788\n3\t16\t3\t1.0\t12.327\t1788\n"
        "1\t16\t2\t33\t9.5\t3588\n",
        "v20.meta.per_compound.txt": "master_cpd_id\tcpd_name\tbroad_cpd_id\ttop_test_conc_umol\tcpd_status\t"
        "target_or_activity_of_compound\tcpd_smiles\n1788\tCIL55\tBRD-K1\t10\tprobe\tscreening hit\tCCO\n"
        "3588\tBRD4132\tBRD-K2\t160\tprobe\tscreening hit\tCCN\n99\tUNUSED\tBRD-K3\t1\tprobe\t\tCCC\n",
        "v20.meta.per_experiment.txt": "experiment_id\trun_id\texperiment_date\tculture_media\tmaster_ccl_id\n"
        "1\tR1\t20120501\tRPMI\t130\n1\tR2\t20120501\tRPMI\t130\n2\tR3\t20120501\tRPMI\t569\n3\tR4\t2012\tRPMI\t569\n",
        "v20.meta.per_cell_line.txt": "master_ccl_id\tccl_name\tccl_availability\tccle_primary_site\n130\tCAS1\tccle\t"
        "central_nervous_system\n569\t697\tccle\thaematopoietic_and_lymphoid_tissue\n5\tOTHER\tccle\tlung\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)


def test_ctrp_gives_areas_alone_found_by_number(tmp_path: Path) -> None:
    ctrp(tmp_path)
    bundle = read(tmp_path)
    assert responses(bundle) == {
        ("CIL55", "CAS1"): (None, 14.782),
        ("CIL55", "697"): (None, pytest.approx((13.327 + 12.327) / 2)),
        ("BRD4132", "CAS1"): (None, 9.5),
    }
    labels = bundle.edges["TESTED_ON", ("Drug", "CellLine")]["response"].to_pylist()
    assert labels == [None] * 3 and any("CTRP has no IC50" in n for n in bundle.notes)
    assert {r["id"]: r["smiles"] for r in bundle.nodes["Drug"].to_pylist()} == {
        "CIL55": "CCO",
        "BRD4132": "CCN",
    }
    assert node(bundle, "CellLine", "CAS1")["tissue"] == "central_nervous_system"
    assert bundle.nodes["CellLine"].num_rows == 2


def test_ctrp_without_its_other_tables_names_them(tmp_path: Path) -> None:
    ctrp(tmp_path)
    (tmp_path / "v20.meta.per_compound.txt").unlink()
    for place in (tmp_path, tmp_path / "v20.data.curves_post_qc.txt"):
        with pytest.raises(InputError, match=r"give a folder with v20\.meta\.per_compound\.txt"):
            read(place)


@pytest.mark.parametrize("refitted", [False, True])
def test_dreval_prefers_the_curves_fitted_again(tmp_path: Path, refitted: bool) -> None:
    more = ",LN_IC50_curvecurator,AUC_curvecurator" if refitted else ""
    rows = [
        "CVCL_1045,22Rv1,6914657,Daporinad,-4.25,0.37,Prostate",
        "CVCL_1082,BEN,6914657,Daporinad,,0.33,Lung",
    ]
    again = [",-3.5,0.4", ",1.25,0.6"] if refitted else ["", ""]
    text = [f"cellosaurus_id,cell_line_name,pubchem_id,drug_name,LN_IC50,AUC,tissue{more}"]
    path = tmp_path / "GDSC1.csv"
    path.write_text("\n".join([*text, *(r + a for r, a in zip(rows, again, strict=True))]))
    bundle = read(path)
    assert responses(bundle) == (
        {("DAPORINAD", "22RV1"): (-3.5, 0.4), ("DAPORINAD", "BEN"): (1.25, 0.6)}
        if refitted
        else {("DAPORINAD", "22RV1"): (-4.25, 0.37), ("DAPORINAD", "BEN"): (None, 0.33)}
    )
    assert node(bundle, "Drug", "DAPORINAD")["pubchem_cid"] == 6914657
    assert node(bundle, "CellLine", "BEN")["cellosaurus_id"] == "CVCL_1082"


def gct(version: str, values: np.ndarray) -> str:
    names = ["A375_SKIN", "HT29_LARGE_INTESTINE", "MCCAR_BLOOD"]
    genes = [("ENSG00000146648.17", "EGFR"), ("ENSG00000141510.11", "TP53"), ("ENSG00000157764.8", "BRAF")]
    body = ["\t".join([*gene, *map(str, values[:, j])]) for j, gene in enumerate(genes)]
    if version == "#1.2":
        return "\n".join(["#1.2", "3\t3", "\t".join(["Name", "Description", *names]), *body]) + "\n"
    above = "\t".join(["tissue", "na", "skin", "colon", "blood"])
    return "\n".join(["#1.3", "3\t3\t1\t1", "\t".join(["id", "pr_gene_symbol", *names]), above, *body]) + "\n"


SCALES = {
    "logarithms": (EXPRESSION[:, :3], lambda v: v),
    "RPKM": (EXPRESSION[:, :3] * 41.3, lambda v: np.log2(v + 1)),
    "counts": (
        np.array([[10, 200, 40], [500, 3, 7], [60, 60, 90]]),
        lambda v: np.log2(v / v.sum(axis=1, keepdims=True) * 1e6 + 1),
    ),
}


@pytest.mark.parametrize("version", ["#1.2", "#1.3"])
@pytest.mark.parametrize("scale", SCALES)
def test_gct_is_read_in_both_versions_on_its_scale(tmp_path: Path, version: str, scale: str) -> None:
    values, logarithm = SCALES[scale]
    gdsc(tmp_path)
    (tmp_path / "CCLE.gct").write_text(gct(version, values))
    found = expression(read(tmp_path))
    expected = logarithm(values)
    for j, gene in enumerate(["EGFR", "TP53", "BRAF"]):
        for line, z in zip(("A375", "HT29", "MCCAR"), standardised(expected[:, j]), strict=True):
            assert found[line, gene] == pytest.approx(z, abs=6e-5)


def test_a_gct_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    gdsc(tmp_path)
    text = gct("#1.2", EXPRESSION[:, :3])
    (tmp_path / "CCLE.gct").write_text("\n".join(text.splitlines()[:-1]))
    with pytest.raises(InputError, match="has 2 rows where row 2 says 3"):
        read(tmp_path)


def test_damaging_and_hotspot_mutations_of_default_sequencings_become_edges(tmp_path: Path) -> None:
    gdsc(tmp_path)
    model(tmp_path)
    head = "Chrom,HugoSymbol,LikelyLoF,Hotspot,EntrezGeneID,ModelID,IsDefaultEntryForModel"
    rows = [
        "chr7,BRAF,False,True,673,ACH-000219,Yes",
        "chr7,BRAF,False,True,673,ACH-000219,Yes",
        "chr17,TP53,True,False,7157,ACH-000552,Yes",
        "chr17,TP53,True,False,7157,ACH-000698,No",
        "chr1,TTN,False,False,7273,ACH-000219,Yes",
        "chr1,KRAS,False,True,3845,ACH-009999,Yes",
    ]
    (tmp_path / "OmicsSomaticMutations.csv").write_text("\n".join([head, *rows]) + "\n")
    bundle = read(tmp_path)
    edges = bundle.edges["MUTATED", ("CellLine", "Gene")].to_pylist()
    assert {(e["src"], e["dst"], e["value"]) for e in edges} == {("A375", "BRAF", 1.0), ("HT29", "TP53", 1.0)}
    assert len(edges) == 2 and bundle.nodes["Gene"]["id"].to_pylist() == ["BRAF", "TP53"]


def test_an_unknown_table_names_the_nearest_shape_and_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("DRUG_NAME,LINE,LN_IC50,COSMIC_ID\nA,B,1,2\n")
    said = "GDSC fitted dose response, of which DRUG_NAME, LN_IC50, COSMIC_ID are there and CELL_LINE_NAME is not"
    with pytest.raises(InputError, match=said) as caught:
        read(path)
    assert "\n" not in str(caught.value) and "cli ingest tables FOLDER --init" in str(caught.value)


def test_two_tables_of_responses_are_refused(tmp_path: Path) -> None:
    gdsc(tmp_path)
    (tmp_path / "mine.csv").write_text("drug,cell_line,ln_ic50\nA,B,1\n")
    said = r"has both GDSC1.* and mine\.csv, which give responses; only one is read. Say which in manifest"
    with pytest.raises(InputError, match=said):
        read(tmp_path)


def test_releases_in_a_folder_are_datasets_with_thresholds_of_their_own(tmp_path: Path) -> None:
    first = gdsc(tmp_path)
    second = tmp_path / "GDSC2_fitted_dose_response_27Oct23.csv"
    rows = [row.split(",") for row in first.read_text().splitlines()]
    for row in rows[1:]:
        row[0], row[15] = "GDSC2", str(float(row[15]) + 3)
    second.write_text("\n".join(",".join(row) for row in rows[:4]) + "\n")
    prism(tmp_path, prism_row("ACH-000219", "A375_SKIN", "MTS010", "0.81", "1.5", "erlotinib", "CCO, CCN"))
    bundle = tables.read(tmp_path, Rejections(), share=1.0, without_smiles=True, threshold="drug-median")
    edges = bundle.edges["TESTED_ON", ("Drug", "CellLine")].to_pylist()
    found = {(e["dataset"], e["src"], e["dst"]): (e["ln_ic50"], e["response"]) for e in edges}
    assert len(found) == len(edges) == 5 + 3 + 1
    assert found["GDSC2", "ERLOTINIB", "A375"] == (pytest.approx(2.395685 + 3), 1)
    assert found["GDSC2", "ERLOTINIB", "HT29"] == (pytest.approx(3.140923 + 3), 0)
    assert found["GDSC1", "ERLOTINIB", "A375"] == (pytest.approx((2.395685 + 3.395685) / 2), 1)
    assert found["PRISM", "ERLOTINIB", "A375"] == (pytest.approx(math.log(1.5)), None)
    cards = {card.id: card.part_of for card in bundle.datasets}
    whole = tmp_path.name
    assert cards == {whole: None, "GDSC1": whole, "GDSC2": whole, "PRISM": whole}
    assert node(bundle, "Drug", "ERLOTINIB")["smiles"] == "CCO"
    line = node(bundle, "CellLine", "A375")
    assert (line["cosmic_id"], line["depmap_id"]) == (906793, "ACH-000219")
    named = tables.read(tmp_path, Rejections(), name="mine", without_smiles=True)
    assert [card.id for card in named.datasets] == ["mine", "mine-GDSC1", "mine-GDSC2", "mine-PRISM"]


def test_two_files_of_one_release_are_refused(tmp_path: Path) -> None:
    text = gdsc(tmp_path).read_text()
    (tmp_path / "GDSC1_again.csv").write_text(text)
    with pytest.raises(InputError, match=r"has both .*, which give responses; only one is read"):
        read(tmp_path)


RATIOS = np.array([[1.0, 0.5, 0.0, 9.0, 1.2], [0.9, 1.1, 1.0, 2.0, 0.4], [1.0, 1.0, 1.3, 0.7, 0.95]])


def layer(bundle: Bundle, kind: str) -> dict[tuple[str, str], float]:
    (one,) = [p for p in bundle.profiles if p.kind == kind]
    return {
        (c, g): float(v)
        for c, row in zip(one.cell_lines, one.values, strict=True)
        for g, v in zip(one.genes, row, strict=True)
    }


def test_gene_effects_and_copy_numbers_are_layers_of_the_screen(tmp_path: Path) -> None:
    gdsc(tmp_path)
    model(tmp_path)
    effects = EXPRESSION / 8 - 0.7
    ids = [a for _, a in LINES.values()]
    matrix(tmp_path, effects, "CRISPRGeneEffect.csv")
    matrix(tmp_path, RATIOS, "OmicsCNGeneWGS.csv", [ids[0], ids[1], "ACH-009999"])
    bundle = read(tmp_path)
    lines, genes = ("A375", "HT29", "MCCAR"), ("EGFR", "TP53", "C1orf112", "BRAF", "FLAT")
    found = layer(bundle, "dependency")
    assert found == {
        (line, gene): pytest.approx(effects[i, j], abs=1e-6)
        for i, line in enumerate(lines)
        for j, gene in enumerate(genes)
    }
    edges = bundle.edges["DEPENDS_ON", ("CellLine", "Gene")].to_pylist()
    below = {
        (line, gene): effects[i, j]
        for i, line in enumerate(lines)
        for j, gene in enumerate(genes)
        if effects[i, j] < -0.5
    }
    assert {(e["src"], e["dst"]): e["effect"] for e in edges} == pytest.approx(below)
    copies = layer(bundle, "copy_number")
    assert copies["A375", "BRAF"] == pytest.approx(math.log2(9), abs=1e-4)
    assert copies["A375", "C1orf112"] == -6 and copies["A375", "EGFR"] == 0 and len(copies) == 10
    edges = bundle.edges["COPY_NUMBER", ("CellLine", "Gene")].to_pylist()
    assert {(e["src"], e["dst"]): round(e["value"], 3) for e in edges} == {
        ("A375", "C1orf112"): -6.0, ("A375", "BRAF"): 3.17, ("HT29", "FLAT"): -1.322,
    }  # fmt: skip
    assert node(bundle, "Gene", "BRAF")["entrez_id"] == 673
    assert any("copy numbers are taken for ratios" in note for note in bundle.notes)
    assert any(
        "OmicsCNGeneWGS.csv that are not in the screen, and are left out: 1" in note for note in bundle.notes
    )


def test_copy_numbers_without_an_amplified_gene_may_be_logarithms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gdsc(tmp_path)
    model(tmp_path)
    matrix(tmp_path, np.log2(RATIOS + 1), "OmicsCNGene.csv")
    with pytest.raises(
        InputError, match=r"no copy number of 15 is above 8; they may be ratios or log2\(ratio \+ 1\)"
    ):
        read(tmp_path)
    monkeypatch.setattr("pharmagraph.ingest.shapes.depmap_matrices._ENOUGH", 15)
    copies = layer(read(tmp_path), "copy_number")
    assert copies["A375", "BRAF"] == pytest.approx(math.log2(9), abs=1e-3)
    assert copies["A375", "TP53"] == pytest.approx(-1, abs=1e-3)


def test_layers_of_lines_that_nothing_names_are_refused(tmp_path: Path) -> None:
    gdsc(tmp_path)
    matrix(tmp_path, EXPRESSION / 8 - 0.5, "CRISPRGeneEffect.csv")
    with pytest.raises(
        InputError, match=r"none of its 3 cell lines is known to be in the screen; put DepMap's Model\.csv"
    ):
        read(tmp_path)


def test_a_long_table_alone_is_a_screen(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("drug,cell_line,ln_ic50\nA1,B,1\nA1,C,2.5\n")
    bundle = read(path)
    assert responses(bundle) == {("A1", "B"): (1.0, None), ("A1", "C"): (2.5, None)} and bundle.name == "mine"

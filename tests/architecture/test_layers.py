"""The order of the packages, the size of the modules and the way of a response label hold, and a breach is noticed."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping
from pathlib import Path

import pytest

from docs.architecture import (
    CHECKOUT,
    PACKAGE,
    Imports,
    cycles,
    imports,
    levels,
    modules,
    packages,
    picture,
)

LAYERS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("explorer.commands", "assistant.commands"),
    ("assistant.server",),
    ("explorer.server",),
    ("explorer.app",),
    ("explorer.pages",),
    ("explorer",),
    ("workflow",),
    ("model.commands", "ingest.commands", "cypher.commands"),
    ("kg.commands",),
    ("pharmagraph",),
    ("tools",),
    ("training", "evaluation", "queries", "opening"),
    ("run",),
    ("predictions",),
    ("suggesting",),
    ("rows",),
    ("model.reports",),
    ("model.explain", "model.evaluation.biomarkers"),
    ("model.runs", "model.evaluation"),
    ("model.certainty",),
    ("model.training", "model.baselines"),
    ("model.networks", "model.targets", "model.predictor"),
    ("model.inputs",),
    ("model.responses", "model.layers", "model.biology", "model.contrasts", "model.suggest"),
    ("model.launching",),
    ("model.ranks",),
    ("model.presets", "model.kernels", "model.metrics", "model.runtime", "model.side_by_side"),
    ("model.cores",),
    ("ingest", "cypher"),
    ("kg.neo4j.bulk_import",),
    ("kg",),
    ("kg.ladybug", "kg.neo4j"),
    ("kg.changes", "kg.schema_changes", "kg.statements", "kg.folders"),
    ("kg.schema",),
    ("kg.run_kinds", "kg.profile_kinds", "kg.ingest_kind", "kg.tables"),
    ("kg.layers",),
    ("kg.kinds",),
    ("kg.errors", "kg.descriptors", "kg.lazy_names", "kg.freed_memory", "kg.left_out"),
)
"""A module imports modules of its own entry and of lower lines, never another entry of its own line or a higher one.

The longest entry that a module's name begins with is its own. `kg.neo4j.bulk_import` reads any store, so it is
above `kg.store`, and the engines are below it.
"""

STRANGERS = {("kg", "ingest"), ("kg", "model"), ("ingest", "model"), ("model", "ingest")}
"""Folders of which the first imports nothing of the second, whatever the order of the layers allows."""

ENGINES = {"ladybug": "kg.ladybug", "neo4j": "kg.neo4j", "py2neo": "kg.neo4j"}
"""Database clients, and the one package that may import each."""

MAXIMUM_LEVELS, MAXIMUM_LINES, MAXIMUM_MEDIAN_LINES, MAXIMUM_FILES_OF_A_LABEL = 13, 400, 140, 8


def own(module: str) -> str:
    """A module's name without the library's."""
    return module.removeprefix(f"{PACKAGE}.")


def folder(module: str) -> str:
    """The folder at the top of the repository that a module is in."""
    return own(module).split(".")[0]


def entry(module: str) -> str | None:
    """The entry of `LAYERS` that a module belongs to."""
    name = own(module)
    fitting = [e for line in LAYERS for e in line if name == e or name.startswith(f"{e}.")]
    return max(fitting, key=len, default=None)


def breaches(graph: Imports) -> list[str]:
    """Imports against the order, and modules that have no place in it."""
    line_of = {e: number for number, line in enumerate(LAYERS) for e in line}
    found = []
    for module, imported in sorted(graph.items()):
        here = entry(module)
        if here is None:
            if imported:
                found.append(f"{own(module)} is in no layer; add its package to LAYERS")
            continue
        for other in sorted(imported):
            there = entry(other)
            against = there is not None and there != here and line_of[there] <= line_of[here]
            if against or (folder(module), folder(other)) in STRANGERS:
                found.append(f"{own(module)} imports {own(other)}, which it may not")
    return found


def clients(found: Mapping[str, Path]) -> list[str]:
    """Modules that import a database client outside its package."""
    wrong = []
    for module, file in sorted(found.items()):
        text = file.read_text(encoding="utf-8")
        for client, home in ENGINES.items():
            imported = re.search(rf"^\s*(import|from) {client}\b", text, re.MULTILINE)
            if imported and not own(module).startswith(f"{home}."):
                wrong.append(f"{own(module)} imports {client}, which only {home} may")
    return wrong


def lines(found: Mapping[str, Path]) -> dict[str, int]:
    """Lines of every module."""
    return {own(name): len(file.read_text(encoding="utf-8").splitlines()) for name, file in found.items()}


@pytest.fixture(scope="module")
def found() -> dict[str, Path]:
    return modules()


@pytest.fixture(scope="module")
def graph(found: dict[str, Path]) -> Imports:
    return imports(found)


def test_every_import_goes_down_and_none_to_a_stranger(graph: Imports) -> None:
    assert breaches(graph) == []


def test_only_the_engines_import_a_database_client(found: dict[str, Path]) -> None:
    assert clients(found) == []


def test_no_import_cycle(graph: Imports) -> None:
    assert cycles(graph) == []
    assert cycles(packages(graph)) == []


def test_the_packages_have_few_levels(graph: Imports) -> None:
    assert max(levels(packages(graph)).values()) <= MAXIMUM_LEVELS


def test_modules_are_short(found: dict[str, Path]) -> None:
    sizes = lines(found)
    assert {name: n for name, n in sizes.items() if n > MAXIMUM_LINES} == {}
    assert statistics.median(sizes.values()) <= MAXIMUM_MEDIAN_LINES


def test_a_label_passes_few_files_on_its_way_to_a_prediction() -> None:
    page = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.split("## The way of a response label", 1)[1].split("\n## ", 1)[0]
    files = re.findall(r"^\d+\. `([\w/]+\.py)`", section, re.MULTILINE)
    assert 2 <= len(files) <= MAXIMUM_FILES_OF_A_LABEL
    assert [f for f in files if not (CHECKOUT / f).is_file()] == []


# --- a breach is noticed ----------------------------------------------------------------------------------


def tree(folder: Path, files: Mapping[str, str]) -> Path:
    """A checkout with some modules."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("file", "text", "breach"),
    [
        ("kg/store.py", "from pharmagraph.ingest.load import load", "kg.store imports ingest.load"),
        (
            "ingest/load.py",
            "from pharmagraph.model.runs import saved",
            "ingest.load imports model.runs.saved",
        ),
        (
            "model/inputs/tensors.py",
            "def f():\n    import pharmagraph.model.runs.saved",
            "model.inputs.tensors imports model.runs.saved",
        ),
        (
            "model/runs/saved.py",
            "from pharmagraph.ingest import load",
            "model.runs.saved imports ingest.load",
        ),
        (
            "kg/ladybug/file.py",
            "from pharmagraph.kg.store import open_store",
            "kg.ladybug.file imports kg.store",
        ),
        ("model/new/thing.py", "from pharmagraph.kg import store", "model.new.thing is in no layer"),
    ],
)
def test_an_import_against_the_order_is_noticed(tmp_path: Path, file: str, text: str, breach: str) -> None:
    sound = {"kg/store.py": "", "ingest/load.py": "", "model/runs/saved.py": ""}
    allowed = tree(
        tmp_path / "sound", sound | {"cli.py": "", "model/runs/saved.py": "import pharmagraph.kg.store"}
    )
    assert breaches(imports(modules(allowed))) == []
    planted = imports(modules(tree(tmp_path / "planted", sound | {file: text})))
    (said,) = breaches(planted)
    assert said.startswith(breach)


def test_a_client_outside_its_engine_is_noticed(tmp_path: Path) -> None:
    found = modules(
        tree(tmp_path, {"kg/neo4j/store.py": "import neo4j", "kg/runs.py": "    from neo4j import Driver"})
    )
    assert clients(found) == ["kg.runs imports neo4j, which only kg.neo4j may"]


def test_a_cycle_is_noticed(tmp_path: Path) -> None:
    files = {
        "kg/a.py": "from pharmagraph.kg import b",
        "kg/b.py": "from pharmagraph.kg.c import name",
        "kg/c.py": "def f():\n    from pharmagraph.kg.a import other",
    }
    graph = imports(modules(tree(tmp_path, files)))
    assert cycles(graph) == [["pharmagraph.kg.a", "pharmagraph.kg.b", "pharmagraph.kg.c"]]


def test_levels_count_the_longest_way_down() -> None:
    between = {"a": {"b", "c"}, "b": {"c"}, "c": set[str](), "d": {"c"}}
    assert levels(between) == {"c": 1, "b": 2, "d": 2, "a": 3}


def test_the_picture_leaves_out_an_arrow_that_others_imply() -> None:
    drawn = picture({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    assert drawn.count("marker-end") == 2
    assert all(f">{name}</text>" in drawn for name in "abc")


def test_a_level_of_many_packages_is_wholly_in_the_picture() -> None:
    names = [f"model.package_{number}" for number in range(12)]
    drawn = picture({"cli": set(names), **{name: {"kg"} for name in names}, "kg": set()})
    found = re.search(r'viewBox="(\S+) \S+ (\S+) ', drawn)
    assert found is not None
    left, wide = float(found[1]), float(found[2])
    boxes = re.findall(r'<rect x="([-.\d]+)" y="[-.\d]+" width="([.\d]+)"', drawn)
    assert len(boxes) == 14
    assert all(left <= float(x) and float(x) + float(width) <= left + wide for x, width in boxes)

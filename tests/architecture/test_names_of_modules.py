"""Pages, docstrings and comments name only files and modules that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from docs.architecture import CHECKOUT

FOLDERS = ("kg", "ingest", "model", "cypher", "workflow", "benchmarks", "tests")
PATH = re.compile(rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w/*-]+(?:\.\w+)?(?![\w*])")
DOTTED = re.compile(rf"`(?:pharmagraph\.)?((?:{'|'.join(FOLDERS)})(?:\.\w+)+)")
RUN = re.compile(r"python -m ([\w.]+)")
MADE = "prebuilt"
"""In the path of files that a command makes; they need not be there."""
BARE = re.compile(r"`(\w+\.py)`")


def texts(checkout: Path) -> Iterator[tuple[Path, str]]:
    """Every page and source file of a checkout."""
    pages = [
        *checkout.glob("*.md"),
        *checkout.glob("docs/**/*.md"),
        *checkout.glob("docs/*.py"),
        checkout / "Makefile",
    ]
    sources = [
        p
        for f in FOLDERS
        for s in ("py", "yaml", "cpp", "h", "cypher")
        for p in (checkout / f).rglob(f"*.{s}")
    ]
    for path in sorted({*pages, *sources}):
        if path.is_file() and path.parent != Path(__file__).parent:
            yield path, path.read_text(encoding="utf-8")


@cache
def _defined(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = {n.name for n in ast.walk(tree) if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    names |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    imported = (n.names for n in ast.walk(tree) if isinstance(n, ast.ImportFrom))
    return frozenset(names | {alias.asname or alias.name for aliases in imported for alias in aliases})


def exists(dotted: str, checkout: Path) -> bool:
    """Whether a dotted name is a package, a module, or something that one defines."""
    path, parts = checkout, dotted.removeprefix("pharmagraph.").split(".")
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if parts and (path / f"{parts[0]}.py").is_file():
        file = path / f"{parts.pop(0)}.py"
    elif (path / "__init__.py").is_file():
        file = path / "__init__.py"
    else:
        return False
    return not parts or parts[0].isupper() or parts[0] in _defined(file)


def strangers(checkout: Path) -> list[str]:
    """Names of files and modules that do not exist, each with the file that names it."""
    bare = {p.name for f in (*FOLDERS, "docs") for p in (checkout / f).rglob("*.py")} | {"cli.py", "setup.py"}
    bare |= {"model.py", "cli.py"}  # a user's own, in the example of names that would clash
    found = []
    for file, text in texts(checkout):
        where = file.relative_to(checkout)
        for path in PATH.findall(text):
            if MADE not in path and not any(checkout.glob(path.rstrip("/"))):
                found.append(f"{where}: {path}")
        runs = [m for m in RUN.findall(text) if m.startswith(("pharmagraph.", *(f"{f}." for f in FOLDERS)))]
        dotted = [
            name for name in DOTTED.findall(text) if not name.endswith(".py")
        ]  # a file, looked at below
        for name in [*dotted, *runs]:
            if not exists(name, checkout):
                found.append(f"{where}: {name}")
        found += [f"{where}: {name}" for name in BARE.findall(text) if name not in bare]
        found += [
            f"{where}: python -m {name}"
            for name in runs
            if not name.startswith(("pharmagraph.", "benchmarks.", "tests."))
        ]
    return found


def test_pages_and_docstrings_name_what_exists() -> None:
    assert strangers(CHECKOUT) == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("see `kg.old_store`", "kg.old_store"),
        ("see kg/old_store.py for it", "kg/old_store.py"),
        ("`kg.store.no_such_thing` does it", "kg.store.no_such_thing"),
        ("print it: python -m kg.store", "python -m kg.store"),
        ("as `old_store.py` has it", "old_store.py"),
    ],
)
def test_a_name_of_nothing_is_noticed(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "kg").mkdir()
    text_of_store = '"""Opens; see `kg.store.open_store` and kg/store.py."""\ndef open_store(): ...\n'
    (tmp_path / "kg" / "store.py").write_text(text_of_store)
    assert strangers(tmp_path) == []
    (tmp_path / "page.md").write_text(text)
    assert strangers(tmp_path) == [f"page.md: {named}"]

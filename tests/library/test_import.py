"""What the library's name holds, and what its import loads."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

import pharmagraph as pg

HEAVY = {"torch", "dgl", "pandas", "pyarrow", "numpy", "scipy", "ladybug", "neo4j", "rdkit", "rich"}


def printed(script: str, cwd: Path) -> str:
    done = subprocess.run([sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_import_loads_nothing_but_the_package_itself(tmp_path: Path) -> None:
    script = (
        "import sys, typing, importlib; before = set(sys.modules); import pharmagraph; dir(pharmagraph);"
        "print(sorted(m for m in set(sys.modules) - before if m.split('.')[0] not in sys.stdlib_module_names))"
    )
    assert printed(script, tmp_path) == "['pharmagraph']"


def test_errors_a_store_and_a_run_load_neither_torch_nor_pandas(tmp_path: Path) -> None:
    script = (
        "import sys, pharmagraph as pg; pg.errors.InputError; pg.open_store; pg.Run; pg.train; pg.query; pg.evaluate;"
        "pg.ingest; print(sorted({'torch', 'dgl', 'pandas', 'scipy', 'rdkit'} & set(sys.modules)))"
    )
    assert printed(script, tmp_path) == "[]"


def test_help_of_the_command_loads_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys, pharmagraph.cli as cli; sys.argv = ['cli', '--help']\n"
        "try: cli.main()\n"
        f"finally: print(sorted({HEAVY} & set(sys.modules)))"
    )
    assert printed(script, tmp_path) == "[]"


def test_more_processes_than_cores_are_refused_before_torch_is_loaded(tmp_path: Path) -> None:
    script = (
        "import sys, pharmagraph.cli as cli; sys.argv = ['cli', 'train', '--devices', '999', '--device', 'cpu']\n"
        "try: cli.main()\n"
        "except SystemExit as end: print(end.code, sorted({'torch', 'dgl', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    assert printed(script, tmp_path) == "1 []"


@pytest.mark.parametrize("package", [pg, pg.ingest])
def test_every_name_is_there_and_listed(package: object) -> None:
    names = package.__all__  # type: ignore[attr-defined]
    assert dir(package) == sorted(names)
    for name in names:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_submodules_are_imported_by_their_own_path() -> None:
    from pharmagraph.ingest import commands, sources
    from pharmagraph.kg import errors

    assert pg.errors is errors and commands.app and sources


def test_types_are_for_the_user_too() -> None:
    assert (files("pharmagraph") / "py.typed").is_file()

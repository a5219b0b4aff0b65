"""Fixtures that every test folder shares."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("DGLBACKEND", "pytorch")
if "PYTEST_XDIST_WORKER" in os.environ:
    # workers share the cores: two that take all of them wait for each other in every parallel region
    os.environ.setdefault("OMP_NUM_THREADS", "1")
if not Path("/dev/nvidiactl").exists():
    # Triton decides at its import whether it interprets, and any test may be the first to import it
    os.environ.setdefault("TRITON_INTERPRET", "1")

# how fast examples are drawn says how busy the machine is, and nothing of what is tested
hypothesis.settings.register_profile("busy", suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")

CHECKOUT = Path(__file__).resolve().parent.parent
_MODULES = pytest.StashKey[int]()
"""How many modules were imported when garbage was last collected for good."""

LONGEST = (
    "tests/golden/test_golden.py",
    "tests/integration/test_faults_neo4j.py",
    "tests/explorer/test_pages.py",
    "tests/unit/model/kernels/test_kernels.py",
    "tests/cli/test_cli.py",
    "tests/unit/model/evaluation/test_evaluation.py",
    "tests/integration/test_neo4j_errors.py",
    "tests/integration/test_db_commands.py",
    "tests/store/test_ladybug_faults.py",
    "tests/unit/model/training/test_training.py",
    "tests/unit/model/training/test_leakage.py",
    "tests/integration/test_predict_new.py",
    "tests/faults/test_kill_anywhere.py",
    "tests/faults/test_kill_anywhere_neo4j.py",
    "tests/integration/test_train.py",
    "tests/library/test_wheel.py",
    "tests/integration/test_interpreters.py",
    "tests/integration/test_run_targets.py",
)
"""Files that take longest, which begin first: begun last, one keeps a worker busy for minutes while the others have
nothing to do."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first where workers share the tests; `--no-loadscope-reorder` keeps the order."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    order = {CHECKOUT / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave what imports made out of every later collection of garbage.

    All imports make 800,000 objects that live to the end, and a fit collects garbage a few times: half a second each.
    """
    if len(sys.modules) > item.config.stash.get(_MODULES, 0) + 100:
        gc.collect()
        gc.freeze()
        item.config.stash[_MODULES] = len(sys.modules)


@pytest.fixture(scope="session")
def benchmark_data() -> Path:
    """The benchmark data beside the checkout; the test is skipped where it is not."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"the benchmark data is not beside the checkout ({folder})")
        pytest.skip("benchmark data is not beside the checkout")
    return folder


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in its own folder, so that a default store or run never lands in the checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHARMAGRAPH_STORE", raising=False)

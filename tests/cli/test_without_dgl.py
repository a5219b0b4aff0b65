"""What needs no DGL runs where DGL cannot be imported: an import of it is blocked in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'dgl':
            raise ModuleNotFoundError('blocked: ' + name)
sys.meta_path.insert(0, Blocker())
from pharmagraph import cli
def run(*words):
    sys.argv = ['cli', *words]
    try:
        cli.main()
    except SystemExit as end:
        return end.code or 0
    return 0
"""


def _python(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + script],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_loop_runs_and_a_run_is_read_again_without_dgl(tmp_path: Path) -> None:
    done = _python(
        """
assert run('ingest', 'synthetic', '--drugs', '24', '--cells', '20', '--genes', '60', '--quiet') == 0
assert run('export', 'heterograph', 'graph') == 0
assert run('train', '--preset', 'fast', '--epochs', '2', '--promote', '--quiet') == 0
assert run('predict', '--drug', 'synthetic-drug-0001') == 0
from pathlib import Path
from pharmagraph.kg.heterograph import load
(place,) = Path('runs').iterdir()
assert load(Path('graph')).fingerprint() == load(place / 'graph').fingerprint()
assert run('export', 'dgl', 'for-dgl') == 1
assert not Path('for-dgl').exists() and 'dgl' not in sys.modules
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (refusal,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "no wheel for a Python above 3.11" in refusal and "cli export heterograph" in refusal

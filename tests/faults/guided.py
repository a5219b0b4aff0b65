"""Searches for inputs at which a parser fails, guided by which of its lines they reach (atheris).

    python -m tests.faults.guided FOLDER SECONDS PARSER...

Each parser has a process of its own, forked after the imports, and a folder of its name: `counted.json` holds how many
inputs were tried and the slowest, `printed.txt` what the library said, and an input that failed is kept beside them.
The exit code is the number of parsers that failed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pharmagraph", "yaml"]):
    from tests.faults.parsers import PARSERS
    from tests.faults.test_fuzz import attempt

MEMORY_MB = 4096
"""Resident memory of the process, above which an input has failed."""
LONGEST_WORD = 60
"""Bytes of a word that the library takes."""
EVERY = 100
"""Inputs after which the count is written: nothing runs after the last."""


def escaped(word: bytes) -> str:
    """A word as the library reads it in a dictionary."""
    return "".join(f"\\x{byte:02x}" for byte in word)


def fuzz(name: str, seconds: str, folder: Path) -> None:
    """Fuzz a parser for some seconds; the library ends the process."""
    parser = PARSERS[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "sound").write_bytes(parser.sound)
    words = folder / "words.txt"
    words.write_text("".join(f'"{escaped(word)}"\n' for word in parser.words if len(word) < LONGEST_WORD))
    counted, slowest = 0, 0.0

    def one(tried: bytes) -> None:
        nonlocal counted, slowest
        taken = attempt(parser, tried)
        counted += 1
        if taken > slowest or counted % EVERY == 0:
            slowest = max(slowest, taken)
            (folder / "counted.json").write_text(json.dumps({"cases": counted, "slowest": round(slowest, 3)}))

    options = [
        f"-max_total_time={seconds}", f"-dict={words}", "-max_len=4000", "-timeout=20", f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={folder}/", "-seed=1", "-verbosity=0",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


def main(place: str, seconds: str, *names: str) -> None:
    """Fuzz parsers one after another."""
    failed = 0
    for name in names:
        folder = Path(place) / name
        folder.mkdir()
        if (child := os.fork()) == 0:
            out = os.open(folder / "printed.txt", os.O_CREAT | os.O_WRONLY)
            os.dup2(out, 1)
            os.dup2(out, 2)
            fuzz(name, seconds, folder)
            os._exit(0)
        failed += os.waitpid(child, 0)[1] != 0
    sys.exit(failed)


if __name__ == "__main__":
    main(*sys.argv[1:])

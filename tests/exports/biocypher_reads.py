"""Gives the files of an export to BioCypher, which writes what Neo4j imports; takes the folder and the output."""

import json
import sys
from pathlib import Path

from biocypher import BioCypher

folder, out = map(Path, sys.argv[1:])
reader = BioCypher(
    biocypher_config_path=str(folder / "biocypher_config.yaml"),
    schema_config_path=str(folder / "schema_config.yaml"),
    output_directory=str(out),
)
for name, write in (("nodes", reader.write_nodes), ("edges", reader.write_edges)):
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    write(tuple(json.loads(line)) for line in lines if line)
reader.write_import_call()

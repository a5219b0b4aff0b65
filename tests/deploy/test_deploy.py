"""The Dockerfile, docker-compose.yml and deploy/kubernetes: what holds without an engine, and the image with one."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.cli.typed import typed

CHECKOUT = Path(__file__).resolve().parents[2]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
KUBERNETES = CHECKOUT / "deploy" / "kubernetes"
ITEMS: list[dict[str, Any]] = yaml.safe_load((KUBERNETES / "pharmagraph.yaml").read_text())["items"]


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of `cli` that a service or a job runs."""
    for name, service in COMPOSE["services"].items():
        if "command" in service:
            yield f"compose {name}", service["command"]
    for item in ITEMS:
        for container in _containers(item):
            yield f"kubernetes {item['metadata']['name']}", container["args"]


def _containers(item: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        item.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    )
    return found


@pytest.mark.parametrize("words", [pytest.param(words, id=name) for name, words in _commands()])
def test_every_service_and_job_runs_a_command_with_options_that_it_has(words: list[str]) -> None:
    """Options are read before ``--help`` is answered, so a wrong one ends in an error."""
    assert typed(*words, "--help").returncode == 0
    assert typed(*words, "--no-such-option", "--help").returncode == 2


def test_the_image_is_not_root_and_keeps_its_graph_in_the_volume() -> None:
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    user = re.search(r"^USER (\d+)$", last, re.MULTILINE)
    assert user is not None and int(user[1]) > 0
    assert last.index("\nUSER ") < last.index("\nENTRYPOINT ")
    assert "VOLUME /data" in last and "PHARMAGRAPH_STORE=ladybug:///data/" in last
    for item in ITEMS:
        for container in _containers(item):
            spec = item["spec"]["template"]["spec"]
            assert spec["securityContext"]["runAsUser"] == int(user[1])
            assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/data"]


def test_the_build_gets_what_it_copies_and_no_graph_or_environment() -> None:
    kept = {
        line[1:] for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert all((CHECKOUT / name).exists() for name in kept)
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert copied - {"."} <= kept
    linked = {link.readlink().parts[1] for link in (CHECKOUT / "pharmagraph").iterdir() if link.is_symlink()}
    assert linked <= kept  # the package is made of links to folders beside it


def test_the_libraries_of_the_image_are_those_of_the_lock(tmp_path: Path) -> None:
    """The line of the Dockerfile that lists them, run here."""
    script = re.search(r"RUN python -c (\".+?\") > wanted.txt", DOCKERFILE)
    assert script is not None
    (program,) = shlex.split(script[1])
    wanted = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    names = {re.split(r"[\[<>=!;~ ]", line, maxsplit=1)[0].lower() for line in wanted}
    locked = {
        line.split("==")[0].strip() for line in (CHECKOUT / "requirements.lock").read_text().splitlines()
    }
    assert {"torch", "neo4j", "ladybug", "mcp"} <= names
    assert names - {"dgl"} <= locked | {"xgboost", "setuptools"}


@pytest.mark.skipif(shutil.which("ldd") is None, reason="ldd lists the libraries of a module on Linux alone")
def test_the_image_has_the_libraries_with_which_structures_are_drawn() -> None:
    """RDKit's wheel takes them from the system, and the slim image of Python has none of them."""
    from rdkit.Chem.Draw import rdMolDraw2D

    said = subprocess.run(["ldd", rdMolDraw2D.__file__], capture_output=True, text=True, check=True).stdout
    environment = str(Path(rdMolDraw2D.__file__).parents[3])
    of_system = {
        line.split(".so")[0].strip() for line in said.splitlines() if "=>" in line and environment not in line
    }
    packages = {"libXext": "libxext6", "libXrender": "libxrender1", "libexpat": "libexpat1"}
    assert packages.keys() <= of_system  # or one is not needed any more
    of_image = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert all(f" {package} " in of_image for package in packages.values())


def test_the_training_of_a_cluster_waits_and_fits_on_the_cores_that_it_asks_for() -> None:
    (job,) = (item for item in ITEMS if item["metadata"]["name"] == "pharmagraph-train")
    assert job["spec"]["suspend"] is True  # or it would be fitted to what is loaded so far
    (train,) = _containers(job)
    asked = int(train["resources"]["requests"]["cpu"])
    assert int(train["args"][train["args"].index("--workers") + 1]) == asked


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: f"{item['kind']} {item['metadata']['name']}")
def test_kubernetes_takes_it(item: dict[str, Any]) -> None:
    kubernetes_validate.validate(item, "1.30", strict=True)
    broken = json.loads(json.dumps(item)) | {"metadata": {"name": ["a list"]}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.30", strict=True)


def test_no_password_or_token_stands_in_a_file() -> None:
    secret = re.compile(r"(PASSWORD|TOKEN|AUTH)[A-Z_]*(: |=)[\"']?(neo4j/)?(?![\\\"'$…\s]|neo4j/)\S")
    assert secret.search("NEO4J_AUTH: neo4j/a-password") and secret.search('TOKEN="abc"')
    for file in (CHECKOUT / "docker-compose.yml", CHECKOUT / "Dockerfile", *KUBERNETES.glob("*.yaml")):
        assert secret.search(file.read_text()) is None, file.name


@pytest.mark.packaging
@pytest.mark.timeout(1800)
def test_the_image_is_built_and_answers() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True).returncode:
        pytest.skip("no Docker engine answers here")
    subprocess.run([docker, "build", "--tag", "pharmagraph-test", str(CHECKOUT)], check=True)
    run = [docker, "run", "--rm", "pharmagraph-test"]
    kernels = "from pharmagraph.model.kernels import build; print(*build.PREBUILT.glob('*.so'))"
    python = [docker, "run", "--rm", "--entrypoint", "python", "pharmagraph-test", "-c", kernels]
    assert ".so" in subprocess.run(python, capture_output=True, text=True, check=True).stdout
    drawn = "from pharmagraph.kg.structure_picture import svg; print(svg('CCO'))"
    python[-1] = drawn
    assert "<svg" in subprocess.run(python, capture_output=True, text=True, check=True).stdout
    said = subprocess.run([*run, "ingest", "synthetic"], capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr

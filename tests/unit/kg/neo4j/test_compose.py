"""docker-compose.yml: what must hold without a Docker engine to try it on."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from pharmagraph.kg.commands import db as db_commands
from pharmagraph.kg.errors import InputError

FILE: dict[str, Any] = yaml.safe_load(db_commands.COMPOSE.read_text())


def test_every_port_is_on_loopback_only() -> None:
    ports = [port for service in FILE["services"].values() for port in service.get("ports", [])]
    assert len(ports) >= 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_file_cannot_be_used_without_a_password() -> None:
    text = db_commands.COMPOSE.read_text()
    assert text.count("${NEO4J_PASSWORD") == text.count("${NEO4J_PASSWORD:?") > 0


def test_the_data_outlive_the_container() -> None:
    service = FILE["services"]["neo4j"]
    assert service["image"] == "neo4j:5.26-community"
    named = {volume.partition(":")[0] for one in FILE["services"].values() for volume in one["volumes"]}
    assert named == set(FILE["volumes"]) and service["volumes"]


@pytest.mark.parametrize("password", ["with/slash", "-dashed-password", "short"])
def test_a_password_that_the_image_would_print_is_refused(password: str) -> None:
    with pytest.raises(InputError) as caught:
        db_commands._require_fit_for_image(password)
    assert password not in str(caught.value)

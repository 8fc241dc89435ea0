"""Dockerfile and compose.yaml, as far as can be told without Docker."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from support.paths import ROOT
from support.service import serving
from typer.main import get_command

from fingerprint_sdk.cli import app

DOCKERFILE = (ROOT / "Dockerfile").read_text()
HADOLINT = Path(sys.executable).with_name("hadolint")


def instruction(name: str) -> str:
    """The last one of a name, on one line."""
    text = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return re.findall(rf"^{name} (.+)$", text, re.MULTILINE)[-1]


def options() -> set[str]:
    command: Any = get_command(app)
    return {option for p in command.commands["serve"].params for option in p.opts}


@pytest.fixture
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not installed")
def test_the_dockerfile_passes_its_linter() -> None:
    done = subprocess.run(
        [HADOLINT, "--failure-threshold", "style", ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_that_the_wheel_is_built_of_is_copied() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    assert copied == needed | {*wheel["packages"], *wheel["force-include"]}
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_it_runs_the_service_as_nobody_special() -> None:
    command = json.loads(instruction("ENTRYPOINT")) + json.loads(instruction("CMD"))
    assert command[:2] == ["fingerprint", "serve"]
    assert {word for word in command if word.startswith("--")} <= options()
    assert not instruction("USER").startswith(("0", "root"))
    assert "KEY" not in instruction("ENV")


def test_its_health_check_tells_a_server_from_none(model: list[str], tmp_path: Path) -> None:
    check = json.loads(instruction("HEALTHCHECK").partition(" CMD ")[2])
    assert check[:2] == ["python", "-c"]

    def code(port: object) -> int:
        program = check[2].replace("8000", str(port))
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
        return ran.returncode

    with serving(tmp_path, *model) as server:
        port = urlsplit(server.address).port
        assert code(port) == 0
    assert code(port) == 1


def test_the_compose_file_fits_the_image(compose: Any) -> None:
    service, database = compose["services"]["fingerprint"], compose["services"]["database"]
    assert {word for word in service["command"] if word.startswith("--")} <= options()
    assert f"/run/secrets/{service['secrets'][0]}" in service["command"]
    address = urlsplit(service["command"][service["command"].index("--galleries") + 1])
    assert address.hostname in compose["services"]
    made = database["environment"]
    assert (address.username, address.path) == (made["POSTGRES_USER"], "/" + made["POSTGRES_DB"])
    assert service["environment"]["PGPASSWORD"] == made["POSTGRES_PASSWORD"]
    assert service["depends_on"]["database"]["condition"] == "service_healthy"
    assert "postgres" in re.findall(r"\[(.+?)\]\"", instruction("RUN"))[-1].split(",")
    assert service["ports"] == [f"127.0.0.1:8000:{instruction('EXPOSE')}"]
    assert database["image"].startswith("pgvector/pgvector:pg")
    assert {volume.partition(":")[0] for volume in database["volumes"]} == set(compose["volumes"])
    assert set(service["secrets"]) == set(compose["secrets"])
    folders = {Path(secret["file"]).parts[0] for secret in compose["secrets"].values()}
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {f"/{folders.pop()}/", "/.env"} <= set(ignored)
    assert not folders

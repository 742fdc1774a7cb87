"""`greenwater token`: a secret shown once, kept as a hash, ended for good."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.token import app
from greenwater.kernel.errors import InputError, MissingError
from greenwater.storage.registry import open_registry
from tests.templates import empty_registry

NOW_MS = 1_780_000_000_000


def run(*words: str) -> str:
    found = CliRunner().invoke(app, words, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_a_token_is_made_listed_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = empty_registry(tmp_path / "registry.db")
    monkeypatch.setenv("GREENWATER_HOME", str(tmp_path))
    monkeypatch.setenv("GREENWATER_REGISTRY_URL", url)
    monkeypatch.setenv("GREENWATER_CLOCK", "2026-11-23T00:00:00Z*1")
    with open_registry(url) as registry:
        registry.add_organisation("hoa", "Hộ Hòa")
        registry.add_person("lan", "Lan")
    made = run("add", "hoa", "--name", "Excel", "--scope", "goods:write", "--scope",
               "telemetry:read", "--days", "30", "--person", "lan")  # fmt: skip
    head, row = made.split()
    assert head == "id,token"
    id_, secret = row.split(",")
    assert secret.encode() not in (tmp_path / "registry.db").read_bytes()
    (listed,) = json.loads(run("list", "hoa", "--json"))
    assert listed["id"] == id_
    assert (listed["scopes"], listed["made_by"], listed["revoked"]) == (
        ["goods:write", "telemetry:read"], "lan", None,
    )  # fmt: skip
    assert listed["expires"].startswith("2026-12-23")
    run("revoke", id_)
    assert "revoked 2026-11-23" in run("list", "hoa")
    assert secret not in run("list", "hoa")
    for words, error in (
        (("add", "hoa", "--name", "x", "--scope", "everything"), InputError),
        (("add", "nobody", "--name", "x", "--scope", "goods:read"), MissingError),
        (("add", "hoa", "--name", "x", "--scope", "goods:read", "--days", "401"), InputError),
        (("revoke", "x"), MissingError),
    ):  # fmt: skip
        with pytest.raises(error):
            run(*words)

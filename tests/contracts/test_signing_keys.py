"""Keys that sign labels: rotated, withdrawn, published."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from typer.testing import CliRunner

from cli.main import build
from greenwater.kernel.errors import ConfigError, InputError, MissingError
from greenwater.kernel.reading import DAY_MS
from greenwater.storage.registry import Registry
from tests.contracts.registries import NOW
from tests.vectors.make_labels import label
from traceability.proof.keys import (
    is_signing,
    jwks_document,
    keys_document,
    open_signer,
    revoke,
    rotate,
)
from traceability.proof.verify import Code, check

LATER = NOW + 5 * DAY_MS


def code(registry: Registry, text: str, at_ms: int) -> Code:
    return check(text, keys_document(registry.signing_keys()), None, at_ms).code


def test_after_a_rotation_old_labels_stay_good_a_while(
    registry: Registry, tmp_path: Path
) -> None:
    first = open_signer(tmp_path, registry, NOW)
    text = label(first)
    second = rotate(tmp_path, registry, LATER, kept_days=10)

    assert open_signer(tmp_path, registry, LATER).kid == second.kid != first.kid
    assert (is_signing(registry, first.kid), is_signing(registry, second.kid)) == (
        False, True,
    )  # fmt: skip
    ends_ms = LATER + 10 * DAY_MS
    assert code(registry, text, ends_ms - 1) is Code.VALID
    assert code(registry, text, ends_ms) is Code.EXPIRED
    rotate(tmp_path, registry, LATER + DAY_MS, kept_days=500)
    assert code(registry, text, ends_ms) is Code.EXPIRED, (
        "an end stays where it was set"
    )


def test_a_clock_that_is_behind_does_not_bring_an_old_key_back(
    registry: Registry, tmp_path: Path
) -> None:
    open_signer(tmp_path, registry, LATER)
    made = rotate(tmp_path, registry, NOW)
    assert open_signer(tmp_path, registry, LATER).kid == made.kid


def test_a_key_that_was_lost_is_withdrawn_for_ever(
    registry: Registry, tmp_path: Path
) -> None:
    lost = open_signer(tmp_path, registry, NOW)
    made = revoke(tmp_path, registry, lost.kid, LATER)

    assert made is not None
    assert open_signer(tmp_path, registry, LATER).kid == made.kid
    assert code(registry, label(lost), NOW) is Code.REVOKED
    assert revoke(tmp_path, registry, lost.kid, LATER + 1) is None, "and another stays"
    with pytest.raises(MissingError):
        revoke(tmp_path, registry, "aaaaaaaa", LATER)
    with pytest.raises(InputError, match="at least one"):
        rotate(tmp_path, registry, LATER, kept_days=0)


def test_a_site_whose_newest_key_is_withdrawn_does_not_start(
    registry: Registry, tmp_path: Path
) -> None:
    lost = open_signer(tmp_path, registry, NOW)
    registry.revoke_signing_key(lost.kid, at_ms=LATER)
    with pytest.raises(ConfigError, match="keys rotate"):
        open_signer(tmp_path, registry, LATER)


def test_a_file_that_holds_no_such_key_is_named(
    registry: Registry, tmp_path: Path
) -> None:
    other = Ed448PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for raw, why in ((b"", "not a private key"), (other, "not an Ed25519 key")):
        (tmp_path / "1.pem").write_bytes(raw)
        with pytest.raises(ConfigError, match=rf"1\.pem is {why}: restore it"):
            open_signer(tmp_path, registry, NOW)


def test_a_rotation_that_is_cut_short_leaves_the_old_key(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_signer(tmp_path, registry, NOW)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rotate(tmp_path, registry, LATER)
    assert open_signer(tmp_path, registry, LATER).kid == first.kid
    assert {one.stat().st_mode & 0o777 for one in tmp_path.glob("*.pem")} == {0o600}


def test_keys_are_published_as_a_web_key_set(
    registry: Registry, tmp_path: Path
) -> None:
    first = open_signer(tmp_path, registry, NOW)
    rotate(tmp_path, registry, LATER, kept_days=10)
    registry.revoke_signing_key(first.kid, at_ms=LATER)
    old, new = jwks_document(registry.signing_keys())["keys"]
    assert old["kid"] == first.kid
    assert (old["kty"], old["crv"], old["alg"]) == ("OKP", "Ed25519", "EdDSA")
    assert old["exp"] == (LATER + 10 * DAY_MS) // 1000
    assert old["revoked"] == {"revoked_at": LATER // 1000}
    assert "exp" not in new
    assert "revoked" not in new


def test_the_command_line_rotates_and_withdraws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENWATER_HOME", str(tmp_path))
    runner, app = CliRunner(), build(["keys"])
    first = runner.invoke(app, ["keys", "rotate"])
    assert "signs from now on" in first.output, first.output
    kid = first.output.split()[0]
    gone = runner.invoke(app, ["keys", "revoke", kid])
    assert f"{kid} is withdrawn" in gone.output
    listed = runner.invoke(app, ["keys", "list"]).output
    assert "withdrawn" in listed
    assert listed.count("signs") == 1
    assert '"kty"' in runner.invoke(app, ["keys", "list", "--json"]).output

"""Devices, their credentials and probes: what the command line asks of the registry."""

import base64
import hashlib

import bcrypt
import pytest

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.ids import DeviceState
from greenwater.kernel.reading import Source
from greenwater.storage.registry import Registry
from greenwater.storage.registry.credentials import make_credentials
from greenwater.storage.registry.devices import NewDevice
from tests.contracts.registries import NOW, a_box, a_farm


def test_a_new_box_gets_a_password_of_160_bits_this_once(registry: Registry) -> None:
    a_farm(registry)

    password = registry.add_device("box-1", site="hoa-farm", now_ms=NOW)

    assert password is not None
    assert len(base64.b32decode(password.upper())) == 20
    (box,) = registry.list_devices()
    assert password not in repr(box)
    assert bcrypt.checkpw(password.encode(), box.bcrypt_hash.encode())
    _, seven, rounds, salt, digest = box.pbkdf2_hash.split("$")
    assert seven == "7"
    assert base64.b64decode(digest) == hashlib.pbkdf2_hmac(
        "sha512", password.encode(), base64.b64decode(salt), int(rounds), 64
    )


def test_no_two_boxes_share_a_password(registry: Registry) -> None:
    a_farm(registry)
    boxes = [NewDevice(id=f"box-{n}", site="hoa-farm") for n in range(50)]

    passwords = registry.add_devices(boxes, now_ms=NOW)

    assert len(set(passwords.values())) == 50
    assert None not in passwords.values()


def test_adding_a_box_again_changes_nothing_and_tells_no_password(
    registry: Registry,
) -> None:
    a_farm(registry)
    registry.add_device("box-1", site="hoa-farm", name="Hộp 1", now_ms=NOW)
    before = registry.list_devices()

    assert registry.add_device("box-1", site="hoa-farm", now_ms=NOW + 9) is None
    assert registry.list_devices() == before


def test_a_box_elsewhere_contradicts(registry: Registry) -> None:
    a_farm(registry, "hoa")
    a_farm(registry, "ba")
    registry.add_device("box-1", site="hoa-farm", now_ms=NOW)

    with pytest.raises(ConflictError, match="box-1 is registered with organisation"):
        registry.add_device("box-1", site="ba-farm", now_ms=NOW)
    with pytest.raises(ConflictError, match="is_simulated"):
        registry.add_device("box-1", site="hoa-farm", is_simulated=True, now_ms=NOW)


def test_given_credentials_must_be_those_it_has(registry: Registry) -> None:
    a_farm(registry)
    mine = make_credentials(lambda count: b"1" * count)
    other = make_credentials(lambda count: b"2" * count)
    for _ in range(2):
        registry.add_device("box-1", site="hoa-farm", credentials=mine, now_ms=NOW)

    with pytest.raises(ConflictError, match="another password") as caught:
        registry.add_device("box-1", site="hoa-farm", credentials=other, now_ms=NOW)
    assert other.bcrypt_hash not in str(caught.value)


def test_many_boxes_are_added_all_or_none(registry: Registry) -> None:
    a_farm(registry)
    boxes = [NewDevice(id="box-1", site="hoa-farm"), NewDevice(id="box-2", site="no")]

    with pytest.raises(MissingError, match="site no is not registered"):
        registry.add_devices(boxes, now_ms=NOW)
    assert registry.list_devices() == []


@pytest.mark.parametrize("device", ["", "ab", "Box-1", "box 1", "box/1", "a" * 65, "+"])
def test_what_is_no_device_id_is_refused_by_name(
    registry: Registry, device: str
) -> None:
    a_farm(registry)

    with pytest.raises(InputError, match="device id"):
        registry.add_device(device, site="hoa-farm", now_ms=NOW)


def test_a_box_stands_at_a_site_or_sails_on_a_vessel(registry: Registry) -> None:
    a_farm(registry)
    registry.add_vessel("kh 95123 ts", organisation="hoa", name="Hải Âu")

    with pytest.raises(InputError, match="one of them"):
        registry.add_device("box-1", now_ms=NOW)
    with pytest.raises(InputError, match="one of them"):
        registry.add_device("box-1", site="hoa-farm", vessel="KH-95123-TS", now_ms=NOW)
    registry.add_device("box-1", vessel="KH95123TS", now_ms=NOW)

    assert registry.get_device("box-1").place == "KH-95123-TS"


def test_another_password_replaces_the_first(registry: Registry) -> None:
    box = a_box(registry)
    before = registry.get_device(box)

    password = registry.renew_password(box)

    after = registry.get_device(box)
    assert bcrypt.checkpw(password.encode(), after.bcrypt_hash.encode())
    assert not bcrypt.checkpw(password.encode(), before.bcrypt_hash.encode())
    assert after.pbkdf2_hash != before.pbkdf2_hash


def test_a_revoked_box_stays_revoked(registry: Registry) -> None:
    box = a_box(registry)
    registry.revoke_device(box, NOW + 1)
    registry.revoke_device(box, NOW + 2)

    revoked = registry.get_device(box)
    assert (revoked.state, revoked.revoked_ms) == (DeviceState.REVOKED, NOW + 1)
    with pytest.raises(ConflictError, match="is revoked: register another id"):
        registry.add_device(box, site="hoa-farm", now_ms=NOW)
    with pytest.raises(ConflictError, match="is revoked"):
        registry.renew_password(box)


def test_what_is_not_registered_is_missing_by_name(registry: Registry) -> None:
    with pytest.raises(MissingError, match="device nobody is not registered"):
        registry.revoke_device("nobody", NOW)
    with pytest.raises(MissingError, match="device nobody is not registered"):
        registry.renew_password("nobody")
    with pytest.raises(MissingError, match="device nobody is not registered"):
        registry.add_probe("nobody", "top")
    with pytest.raises(MissingError, match="device nobody is not registered"):
        registry.get_device("nobody")


def test_two_probes_of_one_kind_are_two_probes(registry: Registry) -> None:
    box = a_box(registry, probes="top bottom")
    registry.add_probe(box, "meter", source=Source.HAND, note="YSI Pro20")

    assert [(one.id, one.source) for one in registry.list_probes(box)] == [
        ("bottom", Source.PROBE),
        ("meter", Source.HAND),
        ("top", Source.PROBE),
    ]


def test_a_probe_is_added_once(registry: Registry) -> None:
    box = a_box(registry, probes="")
    for _ in range(2):
        registry.add_probe(box, "top", profile="hach_ldo")

    with pytest.raises(ConflictError, match="profile 'hach_ldo', not 'supmea_do7013'"):
        registry.add_probe(box, "top", profile="supmea_do7013")
    with pytest.raises(InputError, match="probe id"):
        registry.add_probe(box, "Top Probe")

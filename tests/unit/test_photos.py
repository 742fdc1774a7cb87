"""Photos on records: what is kept is drawn anew; what is hostile is refused."""

import io
import struct
import zlib

import pytest
from PIL import Image

from greenwater.kernel.errors import InputError
from traceability.book.photos import KEPT_SIDE, MAX_BYTES, drawn_anew

SECRET = b"nha o cua chi Lan 12.5,109.1"


def picture(kind: str, size: tuple[int, int] = (60, 40), **more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (10, 120, 90)).save(out, kind, **more)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_kept_as_a_jpeg_without_what_the_camera_said(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    raw = picture(kind, exif=exif) + SECRET
    kept = drawn_anew(raw)
    assert SECRET in raw
    assert SECRET not in kept.data
    with Image.open(io.BytesIO(kept.data)) as again:
        assert (again.format, again.size) == ("JPEG", (60, 40))
        assert not again.getexif()
        assert set(again.info) <= {
            "jfif", "jfif_version", "jfif_unit", "jfif_density"
        }  # fmt: skip


def test_a_photo_stands_upright_and_is_not_larger_than_needed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    kept = drawn_anew(picture("JPEG", (3000, 1500), exif=exif))
    assert (kept.width, kept.height) == (KEPT_SIDE // 2, KEPT_SIDE)


def test_the_same_photo_has_the_same_name() -> None:
    assert drawn_anew(picture("PNG")).digest == drawn_anew(picture("PNG")).digest


def png_of(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds next to nothing: a bomb."""

    def chunk(name: bytes, body: bytes) -> bytes:
        checked = name + body
        return (
            struct.pack(">I", len(body))
            + checked
            + struct.pack(">I", zlib.crc32(checked))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000_000, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )  # fmt: skip


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HOSTILE = {
    "svg": SVG,
    "html": b"<!doctype html><script>alert(1)</script>",
    "empty": b"",
    "torn": picture("JPEG")[:200],
    "gif": picture("GIF"),
    "tiff": picture("TIFF"),
    "header only": b"\xff\xd8\xff\xe0" + b"A" * 1000,
    "zip": b"PK\x03\x04" + b"\0" * 100,
    "wide": png_of(13_000, 10),
    "huge": png_of(60_000, 60_000),
    "bomb": png_of(6_000, 6_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_photo_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(InputError, match=r"photo"):
        drawn_anew(HOSTILE[name])


def test_what_is_too_many_bytes_is_not_even_looked_at() -> None:
    with pytest.raises(InputError, match="more than 10 MB"):
        drawn_anew(picture("JPEG") + b"\0" * MAX_BYTES)


def test_a_polyglot_leaves_its_other_half_behind() -> None:
    kept = drawn_anew(picture("JPEG", comment=SVG) + SVG + b"PK\x03\x04")
    assert b"svg" not in kept.data
    assert b"script" not in kept.data
    assert b"PK\x03\x04" not in kept.data

"""Photos on records: checked, drawn anew without what the camera said, kept by content.

What is shown is never the file that came: it is decoded and encoded again, so that places,
names, hidden files and tricks in it are gone.
"""

import hashlib
import io
import os
import re
import secrets
import struct
import warnings
import zlib
from pathlib import Path
from typing import Final

from msgspec import Struct

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.photos import Photo
from traceability.book.recording import WRITERS

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_PIXELS: Final = 40_000_000
MAX_SIDE: Final = 12_000
KEPT_SIDE: Final = 2000
"""A kept photo's longer side, in pixels: enough to read a label of a feed bag."""
MOST: Final = 8
"""Photos on one record."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FORMATS: Final = ("JPEG", "PNG", "WEBP")


class Picture(Struct, frozen=True):
    """A photo as it is kept: a JPEG of its own."""

    data: bytes
    width: int
    height: int

    @property
    def digest(self) -> str:
        """The SHA-256 of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


def drawn_anew(raw: bytes) -> Picture:
    """Return a photo as it is kept.

    Raises:
        InputError: it is no photo, too large, or damaged; the sentence says which.
    """
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"the photo has more than {MAX_BYTES // 2**20} MB: take a smaller one",
            "photo_large",
            mb=MAX_BYTES // 2**20,
        )
    from PIL import Image

    try:
        return _drawn(raw)
    except InputError:
        raise
    except (
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        EOFError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        struct.error,
        zlib.error,
        Warning,
    ) as exc:
        raise InputError(
            "this is no JPEG, PNG or WebP photo, or it is damaged: take it again",
            "photo_unread",
        ) from exc


def _drawn(raw: bytes) -> Picture:
    from PIL import Image, ImageOps

    with (
        warnings.catch_warnings(),
        Image.open(io.BytesIO(raw), formats=_FORMATS) as opened,
    ):
        warnings.simplefilter("error")
        _check_size(*opened.size)
        opened.draft("RGB", (KEPT_SIDE, KEPT_SIDE))
        upright = ImageOps.exif_transpose(opened).convert("RGB")
        upright.thumbnail((KEPT_SIDE, KEPT_SIDE))
        out = io.BytesIO()
        # A canvas of its own: nothing that came with the file is carried over.
        clean = Image.new("RGB", upright.size)
        clean.paste(upright)
        clean.save(out, "JPEG", quality=85)
        return Picture(out.getvalue(), *clean.size)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise InputError(
            f"the photo has {width} × {height} pixels, more than "
            f"{MAX_PIXELS // 1_000_000} million: take a smaller one",
            "photo_wide",
            million=MAX_PIXELS // 1_000_000,
        )


class Album:
    """Photos in a folder, under the SHA-256 of their bytes."""

    def __init__(self, registry: Registry, clock: Clock, folder: Path) -> None:
        self._registry, self._clock, self._folder = registry, clock, folder

    def add(self, person: str, record: str, raw: bytes) -> Photo:
        """Put a photo on a record; the same again changes nothing.

        Raises:
            InputError: it is no photo that can be kept.
            ConflictError: the record has as many as it may have.
            MissingError: there is no such record in a book of his.
        """
        found = self._registry.get_record(record)
        if not self._registry.get_person(person).is_any(WRITERS, found.organisation):
            raise MissingError(f"{person} keeps no books of {found.organisation}")
        photo = self.kept(person, record, drawn_anew(raw))
        self._registry.add_photo(photo, most=MOST)
        return photo

    def kept(self, person: str, record: str, picture: Picture) -> Photo:
        """Have a picture on the disk; return it as the photo that is put on a record."""
        self.keep(picture)
        return Photo(
            record,
            picture.digest,
            picture.width,
            picture.height,
            len(picture.data),
            milliseconds(self._clock.now()),
            person,
        )

    def read(self, digest: str) -> bytes:
        """Return a photo's bytes (JPEG).

        Raises:
            MissingError: there is none of that digest.
        """
        if _DIGEST.fullmatch(digest) is None:
            raise MissingError(f"there is no photo {digest[:64]!r}")
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            raise MissingError(f"the file of photo {digest} is not there") from None

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / f"{digest}.jpg"

    def keep(self, picture: Picture) -> None:
        """Have a picture on the disk under its digest."""
        _write(self._path(picture.digest), picture.data)

    def keep_signed(self, digest: str, raw: bytes) -> None:
        """Keep the bytes that a signature names, as evidence: they are never shown."""
        _write(self._folder / "signed" / f"{digest}.bin", raw)


def _write(path: Path, data: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.stem}.{secrets.token_hex(4)}")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

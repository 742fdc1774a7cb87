"""The communes of Khánh Hòa since 1 July 2025, and the old names that lead to them.

Certificates, licences and people still say the old names. An old name may stand for two
places (xã Ninh Phước was in Ninh Hòa, and is a new commune in the south), and some old
communes were divided: then a name alone does not say which, and nothing is guessed.
"""

import datetime as dt
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from greenwater.reference.tables import read_table

_KINDS: Final = ("đặc khu", "thị trấn", "phường", "xã", "tt.", "p.", "x.")
_SHORT: Final = {"tt.": "thị trấn", "p.": "phường", "x.": "xã"}
# The same name in the two ways tones are set, and as the ear hears it.
_SPELT: Final = {"hoà": "hòa", "thuỷ": "thủy", "ninh chữ": "ninh chử"}


class Commune(Struct, frozen=True, forbid_unknown_fields=True):
    """A commune of today; ``parts`` of an old one went to several new ones."""

    item: int
    name: str
    district: str
    formed_from: tuple[str, ...]
    parts: tuple[str, ...] = ()
    code: str = ""


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    valid_from: dt.date
    instrument: str
    verified: bool
    communes: tuple[Commune, ...]


TABLE: Final = read_table("communes.toml", _Table)


_BY_CODE: Final = {one.code: one for one in TABLE.communes if one.code}


class FoundCommune(Struct, frozen=True):
    """What a written name may stand for; with one candidate it is clear.

    ``is_old`` says that the name as written is of before the merger.
    """

    written: str
    candidates: tuple[Commune, ...]
    is_old: bool

    @property
    def commune(self) -> Commune | None:
        """The commune, where only one can be meant."""
        return self.candidates[0] if len(self.candidates) == 1 else None


def _plain(text: str) -> str:
    found = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip().lower()
    for other, ours in _SPELT.items():
        found = found.replace(other, ours)
    return found


def _split(name: str) -> tuple[str, str]:
    """Return the kind of commune ("" where it is not said) and the bare name."""
    for kind in _KINDS:
        if name.startswith(kind) and name[len(kind) :].strip():
            return _SHORT.get(kind, kind), name[len(kind) :].strip()
    return "", name


Index = Mapping[str, Sequence[tuple[str, Commune]]]


def _indexed(names: Sequence[tuple[str, Commune]]) -> Index:
    found: dict[str, list[tuple[str, Commune]]] = defaultdict(list)
    for name, commune in names:
        kind, bare = _split(_plain(name))
        found[bare].append((kind, commune))
    return found


_NEW: Final = _indexed([(one.name, one) for one in TABLE.communes])
_OLD: Final = _indexed(
    [(old, one) for one in TABLE.communes for old in (*one.formed_from, *one.parts)]
)
_DISTRICTS: Final = frozenset(_plain(one.district) for one in TABLE.communes)


def find_commune(text: str) -> FoundCommune:
    """Return what a commune's name, of today or of before, stands for.

    Its five-digit code stands for one as well. What follows a comma, such as the former district, tells namesakes apart. A name
    that is of today means the commune of today, unless the district says otherwise.
    """
    by_code = _BY_CODE.get(text.strip())
    if by_code is not None:
        return FoundCommune(text, (by_code,), is_old=False)
    first, *rest = [part.strip() for part in text.split(",")]
    kind, bare = _split(_plain(first))
    hints = " ".join(_plain(part) for part in rest)
    if not any(kind == its for index in (_NEW, _OLD) for its, _ in index.get(bare, ())):
        kind = ""  # said wrongly, or not at all
    new = _picked(_NEW, kind, bare, hints)
    old = _picked(_OLD, kind, bare, hints)
    if len(new) == 1 and (not old or not hints or new == old):
        return FoundCommune(text, new, is_old=False)
    both = tuple(dict.fromkeys([*new, *old]))
    return FoundCommune(text, both, is_old=not new)


def _picked(index: Index, kind: str, bare: str, hints: str) -> tuple[Commune, ...]:
    held = index.get(bare, ())
    of_kind = [one for its, one in held if kind in ("", its)]
    within = [one for one in of_kind if _is_hinted(one, hints)]
    return tuple(
        dict.fromkeys(within if hints and within else _unhinted(of_kind, hints))
    )


def _is_hinted(commune: Commune, hints: str) -> bool:
    return _plain(commune.district) in hints


def _unhinted(found: Sequence[Commune], hints: str) -> Sequence[Commune]:
    """Return all, unless a district of the province was named that is none of theirs."""
    return [] if any(one in hints for one in _DISTRICTS) else found


def current_name(text: str) -> str:
    """Return the name of today of a commune; what cannot be told stays as it is."""
    found = find_commune(text).commune
    return text if found is None else found.name


def shown_name(text: str) -> str:
    """Return a commune for a page: today's name, with what was written where it is old."""
    found = find_commune(text)
    if found.commune is None or not found.is_old:
        return text if found.commune is None else found.commune.name
    return f"{found.commune.name} ({text})"

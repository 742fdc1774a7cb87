"""The words of the pages, Vietnamese first; the voice of the glossary.

The words stand in ``web/locale/{vi,en}/LC_MESSAGES/*.po``, a file for each room of the
site, all of one name space; ``msgid`` is a key and ``{name}`` in the text stands for a
value. They are read as they are, once, when the site starts: there is nothing to compile.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol

from babel.messages.pofile import PoFileError, read_po

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InvariantError

LOCALE: Final = Path(__file__).parent / "locale"


class Lang(StrEnum):
    """A language of the pages."""

    VI = "vi"
    EN = "en"

    @property
    def other(self) -> "Lang":
        """The one to switch to."""
        return Lang.EN if self is Lang.VI else Lang.VI

    def of(self, named: "Named") -> str:
        """Return what something is called in it."""
        return named.vi if self is Lang.VI else named.en


class Named(Protocol):
    """What has a name in both languages."""

    @property
    def vi(self) -> str:
        """The Vietnamese one."""
        ...

    @property
    def en(self) -> str:
        """The English one."""
        ...


def read_words(folder: Path) -> dict[str, str]:
    """Return the words of one language.

    Raises:
        InvariantError: a file cannot be read, or a key stands there twice.
    """
    words: dict[str, str] = {}
    for path in sorted(folder.glob("*.po")):
        try:
            catalog = read_po(BytesIO(path.read_bytes()), abort_invalid=True)
        except PoFileError as exc:
            raise InvariantError(f"{path.name}: {exc}") from exc
        for message in catalog:
            key, text = str(message.id), str(message.string)
            if not key:
                continue
            if key in words:
                raise InvariantError(f"{path.name}: {key!r} stands there twice")
            words[key] = text
    return words


WORDS: Final[Mapping[Lang, Mapping[str, str]]] = {
    lang: read_words(LOCALE / lang / "LC_MESSAGES") for lang in Lang
}


def say(lang: Lang, key: str, **values: object) -> str:
    """Return the words for ``key``.

    Raises:
        InvariantError: nobody wrote them.
    """
    words = WORDS[lang].get(key)
    if words is None:
        raise InvariantError(
            f"no words for {key!r}: write them into a file of web/locale/{lang}/LC_MESSAGES"
        )
    return words.format(**values)


def said(lang: Lang, rows: Iterable[tuple[str, str | None]]) -> list[tuple[str, str]]:
    """Return rows of a key and a text as words and text; without text there is no row."""
    return [(say(lang, key), text) for key, text in rows if text]


def channel_name(lang: Lang, channel: Channel, *, is_short: bool = False) -> str:
    """Return a channel's name, for a heading or for a card."""
    return WORDS[lang][f"channel.short.{channel}" if is_short else f"channel.{channel}"]

"""What a resolver answers of a Digital Link: pure, by GS1-Conformant Resolver 1.x.

Links stand at levels, from the key down to what the qualifiers name. What is asked at one
level is answered by the most granular level that has it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

VOCABULARY: Final = "https://ref.gs1.org/voc/"
CONTEXT: Final = "https://ref.gs1.org/standards/resolver/linkset-context"
_RELATION: Final = re.compile(
    r"(?:gs1:|https?://(?:ref\.|www\.)?gs1\.org/voc/)([A-Za-z0-9]+)", re.IGNORECASE
)


class Link(Struct, frozen=True):
    """One link: what it is (``pip``, of GS1's vocabulary), where, its title.

    ``interface`` is what programs want instead of ``href``: where they put questions.
    """

    relation: str
    href: str
    title: str
    media: str
    languages: tuple[str, ...] = ()
    needs_token: bool = False
    passes_query: bool = True
    interface: str | None = None


class Level(Struct, frozen=True):
    """What is known of one thing. Without a ``default`` the level above has it."""

    anchor: str
    description: str
    links: tuple[Link, ...]
    default: Link | None


class Wanted(Struct, frozen=True):
    """What a request asks for; ``accept`` and ``languages`` are as HTTP has them."""

    relation: str | None = None
    accept: str = ""
    languages: str = ""
    media: str | None = None

    @property
    def is_linkset(self) -> bool:
        """Whether all links are wanted: asked for by name, or by type."""
        is_named = (self.relation or "").lower() in ("linkset", "all")
        return is_named or named_quality(self.accept, "application/linkset+json") > 0

    @property
    def is_json(self) -> bool:
        """Whether JSON is wanted by its name, and no page rather."""
        json = named_quality(self.accept, "application/json")
        return json > 0 and json >= named_quality(self.accept, "text/html")


def relation_of(text: str) -> str:
    """Return a link type without its prefix; what is none of GS1's stays as it is."""
    found = _RELATION.fullmatch(text)
    return text if found is None else found[1]


def _ranges(header: str) -> Iterable[tuple[str, float]]:
    for one in header[:2000].split(","):
        name, *parameters = (part.strip() for part in one.split(";"))
        weights = [part[2:] for part in parameters if part.startswith("q=")]
        is_weight = bool(weights and re.fullmatch(r"[01](\.[0-9]{0,3})?", weights[0]))
        yield name.lower(), float(weights[0]) if is_weight else 1.0


def named_quality(header: str, name: str) -> float:
    """Return how much a header of HTTP wants this very name; 0: it does not name it."""
    return max((weight for one, weight in _ranges(header) if one == name), default=0.0)


def _media_quality(header: str, media: str) -> float:
    group = media.partition("/")[0]
    for name in (media, f"{group}/*", "*/*"):
        weights = [weight for one, weight in _ranges(header) if one == name]
        if weights:
            return max(weights)
    return 0.0 if header.strip() else 1.0


def _language_quality(header: str, languages: Sequence[str]) -> float:
    wanted = dict(_ranges(header)) if header.strip() else {}
    starts = {name.partition("-")[0]: weight for name, weight in wanted.items()}
    return max((starts.get(one, 0.0) for one in languages), default=0.0)


def choose(levels: Sequence[Level], wanted: Wanted) -> Sequence[Link]:
    """Return the link to go to; several: they are equally good; none: there is no such.

    Without a type it is the default of the most granular level, whatever else is wanted.
    """
    relation = wanted.relation
    if relation is None or relation.lower() == "defaultlink":
        found = [one.default for one in levels if one.default is not None]
        return found[-1:]
    for level in reversed(levels):
        found = [one for one in level.links if one.relation.lower() == relation.lower()]
        if found:
            return _best(found, wanted)
    return []


def _best(links: Sequence[Link], wanted: Wanted) -> Sequence[Link]:
    accept = wanted.media or wanted.accept
    scores = [
        (_media_quality(accept, one.media), _language_quality(wanted.languages, one.languages))
        for one in links
    ]  # fmt: skip
    return [
        one for one, score in zip(links, scores, strict=True) if score == max(scores)
    ]


def linkset_of(levels: Sequence[Level]) -> dict[str, Any]:
    """Return all links of all levels (RFC 9264)."""
    return {"linkset": [_context_of(level) for level in levels]}


def _context_of(level: Level) -> dict[str, Any]:
    first = level.default
    document: dict[str, Any] = {
        "anchor": level.anchor,
        "itemDescription": level.description,
    }
    if first is not None:
        default = {"href": first.href, "title": first.title}
        document[f"{VOCABULARY}defaultLink"] = [default]
    for link in level.links:
        targets = document.setdefault(f"{VOCABULARY}{link.relation}", [])
        targets.append(target_of(link))
    return document


def target_of(link: Link) -> dict[str, Any]:
    """Return a link as one target of a linkset."""
    document: dict[str, Any] = {
        "href": link.href,
        "title": link.title,
        "type": link.media,
    }
    if link.languages:
        document["hreflang"] = list(link.languages)
    if not link.passes_query:
        document["fwqs"] = False
    return document


def array_of(levels: Sequence[Level], relation: str | None) -> list[Mapping[str, Any]]:
    """Return links as GDST's clients want them; of one type, or all that there are."""
    seen: dict[tuple[str, str], Mapping[str, Any]] = {}
    for level in reversed(levels):
        for one in level.links:
            if relation is None or one.relation.lower() == relation.lower():
                address = one.interface or one.href
                document = {
                    "link": address,
                    "title": one.title,
                    "linkType": f"gs1:{one.relation}",
                    "mimeType": one.media,
                    "authRequired": one.needs_token,
                }
                seen.setdefault((one.relation, address), document)
    return list(seen.values())


def with_query(link: Link, query: str) -> str:
    """Return where to go, with the query of the request passed on."""
    if not query or not link.passes_query:
        return link.href
    return f"{link.href}{'&' if '?' in link.href else '?'}{query}"

"""Refusals on pages: each has words in both languages, and no page shows the core's English."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from greenwater.kernel.errors import ConflictError, InputError
from web.views.refused import refused
from web.words import WORDS, Lang

ROOT: Final = Path(__file__).parents[2]
AT: Final = {
    "InputError": 1, "ConflictError": 1, "RefusedError": 1, "FieldError": 2, "RowError": 3,
    "WeakSecretError": 1,
}  # fmt: skip
"""Where the key stands among what an error is made of."""

NO_PAGE: Final = (
    "traceability/epcis/", "traceability/gdst/", "traceability/gs1/", "traceability/ledger/",
    "traceability/proof/keys.py", "traceability/proof/seals.py", "traceability/proof/verify.py",
    "traceability/proof/links.py", "traceability/label/carried.py",
    "traceability/vietgap/dossier_chain.py",
    "greenwater/storage/registry/trace_events/", "greenwater/storage/telemetry/",
    "greenwater/storage/backup/", "greenwater/kernel/",
    "web/api/", "web/goods/api.py", "web/farm/record_api.py", "web/sea/record_api.py",
    "web/office/inspections.py", "web/labels/resolver.py", "web/door/programs.py",
)  # fmt: skip
"""What only programs, logs and phones' own scripts hear of."""


class Raised(NamedTuple):
    """An error as the source makes it; ``key`` None: it has none."""

    where: str
    kind: str
    key: str | None
    facts: frozenset[str]
    field: str


def raised() -> Iterator[Raised]:
    """Yield every refusal that is made in the core and on pages."""
    for root in ("greenwater", "traceability", "web"):
        for path in sorted((ROOT / root).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(getattr(node, "func", None), "id", "")
                if isinstance(node, ast.Call) and name in AT:
                    yield _raised(path, node, name)


def _raised(path: Path, node: ast.Call, kind: str) -> Raised:
    where = path.relative_to(ROOT).as_posix()
    given = node.args[AT[kind]] if len(node.args) > AT[kind] else None
    key = None if given is None else str(getattr(given, "value", ""))
    first = node.args[0] if node.args else None
    field = str(first.value) if isinstance(first, ast.Constant) else ""
    facts = frozenset(one.arg for one in node.keywords if one.arg)
    return Raised(f"{where}:{node.lineno}", kind, key, facts, field)


ALL: Final = list(raised())


def test_every_key_has_words_that_its_facts_fill() -> None:
    assert len(ALL) > 200, "the source was read"
    for one in ALL:
        if not one.key:
            continue
        for lang in Lang:
            words = WORDS[lang].get(f"refused_{one.key}")
            assert words, (
                f"{one.where}: write msgid refused_{one.key} into "
                f"web/locale/{lang}/LC_MESSAGES/refused.po"
            )
            asked = {name for _, name, _, _ in string.Formatter().parse(words) if name}
            assert asked <= one.facts, (
                f"{one.where}: the words of refused_{one.key} name {asked - one.facts}: "
                "give these facts to the error, by name"
            )


def test_whatever_a_page_may_show_has_a_key() -> None:
    bare = [
        f"{one.where} {one.kind}"
        for one in ALL
        if one.key is None
        and not one.where.startswith(NO_PAGE)
        and f"wrong_{one.field}" not in WORDS[Lang.VI]
    ]
    assert not bare, (
        'a page may show these: give each a key and its facts, InputError("English", '
        '"kg_wrong", kg=kg), and its words as refused_kg_wrong in both refused.po '
        "(docs/conventions.md); what only programs hear of goes into NO_PAGE: "
        + ", ".join(bare)
    )


def test_no_page_passes_on_what_the_core_said_in_english() -> None:
    """``str(exc)`` on a page is English in a Vietnamese sentence; logs may have it."""
    found = []
    for path in sorted((ROOT / "web").rglob("*.py")):
        where = path.relative_to(ROOT).as_posix()
        if where.startswith(NO_PAGE):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for caught in [node] if isinstance(node, ast.ExceptHandler) else []:
                found += [f"{where}:{line}" for line in _passed_on(caught)]
    assert not found, f"{found}: say refused(lang, exc), of web/views/refused.py"


def _passed_on(caught: ast.ExceptHandler) -> Iterator[int]:
    # What is raised on has a key of its own, and logs are English.
    aside = {
        id(part)
        for node in ast.walk(caught)
        if isinstance(node, ast.Raise) or _is_log(node)
        for part in ast.walk(node)
    }
    for node in ast.walk(caught):
        if not isinstance(node, ast.Call) or id(node) in aside:
            continue
        told = [one.id for one in node.args if isinstance(one, ast.Name)]
        if getattr(node.func, "id", "") == "str" and told == [caught.name]:
            yield node.lineno


def _is_log(node: ast.AST) -> bool:
    called = getattr(node, "func", None)
    return getattr(getattr(called, "value", None), "id", "") == "log"


@pytest.mark.parametrize(
    ("error", "vi", "en"),
    [
        (InputError("1.5 kg …", "kg_wrong", kg=1.5),
         "1,5 kg không phải là khối lượng hợp lệ.", "1.5 kg is no possible weight."),
        (InputError("…", "field_empty", field="hatchery"),
         "Trại giống: còn trống", "Hatchery: is missing"),
        (ConflictError("only in English"),
         "Nội dung chưa đúng: xem lại những gì đã nhập.", "only in English"),
    ],
)  # fmt: skip
def test_a_refusal_is_said_in_the_page_s_language(
    error: InputError | ConflictError, vi: str, en: str
) -> None:
    assert (refused(Lang.VI, error), refused(Lang.EN, error)) == (vi, en)

"""How verdicts look, and the words that the check page's script says."""

from typing import Any, Final

from greenwater.reference.ports import PORTS
from greenwater.reference.production import METHODS
from greenwater.reference.species import SPECIES
from greenwater.reference.vessel_rules import RULES
from traceability.proof.verify import Code
from web.views.seawords import port_name
from web.words import WORDS, Lang, say

LOOKS: Final = {
    Code.VALID: "good",
    Code.SUSPENDED: "doubt",
    Code.COPY_SUSPECTED: "doubt",
    Code.EXPIRED: "doubt",
    Code.PAST_DATE: "doubt",
}
"""How a verdict looks; all others are bad."""
MARKS: Final = {"good": "✓", "doubt": "▲", "bad": "✕"}


def look_of(code: Code) -> str:
    """Return good, doubt or bad."""
    return LOOKS.get(code, "bad")


def script_words(lang: Lang) -> dict[str, Any]:
    """Return the words that the check page's script says."""
    own = {
        key.removeprefix("check_"): text
        for key, text in WORDS[lang].items()
        if key.startswith("check_")
    }
    verdicts = {
        key: text for key, text in WORDS[lang].items() if key.startswith("verdict_")
    }
    return {
        **own,
        **verdicts,
        "locale": "vi-VN" if lang is Lang.VI else "en-GB",
        "species": say(lang, "passport_species"),
        "species_names": {code: lang.of(one) for code, one in SPECIES.items()},
        "methods": {one.code: lang.of(one) for one in METHODS},
        "looks": {code.value: look_of(code) for code in Code},
        "marks": MARKS,
        "ports": {port.code: port_name(port.code) for port in PORTS.port},
        "papers": {
            rule.letter: say(lang, f"sea_papers_{kind}")
            for kind, rule in RULES.papers.items()
        },
    }

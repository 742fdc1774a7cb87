"""Print the table of the farm's records as docs/farm-books.md shows it.

`python docs/table_records.py` after a change of greenwater/reference/records.toml; a test
holds the page to it.
"""

import sys

from greenwater.reference.records import KINDS, FieldType
from web.words import Lang, say


def table() -> str:
    """Return the table in Markdown."""
    lines = [
        "| kind | on pages | belongs to | written | asked for by | fields |",
        "|---|---|---|---|---|---|",
    ]
    for kind, about in KINDS.items():
        fields = []
        for one in about.fields:
            name = f"**{one.name}**" if one.is_required else one.name
            if one.type is not FieldType.TEXT:
                name += f" ({one.unit or one.type.value})"
            if one.asked_by:
                name += f" [{''.join(one.asked_by)}]"
            fields.append(name)
        words = say(Lang.VI, f"record_{kind}")
        asked = " ".join(about.standards)
        lines.append(
            f"| `{kind}` | {words} | {about.place} | {about.when} | {asked} | "
            f"{', '.join(fields)} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())

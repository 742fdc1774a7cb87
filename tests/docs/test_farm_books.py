"""The page of the farm's book says what the data says."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "farm-books.md").read_text()


def test_the_table_of_records_is_the_datas() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "table_records.py"))["table"]()
    shown = PAGE.split("docs/table_records.py -->\n")[1].split("<!-- end of records")[0]
    assert shown == made, "run python docs/table_records.py, and paste"

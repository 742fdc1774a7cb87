"""``greenwater verify`` reads from a picture the codes that labels have, and no others."""

from pathlib import Path

import zxingcpp
from PIL import Image

from cli import verify


def test_bars_in_a_picture_are_no_label(tmp_path: Path) -> None:
    sheet = Image.new("L", (700, 900), 255)
    drawn = {"https://a.example/01/1": "QRCode", "B0-D": "Code128"}
    for row, (text, kind) in enumerate(drawn.items()):
        code = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind))
        picture = Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=4))
        sheet.paste(picture, (100, 100 + 400 * row))
    path = tmp_path / "sheet.png"
    sheet.save(path)
    assert len(zxingcpp.read_barcodes(sheet)) == 2, "the picture has both"
    assert verify._scanned(path) == ["https://a.example/01/1"]

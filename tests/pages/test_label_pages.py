"""Labels on the pages of a lot and on paper; what a passport says of them."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from fastapi.testclient import TestClient
from PIL import Image

from greenwater.reference.papers import PAPERS
from tests.pages.farms import GTINS, PHONES, PIN, Farms
from tests.pages.world import open_empty
from tests.stories.paper import QR
from traceability.proof.links import parse_label
from web.app import create_app
from web.door.doors import COOKIE, csrf_of
from web.labels.prints import PART, parts_of


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("farms")
    with open_empty(folder) as world:
        made = Farms(world, folder)
        made.services = replace(made.services, photos=folder / "photos")
        yield made


@pytest.fixture(scope="module")
def site(farms: Farms) -> Iterator[TestClient]:
    with TestClient(create_app(farms.services), follow_redirects=False) as client:
        yield client


@pytest.fixture
def farmer(site: TestClient) -> TestClient:
    return entered(site, "hoa")


def entered(site: TestClient, person: str) -> TestClient:
    site.cookies.clear()
    answer = site.post("/sign-in", data={"phone": PHONES[person], "secret": PIN})
    assert answer.status_code == 303
    return site


def issue(farmer: TestClient, farms: Farms, **fields: str) -> str:
    """Ask for labels of hoa's lot; return the page that comes of it."""
    form = {"csrf": csrf_of(farmer.cookies[COOKIE]), "count": "1", **fields}
    lot = farms.lots["hoa"]
    answer = farmer.post(f"/lots/{lot}/labels", data=form)
    if answer.status_code == 303:
        answer = farmer.get(f"/lots/{lot}")
    return answer.text


def newest(farms: Farms) -> str:
    """Return the address of the label issued last."""
    known = {farms.labels["hoa"], *SEEN}
    labels = farms.registry.labels(lot=farms.lots["hoa"])
    found = next(one for one in labels if one.id not in known)
    SEEN.add(found.id)
    return found.uri


SEEN: set[str] = set()


def path_of(uri: str) -> str:
    return uri.partition("nuocxanh.example")[2]


def test_a_label_tells_what_the_package_holds(farmer: TestClient, farms: Farms) -> None:
    SEEN.update(one.id for one in farms.registry.labels(lot=farms.lots["hoa"]))
    asked = issue(farmer, farms, net_kg="0,5", use_by="2027-01-31")
    assert "data-trying" in asked, "a number for demonstrations is said to be one"
    found = [asked.index(one) for one in ("<h1>", 'id="labels"', "Minh chứng nước")]
    assert found == sorted(found), "labels stand first: they are what he came for"
    uri = newest(farms)
    facts = parse_label(uri).facts
    assert (facts["17"], facts["3103"], facts["7008"], facts["7010"]) == (
        "270131", "000500", "PNV", "03",
    )  # fmt: skip
    farmer.cookies.clear()
    page = farmer.get(path_of(uri)).text
    for words in ("Tem hợp lệ", "0,5 kg", "31/01/2027", "tôm thẻ chân trắng (PNV)"):
        assert words in page, words
    told = farmer.get(path_of(uri), headers={"accept": "application/json"}).json()
    assert (told["shelf_life"], told["standards"]) == ("2027-01-31", [])
    for switch in ("lang=vi", "theme=dark", "lang=vi&theme=auto"):
        switched = farmer.get(f"{path_of(uri)}&{switch}").text
        assert "Tem hợp lệ" in switched, f"{switch} is the site's own, not the label's"
    altered = farmer.get(path_of(uri).replace("=000500", "=000900")).text
    assert "Nội dung tem đã bị sửa" in altered
    assert "0,9 kg" not in altered, "what was altered is not told on"


@pytest.mark.parametrize("paper", ["a4-21", "a4-65", "roll-50x30"])
def test_every_code_on_paper_is_read_back(
    farmer: TestClient, farms: Farms, paper: str
) -> None:
    answer = farmer.get(f"/lots/{farms.lots['hoa']}/labels.pdf?paper={paper}")
    assert answer.headers["content-type"] == "application/pdf"
    chosen = next(one for one in PAPERS if one.name == paper)
    found: set[str] = set()
    for page in pypdfium2.PdfDocument(answer.content):
        picture = page.render(scale=(chosen.dpi or 300) / 72).to_pil().convert("L")
        found |= {one.text for one in zxingcpp.read_barcodes(picture, formats=QR)}
    assert found == {one.uri for one in farms.registry.labels(lot=farms.lots["hoa"])}


def test_labels_do_not_promise_more_than_the_lot(
    farmer: TestClient, farms: Farms
) -> None:
    page = issue(farmer, farms, count="1000", net_kg="0,501")
    assert "nhiều hơn lô 500 kg" in page
    heavy = issue(farmer, farms, net_kg="1.000")
    assert "nhiều hơn lô 500 kg" in heavy, "a point parts thousands"
    for wrong in ({"net_kg": "nửa ký"}, {"use_by": "2027-13-01"}, {"net_kg": "-1"}):
        assert "không hợp lệ" in issue(farmer, farms, **wrong)


def test_a_label_of_the_whole_lot_is_signed_and_one(
    farmer: TestClient, farms: Farms
) -> None:
    SEEN.update(one.id for one in farms.registry.labels(lot=farms.lots["hoa"]))
    issue(farmer, farms, kind="lot")
    uri = newest(farms)
    assert parse_label(uri).serial == ""
    before = len(farms.registry.labels(lot=farms.lots["hoa"]))
    issue(farmer, farms, kind="lot")
    assert len(farms.registry.labels(lot=farms.lots["hoa"])) == before
    farmer.cookies.clear()
    assert "Tem hợp lệ" in farmer.get(path_of(uri)).text
    answer = farmer.get("/api/v1/labels/check", params={"text": uri})
    assert answer.json()["code"] == "valid"
    assert answer.json()["serial"] == ""
    lot = parse_label(uri).lot
    elsewhere = farmer.get(f"/01/{GTINS['hoa']}/10/{lot}")
    assert elsewhere.status_code == 307, "without a signature it is a link"


def test_paper_that_there_is_not_is_said_to_be_missing(
    farmer: TestClient, farms: Farms
) -> None:
    for asked in ("paper=a4-1000", "part=2", "part=-1"):
        answer = farmer.get(f"/lots/{farms.lots['hoa']}/labels.pdf?{asked}")
        assert answer.status_code == 404, asked


def test_many_labels_come_in_parts() -> None:
    parts = parts_of(1000)
    assert [(one.first, one.last) for one in parts][:2] == [(1, 210), (211, 420)]
    assert parts[-1].last == 1000
    assert sum(one.last - one.first + 1 for one in parts) == 1000
    assert len(parts_of(PART)) == 1
    assert parts_of(0) == []


def test_a_code_is_a_picture_for_other_programs(
    farmer: TestClient, farms: Farms
) -> None:
    serial = farms.labels["hoa"]
    answer = farmer.get(f"/labels/{serial}.png")
    picture = Image.open(io.BytesIO(answer.content))
    (code,) = zxingcpp.read_barcodes(picture.convert("L"), formats=QR)
    assert f"/21/{serial}?" in code.text
    modules = picture.width / 8 - 8
    assert picture.info["dpi"][0] == pytest.approx(8 * modules / 25 * 25.4, abs=0.1)
    assert farmer.get(f"/labels/{farms.labels['binh']}.png").status_code == 404


def test_a_product_has_a_picture_for_whoever_scans_its_label(
    farmer: TestClient, farms: Farms
) -> None:
    lot, shown = farms.lots["hoa"], f"/passport/{GTINS['hoa']}/picture.jpg"
    farms_label = farms.registry.find_label(farms.labels["hoa"])
    assert farms_label is not None
    scanned = path_of(farms_label.uri)
    assert farmer.get(shown).status_code == 404

    def give(raw: bytes, at: str = lot) -> tuple[int, str]:
        form = {"csrf": csrf_of(farmer.cookies[COOKIE])}
        answer = farmer.post(
            f"/lots/{at}/picture", data=form, files={"photo": ("x.png", raw)}
        )
        return answer.status_code, answer.text

    def drawn(colour: str) -> bytes:
        kept = io.BytesIO()
        Image.new("RGB", (1200, 900), colour).save(kept, "PNG")
        return kept.getvalue()

    status, text = give(b"no picture")
    assert (status, "JPEG, PNG" in text) == (409, True)
    assert give(drawn("red"), farms.lots["binh"])[0] == 404, "another farm's"
    assert give(drawn("red"))[0] == 303
    assert f'src="{shown}?v=' in farmer.get(f"/lots/{lot}").text
    farmer.cookies.clear()
    first = farmer.get(scanned, headers={"accept": "application/json"}).json()
    assert f'src="{first["picture"]}"' in farmer.get(scanned).text
    linked = farmer.get(scanned, headers={"accept": "application/ld+json"}).json()
    assert linked["image"].endswith(first["picture"])
    answer = farmer.get(first["picture"])
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == (640, 480)
    entered(farmer, "hoa")
    assert give(drawn("blue"))[0] == 303
    assert f'src="{first["picture"]}"' not in farmer.get(f"/lots/{lot}").text

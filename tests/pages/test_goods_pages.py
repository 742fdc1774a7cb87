"""The pages of goods: what is done by form, what a neighbour sees, what a recall shows."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.pages.farms import Farms, csrf, enter
from tests.pages.reading_pages import Node, parse_page
from tests.pages.world import open_empty
from web.app import create_app
from web.words import WORDS, Lang


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    """Two farms, opened once: each test goes on where the one before left off."""
    folder = tmp_path_factory.mktemp("goods")
    with open_empty(folder) as world:
        yield Farms(world, folder)


@pytest.fixture
def visitor(farms: Farms) -> Iterator[TestClient]:
    with TestClient(create_app(farms.services), follow_redirects=False) as client:
        yield client


def opened(client: TestClient, path: str) -> Node:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
    return parse_page(answer.text)


def do(client: TestClient, lot: str, kind: str, **fields: str) -> Node:
    """Fill in a lot's form as the page offers it; return the page it leads to."""
    page = opened(client, f"/goods/{lot}")
    form = next(
        one for one in page.all("form")
        if any(f.attrs.get("value") == kind for f in one.all("input", name="kind"))
    )  # fmt: skip
    data = {
        one.attrs["name"]: one.attrs.get("value", "")
        for one in form.all("input")
        if one.attrs.get("type") != "checkbox"
    }
    for one in form.all("select"):
        data[one.attrs["name"]] = one.all("option")[0].attrs.get("value", "")
    answer = client.post(form.attrs["action"], data={**data, **fields})
    assert answer.status_code in (303, 409), answer.text[:500]
    if answer.status_code == 409:
        return parse_page(answer.text)
    return opened(client, answer.headers["location"])


def made(farms: Farms, organisation: str) -> list[str]:
    """Return the lots an organisation made, the newest first."""
    found = farms.registry.visible_to_organisation(organisation).lots()
    return [one.id for one in found if one.origin == "step"]


def balance(page: Node) -> str:
    return re.sub(r"\s+", " ", page.one(id="balance").text)


def test_a_lot_is_split_processed_packed_and_shipped_by_form(
    farms: Farms, visitor: TestClient
) -> None:
    enter(visitor, "hoa")
    lot = farms.lots["hoa"]

    page = do(visitor, lot, "split", parts="300; 199,5")
    assert "Còn lại 0,5 kg" in balance(page)
    assert page.one("h1").text.startswith("Tôm hoa · Lô ")
    sizes = {farms.registry.get_lot(one).kg: one for one in made(farms, "hoa")}
    page = do(visitor, sizes[300.0], "process", process="headless", kg_in="300",
              kg_out="186", kg_by="100,5")  # fmt: skip
    tails = next(
        one for one in made(farms, "hoa") if farms.registry.get_lot(one).kg == 186
    )
    assert f"/goods/{tails}" in {
        a.attrs.get("href") for a in page.one(id="forward").all("a")
    }
    page = do(visitor, tails, "pack", kg="100", package="thung-7")
    assert "thung-7" in balance(page)
    page = do(visitor, tails, "ship", kg="", package="urn:greenwater:package:thung-7",
              to="Hộ binh")  # fmt: skip
    assert "Đã gửi đi 100 kg" in balance(page)
    assert "Còn lại 86 kg" in balance(page)
    assert farms.registry.get_lot(lot).code in page.one(id="back").text


def test_what_the_books_refuse_is_said_in_words_of_the_page(
    farms: Farms, visitor: TestClient
) -> None:
    enter(visitor, "hoa")
    lot = next(
        one for one in made(farms, "hoa") if farms.registry.get_lot(one).kg == 186
    )

    page = do(visitor, lot, "sell", kg="86,5")
    assert "chỉ còn 86 kg, không đủ 86,5 kg" in page.one(id="trouble").text
    page = do(visitor, lot, "process", process="peeled", kg_in="80", kg_out="79")
    assert (
        "thường ra từ 32 đến 74,4 kg, không phải 79 kg" in page.one(id="trouble").text
    )
    page = do(visitor, lot, "sell", kg="tám mươi")
    assert "“tám mươi” không phải số ký" in page.one(id="trouble").text
    assert "Đã bán lẻ" not in balance(opened(visitor, f"/goods/{lot}"))


def test_the_recipient_says_what_arrived(farms: Farms, visitor: TestClient) -> None:
    enter(visitor, "binh")
    page = opened(visitor, "/goods")
    form = next(
        one for one in page.all("form") if one.attrs.get("action") == "/goods/receive"
    )
    data = {one.attrs["name"]: one.attrs.get("value", "") for one in form.all("input")}
    (field,) = [name for name in data if name.startswith("kg_")]
    assert data[field] == "100"

    answer = visitor.post("/goods/receive", data={**data, field: "99,5"})
    assert (answer.status_code, "hãy ghi lý do" in answer.text) == (409, True)
    answer = visitor.post(
        "/goods/receive", data={**data, field: "99,5", "reason": "ráo nước"}
    )
    assert answer.status_code == 303
    assert visitor.post("/goods/receive", data=data).status_code == 404, (
        "it is received"
    )
    lot = next(
        one for one in made(farms, "hoa") if farms.registry.get_lot(one).kg == 186
    )
    page = opened(visitor, f"/goods/{lot}")
    assert "Nhận về 99,5 kg" in balance(page)
    assert "Đã gửi đi" not in balance(page), "what others do with it is theirs"
    others = set(made(farms, "hoa")) - {lot}
    assert all(visitor.get(f"/goods/{one}").status_code == 404 for one in others)


def test_a_recall_shows_who_has_it_and_every_page_of_it_says_so(
    farms: Farms, visitor: TestClient
) -> None:
    enter(visitor, "binh")
    lot = next(
        one for one in made(farms, "hoa") if farms.registry.get_lot(one).kg == 186
    )
    do(visitor, lot, "unpack")
    do(visitor, lot, "process", process="peeled", kg_in="99,5", kg_out="70",
       product="09521234543220")  # fmt: skip
    (peeled,) = made(farms, "binh")
    assert visitor.get(f"/goods/{farms.lots['hoa']}/reach.csv").status_code == 404
    visitor.cookies.clear()

    enter(visitor, "hoa")
    token, first = csrf(visitor), farms.lots["hoa"]
    assert visitor.get(f"/goods/{first}/reach.csv").status_code == 404, (
        "not called back"
    )
    answer = visitor.post(
        f"/lots/{first}/recall",
        data={"csrf": token, "reason": "kháng sinh", "phone": "0905 000 001"},
    )
    assert answer.status_code == 303
    reach = re.sub(r"\s+", " ", opened(visitor, f"/goods/{first}").one(id="reach").text)
    assert "Hộ binh · 70 kg" in reach
    assert "+84905000002" in reach
    table = visitor.get(f"/goods/{first}/reach.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert f",{farms.registry.get_lot(peeled).code},70," in table.text
    visitor.cookies.clear()

    enter(visitor, "binh")
    page = opened(visitor, f"/goods/{peeled}")
    told = [one.text for one in page.all(role="alert") if one.text]
    assert ["kháng sinh" in one for one in told] == [True], told
    assert len(page.all("g", class_="node")) > 2, "its descent is drawn"
    assert not page.all("g", class_="broken")
    assert (
        "đang bị thu hồi" in do(visitor, peeled, "sell", kg="1").one(id="trouble").text
    )
    hand = opened(visitor, "/goods").one("main").text
    assert "Đang bị thu hồi" in hand
    assert "ngừng bán, để riêng ra. Lý do: kháng sinh. Gọi 0905 000 001" in hand


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_pages_are_whole_in_both_languages(
    farms: Farms, visitor: TestClient, lang: str
) -> None:
    enter(visitor, "hoa")
    keys = {key for key in WORDS[Lang(lang)] if "_" in key}
    for path in ("/goods", *(f"/goods/{one}" for one in made(farms, "hoa"))):
        page = opened(visitor, f"{path}?lang={lang}")
        assert len(page.all("h1")) == 1
        assert not keys & set(re.findall(r"\w+", page.one("body").text))
        named = {one.attrs.get("for") for one in page.all("label")}
        for field in (*page.all("input"), *page.all("select")):
            if field.attrs.get("type") not in ("hidden", "checkbox"):
                assert field.attrs.get("id") in named, (path, field.attrs)
        for node in page.all():
            assert "style" not in node.attrs
            assert not any(name.startswith("on") for name in node.attrs)

"""What people type, and what they mean."""

from __future__ import annotations

import msgspec
import pytest

from kameng.catalogue import Catalogue, Index, Sku
from kameng.catalogue.searching import distance
from kameng.catalogue.spelling import syllables
from laws.goods import make_sku

NAMES = (
    ("游戏", "网易", "网易一卡通", "100"), ("游戏", "王者", "王者荣耀点券", "68"),
    ("游戏", "Steam", "Steam充值码(国区)", "50"),
    ("话费", "中国移动", "中国移动话费快充", "10"), ("话费", "中国联通", "中国联通话费快充", "10"),
    ("流量", "中国移动", "中国移动5GB流量月包", "15"), ("视频会员", "腾讯视频", "腾讯视频月卡", "25"),
    ("生活权益", "QQ音乐", "QQ音乐豪华绿钻", "18"), ("电费", "国家电网", "国家电网电费", "100"),
    ("生活权益", "京东E卡", "京东E卡", "100"), ("视频会员", "哔哩哔哩", "哔哩哔哩大会员", "25"),
)  # fmt: skip


@pytest.fixture(scope="module")
def index() -> Index:
    skus = {
        number: make_sku(
            sku_id=number, scene=scene, brand=brand, product=product, spec=spec,
            barcode="6901234567892" if number == 1 else "",
        )
        for number, (scene, brand, product, spec) in enumerate(NAMES, 1)
    }  # fmt: skip
    return Index(Catalogue(7, skus))


def test_characters_are_spelt_as_their_phrase_is_read() -> None:
    assert syllables("音乐") == ["yin", "yue"]
    assert syllables("快乐") == ["kuai", "le"]
    assert syllables("Q币 5GB绿") == ["Q", "bi", "5GB", "lv"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("王者荣耀", "王者荣耀点券"),  # its name
        ("荣耀", "王者荣耀点券"),  # a part of it
        ("wzry", "王者荣耀点券"),  # its initials
        ("wangzhe", "王者荣耀点券"),  # its pinyin
        ("ＱＱ音乐", "QQ音乐豪华绿钻"),  # full width
        ("yinyue", "QQ音乐豪华绿钻"),
        ("STEAM", "Steam充值码(国区)"),
        ("6901234567892", "网易一卡通"),  # a barcode
        ("移动 流量", "中国移动5GB流量月包"),  # two words, apart
        ("5gb", "中国移动5GB流量月包"),
        ("b站", "哔哩哔哩大会员"),  # what people call it
    ],
)
def test_what_is_typed_right_is_found(index: Index, typed: str, meant: str) -> None:
    found = index.search(typed)
    assert (found.products[0].name, found.nearly) == (meant, False)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("王者容耀", "王者荣耀点券"),  # sounds the same
        ("腾迅视频", "腾讯视频月卡"),
        ("staem", "Steam充值码(国区)"),  # neighbours changed places
        ("steem", "Steam充值码(国区)"),  # one is wrong
        ("dianfie", "国家电网电费"),
        ("移动流亮", "中国移动5GB流量月包"),
        ("京东卡", "京东E卡"),  # a letter is missing
        ("完全没有", None),
    ],
)
def test_what_is_typed_wrong_is_guessed_and_said_so(index: Index, typed: str, meant: str | None) -> None:
    found = index.search(typed)
    assert [product.name for product in found.products[:1]] == ([] if meant is None else [meant])
    assert found.nearly


def test_the_nearest_name_stands_first(index: Index) -> None:
    assert [product.name for product in index.search("移动").products] == ["中国移动话费快充", "中国移动5GB流量月包"]
    assert index.search("京东E卡").products[0].name == "京东E卡"
    assert index.search("   ").products == []


def test_suggestions_begin_with_scene_and_brand(index: Index) -> None:
    assert index.suggest("dianf") == ["电费", "国家电网电费"]
    assert index.suggest("中国移动") == ["中国移动", "中国移动话费快充", "中国移动5GB流量月包"]
    assert index.suggest("中国移动", limit=2) == ["中国移动", "中国移动话费快充"]
    assert index.suggest("") == []


def test_what_is_not_on_sale_is_not_found(index: Index) -> None:
    paused = Catalogue(8, {1: msgspec.structs.replace(_first(index), state="paused")})
    assert Index(paused).search("网易").products == []
    assert Index(paused).epoch == 8


def _first(index: Index) -> Sku:
    product = index.products[0]
    return make_sku(sku_id=1, scene=product.scene, brand=product.brand, product=product.name)


@pytest.mark.parametrize(
    ("one", "other", "apart"), [("a", "a", 0), ("ab", "ba", 1), ("abc", "abd", 1), ("abc", "ab", 1), ("abc", "cab", 2)]
)
def test_letters_apart(one: str, other: str, apart: int) -> None:
    assert distance(one, other, 2) == distance(other, one, 2) == apart

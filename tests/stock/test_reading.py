"""Reading card files: the three samples as they are, then every way in which a line can be good or bad."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.kit.errors import BadInput
from kameng.stock.errors import LINE_REASONS, ColumnsUnclear
from kameng.stock.reading import CardFile, CardLine, Note, read_cards

SAMPLES = Path(__file__).parent / "samples"
TODAY = date(2026, 11, 22)


def read(text: str | bytes, filename: str = "") -> CardFile:
    return read_cards(text if isinstance(text, bytes) else text.encode(), filename=filename, today=TODAY)


def pairs(file: CardFile) -> list[tuple[str, str]]:
    return [(card.number, card.secret) for card in file.cards]


def reasons(file: CardFile) -> list[tuple[int, str]]:
    return [(line.line, line.reason) for line in file.refused]


def sample(name: str) -> CardFile:
    return read((SAMPLES / name).read_bytes(), name)


# The samples.


def test_txt_sample() -> None:
    file = sample("cards_wangyi_100.txt")
    assert (file.format, file.encoding, len(file.cards)) == ("txt", "utf-8", 2000)
    assert [card.line for card in file.cards] == list(range(2, 2002))
    assert file.cards[0] == CardLine(2, "9566068144625975938", "NSMYPHWJHRGVJBQM", date(2028, 12, 31), None)
    assert {(card.expires_on, card.cost_e4) for card in file.cards} == {(date(2028, 12, 31), None)}
    assert reasons(file) == [*((line, "duplicate") for line in range(2002, 2009)), (2010, "no_secret")]
    assert file.refused[0].message == "The same card stands in line 2."
    assert file.refused[0].message_zh == "与第2行重复。"
    assert file.notes == (Note(1, "comment", "# 网易一卡通100元 批次20261101 有效期2028-12-31"),)


def test_csv_sample() -> None:
    file = sample("cards_jd_200_gbk.csv")
    assert (file.format, file.encoding, len(file.cards), file.refused) == ("csv", "gb18030", 2001, ())
    assert [card.line for card in file.cards] == list(range(2, 2003))
    last_day, cost_e4 = date(2027, 12, 31), 1_930_000
    assert file.cards[0] == CardLine(2, "4510934902748687036", "SEM5369HTNGCRXBH", last_day, cost_e4)
    assert {(card.expires_on, card.cost_e4) for card in file.cards} == {(last_day, cost_e4)}
    assert all(re.fullmatch(r"\d{19}", card.number) for card in file.cards)
    assert file.notes == (Note(1, "header", "序号,卡号,卡密,到期日,成本"),)


def test_xlsx_sample() -> None:
    file = sample("cards_steam_100.xlsx")
    assert (file.format, len(file.cards)) == ("xlsx", 1000)
    assert [card.line for card in file.cards] == list(range(3, 1003))
    assert file.cards[0] == CardLine(3, "", "3D6KW-E3TJE-5PQ28", date(2028, 6, 30), None)
    assert {(card.number, card.expires_on) for card in file.cards} == {("", date(2028, 6, 30))}
    assert reasons(file) == [(1003, "digits_lost"), (1004, "formula")]
    assert [note.kind for note in file.notes] == ["title", "header"]


def test_one_card_of_the_csv_also_stands_in_the_txt() -> None:
    # Within a file it is no duplicate; the fingerprints of all cards find it when it is loaded.
    both = set(pairs(sample("cards_wangyi_100.txt"))) & set(pairs(sample("cards_jd_200_gbk.csv")))
    assert both == {("3471142084269721964", "UGAA5R9X92WR2GNA")}


# Separators and columns.


def test_separators_of_each_line() -> None:
    lines = "a1----b1\na2\tb2\na3,b3\na4，b4\na5|b5\na6;b6\na7 b7\na8--b8\na9；b9\na10 ---- b10"
    assert pairs(read(lines)) == [(f"a{i}", f"b{i}") for i in range(1, 11)]


def test_line_ends_of_all_kinds() -> None:
    assert [card.line for card in read("a1,b1\r\na2,b2\ra3,b3\n\na5,b5").cards] == [1, 2, 3, 5]


def test_dashes_and_blanks_inside_a_code_stay() -> None:
    assert pairs(read("卡号,密码\na--1,b 1\n")) == [("a--1", "b 1")]
    assert pairs(read("充值码\nAB--CD\nAB CD EF\n")) == [("", "AB--CD"), ("", "AB CD EF")]
    assert pairs(read("a--1----b--1")) == [("a--1", "b--1")]


def test_quoted_fields() -> None:
    assert pairs(read('"123","a,b"\n"456","c""d"\n')) == [("123", "a,b"), ("456", 'c"d')]
    file = read('1,"abc\n2,def\n')
    assert (pairs(file), reasons(file)) == ([("2", "def")], [(1, "broken_quote")])


@pytest.mark.parametrize(
    "cell",
    [
        *("00123", " 00123 ", "\t00123", "'00123", '="00123"', "“00123”"),
        *("\u200b00123", "\ufeff00123", "\u202d00123\u202c"),
    ],
)
def test_what_pads_a_long_number_is_taken_off(cell: str) -> None:
    assert pairs(read(f"卡号,卡密\n{cell},abc\n")) == [("00123", "abc")]
    assert pairs(read(f"{cell}----abc\n")) == [("00123", "abc")]


@pytest.mark.parametrize(
    ("header", "row", "card"),
    [
        ("序号,卡号,卡密,面值", "1,a,b,100", ("a", "b")),
        ("编号\t充值码", "1\tb", ("", "b")),
        ("密码|账号", "b|a", ("a", "b")),
        ("兑换码,密码", "a,b", ("a", "b")),
        ("编号,卡密", "6222021234567890123,b", ("6222021234567890123", "b")),
        ("No.,Card Number,PIN,Face Value", "1,a,b,100", ("a", "b")),
        ("#,卡号,卡密", "1,a,b", ("a", "b")),
        ("卡 号（勿改）,卡密*", "a,b", ("a", "b")),
        ("卡号 密码", "a b", ("a", "b")),
        ("卡号----密码", "a----b", ("a", "b")),
        ("# 卡号 密码", "a----b", ("a", "b")),
        ("兑换链接", "https://x.cn/?a=1,2;3", ("", "https://x.cn/?a=1,2;3")),
        ("口令码,卡密", "说明,春暖花开", ("", "春暖花开")),
    ],
)
def test_headers(header: str, row: str, card: tuple[str, str]) -> None:
    file = read(f"{header}\n{row}\n")
    assert (pairs(file), [note.kind for note in file.notes]) == ([card], ["header"])


def test_headers_that_contradict_themselves_refuse_the_file() -> None:
    with pytest.raises(ColumnsUnclear) as refusal:
        read("卡号,账号,密码\na,b,c\n")
    assert refusal.value.detail == "these columns say the same: 卡号, 账号"


def test_files_pasted_together_bring_their_headers() -> None:
    assert pairs(read("卡号,卡密\na1,b1\n密码,账号\nb2,a2\n")) == [("a1", "b1"), ("a2", "b2")]


@pytest.mark.parametrize(
    ("text", "cards"),
    [
        ("1,AAA1\n2,BBB2\n3,CCC3\n", [("", "AAA1"), ("", "BBB2"), ("", "CCC3")]),  # counted rows
        ("1001,1111\n1002,2222\n", [("1001", "1111"), ("1002", "2222")]),  # numbered cards
        ("AAA1\nBBB2\n", [("", "AAA1"), ("", "BBB2")]),
        ("https://x.cn/a,1\nhttps://x.cn/b--2", [("", "https://x.cn/a,1"), ("", "https://x.cn/b--2")]),
        ("卡号：a1 密码：b1\n卡号: a2, 密码: b2\n", [("a1", "b1"), ("a2", "b2")]),
        ("12345678,20271231\n12345679,20280101\n", [("", "12345678"), ("", "12345679")]),  # with expiry
    ],
)
def test_columns_without_a_header(text: str, cards: list[tuple[str, str]]) -> None:
    file = read(text)
    assert (pairs(file), file.refused) == (cards, ())


def test_date_and_cost_without_a_header() -> None:
    file = read("a1,b1,2027/12/31,9.50\na2,b2,2028年1月5日,10.0000\n")
    assert file.cards == (
        CardLine(1, "a1", "b1", date(2027, 12, 31), 95_000),
        CardLine(2, "a2", "b2", date(2028, 1, 5), 100_000),
    )


# Dates and costs.


@pytest.mark.parametrize(
    ("cell", "expires_on"),
    [
        ("2027/12/31", date(2027, 12, 31)),
        ("2027-12-31", date(2027, 12, 31)),
        ("2027.12.31", date(2027, 12, 31)),
        ("2027年12月31日", date(2027, 12, 31)),
        ("20271231", date(2027, 12, 31)),
        ("2027/1/5", date(2027, 1, 5)),
        ("2027-12-31 23:59:59", date(2027, 12, 31)),
        ("２０２７／１２／３１", date(2027, 12, 31)),
        ("46934", date(2028, 6, 30)),  # a spreadsheet's serial day
        ("2026-11-22", date(2026, 11, 22)),  # today is the last good day
        ("永久有效", None),
        ("", None),
    ],
)
def test_dates(cell: str, expires_on: date | None) -> None:
    assert [card.expires_on for card in read(f"卡号,卡密,有效期\na,b,{cell}\n").cards] == [expires_on]


@pytest.mark.parametrize("cell", ["31/12/2028", "2028-02-30", "28-12-31", "1999-01-01", "365天", "2028"])
def test_bad_dates(cell: str) -> None:
    assert reasons(read(f"卡号,卡密,有效期\na,b,{cell}\n")) == [(2, "bad_date")]


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("# 有效期2028-12-31\na1----b1", [date(2028, 12, 31)]),
        ("// expires: 2028.12.31\na1----b1", [date(2028, 12, 31)]),
        ("某卡100元 失效日期：2028年12月31日\na1----b1", [date(2028, 12, 31)]),
        ("有效期：2026-12-01至2028-12-31\na1----b1", [date(2028, 12, 31)]),
        ("a1----b1\n# 有效期2028-12-31", [date(2028, 12, 31)]),  # a comment at the end
        ("# 有效期2027-01-01\na1----b1\n# 有效期2028-01-01\na2----b2",
         [date(2027, 1, 1), date(2028, 1, 1)]),
        ("# 有效期2028-12-31\n卡号,卡密,到期日\na1,b1,2027-01-01\na2,b2,\na3,b3,永久\n",
         [date(2027, 1, 1), date(2028, 12, 31), None]),
        ("# 批次20281231\na1----b1", [None]),
    ],
)  # fmt: skip
def test_a_comment_or_title_sets_the_expiry_of_what_follows(text: str, dates: list[date | None]) -> None:
    assert [card.expires_on for card in read(text).cards] == dates


@pytest.mark.parametrize(
    ("cell", "cost_e4"),
    [
        ("193.00", 1_930_000),
        ("¥193.5", 1_935_000),
        ('"1,193"', 11_930_000),
        ("193元", 1_930_000),
        ("0.0001", 1),
        ("", None),
    ],
)
def test_costs(cell: str, cost_e4: int | None) -> None:
    assert [card.cost_e4 for card in read(f"进价,卡号,卡密\n{cell},a,b\n").cards] == [cost_e4]


@pytest.mark.parametrize("cell", ["1.00001", "-3", "免费", "1e3"])
def test_bad_costs(cell: str) -> None:
    assert reasons(read(f"进价,卡号,卡密\n{cell},a,b\n")) == [(2, "bad_cost")]


# Refusals.


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a1", "no_secret"),
        ("a1----", "no_secret"),
        ("只有卡号没有密码 ", "no_secret"),
        ("----b1", "no_number"),
        ("6.22202E+18----b1", "digits_lost"),
        ("a1----6.22202123456789e+18", "digits_lost"),
        ("a1----=HYPERLINK(1)", "formula"),
        ("a1----=A1", "formula"),
        ("a1----@SUM(A1)", "formula"),
        ("a1----+1+cmd|x", "formula"),
        ("卡号一----b1", "not_a_code"),
        ("a1----密码见短信", "not_a_code"),
        ("a1----" + "b" * 201, "too_long"),
        ("a" * 201 + "----b1", "too_long"),
        ("a1----b\x071", "control_characters"),
        ("a1----b1----c1----d1", "too_many_fields"),
        ("a0----b9", "duplicate_number"),
        ("a0,b0", "duplicate"),
    ],
)
def test_a_bad_line_is_refused_and_the_others_stay(line: str, reason: str) -> None:
    file = read(f"a0----b0\n{line}\na2----b2\n")
    assert (pairs(file), reasons(file)) == ([("a0", "b0"), ("a2", "b2")], [(2, reason)])
    en, zh = LINE_REASONS[file.refused[0].reason]
    assert file.refused[0].message == en.format(first=1)
    assert file.refused[0].message_zh == zh.format(first=1)


def test_signs_before_a_plain_code_are_no_formula() -> None:
    cards = [("a1", "+8613800138000"), ("a2", "ab+/cd=="), ("a3", "-_ABCDEF")]
    assert pairs(read("\n".join(f"{number},{secret}" for number, secret in cards))) == cards


def test_expired() -> None:
    assert reasons(read("卡号,卡密,有效期\na,b,2026-11-21\n")) == [(2, "expired")]


def test_a_card_that_was_refused_does_not_make_its_second_line_a_duplicate() -> None:
    file = read("卡号,卡密,有效期\na,b,2026-11-21\na,b,2027-01-01\na,b,2027-01-01\n")
    assert (pairs(file), reasons(file)) == ([("a", "b")], [(2, "expired"), (4, "duplicate")])


def test_one_column_duplicates_and_a_number_that_looks_like_a_secret() -> None:
    assert reasons(read("AAA1\nBBB2\nAAA1\n")) == [(3, "duplicate")]
    assert reasons(read("充值码\nAAA1\n密码,卡号\nb,AAA1\n")) == []


def test_a_header_without_a_secret_column_makes_no_secrets_of_numbers() -> None:
    assert reasons(read("卡号\n123\n456\n")) == [(2, "no_secret"), (3, "no_secret")]


def test_a_comma_too_many_moves_no_columns() -> None:
    assert reasons(read("卡号,卡密\na,1,b\n")) == [(2, "too_many_fields")]
    assert reasons(read("充值码\na,b\n")) == [(2, "too_many_fields")]


def test_notes() -> None:
    file = read("某平台 出卡单\n\n卡号,卡密\na,b\n,,\n--------\n合计,1\n// 完\n")
    assert [(note.line, note.kind) for note in file.notes] == [
        (1, "title"), (3, "header"), (7, "total"), (8, "comment"),
    ]  # fmt: skip
    assert (len(file.cards), file.refused) == (1, ())


def test_words_without_end_are_no_titles() -> None:
    file = read("春暖花开\n" * 12)
    assert (len(file.notes), reasons(file)) == (10, [(11, "no_secret"), (12, "no_secret")])


def test_nothing_is_nothing() -> None:
    assert read("") == CardFile((), (), (), "utf-8", "txt")
    assert read(" \r\n,,,\n\t\n") == CardFile((), (), (), "utf-8", "txt")


# Laws.


@pytest.mark.parametrize("name", ["cards_wangyi_100.txt", "cards_jd_200_gbk.csv", "cards_steam_100.xlsx"])
def test_no_secret_in_what_is_reported(name: str) -> None:
    file = sample(name)
    report = repr((file.refused, file.notes))
    assert not [card for card in file.cards if card.secret in report or (card.number or "?") in report]
    assert all(re.fullmatch(r".{0,4}\*{4}", line.preview) for line in file.refused)


@pytest.mark.parametrize(
    "comment",
    ["#1234567890123----ABCDEFGHIJK", "# 12345678 87654321", "# ABCDEFGH,HGFEDCBA", "//卡密 A1B2C3D4E5F6"],
)
def test_a_card_in_a_comment_is_masked(comment: str) -> None:
    (note,) = read(comment).notes
    assert not re.search(r"[0-9A-Z]{5}", note.text)


PIECES = st.sampled_from(
    ["A1B2C3", "12345678901234567890", "卡号", "卡密", "密码：", "有效期", "2028-12-31", "2020-01-01",
     "合计", "193.00", "#", "//", "----", "--", ",", "，", "\t", "|", ";", " ", '"', "'", "=", "@", "https://x.cn/a",
     "\ufeff", "\u200b", "\x07", "\x1c", "\u2028", "\x85", "\ufffd", "é"]
)  # fmt: skip
LINES = st.lists(st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=6).map("".join), max_size=12)


@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_no_line_is_lost_and_none_counts_twice(lines: list[str], end: str) -> None:
    data = end.join(lines).encode("utf-8", "replace")
    try:
        file = read(data)
    except BadInput:
        return  # two columns of one name, a web page
    text = data.decode("utf-8-sig")
    seen = Counter(item.line for part in (file.cards, file.refused, file.notes) for item in part)
    rows = enumerate(re.split(r"\r\n|\r|\n", text), 1)
    inked = {line for line, row in rows if re.search(r"[^\W_]|\ufffd", row)}
    assert seen == dict.fromkeys(inked, 1)
    numbers = [card.number for card in file.cards if card.number]
    assert len(numbers) == len(set(numbers))
    assert all(card.secret and len(card.secret) <= 200 and len(card.number) <= 200 for card in file.cards)


@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda t: t.encode("utf-16", "replace"))))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        file = read(data)
    except BadInput:
        return
    lines = [item.line for part in (file.cards, file.refused, file.notes) for item in part]
    assert len(lines) == len(set(lines))

"""Names of organisations: one name in all its spellings, and other names apart."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.reference import Asset, Names, OwnAssets
from seawall.reference.organisations import names_in, normal, same

LETTERS = "ㅅㅏㅁㅅㅓㅇㅈㅓㄴㅈㅏ"  # each on its own, U+3131 to U+318E
HALF_WIDTH = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFFA1, 0xFFDD)}
NARROW = "".join(HALF_WIDTH[unicodedata.normalize("NFKC", letter)] for letter in LETTERS)
SIMPLE = str.maketrans("臺灣積體電製萬華醫錢", "台湾积体电制万华医钱")


def fold(character: str) -> str:
    """The few characters that these tests need."""
    return character.translate(SIMPLE)


SPELLINGS = [
    ("台積電", "台积电", "臺積電", "台 積 電", "「台積電」"),
    ("台灣積體電路製造股份有限公司", "台湾积体电路制造股份有限公司", "臺灣積體電路製造"),
    ("삼성전자", "삼성전자㈜", "(주)삼성전자", "삼성전자주식회사", "주식회사 삼성전자", "㈜ 삼성전자", "삼성 전자",
     "（주）삼성전자", unicodedata.normalize("NFD", "삼성전자"), LETTERS, NARROW),
    ("SK하이닉스", "ＳＫ하이닉스", "sk하이닉스", "SK 하이닉스(주)", "SK\u200b하이닉스"),
    ("SK hynix Inc.", "SK HYNIX", "sk-hynix, Inc", "ＳＫ ｈｙｎｉｘ"),
    ("TSMC", "tsmc", "T.S.M.C.", "TSMC Co., Ltd.", "Ｔ Ｓ Ｍ Ｃ", "TSMC Limited"),
    ("Société Générale SA", "SOCIÉTÉ GÉNÉRALE", "Socie\u0301te\u0301 Ge\u0301ne\u0301rale"),
    ("株式会社サンプル", "㈱サンプル", "ｻﾝﾌﾟﾙ株式会社"),
]  # fmt: skip


@pytest.mark.parametrize("spellings", SPELLINGS, ids=lambda spellings: str(spellings[0]))
def test_all_spellings_are_one_name(spellings: tuple[str, ...]) -> None:
    """Width, case, script, composition, brackets, spaces and legal forms do not tell names apart."""
    for other in spellings[1:]:
        assert same(spellings[0], other, fold), other


def test_other_names_stay_apart() -> None:
    """No two of the organisations above are one, nor are near names."""
    forms = [normal(spellings[0], fold) for spellings in SPELLINGS]
    assert len(set(forms)) == len(forms)
    for one, other in [
        ("삼성전자", "삼성전기"),
        ("TSMC", "UMC"),
        ("台積電", "聯電"),
        ("각", "가"),
        ("萬華醫院", "萬華"),
    ]:
        assert not same(one, other, fold)


def test_a_legal_form_alone_is_a_name_of_its_own() -> None:
    """Nothing is left of it otherwise, and nothing would match everything."""
    assert normal("有限公司") and normal("Ltd.") and normal("주식회사")


@pytest.mark.parametrize("spellings", SPELLINGS, ids=lambda spellings: str(spellings[0]))
def test_a_name_is_found_in_a_text_however_it_is_written(spellings: tuple[str, ...]) -> None:
    """And what stands around it stays to the letter."""
    names = Names([spellings[-1]], fold)
    for spelling in spellings:
        before, after = "첫 희생자 / 受害者: ", " wurde am 3. März gemeldet."
        struck = names.replace(before + spelling + after, "[x]")
        assert struck.startswith(before.rstrip()) and struck.endswith(after), struck
        assert "[x]" in struck
        assert normal(spelling, fold) not in normal(struck, fold)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Acer", "the placer and the acerola"),
        ("SK hynix", "ask hynixes"),
        ("가나", "각난"),
        ("台積電", "台積 and 電"),
        ("삼성", "삼서"),
        ("AB", "AB is too short to be looked for"),
    ],
)
def test_other_words_are_left_alone(name: str, text: str) -> None:
    """Parts of words and of syllables, and names cut in two by others."""
    assert Names([name]).replace(text, "[x]") == text


def test_particles_and_neighbours_do_not_hide_a_name() -> None:
    """Korean and Chinese write on without a space."""
    names = Names(["삼성전자㈜", "台積電"], fold)
    assert names.replace("삼성전자는 台积电的伺服器", "[x]") == "[x]는 [x]的伺服器"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_survived(text: str) -> None:
    """Normal forms are stable, a name is the same as itself, and what is not found is not changed."""
    assert same(text, text)
    assert Names([text]).replace("x", "[x]") in ("x", "[x]")
    assert Names(["TSMC"]).replace(text, "") == text or "t" in text.casefold() or not text.isascii()


def test_own_assets_are_looked_up_by_organisation() -> None:
    """By any of the names in the cell, in any spelling."""
    assets = OwnAssets([Asset("198.51.100.0/24", "TSMC|台積電"), Asset("skhynix.example", "SK하이닉스")])
    assert [asset.value for asset in assets.of_organisation("tsmc co., ltd.")] == ["198.51.100.0/24"]
    assert [asset.value for asset in assets.of_organisation("ＳＫ하이닉스㈜")] == ["skhynix.example"]
    assert assets.of_organisation("UMC") == ()
    assert assets.organisations() == ("SK하이닉스", "TSMC", "台積電")
    assert names_in(" a | b ||") == ("a", "b")


def test_the_two_scripts_are_one_name() -> None:
    """Traditional and simplified characters count as equal."""
    assert same("台灣積體電路製造股份有限公司", "台湾积体电路制造")

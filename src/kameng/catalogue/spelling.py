"""How Chinese is spelt: pinyin in full and by initials, of names as people search for them. Pure.

Phrases decide where a character is read in several ways (音乐 yinyue, 快乐 kuaile). The tables are pypinyin's, read
when the first name is spelt; its own segmenter would cost ten times as much for readings that names rarely have.
"""

from __future__ import annotations

import unicodedata
from functools import cache

PHRASE_CHARS_MAX = 4


def syllables(text: str) -> list[str]:
    """``话费`` → ``["hua", "fei"]``; what is no Chinese stays as it is, a run at a time: ``Q币`` → ``["q", "bi"]``."""
    readings, phrases = _tables()
    spelt: list[str] = []
    at, in_run = 0, False
    while at < len(text):
        char = text[at]
        if char not in readings:
            if in_run and char.isalnum():
                spelt[-1] += char
            elif char.isalnum():
                spelt.append(char)
            in_run = char.isalnum()
            at += 1
            continue
        in_run = False
        for length in range(min(PHRASE_CHARS_MAX, len(text) - at), 1, -1):
            found = phrases.get(text[at : at + length])
            if found is not None:
                spelt += found
                at += length
                break
        else:
            spelt.append(readings[char])
            at += 1
    return spelt


def spelt(text: str) -> tuple[str, str]:
    """In full and by initials: ``话费`` → ``("huafei", "hf")``; digits stay whole in both."""
    sounds = syllables(text)
    return "".join(sounds), "".join(sound if sound.isdecimal() else sound[0] for sound in sounds)


def is_chinese(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


@cache
def _tables() -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """The first reading of each character; phrases that are read otherwise."""
    from pypinyin.phrases_dict import phrases_dict
    from pypinyin.pinyin_dict import pinyin_dict

    readings = {
        chr(code): _toneless(sounds.partition(",")[0])
        for code, sounds in pinyin_dict.items()
        if is_chinese(chr(code))
    }  # fmt: skip
    phrases = {}
    for phrase, sounds in phrases_dict.items():
        if len(phrase) > PHRASE_CHARS_MAX or len(phrase) != len(sounds):
            continue
        spelt = tuple(_toneless(sound[0]) for sound in sounds)
        if any(readings.get(char) != sound for char, sound in zip(phrase, spelt, strict=True)):
            phrases[phrase] = spelt
    return readings, phrases


@cache
def _toneless(sound: str) -> str:
    """``lǜ`` → ``lv``: as keyboards have it."""
    plain = unicodedata.normalize("NFD", sound.replace("ü", "v").replace("ǜ", "v").replace("ǚ", "v").replace("ǘ", "v"))
    return "".join(char for char in plain if "a" <= char <= "z")

"""Search: what somebody means who types a name, a part of it, its pinyin, its initials, a barcode, or nearly that.

An index over what is on sale, in memory. A product is one line of text: its name, brand, scene, specs and barcodes,
with its pinyin and initials. Grams (two Chinese characters, three letters) lead to the lines that may match, in the
order in which the shop shows them; a line matches that holds every run of the query. Only if none does, the query is
taken for mistyped: first as it sounds (容耀 is typed for 荣耀), then a letter apart, then by the share of its grams.

The index knows ids and names only: prices and states are the catalogue's, which may be newer.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from kameng.catalogue.model import Catalogue, Sku
from kameng.catalogue.spelling import is_chinese, spelt, syllables

QUERY_CHARS_MAX = 60
FOUND_MAX = 1_000
"""Products that one search looks at; a query that means more means nothing yet."""
NEARLY_MAX = 60
_RUNS = re.compile(r"[\u4e00-\u9fff]+|[a-z0-9]+")
_TYPED_LEAST = 3
_WORD_MOST = 24
_TWO_APART_LEAST = 8
"""From how many letters on one, and two, of them may be wrong; words beyond the most are not mistyped as one."""
ALIASES = {
    "b站": "哔哩哔哩", "苹果": "app store", "吃鸡": "和平精英", "农药": "王者荣耀", "扣币": "q币", "扣扣币": "q币",
    "psn": "playstation", "油卡": "加油卡", "爱奇异": "爱奇艺", "网易云": "网易云音乐", "kfc": "肯德基",
}  # fmt: skip
"""What people say, and what it is called."""


class Product(msgspec.Struct, frozen=True):
    """What stands under one name. ``number``: the lowest of its SKUs' ids, which names it in addresses."""

    number: int
    scene: str
    brand: str
    name: str
    sku_ids: tuple[int, ...]


class Found(msgspec.Struct, frozen=True):
    """``nearly``: nothing is so called; these are what may have been meant."""

    products: list[Product]
    nearly: bool = False


class Index:
    """Made once of a catalogue; ``search`` and ``suggest`` read it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.epoch = catalogue.epoch
        self.products = _products(catalogue)
        self.by_sku = {sku_id: product for product in self.products for sku_id in product.sku_ids}
        self.scenes: dict[str, list[Product]] = {}
        for product in self.products:
            self.scenes.setdefault(product.scene, []).append(product)
        self._names: list[str] = []
        self._texts: list[str] = []
        self._spelt: list[str] = []
        self._grams: dict[str, array[int]] = {}
        self._words: dict[str, list[str]] = {}
        """What is left of a word without one of its letters → the words."""
        self._fill(catalogue)

    def search(self, query: str) -> Found:
        """What the query means, the likeliest first."""
        runs = runs_of(query)
        if not runs:
            return Found([])
        lines = self._matching(runs)
        if lines:
            return Found(self._ranked(lines, query, runs))
        called = ALIASES.get(_plain(query))
        if called is not None and (lines := self._matching(runs_of(called))):
            return Found(self._ranked(lines, called, runs_of(called)))
        for other in self._respelt(runs):
            lines = self._matching(other)
            if lines:
                return Found(self._ranked(lines, query, other), nearly=True)
        return Found([self.products[line] for line in self._alike(runs)], nearly=True)

    def suggest(self, query: str, *, limit: int = 8) -> list[str]:
        """Names to offer while somebody types: scenes and brands that begin so, then products."""
        runs = runs_of(query)
        if not runs:
            return []
        found = self.search(query).products[: limit * 4]
        typed = "".join(runs)
        groups = dict.fromkeys(
            name
            for product in found
            for name in (product.scene, product.brand)
            if _plain(name).startswith(typed) or "".join(syllables(name)).startswith(typed)
        )
        return list(dict.fromkeys([*list(groups)[:2], *(product.name for product in found)]))[:limit]

    # making it --------------------------------------------------------------------------------------------

    def _fill(self, catalogue: Catalogue) -> None:
        postings: dict[str, list[int]] = {}
        words: set[str] = set()
        for line, product in enumerate(self.products):
            text, spelt = _line_of(product, [catalogue.skus[sku_id] for sku_id in product.sku_ids])
            self._names.append(_plain(product.name))
            self._texts.append(text)
            self._spelt.append(spelt)
            for gram in _grams_of_line(text, spelt):
                postings.setdefault(gram, []).append(line)
            words |= _words_of(product)
        for word in sorted(words):
            for rest in _without_one(word):
                self._words.setdefault(rest, []).append(word)
        self._grams = {gram: array("I", lines) for gram, lines in postings.items()}

    # reading it -------------------------------------------------------------------------------------------

    def _matching(self, runs: Sequence[str]) -> list[int]:
        """The lines that hold every run, in the shop's order."""
        rarest: array[int] | None = None
        for run in runs:
            for gram in _grams(run):
                lines = self._grams.get(gram)
                if lines is None:
                    return []
                if rarest is None or len(lines) < len(rarest):
                    rarest = lines
        found: list[int] = []
        for line in rarest or ():
            text, spelt = self._texts[line], self._spelt[line]
            if all(run in text or run in spelt for run in runs):
                found.append(line)
                if len(found) == FOUND_MAX:
                    break
        return found

    def _ranked(self, lines: Iterable[int], query: str, runs: Sequence[str]) -> list[Product]:
        typed, first = _plain(query), runs[0]

        def rank(line: int) -> tuple[int, int]:
            name, text, spelt = self._names[line], self._texts[line], self._spelt[line]
            if name == typed:
                return 0, line
            if name.startswith(first):
                return 1, line
            if all(run in name for run in runs):
                return 2, line
            if spelt.startswith(first) or f" {first}" in spelt:
                return 3, line
            return (4 if all(run in text for run in runs) else 5), line

        return [self.products[line] for _, line in sorted(map(rank, lines))]

    def _respelt(self, runs: Sequence[str]) -> Iterable[list[str]]:
        """The query as it sounds, and with words that are a letter away."""
        yield ["".join(syllables(run)) for run in runs]
        pairs = [run[at : at + 2] if is_chinese(run[0]) else run for run in runs for at in range(0, len(run), 2)]
        yield ["".join(syllables(pair)) for pair in dict.fromkeys(pairs)]
        corrected = [self._nearest("".join(syllables(run))) for run in runs]
        if all(corrected):
            yield [word for word in corrected if word]
        for at, word in enumerate(corrected):
            if word:
                yield [word if other == at else "".join(syllables(run)) for other, run in enumerate(runs)]

    def _nearest(self, typed: str) -> str | None:
        """The word that was meant: one letter wrong, missing, too many or in its neighbour's place."""
        if len(typed) < _TYPED_LEAST or typed.isdecimal():
            return None
        rests = {typed, *_without_one(typed)}
        if len(typed) >= _TWO_APART_LEAST:
            rests |= {shorter for rest in list(rests) for shorter in _without_one(rest)}
        most = 2 if len(typed) >= _TWO_APART_LEAST else 1
        candidates = {word for rest in rests for word in self._words.get(rest, ())}
        apart = [(distance(typed, word, most), word) for word in candidates]
        best = min(((away, word) for away, word in apart if away <= most), default=None)
        return None if best is None else best[1]

    def _alike(self, runs: Sequence[str]) -> list[int]:
        """Lines that hold at least half of the query's grams."""
        grams = {gram for run in runs for gram in _grams(run) if len(gram) > 1}
        if len(grams) < 2:
            return []
        votes = Counter[int]()
        for gram in grams:
            votes.update(self._grams.get(gram, array("I"))[:FOUND_MAX])
        enough = [line for line, count in votes.items() if 2 * count >= len(grams)]
        return sorted(enough, key=lambda line: (-votes[line], line))[:NEARLY_MAX]


def runs_of(query: str) -> list[str]:
    """What the query is made of: runs of Chinese, and of letters and digits."""
    return _RUNS.findall(_plain(query[:QUERY_CHARS_MAX]))[:8]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _products(catalogue: Catalogue) -> list[Product]:
    """Those with something on sale: scenes, brands and products in the order in which they came."""
    by_name: dict[tuple[str, str, str], list[Sku]] = {}
    for sku in sorted(catalogue.skus.values(), key=lambda sku: sku.sku_id):
        if sku.on_sale:
            by_name.setdefault((sku.scene, sku.brand, sku.product), []).append(sku)
    return [
        Product(skus[0].sku_id, scene, brand, name, tuple(sku.sku_id for sku in skus))
        for (scene, brand, name), skus in by_name.items()
    ]


def _line_of(product: Product, skus: Sequence[Sku]) -> tuple[str, str]:
    """What is read of a product: its text, and how that is spelt, in full and by initials."""
    name = _plain(product.name)
    specs = dict.fromkeys(text for sku in skus for text in (_plain(sku.spec), sku.barcode) if text and text not in name)
    text = " ".join(dict.fromkeys((name, _plain(product.brand), _plain(product.scene), *specs)))
    parts = (name, _plain(product.brand), _plain(product.scene))
    return text, " ".join(dict.fromkeys(way for part in parts for way in spelt(part)))


def _words_of(product: Product) -> set[str]:
    """Words that somebody may mistype: brands, scenes and pieces of names, as they are spelt."""
    words = set()
    for text in (product.brand, product.scene, product.name):
        plain = _plain(text)
        words.add("".join(syllables(plain)))
        words.update("".join(syllables(run)) for run in _RUNS.findall(plain))
    return {word for word in words if _TYPED_LEAST <= len(word) <= _WORD_MOST and word.isalpha()}


def _grams_of_line(text: str, spelt: str) -> set[str]:
    grams: set[str] = set()
    for run in _RUNS.findall(f"{text} {spelt}"):
        grams.update(run)
        grams.update(run[at : at + 2] for at in range(len(run) - 1))
        if not is_chinese(run[0]):
            grams.update(run[at : at + 3] for at in range(len(run) - 2))
    return grams


def _grams(run: str) -> list[str]:
    """Of a query's run: the longest there are."""
    size = min(len(run), 2 if is_chinese(run[0]) else 3)
    return [run[at : at + size] for at in range(len(run) - size + 1)]


def _without_one(word: str) -> set[str]:
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def distance(one: str, other: str, most: int) -> int:
    """Letters apart (Damerau-Levenshtein, restricted: neighbours change places once); beyond ``most``: more than it."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, against in enumerate(other, 1):
            cost = min(above[column] + 1, line[-1] + 1, above[column - 1] + (letter != against))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == against:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, above = above, line
    return above[-1]

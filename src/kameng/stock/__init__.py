"""Card stock: reading and loading sealed cards, shelves by lane, taking earliest expiry first, stealing."""

from kameng.stock.errors import (
    BadBatch,
    BadStockThreshold,
    ColumnsUnclear,
    FileNotReadable,
    FileTooLarge,
    NoCards,
    SeveralSheets,
)  # fmt: skip
from kameng.stock.keeping import band, reseal, void_expired
from kameng.stock.loading import LoadReport, load_cards, load_file
from kameng.stock.model import CARD, NEVER, CardText, Shelf, ShelfCard
from kameng.stock.numbering import prints_of, read_numbers
from kameng.stock.reading import CardLine, RefusedLine, read_cards
from kameng.stock.store import (
    Batch,
    Shares,
    Supplied,
    batches_of,
    brands_of,
    cards_of,
    free,
    hand_over,
    on_hand_everywhere,
    reserve,
    sell,
    shares_elsewhere,
    shares_here,
    supplied,
    take_back,
)
from kameng.stock.taking import Stolen, read_shelf, steal
from kameng.stock.watching import set_low_stock, watch_stock

__all__ = [
    "CARD", "NEVER", "BadBatch", "BadStockThreshold", "Batch", "CardLine", "CardText", "ColumnsUnclear",
    "FileNotReadable", "FileTooLarge", "LoadReport", "NoCards", "RefusedLine", "SeveralSheets", "Shares", "Shelf",
    "ShelfCard", "Stolen", "Supplied", "band", "batches_of", "brands_of", "cards_of", "free", "hand_over",
    "load_cards", "load_file", "on_hand_everywhere", "prints_of", "read_cards", "read_numbers", "read_shelf",
    "reseal", "reserve", "sell", "set_low_stock", "shares_elsewhere", "shares_here", "steal", "supplied",
    "take_back", "void_expired", "watch_stock",
]  # fmt: skip

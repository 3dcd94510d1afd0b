"""Card stock: reading and loading sealed cards, shelves by lane, taking earliest expiry first, stealing; links,
reusable cards and cards on display."""

from kameng.stock.displaying import bring_displayed, find_displayed, list_displayed
from kameng.stock.errors import (
    VOID_REASONS,
    BadBatch,
    BadStockThreshold,
    ColumnsUnclear,
    FileNotReadable,
    FileTooLarge,
    NoCards,
    NoSuchBatch,
    SeveralSheets,
)  # fmt: skip
from kameng.stock.keeping import band, reseal, void_expired
from kameng.stock.links import host_of, veiled
from kameng.stock.loading import USES_MAX, LoadReport, load_cards, load_file
from kameng.stock.model import AS_OFTEN_AS_ASKED, CARD, NEVER, CardText, Shelf, ShelfCard, known_as
from kameng.stock.numbering import prints_of, read_numbers
from kameng.stock.reading import CardLine, RefusedLine, masked, read_cards
from kameng.stock.reusing import restock
from kameng.stock.special_store import BatchStock, Displayed, Found, reserve_displayed, sell_displayed
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
from kameng.stock.voiding import By, RefusedNumber, Voided, stock_of_batches, void_batch, void_numbers
from kameng.stock.watching import set_low_stock, watch_stock

__all__ = [
    "AS_OFTEN_AS_ASKED", "CARD", "NEVER", "USES_MAX", "VOID_REASONS", "BadBatch", "BadStockThreshold", "Batch",
    "BatchStock", "By", "CardLine", "CardText", "ColumnsUnclear", "Displayed", "FileNotReadable", "FileTooLarge",
    "Found", "LoadReport", "NoCards", "NoSuchBatch", "RefusedLine", "RefusedNumber", "SeveralSheets", "Shares",
    "Shelf", "ShelfCard", "Stolen", "Supplied", "Voided", "band", "batches_of", "brands_of", "bring_displayed",
    "cards_of", "find_displayed", "free", "hand_over", "host_of", "known_as", "list_displayed", "load_cards",
    "load_file", "masked", "on_hand_everywhere", "prints_of", "read_cards", "read_numbers", "read_shelf", "reseal",
    "reserve", "reserve_displayed", "restock", "sell", "sell_displayed", "set_low_stock", "shares_elsewhere",
    "shares_here", "steal", "stock_of_batches", "supplied", "take_back", "veiled", "void_batch", "void_expired",
    "void_numbers", "watch_stock",
]  # fmt: skip

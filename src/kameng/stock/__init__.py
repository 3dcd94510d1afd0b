"""Card stock: reading and loading sealed cards, shelves by lane, taking earliest expiry first, stealing; links,
reusable cards and cards on display."""

from kameng.stock.displaying import bring_displayed, find_displayed, list_displayed
from kameng.stock.errors import (
    LINE_REASONS,
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
from kameng.stock.files import Book, open_book
from kameng.stock.keeping import band, reseal, void_expired
from kameng.stock.links import host_of, veiled
from kameng.stock.loading import (
    CHUNK_CARDS,
    USES_MAX,
    Load,
    LoadReport,
    begin_load,
    check_terms,
    find_known,
    load_cards,
    load_chunk,
    load_file,
    read_for,
    resume_load,
)  # fmt: skip
from kameng.stock.model import AS_OFTEN_AS_ASKED, CARD, NEVER, CardText, Shelf, ShelfCard, known_as
from kameng.stock.numbering import prints_of, read_numbers
from kameng.stock.overseeing import (
    LoadedBatch,
    LowSku,
    find_card,
    loaded_batches,
    low_skus,
    shelves_of,
    thresholds,
)
from kameng.stock.packages import check_xlsx
from kameng.stock.reading import CardFile, CardLine, RefusedLine, gives_away, masked, read_cards
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
    "AS_OFTEN_AS_ASKED", "CARD", "CHUNK_CARDS", "LINE_REASONS", "NEVER", "USES_MAX", "VOID_REASONS", "BadBatch",
    "BadStockThreshold", "Batch", "BatchStock", "Book", "By", "CardFile", "CardLine", "CardText", "ColumnsUnclear",
    "Displayed", "FileNotReadable", "FileTooLarge", "Found", "Load", "LoadReport", "LoadedBatch", "LowSku",
    "NoCards", "NoSuchBatch", "RefusedLine", "RefusedNumber", "SeveralSheets", "Shares", "Shelf", "ShelfCard",
    "Stolen", "Supplied", "Voided", "band", "batches_of", "begin_load", "brands_of", "bring_displayed", "cards_of",
    "check_terms", "check_xlsx", "find_card", "find_displayed", "find_known", "free", "gives_away", "hand_over",
    "host_of", "known_as", "list_displayed", "load_cards", "load_chunk", "load_file", "loaded_batches", "low_skus",
    "masked", "on_hand_everywhere", "open_book", "prints_of", "read_cards", "read_for", "read_numbers", "read_shelf",
    "reseal",
    "reserve", "reserve_displayed", "restock", "resume_load", "sell", "sell_displayed", "set_low_stock",
    "shares_elsewhere", "shares_here", "shelves_of", "steal", "stock_of_batches", "supplied", "take_back",
    "thresholds", "veiled", "void_batch", "void_expired", "void_numbers", "watch_stock",
]  # fmt: skip

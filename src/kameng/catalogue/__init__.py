"""What is sold: scenes, brands, products and SKUs of every kind, as a snapshot with an epoch."""

from kameng.catalogue.accounts import (
    data_class_of,
    has_password,
    marks_of,
    marks_of_text,
    masked,
    spellings,
    without_passwords,
)
from kameng.catalogue.bundling import WantedPart, share_of
from kameng.catalogue.errors import (
    BadOrderForm,
    BadRepricing,
    BadSku,
    BundleWithoutParts,
    NoSuchPriceRun,
    PriceRunUndone,
    PricesMoved,
    UnknownForm,
    UnknownSku,
)
from kameng.catalogue.formmaking import SHAPES, NewField, desk_forms, field_from, form_from, make_form
from kameng.catalogue.forms import DESK_CLASSES, FIELDS, Field, Form, answers_of, form_fields, form_named
from kameng.catalogue.forms import check as check_account
from kameng.catalogue.forms import json_schema as form_schema
from kameng.catalogue.model import (
    CHANGEABLE,
    FROM_STOCK,
    HOWS,
    KINDS,
    PARTS_MAX,
    QUANTITY_MAX,
    SHARES_E4,
    STATES,
    Catalogue,
    DeskForm,
    Part,
    PriceRun,
    Repricing,
    Sku,
)
from kameng.catalogue.publishing import ImportReport, change_sku, demo_catalogue, import_file, set_parts, set_sku
from kameng.catalogue.repricing import UNITS_E4, Planned, plan, price_runs, reprice, undo
from kameng.catalogue.searching import Found, Index, Product
from kameng.catalogue.spelling import spelt
from kameng.catalogue.store import Change, list_changes, load, read_revisions

__all__ = [
    "CHANGEABLE", "DESK_CLASSES", "FIELDS", "FROM_STOCK", "HOWS", "KINDS", "PARTS_MAX", "QUANTITY_MAX", "SHAPES",
    "SHARES_E4", "STATES", "UNITS_E4", "BadOrderForm", "BadRepricing", "BadSku", "BundleWithoutParts", "Catalogue",
    "Change", "DeskForm", "Field", "Form", "Found", "ImportReport", "Index", "NewField", "NoSuchPriceRun", "Part",
    "Planned", "PriceRun", "PriceRunUndone", "PricesMoved", "Product", "Repricing", "Sku", "UnknownForm",
    "UnknownSku", "WantedPart", "answers_of", "change_sku", "check_account", "data_class_of", "demo_catalogue",
    "desk_forms", "field_from", "form_fields", "form_from", "form_named", "form_schema", "has_password",
    "import_file", "list_changes", "load", "make_form", "marks_of", "marks_of_text", "masked", "plan", "price_runs",
    "read_revisions", "reprice", "set_parts", "set_sku", "share_of", "spellings", "spelt", "undo",
    "without_passwords",
]  # fmt: skip

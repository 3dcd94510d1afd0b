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
from kameng.catalogue.errors import BadSku, BundleWithoutParts, UnknownForm, UnknownSku
from kameng.catalogue.forms import Form, answers_of, form_named
from kameng.catalogue.forms import check as check_account
from kameng.catalogue.forms import json_schema as form_schema
from kameng.catalogue.model import CHANGEABLE, FROM_STOCK, KINDS, PARTS_MAX, SHARES_E4, Catalogue, Part, Sku
from kameng.catalogue.publishing import ImportReport, change_sku, demo_catalogue, import_file, set_parts, set_sku
from kameng.catalogue.store import Change, list_changes, load, read_revisions

__all__ = [
    "CHANGEABLE", "FROM_STOCK", "KINDS", "PARTS_MAX", "SHARES_E4", "BadSku", "BundleWithoutParts", "Catalogue",
    "Change", "Form", "ImportReport", "Part", "Sku", "UnknownForm", "UnknownSku", "WantedPart", "answers_of",
    "change_sku", "check_account", "data_class_of", "demo_catalogue", "form_named", "form_schema", "has_password",
    "import_file", "list_changes", "load", "marks_of", "marks_of_text", "masked", "read_revisions", "set_parts",
    "set_sku", "share_of", "spellings", "without_passwords",
]  # fmt: skip

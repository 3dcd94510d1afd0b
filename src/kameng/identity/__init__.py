"""Who is who: organisations in their lanes, API keys and what they may do, request signatures."""

from kameng.identity.directory import Directory
from kameng.identity.errors import (
    BadKeySettings, ContentDigestWrong, DailyLimitExceeded, IpNotAllowed, KeyRevoked, NonceUsed, NoSuchOrganisation,
    OrganisationSuspended, RateLimited, ScopeMissing, SignatureExpired, SignatureMalformed, SignatureMissing,
    SignatureWrong,
)  # fmt: skip
from kameng.identity.founding import (
    IssuedKey, found, found_sandbox, issue_key, revoke_key, rotate_key, set_organisation,
)  # fmt: skip
from kameng.identity.model import ALL_SCOPES, ApiKey, Caller, Organisation, Scope
from kameng.identity.rfc9421 import parse_signature_input, sign_rfc9421, verify_rfc9421
from kameng.identity.signing import (
    SeenNonces, authorization, check_freshness, format_key_id, parse_authorization, parse_key_id, verify_hmac,
)  # fmt: skip
from kameng.identity.store import (
    KEY_SECRET, Nonce, drawer_to_empty, empty_drawer, find_sandbox, known_nonces, nonce_of, reseal_keys,
    spend_nonce, spend_nonces,
)  # fmt: skip

__all__ = [
    "ALL_SCOPES", "KEY_SECRET", "ApiKey", "BadKeySettings", "Caller", "ContentDigestWrong", "DailyLimitExceeded",
    "Directory", "IpNotAllowed", "IssuedKey", "KeyRevoked", "NoSuchOrganisation", "Nonce", "NonceUsed",
    "Organisation", "OrganisationSuspended", "RateLimited", "Scope", "ScopeMissing", "SeenNonces",
    "SignatureExpired", "SignatureMalformed", "SignatureMissing", "SignatureWrong", "authorization",
    "check_freshness", "drawer_to_empty", "empty_drawer", "find_sandbox", "format_key_id", "found", "found_sandbox",
    "issue_key", "known_nonces", "nonce_of", "parse_authorization", "parse_key_id", "parse_signature_input",
    "reseal_keys", "revoke_key", "rotate_key", "set_organisation", "sign_rfc9421", "spend_nonce", "spend_nonces",
    "verify_hmac", "verify_rfc9421",
]  # fmt: skip

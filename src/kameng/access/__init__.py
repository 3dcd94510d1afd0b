"""Who sits at a page: signing in, second factors, sessions on devices, staff, and what a role may do."""

from kameng.access.challenging import ENTER, RESET, Sender, check_code, send_code, spend_code
from kameng.access.contacts import Contact, read_contact
from kameng.access.devices import Device, read_device
from kameng.access.errors import (
    BadCode,
    BadContact,
    BadGuise,
    BadPasskey,
    BadPassword,
    Forbidden,
    InvitationGone,
    NoCodesHere,
    NotSignedIn,
    OnlyLooking,
    ProofNeeded,
    SignInRefused,
    TooManyTries,
)
from kameng.access.guising import Guise, begin_guise, end_guise, guise_of, note_view
from kameng.access.keeping import forget_person, purge, purge_invitations
from kameng.access.limiting import LIMITS
from kameng.access.model import ACTS, ROLE_ACTS, Invitation, Passkey, Session, SignInEvent, Visit, may
from kameng.access.opening import found_with_wallets, give_play_money
from kameng.access.passkeys import Site, add_passkey, ask_new_passkey, ask_passkey, passkeys_of, remove_passkey
from kameng.access.passwords import check_new_password, set_password
from kameng.access.proving import prove_by_passkey, prove_by_password, prove_by_totp
from kameng.access.recording import sign_ins
from kameng.access.recovery import new_recovery_codes, recovery_codes_left
from kameng.access.registering import Applicant, open_account, open_company, register
from kameng.access.requiring import lacks_factor, require_factor, requires_factor
from kameng.access.resetting import change_password, reset_password
from kameng.access.sessions import (
    Token,
    begin_session,
    end_device,
    end_others,
    end_session,
    find_session,
    rotate,
    sessions_of,
    work_for,
)
from kameng.access.signing_in import Entry, begin, pass_second, sign_in, sign_in_by_code, sign_in_by_passkey
from kameng.access.staffing import accept_invitation, find_invitation, invitations_of, invite, withdraw_invitation
from kameng.access.tickets import Ticket, seal_ticket, unseal_ticket
from kameng.access.totp import address_of, begin_totp, confirm_totp, has_totp, remove_totp, reseal, shown_totp

__all__ = [
    "ACTS",
    "ENTER",
    "LIMITS",
    "RESET",
    "ROLE_ACTS",
    "Applicant",
    "BadCode",
    "BadContact",
    "BadGuise",
    "BadPasskey",
    "BadPassword",
    "Contact",
    "Device",
    "Entry",
    "Forbidden",
    "Guise",
    "Invitation",
    "InvitationGone",
    "NoCodesHere",
    "NotSignedIn",
    "OnlyLooking",
    "Passkey",
    "ProofNeeded",
    "Sender",
    "Session",
    "SignInEvent",
    "SignInRefused",
    "Site",
    "Ticket",
    "Token",
    "TooManyTries",
    "Visit",
    "accept_invitation",
    "add_passkey",
    "address_of",
    "ask_new_passkey",
    "ask_passkey",
    "begin",
    "begin_guise",
    "begin_session",
    "begin_totp",
    "change_password",
    "check_code",
    "check_new_password",
    "confirm_totp",
    "end_device",
    "end_guise",
    "end_others",
    "end_session",
    "find_invitation",
    "find_session",
    "forget_person",
    "found_with_wallets",
    "give_play_money",
    "guise_of",
    "has_totp",
    "invitations_of",
    "invite",
    "lacks_factor",
    "may",
    "new_recovery_codes",
    "note_view",
    "open_account",
    "open_company",
    "pass_second",
    "passkeys_of",
    "prove",
    "prove_by_passkey",
    "prove_by_password",
    "prove_by_totp",
    "purge",
    "purge_invitations",
    "read_contact",
    "read_device",
    "recovery_codes_left",
    "register",
    "remove_passkey",
    "remove_totp",
    "require_factor",
    "requires_factor",
    "reseal",
    "reset_password",
    "rotate",
    "seal_ticket",
    "send_code",
    "sessions_of",
    "set_password",
    "shown_totp",
    "sign_in",
    "sign_in_by_code",
    "sign_in_by_passkey",
    "sign_ins",
    "spend_code",
    "unseal_ticket",
    "withdraw_invitation",
    "work_for",
]

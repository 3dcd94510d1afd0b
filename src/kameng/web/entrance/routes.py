"""The entrance's handlers."""

from kameng.web.entrance import codes, keys, pages, proof, security, staff

HANDLERS = [
    pages.ask_sign_in, pages.sign_in, pages.ask_second, pages.pass_second, pages.sign_out, pages.list_places,
    pages.choose_place, pages.prefer,
    codes.ask_contact, codes.send_code, codes.ask_code, codes.check_code, codes.ask_details, codes.register,
    codes.open_company, codes.ask_password, codes.reset_password,
    proof.ask_proof, proof.prove,
    keys.ask_sign_in, keys.sign_in, keys.ask_proof, keys.prove, keys.ask_new, keys.add,
    security.show, security.ask_factor, security.list_sign_ins, security.ask_password, security.change_password,
    security.begin_totp, security.ask_totp, security.totp_picture, security.confirm_totp, security.remove_totp,
    security.new_codes, security.remove_passkey, security.end_device, security.end_others,
    staff.list_staff, staff.invite, staff.set_factor, staff.change_role, staff.remove, staff.withdraw,
    staff.show_invitation, staff.accept_invitation,
]  # fmt: skip

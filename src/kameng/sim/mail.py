"""A mail server: SMTP with AUTH PLAIN and LOGIN, TLS from the start or STARTTLS where a certificate is given.

    python -m kameng.sim.mail [--port N] [--user U --password P] [--certificate FILE --key FILE] [--tls]

It says two ports: ``port`` for SMTP, ``control`` for what was seen. Modes: ``later`` (451), ``never`` (550), ``silent``
(takes the message and hangs up without a word).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl
from email import message_from_bytes
from email.policy import default

from aiohttp import web

from kameng.sim.control import Control, parser, serve, until_told


class Server:
    def __init__(
        self, control: Control, user: str, password: str, context: ssl.SSLContext | None, *, offers_tls: bool
    ) -> None:
        self._control, self._user, self._password, self._context = control, user, password, context
        self._offers_tls = offers_tls

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Session(
                self._control, self._user, self._password, self._context, reader, writer, self._offers_tls
            ).run()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class _Session:
    def __init__(
        self, control: Control, user: str, password: str, context: ssl.SSLContext | None,
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, offers_tls: bool,
    ) -> None:  # fmt: skip
        self._control, self._context, self._reader, self._writer = control, context, reader, writer
        self._user, self._password = user, password
        self._offers_tls = offers_tls
        self._signed_in = not user
        self._from, self._to = "", ""

    async def run(self) -> None:
        await self._say("220 sim ESMTP")
        while line := (await self._reader.readline()).decode().strip():
            verb, _, rest = line.partition(" ")
            if verb.upper() == "QUIT":
                await self._say("221 bye")
                return
            if not await self._obey(verb.upper(), rest):
                return

    async def _obey(self, verb: str, rest: str) -> bool:
        """False: hang up."""
        if verb in ("EHLO", "HELO"):
            extensions = [*(["STARTTLS"] if self._offers_tls else []), *(["AUTH PLAIN LOGIN"] if self._user else [])]
            lines = ["sim", *extensions, "8BITMIME"]
            for line in lines[:-1]:
                await self._say(f"250-{line}")
            await self._say(f"250 {lines[-1]}")
        elif verb == "STARTTLS" and self._offers_tls and self._context:
            await self._say("220 go")
            await self._writer.start_tls(self._context)
            self._offers_tls = False
        elif verb == "AUTH":
            await self._sign_in(rest)
        elif verb in ("MAIL", "RCPT"):
            await self._address(verb, rest)
        elif verb == "DATA":
            return await self._data()
        elif verb in ("RSET", "NOOP"):
            await self._say("250 ok")
        else:
            await self._say("502 what")
        return True

    async def _sign_in(self, rest: str) -> None:
        how, _, first = rest.partition(" ")
        try:
            if how.upper() == "PLAIN":
                given = base64.b64decode(first or await self._ask("")).decode().split("\0")[1:]
            else:
                user = first or await self._ask("VXNlcm5hbWU6")
                given = [base64.b64decode(user).decode(), base64.b64decode(await self._ask("UGFzc3dvcmQ6")).decode()]
        except (binascii.Error, UnicodeDecodeError):
            given = []
        self._signed_in = given == [self._user, self._password]
        await self._say("235 welcome" if self._signed_in else "535 no")

    async def _ask(self, what: str) -> str:
        await self._say(f"334 {what}")
        return (await self._reader.readline()).decode().strip()

    async def _address(self, verb: str, rest: str) -> None:
        address = rest.partition("<")[2].partition(">")[0]
        if not self._signed_in:
            await self._say("530 sign in")
        elif verb == "MAIL":
            self._from = address
            await self._say("250 ok")
        elif self._control.mode in ("later", "never"):
            await self._say("451 later" if self._control.mode == "later" else "550 nobody here")
        else:
            self._to = address
            await self._say("250 ok")

    async def _data(self) -> bool:
        if not (self._from and self._to):
            await self._say("503 who to")
            return True
        await self._say("354 go on")
        raw = await self._reader.readuntil(b"\r\n.\r\n")
        message = message_from_bytes(raw[:-3], policy=default)
        body = message.get_body()
        self._control.seen.append({
            "from": self._from, "to": self._to, "subject": str(message["subject"]), "id": str(message["message-id"]),
            "body": "" if body is None else body.get_content(),
            "tls": self._writer.get_extra_info("ssl_object") is not None,
        })  # fmt: skip
        if self._control.mode == "silent":
            return False
        await self._say(f"250 queued as {len(self._control.seen)}")
        return True

    async def _say(self, line: str) -> None:
        self._writer.write(f"{line}\r\n".encode())
        await self._writer.drain()


async def main() -> None:
    options = parser("a mail server")
    for name in ("user", "password", "certificate", "key"):
        options.add_argument(f"--{name}", default="")
    options.add_argument("--tls", action="store_true", help="TLS from the start")
    chosen = options.parse_args()
    context = None
    if chosen.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chosen.certificate, chosen.key)
    control = Control()
    app = web.Application()
    app.add_routes(control.routes())
    smtp = Server(control, chosen.user, chosen.password, context, offers_tls=context is not None and not chosen.tls)
    listening = await asyncio.start_server(
        smtp.serve, chosen.host, chosen.port, ssl=context if chosen.tls else None, limit=1 << 22
    )
    port = int(listening.sockets[0].getsockname()[1])
    await until_told(port=port, control=await serve(app, chosen.host, 0))


if __name__ == "__main__":
    asyncio.run(main())

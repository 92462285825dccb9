"""A real SMTP server on loopback: aiosmtpd with STARTTLS or TLS and authentication.

smtp_server.py MODE CERTIFICATE KEY PASSWORD DIRECTORY: MODE is `starttls`, `tls` or `login`. Prints its port, and writes
each mail with its envelope as a file of DIRECTORY.
"""

import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

mode, certificate, key, password, directory = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


class Handler:
    number = 0

    async def handle_DATA(self, server, session, envelope):
        Handler.number += 1
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or mode == "tls",
            "content": envelope.content.decode("utf-8", "surrogateescape"),
        }
        path = pathlib.Path(directory) / f"{Handler.number}.json"
        path.with_suffix(".new").write_text(json.dumps(mail))
        path.with_suffix(".new").rename(path)
        return f"250 2.0.0 Ok: queued as {Handler.number}"


def authenticate(server, session, envelope, mechanism, data):
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ansai", password.encode())
    return AuthResult(success=is_right, handled=False)


def session():
    return SMTP(
        Handler(),
        hostname="localhost",
        tls_context=None if mode == "tls" else context,
        require_starttls=mode != "tls",
        auth_required=True,
        auth_require_tls=mode != "tls",
        auth_exclude_mechanism=["PLAIN"] if mode == "login" else [],
        authenticator=authenticate,
    )


async def main():
    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", 0, ssl=context if mode == "tls" else None
    )
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())

"""HTTP Basic as the stand-ins read and write it: one pair of a user and a password in one header.

Independent of the product's own way of doing it, on purpose: a mistake made twice in the same way would stay unseen.
Called by the web service's logins, by the record of requests in ``faults`` and by ``users``. No verdicts here.
"""

import base64
import binascii


def header(user: str, password: str) -> str:
    """Return the value of an ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def read(authorization: str | None) -> tuple[str, str] | None:
    """Return user and password of an ``Authorization`` header; ``None`` when there is none or it is garbage.

    The user is trimmed and in lower case, as the web service does it (protocol, section 1).
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(token.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = pair.partition(":")
    return (user.strip().lower(), password) if colon else None

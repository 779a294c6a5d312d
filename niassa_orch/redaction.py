"""Secrets, and how they are taken out of texts.

A ``Redactor`` knows every secret that was registered, in every spelling that a library may give it, and finds them
all in time that grows with the text and hardly with their number: it is asked for every value of every event, on the
event loop. Re-exported by ``logs``, the only caller; knows nothing of accounts or of where secrets come from.
"""

import base64
import html
import json
import re
import urllib.parse
from typing import Final

_REDACTED: Final = "[redacted]"
_SHORT_SECRET_CHARACTERS: Final = 4
#: What looks like a secret that nobody told us: the login in a URL, a header, a password that is assigned.
_LOOKS: Final = (
    re.compile(r"(?P<before>//)[^/\s\"'<>@]{1,200}(?=@)"),
    re.compile(r"(?i)(?P<before>authorization\W{1,6}(?:basic|bearer)\s+)[^\s\"'\\]+"),
    re.compile(r"(?i)(?P<before>(?:pass(?:word|wd|phrase)?|secret|token)\s{0,9}=\s{0,9}\\?[\"']?)[^\s\"'\\,;&]+"),
)


class Redactor:
    """Knows every secret that was registered, and takes it out of texts; it never shows one itself."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        # Spellings by their first characters, longest first: by four of them, or by all of a shorter one.
        self._starting: dict[int, dict[str, tuple[str, ...]]] = {
            characters: {} for characters in range(1, _SHORT_SECRET_CHARACTERS + 1)
        }

    def register(self, secret: str) -> None:
        """Redact ``secret`` from now on, also as it is spelled in a repr, JSON, XML, a URL or base64.

        Register a password and the token of its ``Authorization`` header both. A secret of up to three characters is
        redacted where it stands alone only: in the midst of words it would make the log of all accounts unreadable.
        """
        if not secret or secret in self._secrets:
            return
        self._secrets.add(secret)
        for spelling in _spellings(secret):
            start = spelling[:_SHORT_SECRET_CHARACTERS]
            alike = self._starting[len(start)]
            alike[start] = tuple(sorted({*alike.get(start, ()), spelling}, key=len, reverse=True))

    def redact(self, text: str) -> str:
        """``text`` without any registered secret; of two that overlap nothing is left either."""
        pieces: list[str] = []
        done = 0
        for start, end in self._found(text):
            if start >= done:
                pieces += (text[done:start], _REDACTED)
            done = max(done, end)
        pieces.append(text[done:])
        return "".join(pieces)

    def _found(self, text: str) -> list[tuple[int, int]]:
        """Where secrets begin and end, in the order in which they begin."""
        found: list[tuple[int, int]] = []
        for characters, starting in self._starting.items():
            if starting:
                positions = range(len(text) - characters + 1)
                for start in [position for position in positions if text[position : position + characters] in starting]:
                    end = _end(text, start, starting[text[start : start + characters]])
                    if end > start:
                        found.append((start, end))
        return sorted(found)


def masked(text: str) -> str:
    """``text`` without what looks like a secret, though nobody registered it; for texts that leave this host."""
    for look in _LOOKS:
        text = look.sub(rf"\g<before>{_REDACTED}", text)
    return text


def _end(text: str, start: int, spellings: tuple[str, ...]) -> int:
    """Where the longest of the spellings that stands at ``start`` ends; ``start`` when none does."""
    if not text.startswith(spellings, start):  # all of them at once, in C
        return start
    end = start + next(len(spelling) for spelling in spellings if text.startswith(spelling, start))
    if end - start < _SHORT_SECRET_CHARACTERS and (_is_word(text[start - 1 : start]) or _is_word(text[end : end + 1])):
        return start
    return end


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _spellings(secret: str) -> frozenset[str]:
    quoted = urllib.parse.quote(secret, safe="", errors="replace")
    encoded = base64.b64encode(secret.encode(errors="replace")).decode("ascii")
    as_json = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    as_url = (quoted, urllib.parse.quote(secret, errors="replace"), quoted.replace("%20", "+"))
    as_markup = (html.escape(secret), html.escape(secret, quote=False))
    return frozenset((secret, repr(secret)[1:-1], ascii(secret)[1:-1], encoded, *as_json, *as_url, *as_markup))

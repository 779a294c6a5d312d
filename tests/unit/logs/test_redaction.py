import base64
import io
import json
import logging
import urllib.parse

import hypothesis
import pytest
import structlog
from hypothesis import strategies

from niassa_orch import logs

_SECRET = "canary \"Pa55'wörd\\"


def _spelled(secret: str) -> list[str]:
    token = base64.b64encode(f"bob@lab.net:{secret}".encode()).decode()
    spelled = [secret, repr(secret), ascii(secret), json.dumps(secret), urllib.parse.quote(secret)]
    return [*spelled, urllib.parse.quote_plus(secret), base64.b64encode(secret.encode()).decode(), f"Basic {token}"]


def _configured(out: io.StringIO) -> None:
    redactor = logs.configure(out)
    redactor.register(_SECRET)
    redactor.register(base64.b64encode(f"bob@lab.net:{_SECRET}".encode()).decode())
    assert "canary" not in repr(redactor)


def _refuse(text: str) -> None:
    raise ValueError(text)


@pytest.mark.parametrize("spelled", _spelled(_SECRET))
def test_a_secret_is_redacted_wherever_it_turns_up_and_however_it_is_spelled(spelled: str) -> None:
    out = io.StringIO()
    _configured(out)
    log = structlog.get_logger()
    log.info(f"event {spelled}", text=f"before {spelled} after", nested={"list": [(spelled,)]})  # noqa: G004
    logging.getLogger("aiohttp").error("a library says %s", spelled)
    try:
        _refuse(spelled)
    except ValueError as exc:
        log.exception("failed", error=exc)
        logging.getLogger("aiohttp").exception("a library fails")
    written = out.getvalue()
    assert len(written.splitlines()) == 4
    assert written.count("[redacted]") >= 8
    assert not any(
        part in written for part in ("canary", "Pa55", "Y2FuYXJ5", spelled[len(spelled) // 3 : -len(spelled) // 3])
    )


def test_a_secret_is_redacted_before_a_long_value_is_cut() -> None:
    out = io.StringIO()
    _configured(out)
    structlog.get_logger().info("an.event", text="x" * 4090 + _SECRET)
    assert "canary" not in out.getvalue()


_texts = strategies.text("01 äß\n\"'\\<&%+/")


@hypothesis.given(_texts.filter(lambda text: len(text) > 3), _texts, _texts)
def test_no_secret_survives_in_any_surroundings(secret: str, before: str, after: str) -> None:
    redactor = logs.Redactor()
    redactor.register(secret)
    redacted = redactor.redact(before + secret + after)
    assert "[redacted]" in redacted
    assert secret not in redacted


def test_a_very_short_secret_is_redacted_where_it_stands_alone() -> None:
    redactor = logs.Redactor()
    redactor.register("is")
    assert redactor.redact("this password is: is") == "this password [redacted]: [redacted]"


def test_no_secret_at_all_redacts_nothing() -> None:
    redactor = logs.Redactor()
    redactor.register("")
    assert redactor.redact("as it stands") == "as it stands"


def test_secrets_that_overlap_leave_nothing_of_either() -> None:
    redactor = logs.Redactor()
    for secret in ("abcdef", "defghi", "defgh"):
        redactor.register(secret)
    assert redactor.redact("<abcdefghi> <abcdef> <defghijk>") == "<[redacted]> <[redacted]> <[redacted]jk>"


@hypothesis.given(strategies.lists(_texts.filter(lambda text: len(text) > 3), max_size=6), strategies.data())
def test_of_many_secrets_none_survives(secrets: list[str], data: strategies.DataObject) -> None:
    redactor = logs.Redactor()
    for secret in secrets:
        redactor.register(secret)
    parts = data.draw(strategies.lists(_texts | strategies.sampled_from(secrets) if secrets else _texts))
    redacted = redactor.redact("".join(parts))
    assert not any(secret in redacted for secret in secrets)


@pytest.mark.timeout(20)
def test_hundreds_of_long_secrets_are_registered_and_redacted_in_no_time() -> None:
    redactor = logs.Redactor()
    passwords = [f"{number}-" + "pass/word<" * 100 for number in range(300)]
    for password in [*passwords, "x" * 60_000, "x" * 60_000]:
        redactor.register(password)
        redactor.register(base64.b64encode(f"bob@lab.net:{password}".encode()).decode())
    for password in passwords:
        assert redactor.redact(f"login {json.dumps(password)} refused") == 'login "[redacted]" refused'

import hypothesis
import pydantic
import pytest
from hypothesis import strategies

from niassa_orch.config import documents, settings, suggestions


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a = 1\nb = = 2\n", r"not TOML: .*\(at line 2, column 5\)"),
        (b"a = 1\nb = '\xff'\n", r"not UTF-8 \(at line 2\)"),
        (b"a = " + b"[" * 60_000, "nested too deeply"),
        (b"a = " + b"1" * 5000, "number is too long"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(content: bytes, reason: str) -> None:
    with pytest.raises(documents.DocumentError, match=reason) as caught:
        documents.parse_toml(content)
    assert caught.value.__context__ is None


@hypothesis.given(strategies.binary())
def test_no_bytes_bring_any_other_error(content: bytes) -> None:
    try:
        documents.parse_toml(content)
    except documents.DocumentError as exc:
        assert str(exc).isprintable()


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (("beat", "intervall_seconds"), "unknown key; did you mean `interval_seconds`?"),
        (("interval_seconds",), "unknown key; did you mean `beat.interval_seconds`?"),
        (("beet",), "unknown key; did you mean `beat`?"),
        (("pool", "xyzzy"), "unknown key"),
        (("nowhere", "hosst"), "unknown key; did you mean `host`?"),
        (("beat", "INTERVAL_SECONDS"), "unknown key; did you mean `interval_seconds`?"),
    ],
)
def test_an_unknown_key_is_answered_with_the_one_that_was_meant(key: tuple[str, ...], reason: str) -> None:
    assert suggestions.unknown_key(key, settings.Settings) == reason


def test_a_password_among_the_keys_is_answered_with_where_passwords_belong() -> None:
    assert "file of mode 600" in suggestions.unknown_key(("web_service", "password"), settings.Settings)


def test_a_refused_value_is_in_no_message_and_no_repr() -> None:
    document = {"canary-value": 1, "pool": {"size": "canary-size"}, "engine": "canary-engine"}
    with pytest.raises(pydantic.ValidationError) as caught:
        settings.Settings.model_validate(document)
    problems = documents.explain(caught.value, settings.Settings)
    assert {problem.key for problem in problems} == {"canary-value", "pool.size", "engine"}
    assert "canary-size" not in f"{caught.value} {caught.value!r} {problems}"
    assert "canary-engine" not in f"{caught.value} {caught.value!r} {problems}"


def test_a_key_that_would_break_the_line_is_shown_escaped() -> None:
    assert documents.dotted(("pool", "a\nb", 3)) == "pool.a\\nb"

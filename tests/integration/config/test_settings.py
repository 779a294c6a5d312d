import socket
from pathlib import Path

import pydantic
import pytest

from niassa_orch import errors
from niassa_orch.config import settings

_PROJECT = Path(__file__).parents[3]


def _file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "niassa-orch.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _refused(file: Path | None = None, options: dict[str, object] | None = None) -> list[str]:
    with pytest.raises(errors.SettingsError) as caught:
        settings.load(file, options or {})
    return str(caught.value).splitlines()


def test_the_example_in_deploy_says_every_key_with_its_default() -> None:
    example = _PROJECT / "deploy" / "niassa-orch.toml"
    assert settings.load(example) == settings.Settings()
    text = example.read_text(encoding="utf-8")
    for name, field in settings.Settings.model_fields.items():
        keys = type(field.default).model_fields if isinstance(field.default, pydantic.BaseModel) else [name]
        for key in keys:
            assert f"\n{key} = " in text


def test_options_win_over_the_environment_that_over_the_file_that_over_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _file(
        tmp_path, "host = 'file'\n[beat]\ninterval_seconds = 1\njitter = 0.2\n[pool]\nsize = 1\nengine_calls=7"
    )
    monkeypatch.setenv("NIASSA_ORCH_BEAT__INTERVAL_SECONDS", "2")
    monkeypatch.setenv("NIASSA_ORCH_POOL__SIZE", "2")
    monkeypatch.setenv("NIASSA_ORCH_HOST", "environment")
    found = settings.load(file, {"pool.size": 3, "host": "option", "http.attempts": None})
    assert (found.host, found.pool.size) == ("option", 3)
    assert found.beat.interval_seconds == 2
    assert (found.beat.jitter, found.pool.engine_calls) == (0.2, 7)
    assert found.http.attempts == 4


def test_a_command_is_a_json_list_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIASSA_ORCH_ENGINE__COMMAND", '["/opt/seqware", "-v"]')
    assert settings.load(_file(tmp_path, "")).engine.command == ("/opt/seqware", "-v")


def test_the_default_file_may_be_absent_and_a_named_one_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "DEFAULT_FILE", tmp_path / "absent.toml")
    assert settings.load() == settings.Settings()
    assert _refused(tmp_path / "absent.toml") == [f"{tmp_path}/absent.toml: does not exist"]


def test_a_file_that_is_no_file_or_no_toml_is_refused_with_its_name(tmp_path: Path) -> None:
    assert _refused(tmp_path) == [f"{tmp_path}: cannot be read: Is a directory"]
    file = _file(tmp_path, "host =\n")
    assert _refused(file) == [f"{file}: not TOML: Invalid value (at line 1, column 7)"]


def test_all_problems_are_told_at_once_each_with_its_place_key_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _file(tmp_path, "hots = 'a'\n[beat]\nintervall_seconds = 3\njitter = 1.5\n[engine]\nmediator = 'bin/m'\n")
    monkeypatch.setenv("NIASSA_ORCH_POOL__SIEZ", "2")
    monkeypatch.setenv("NIASSA_ORCH_POOL", "{}")
    monkeypatch.setenv("NIASSA_ORCH_BAET__JITTER", "0")
    monkeypatch.setenv("niassa_orch_http__timeout_seconds", "0")
    lines = _refused(file, {"host": "a'b", "engine.batch": 0})
    assert sorted(lines) == sorted(
        [
            "environment NIASSA_ORCH_POOL: pool: is a table; set its keys, as NIASSA_ORCH_POOL__KEY",
            "environment NIASSA_ORCH_BAET__JITTER: baet.jitter: unknown key; did you mean `beat.jitter`?",
            "environment NIASSA_ORCH_POOL__SIEZ: pool.siez: unknown key; did you mean `size`?",
            "environment NIASSA_ORCH_HTTP__TIMEOUT_SECONDS: http.timeout_seconds: input should be greater than 0",
            f"{file}: hots: unknown key; did you mean `host`?",
            f"{file}: beat.intervall_seconds: unknown key; did you mean `interval_seconds`?",
            f"{file}: beat.jitter: input should be less than or equal to 1",
            f"{file}: engine.mediator: must be an absolute path",
            "option: host: holds a quote, a backslash or a control character, "
            "which must never reach a query of the web service",
            "option: engine.batch: input should be greater than or equal to 1",
        ]
    )


def test_an_unknown_variable_alone_is_enough_to_be_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIASSA_ORCH_ACOUNTS_DIR", "canary")
    assert _refused(_file(tmp_path, "")) == [
        "environment NIASSA_ORCH_ACOUNTS_DIR: acounts_dir: unknown key; did you mean `accounts_dir`?"
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[beat]\ninterval_seconds = 0", "beat.interval_seconds"),
        ("[beat]\ninterval_seconds = nan", "beat.interval_seconds"),
        ("[beat]\njitter = -0.1", "beat.jitter"),
        ("[pool]\nengine_calls = 0", "pool.engine_calls"),
        ("[pool]\nrequests_per_web_service = 0.5", "pool.requests_per_web_service"),
        ("[engine]\ndeadline_seconds = inf", "engine.deadline_seconds"),
        ("[engine]\nwhitestar_deadline_seconds = 0", "engine.whitestar_deadline_seconds"),
        ("[engine]\nkill_grace_seconds = -1", "engine.kill_grace_seconds"),
        ("[engine]\ndoubt_grace_seconds = 0", "engine.doubt_grace_seconds"),
        ("[engine]\ncommand = 'seqware'", "engine.command"),
        ("[launching]\nin_flight = 0", "launching.in_flight"),
        ("[launching]\na_beat = 0", "launching.a_beat"),
        ("[launching]\naccount_in_flight = -1", "launching.account_in_flight"),
        ("[launching]\naccount_a_beat = 0", "launching.account_a_beat"),
        ("[http]\nattempts = 0", "http.attempts"),
        ("[oozie]\ngone_after_seconds = 0", "oozie.gone_after_seconds"),
        ("beat = 3", "beat"),
        ("state_dir = ''", "state_dir"),
        ("host = ' a'", "host"),
        ("allow_root = 'perhaps'", "allow_root"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    file = _file(tmp_path, text)
    (line,) = _refused(file)
    assert line.startswith(f"{file}: {key}: ")


def test_a_relative_directory_is_taken_from_where_the_service_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings.load(None, {"state_dir": "state"}).state_dir == tmp_path / "state"


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    found = settings.load(_file(tmp_path, ""))
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        found.pool.size = 3  # type: ignore[misc]


def test_the_host_is_this_machines_full_name_unless_one_is_set() -> None:
    assert settings.Settings().effective_host == socket.getfqdn()
    assert settings.Settings(host="server2").effective_host == "server2"

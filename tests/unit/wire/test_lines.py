import pytest

from niassa_orch.wire import lines


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("http://server2:8080/SeqWareWebService/", "http://server2:8080/SeqWareWebService"),
        ("https://lab.net", "https://lab.net"),
        ("http://[::1]:11000/oozie", "http://[::1]:11000/oozie"),
    ],
)
def test_a_base_url_loses_its_trailing_slash(text: str, clean: str) -> None:
    assert lines.clean_base_url(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "",
        "server2:8080",
        "ftp://server2/",
        "file:///etc/passwd",
        "http://",
        "http://server2:99999/",
        "http://[::1/",
        "http://bob:hunter2@server2/",
        "http://bob:12/hunter2@server2/",
        "http://server2/?x=hunter2",
        "http://server2/?",
        "http://server2/#hunter2",
        "http://server2/a b",
        "http://server2/\r\nX-Evil: hunter2",
        "http://sörver/",
    ],
)
def test_a_base_url_that_cannot_be_used_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        lines.clean_base_url(text)
    assert "hunter2" not in str(caught.value)


def test_a_request_and_an_answer_do_not_print_what_they_carry() -> None:
    request = lines.Request("PUT", ("x",), body=b"hunter2")
    answer = lines.Answer(200, {"set-cookie": "hunter2"}, b"hunter2")
    assert "hunter2" not in repr(request) + repr(answer)

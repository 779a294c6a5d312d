import pydantic
import pytest

from niassa_orch.config import listening


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:9664", ("127.0.0.1", 9664)),
        ("127.8.9.1:1", ("127.8.9.1", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("localhost:80", ("127.0.0.1", 80)),
    ],
)
def test_an_address_of_this_machine_alone_is_taken(text: str, place: tuple[str, int]) -> None:
    assert listening.Web(listen=text).place == place


@pytest.mark.parametrize("text", ["0.0.0.0:9664", "[::]:9664", "10.0.0.1:9664", "[fe80::1]:80", "[::ffff:10.0.0.1]:80"])
def test_an_address_that_other_machines_reach_is_refused_until_that_is_meant(text: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="open = true if that is meant"):
        listening.Web(listen=text)
    assert listening.Web(listen=text, open=True).place[1] > 0


@pytest.mark.parametrize(
    "text",
    [
        *("9664", ":9664", "*:9664", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:\u0661", "::1:80"),
        *("server2.lab.net:9664", "user:word@127.0.0.1:80", "127.0.0.1:80 ", "1.2.3:80", "[127.0.0.1:80", "unix:/a"),
    ],
)
def test_what_is_no_address_with_a_port_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="is no address with a port") as caught:
        listening.Web(listen=text, open=True)
    assert "word" not in str(caught.value)


def test_nothing_listens_unless_somebody_says_where() -> None:
    assert listening.Web().listen == ""

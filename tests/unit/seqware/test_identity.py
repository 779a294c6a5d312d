import pathlib

import pytest

from niassa_orch.seqware import identity

MEDIATOR = pathlib.Path("/usr/local/libexec/niassa-orch/mediator")
BOB = identity.Identity("niassa-bob")


def test_another_user_is_reached_through_sudo_with_a_verb_and_digits() -> None:
    words = identity.argv(BOB, MEDIATOR, "launch", (1234, 1235))
    assert words == ["sudo", "-n", "-H", "-u", "niassa-bob", "--", str(MEDIATOR), "launch", "1234", "1235"]


def test_our_own_user_needs_no_sudo() -> None:
    own = identity.Identity("niassa", own=True)
    assert identity.argv(own, MEDIATOR, "settings") == [str(MEDIATOR), "settings"]


@pytest.mark.parametrize("whose", [BOB, identity.Identity("", own=True)])
def test_an_argument_list_tells_whose_call_it_is(whose: identity.Identity) -> None:
    assert identity.parse_argv(identity.argv(whose, MEDIATOR, "launch", (7,))) == (whose, MEDIATOR)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("sudo: a password is required", f"`svc ALL=(niassa-bob) NOPASSWD: {MEDIATOR}`"),
        ("Sorry, user svc is not allowed to execute ...", f"`svc ALL=(niassa-bob) NOPASSWD: {MEDIATOR}`"),
        ("sudo: unknown user niassa-bob", "the Unix user niassa-bob does not exist"),
        ('sudo: The "no new privileges" flag is set, which prevents sudo from running as root.', "systemd unit"),
        ("sudo: sorry, you must have a tty to run sudo", "`Defaults:svc !requiretty`"),
        ("sudo: /etc/sudoers.d/x is world writable", "mode 0440"),
        ("/etc/sudoers.d/x:1:5: syntax error\nsudo: no valid sudoers sources found", "visudo -c"),
        ("sudo: /usr/local/libexec/niassa-orch/mediator: command not found", f"mode 0755 as {MEDIATOR}"),
        ("sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option", "nosuid"),
        ("sudo: No such file or directory", "sudo is not installed"),
        ("sudo: something new", "run the same command by hand as svc: sudo -n -H -u niassa-bob --"),
        ("", "run the same command by hand as svc"),
    ],
)
def test_sudos_words_become_what_to_do_next(said: str, expected: str) -> None:
    message = identity.explain_refusal(BOB, MEDIATOR, said, service_user="svc")
    assert message.startswith("the mediator did not run as niassa-bob: ")
    assert expected in message
    assert said.splitlines()[:1] == [] or said.splitlines()[0] in message


def test_without_sudo_the_message_speaks_of_the_mediator_only() -> None:
    message = identity.explain_refusal(identity.Identity("niassa", own=True), MEDIATOR, "No such file or directory")
    assert "sudoers" not in message
    assert str(MEDIATOR) in message

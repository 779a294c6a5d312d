"""What somebody who has the service user may try through sudo, as command lines; ``test_sudo_attacks`` tries them.

Each must be refused by sudo or by the mediator. Generated from lists that are crossed with each other, so
that every one differs, and from seeded random words.
"""

import dataclasses
import pathlib
import random
from collections.abc import Iterator, Mapping, Sequence

from tests.integration.seqware.test_mediator import HOSTILE

#: Who is no member of the group. "#0" is a uid, "root" has a group of its own.
STRANGERS = ("root", "#0", "#-1", "#4294967295", "nobody", "daemon", "bin", "sys", "mail", "www-data", "%root", "ALL")
PROGRAMS = (
    *("/bin/sh", "/bin/bash", "/usr/bin/env", "/usr/bin/id", "/bin/true", "/bin/cat", "/bin/cp", "/usr/bin/tee"),
    *(
        "/usr/bin/python3",
        "/usr/bin/perl",
        "/usr/bin/sudo",
        "/bin/su",
        "/usr/sbin/visudo",
        "/usr/bin/passwd",
        "/bin/kill",
    ),
    *(
        "/usr/bin/find",
        "/usr/bin/awk",
        "/usr/bin/timeout",
        "/usr/bin/nohup",
        "/usr/sbin/chroot",
        "sh",
        "python3",
        "mediator",
    ),
)
#: A variable that the attacker has, and would like to keep.
KEPT = "OPENSSL_CONF"
#: Options of sudo that are no concern of the service's.
OPTIONS = (
    *(["-E"], ["-i"], ["-s"], ["-g", "root"], ["-g", "#0"], ["-D", "/var"], ["-R", "/var"], ["-C", "200"]),
    *(["--preserve-env=PATH"], [f"--preserve-env={KEPT}"], ["-E", "-s"], ["-i", "-u", "root"], ["-u", "root"]),
    *(["-e"], ["-T", "1"], ["--login"], ["--shell"], ["--chdir=/etc"], ["--group=root"], ["--host=elsewhere"], ["-P"]),
)
#: Given as NAME=value before the command, where sudo takes variables.
VARIABLES = (
    *("LD_PRELOAD=/tmp/x.so", "LD_LIBRARY_PATH=/tmp", "LD_AUDIT=/tmp/x.so", "PYTHONPATH=/tmp", "PYTHONHOME=/tmp"),
    *("PYTHONSTARTUP=/tmp/x.py", "PYTHONINSPECT=1", "PYTHONWARNINGS=all:0:antigravity.x:0:0", "BASH_ENV=/tmp/x"),
    *(
        "ENV=/tmp/x",
        "IFS=x",
        "PATH=/tmp",
        "HOME=/tmp",
        "TMPDIR=/tmp",
        "SHELLOPTS=xtrace",
        "PS4=$(id)",
        "BROWSER=/tmp/x",
    ),
    *("JAVA_TOOL_OPTIONS=-javaagent:/tmp/x.jar", "SEQWARE_SETTINGS=/tmp/x", "SUDO_UID=0", "SUDO_ASKPASS=/tmp/x"),
    *("OPENSSL_CONF=/tmp/x", "GCONV_PATH=/tmp", "LOCPATH=/tmp", "GLIBC_TUNABLES=glibc.malloc.check=3", "X=y"),
)
_LETTERS = "launchpropgetsi 019-_=;|&$`'\"*?~/.\\\n\t\x01\x7fäé²٣"


@dataclasses.dataclass(frozen=True, slots=True)
class Attack:
    """One command line of the service user's, and a few words for what is tried."""

    kind: str
    argv: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Prey:
    """What there is to attack.

    Args:
        mediator: The one command that is allowed.
        member: A Unix user in the group; ``outsider`` is one that is not, ``service`` the attacker.
        tricks: Paths made for the attack, by what they are.
    """

    mediator: pathlib.Path
    member: str
    outsider: str
    service: str
    tricks: Mapping[str, pathlib.Path]


def generated(prey: Prey) -> tuple[Attack, ...]:
    """All of them, each command line once."""
    made = [Attack(kind, ("sudo", "-n", *argv)) for kind, argv in _generated(prey)]
    return tuple({attack.argv: attack for attack in made}.values())


def _generated(prey: Prey) -> Iterator[tuple[str, Sequence[str]]]:
    mediator, member = str(prey.mediator), prey.member
    for kind, listed in (("words for the mediator", HOSTILE), ("words at random", _random_words(60))):
        for words in listed:
            yield kind, ["-H", "-u", member, "--", mediator, *words]
    for option in OPTIONS:
        yield "an option of sudo's", ["-u", member, *option, "--", mediator, "launch", "1"]
    for variable in VARIABLES:
        yield "a variable", ["-H", "-u", member, variable, mediator, "launch", "1"]
    yield from _strange(prey)
    yield from _paths(prey)
    yield from _joined(mediator, member)


def _strange(prey: Prey) -> Iterator[tuple[str, Sequence[str]]]:
    """Other users, other programs."""
    mediator, member = str(prey.mediator), prey.member
    for stranger in (*STRANGERS, prey.outsider, prey.service):
        for words in (["version"], ["settings"], ["launch", "1"]):
            yield "as somebody else", ["-H", "-u", stranger, "--", mediator, *words]
    for program in PROGRAMS:
        for target in (member, "root", prey.outsider):
            yield "another program", ["-u", target, "--", program]
        yield "another program", ["-u", member, "--", program, mediator, "version"]


def _paths(prey: Prey) -> Iterator[tuple[str, Sequence[str]]]:
    """Other files, and other names of the mediator, whose words must not pass whatever its name."""
    mediator = prey.mediator
    around = [mediator.parent, mediator.with_name("mediator.json"), mediator.parent.parent / "seqware"]
    spelled = [f"{mediator}/", f"{mediator} ", f" {mediator}", f"{mediator}\n", f"{mediator}.", f"{mediator}*"]
    spelled += [str(mediator).upper(), f"{mediator}\\", f"'{mediator}'", f"{mediator};id", f"$(echo {mediator})"]
    for path in (*map(str, around), *spelled):
        yield "another path", ["-u", prey.member, "--", path, "version"]
    for trick in prey.tricks.values():
        for words in (["--help"], ["launch", "x"], ["-c", "id"], ["settings", "/etc/shadow"]):
            yield "another name of the file", ["-u", prey.member, "--", str(trick), *words]
    inside = [f"{mediator.parent}/../{mediator.parent.name}/{mediator.name}", f"{mediator.parent}//{mediator.name}"]
    for path in (*inside, f"/proc/self/root{mediator}", f"{mediator.parent}/./{mediator.name}"):
        yield "another spelling", ["-u", prey.member, "--", path, "launch", "1;id"]


def _joined(mediator: str, member: str) -> Iterator[tuple[str, Sequence[str]]]:
    for joined in (f"{mediator} version", f"{mediator} launch 1", f"{mediator}\tversion", f"{mediator}\nversion"):
        yield "joined words", ["-u", member, "--", joined]
    for words in (["launch 1"], ["launch 1 2"], ["launch\n1"], ["version\n"], ["settings "], ["version", ""]):
        yield "joined words", ["-u", member, "--", mediator, *words]


def _random_words(count: int) -> Iterator[list[str]]:
    """Words that no call of the service has: the first is never a verb."""
    chance = random.Random(20)  # noqa: S311 - the same words each time, so that a failure can be seen again
    for _ in range(count):
        words = ["".join(chance.choices(_LETTERS, k=chance.randint(1, 12))) for _ in range(chance.randint(1, 4))]
        yield words if words[0] not in ("launch", "lock") else ["--", *words]

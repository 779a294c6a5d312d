"""The mediator's verb ``texts``: what of a run's step files comes out, and that nothing else does."""

import json
import os
import pathlib
import resource
import stat
import subprocess
import sys
import time
from typing import Any

import pytest

from niassa_orch.domain import texts as domain_texts
from niassa_orch.seqware import mediator as source
from tests.integration.seqware import workshop

#: Lets a file grow, and begin anew, for as long as it is allowed to; says so first.
GROW = """
import sys
with open(sys.argv[1], "wb", buffering=0) as file:
    print("GROWING", flush=True)
    while True:
        file.truncate(0)
        file.seek(0)
        for _ in range(500):
            file.write(b"x" * 100)
"""

#: Turns a folder into a link, and the link into the folder, for as long as it is allowed to; says so first.
SWAP = """
import os, sys
folder, aside, link = sys.argv[1:]
print("SWAPPING", flush=True)
while True:
    os.rename(folder, aside)
    os.rename(link, folder)
    os.rename(folder, link)
    os.rename(aside, folder)
"""


@pytest.fixture
def scripts(shop: workshop.Workshop) -> pathlib.Path:
    return shop.run_directory() / "generated-scripts"


def order(scripts: pathlib.Path, **limits: int) -> dict[str, object]:
    return {"accession": 12, "directory": str(scripts.parent), **limits}


def texts(shop: workshop.Workshop, *orders: object) -> list[dict[str, Any]]:
    ran = shop.run(shop.install(), "texts", stdin=json.dumps(orders))
    assert ran.exit_code == 0, (ran.out, ran.err)
    return [{key: value for key, value in record.items() if key != "niassa_orch_mediator"} for record in ran.records]


def files_of(shop: workshop.Workshop, scripts: pathlib.Path, **limits: int) -> dict[str, dict[str, Any]]:
    """By name, in the order of the answer."""
    [record] = texts(shop, order(scripts, **limits))
    return {file["name"]: file for file in record["files"]}


def test_the_texts_of_a_run_come_by_job_number_and_in_characters_that_xml_can_hold(
    shop: workshop.Workshop, scripts: pathlib.Path
) -> None:
    (scripts / "sort.o100").write_bytes(b"later\n")
    (scripts / "align.o99").write_bytes(b"a\x00b\x1b[1m\xff \xc3\xa4\xef\xbf\xbe\xed\xa0\x80|\xc2\x85\r\n")
    (scripts / "align.e99").write_bytes(b"warning")
    for name in ("align.sh", "align.o", "align.o99x", "align.x99", ".o1", "a b.o2", "align.o99~", "a\n.o1", "ä.o1"):
        (scripts / name).write_text("not a text")
    os.close(os.open(os.fsencode(scripts) + b"/\xff.o1", os.O_CREAT))
    (scripts / ("n" * 201 + ".o1")).write_text("a name too long")
    [record] = texts(shop, order(scripts))
    assert [(file["name"], file["step"], file["stream"], file["number"]) for file in record["files"]] == [
        ("align.e99", "align", "e", 99),
        ("align.o99", "align", "o", 99),
        ("sort.o100", "sort", "o", 100),
    ]
    replaced = "\N{REPLACEMENT CHARACTER}"
    assert record["files"][1]["text"] == f"ab[1m{replaced} ä{replaced * 3}|\x85\r\n"
    assert record["files"][2] == record["files"][2] | {"size": 6, "kept": 6, "cut": False}
    assert record["left_out"] == 0


def test_what_is_no_plain_readable_file_of_the_user_with_one_name_is_named_and_not_read(
    shop: workshop.Workshop, scripts: pathlib.Path
) -> None:
    secret = shop.directory / "secret"
    secret.write_text("canary-secret")
    (scripts / "link.o1").symlink_to(secret)
    (scripts / "loop.o2").symlink_to("loop.o2")
    (scripts / "folder.o3").mkdir()
    os.mkfifo(scripts / "pipe.o4")
    os.link(secret, scripts / "hard.o5")
    os.mknod(scripts / "socket.o6", stat.S_IFSOCK | 0o600)
    (scripts / "null.o7").symlink_to("/dev/zero")
    (scripts / "good.o8").write_text("good")
    found = files_of(shop, scripts)
    assert {name: (file["text"], file.get("error")) for name, file in found.items()} == {
        "link.o1": ("", "no plain file"),
        "loop.o2": ("", "no plain file"),
        "folder.o3": ("", "no plain file"),
        "pipe.o4": ("", "no plain file"),
        "hard.o5": ("", "has another name elsewhere (a hard link)"),
        "socket.o6": ("", "no plain file"),
        "null.o7": ("", "no plain file"),
        "good.o8": ("good", None),
    }


def test_long_texts_are_cut_to_their_ends_and_a_run_to_a_mebibyte_of_its_newest(
    shop: workshop.Workshop, scripts: pathlib.Path
) -> None:
    for number in range(20):
        (scripts / f"step.o{number}").write_bytes(b"x" * 70_000 + b"END")
    files = list(files_of(shop, scripts).values())
    assert [file["number"] for file in files] == list(range(20))
    assert [len(file["text"]) for file in files] == [0] * 4 + [65536] * 16
    assert [file["kept"] for file in files] == [0] * 4 + [65536] * 16
    assert all(file["cut"] and file["size"] == 70_003 for file in files)
    assert files[-1]["text"].endswith("END")


def test_whoever_asks_may_set_how_much_is_sent_up_to_the_mediators_own_limits(
    shop: workshop.Workshop, scripts: pathlib.Path
) -> None:
    for number in range(6):
        (scripts / f"step.o{number}").write_bytes(b"x" * 1_200_000)
    few = files_of(shop, scripts, file_bytes=10, run_bytes=25)
    assert [file["kept"] for file in few.values()] == [0, 0, 0, 5, 10, 10]
    many = files_of(shop, scripts, file_bytes=1 << 40, run_bytes=1 << 40)
    assert [file["kept"] for file in many.values()] == [0, 0, *[1 << 20] * 4]


def test_a_cut_through_a_character_leaves_no_half_of_it(shop: workshop.Workshop, scripts: pathlib.Path) -> None:
    (scripts / "step.o1").write_text("ab€🧬cd", "utf-8")
    texts = [files_of(shop, scripts, file_bytes=kept)["step.o1"]["text"] for kept in range(2, 12)]
    assert texts == ["cd"] * 4 + ["🧬cd"] * 3 + ["€🧬cd", "b€🧬cd", "ab€🧬cd"]


def test_of_very_many_files_the_newest_thousand_are_looked_at(shop: workshop.Workshop, scripts: pathlib.Path) -> None:
    for number in range(1003):
        (scripts / f"step.o{number}").touch()
    [record] = texts(shop, order(scripts))
    assert (len(record["files"]), record["files"][0]["number"], record["left_out"]) == (1000, 3, 3)


def test_folders_that_look_like_files_use_up_no_descriptors(shop: workshop.Workshop, scripts: pathlib.Path) -> None:
    for number in range(100):
        (scripts / f"folder.o{number}").mkdir()
    (scripts / "step.o99").write_text("good")

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))

    ran = shop.run(shop.install(), "texts", stdin=json.dumps([order(scripts)] * 2), preexec_fn=few)
    assert [record["files"][-1]["text"] for record in ran.records] == ["good", "good"]


def test_a_huge_file_costs_no_more_than_its_end(shop: workshop.Workshop, scripts: pathlib.Path) -> None:
    with (scripts / "step.o1").open("wb") as file:
        file.truncate(1 << 42)
        file.seek(0, os.SEEK_END)
        file.write(b"END")
    started = time.monotonic()
    [found] = files_of(shop, scripts).values()
    assert (found["size"], found["kept"], found["text"]) == ((1 << 42) + 3, 65536, "END")
    assert time.monotonic() - started < 30


def test_a_file_that_grows_while_it_is_read_is_said_to_be_at_least_as_large_as_what_was_read(
    shop: workshop.Workshop, scripts: pathlib.Path
) -> None:
    argv = [sys.executable, "-c", GROW, str(scripts / "step.o1")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as growing:
        try:
            assert growing.stdout is not None
            assert growing.stdout.readline() == b"GROWING\n"
            answers = texts(shop, *[order(scripts)] * 2000)
        finally:
            growing.kill()
    seen = [file for answer in answers for file in answer["files"]]
    assert len({file["size"] for file in seen}) > 1
    assert all(len(file["text"]) == file["kept"] <= file["size"] for file in seen)


@pytest.mark.parametrize("name", ["generated-scripts", "oozie-swapped-swapped"])
def test_a_folder_that_is_swapped_for_a_link_meanwhile_leads_nowhere_else(shop: workshop.Workshop, name: str) -> None:
    scripts = shop.run_directory("oozie-swapped-swapped") / "generated-scripts"
    (scripts / "step.o1").write_text("mine")
    elsewhere = shop.directory / "elsewhere"
    (elsewhere / "generated-scripts").mkdir(parents=True)
    for folder in (elsewhere, elsewhere / "generated-scripts"):
        (folder / "step.o1").write_text("canary-secret")
    swapped = scripts if name == "generated-scripts" else scripts.parent
    link, aside = shop.directory / "link", shop.directory / "aside"
    link.symlink_to(elsewhere)
    argv = [sys.executable, "-c", SWAP, str(swapped), str(aside), str(link)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as swapping:
        try:
            assert swapping.stdout is not None
            assert swapping.stdout.readline() == b"SWAPPING\n"
            answers = texts(shop, *[order(scripts)] * 2000)
        finally:
            swapping.kill()
    assert {json.dumps(file["text"]) for answer in answers for file in answer.get("files", ())} == {'"mine"'}
    assert any("gone" in answer for answer in answers)


def test_a_file_that_vanishes_meanwhile_is_left_out_and_the_others_come(
    shop: workshop.Workshop, scripts: pathlib.Path
) -> None:
    blink = (
        "import os, sys\nprint(flush=True)\nwhile True:\n    open(sys.argv[1], 'w').close()\n    os.unlink(sys.argv[1])"
    )
    (scripts / "stays.o1").write_text("stays")
    argv = [sys.executable, "-c", blink, str(scripts / "blinks.o2")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as blinking:
        try:
            assert blinking.stdout is not None
            blinking.stdout.readline()
            answers = texts(shop, *[order(scripts)] * 2000)
        finally:
            blinking.kill()
    assert {answer["files"][0]["text"] for answer in answers} == {"stays"}
    assert {len(answer["files"]) for answer in answers} == {1, 2}


def test_a_working_directory_that_is_gone_is_told_beside_the_others(
    shop: workshop.Workshop, scripts: pathlib.Path
) -> None:
    link = shop.directory / "oozie-linked-linked"
    link.symlink_to(scripts.parent)
    bare, linked = shop.directory / "oozie-bare-bare", shop.run_directory("oozie-inside-inside")
    bare.mkdir()
    (linked / "generated-scripts").rmdir()
    (linked / "generated-scripts").symlink_to(scripts)
    gone = [str(path) for path in (shop.directory / "oozie-00000000", link, bare, linked)]
    gone.append(f"{shop.directory}/oozie-{'0' * 64}")
    orders = [{"accession": number, "directory": path} for number, path in enumerate(gone, 1)]
    *told, good = texts(shop, *orders, order(scripts))
    assert told == [{**one, "gone": True} for one in orders]
    assert good["files"] == []


@pytest.mark.parametrize(
    "path", ["/a\ud800/oozie-12345678", "/a\udcff/oozie-12345678", "/" + "n" * 256 + "/oozie-12345678"]
)
def test_a_path_that_no_folder_can_have_is_told_beside_the_others(
    shop: workshop.Workshop, scripts: pathlib.Path, path: str
) -> None:
    odd, good = texts(shop, {"accession": 1, "directory": path}, order(scripts))
    assert odd["accession"] == 1
    assert "gone" in odd or odd["error"]
    assert good["files"] == []


REFUSED = [
    '[{"accession": 1, "directory": "/etc"}]',
    '[{"accession": 1, "directory": "a/oozie-12345678"}]',
    '[{"accession": 1, "directory": "/oozie-1234567/"}]',
    '[{"accession": 1, "directory": "/a/../oozie-12345678"}]',
    '[{"accession": 1, "directory": "/a//oozie-12345678"}]',
    '[{"accession": 1, "directory": "/a/oozie-12345678\\n"}]',
    '[{"accession": 1, "directory": "/a\\u0000/oozie-12345678"}]',
    '[{"accession": 1, "directory": "/a/oozie-12345678/.."}]',
]
LIMIT = '[{"accession": 1, "directory": "/a/oozie-12345678", "%s": %s}]'


@pytest.mark.parametrize(
    "stdin",
    [
        *REFUSED,
        "",
        "{}x",
        "7",
        "[7]",
        "[" * 200_000,
        '[{"accession": 1}]',
        '[{"accession": "1", "directory": "/a/oozie-12345678"}]',
        '[{"accession": true, "directory": "/a/oozie-12345678"}]',
        '[{"accession": 0, "directory": "/a/oozie-12345678"}]',
        '[{"accession": ' + "9" * 900_000 + ', "directory": "/a/oozie-12345678"}]',
        '[{"accession": 1, "directory": ["/a/oozie-12345678"]}]',
        *(LIMIT % (name, wrong) for name in ("file_bytes", "run_bytes") for wrong in ("0", "-1", "1.5", '"1"', "true")),
        " " * ((1 << 20) + 1),
    ],
)
def test_orders_for_texts_that_no_run_can_have_are_refused(shop: workshop.Workshop, stdin: str) -> None:
    started = time.monotonic()
    assert "stdin" in shop.run(shop.install(), "texts", stdin=stdin).refused
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("path", [*(json.loads(stdin)[0]["directory"] for stdin in REFUSED), "/a b/ä/oozie-1234-abcd"])
def test_the_service_asks_for_no_directory_that_the_mediator_would_refuse(path: str) -> None:
    assert domain_texts.is_run_directory(path) is source.is_run_directory(path) is (path == "/a b/ä/oozie-1234-abcd")

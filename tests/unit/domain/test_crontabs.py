import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import crontabs

BOTH = "#!/bin/bash\nseqware workflow-run launch-scheduled\nseqware workflow-run propagate-statuses --threads 10\n"


def numbers(text: str, scripts: dict[str, str] | None = None) -> list[int]:
    return [line.number for line in crontabs.engine_lines(text, scripts or {}) if line.launches]


@pytest.mark.parametrize(
    ("text", "scripts", "found"),
    [
        ("* * * * * /home/bob/cron.sh >> /home/bob/cron.log 2>&1\n", {"/home/bob/cron.sh": BOTH}, [1]),
        ("MAILTO=bob\n\n@hourly bash -l ~/bin/cron.sh\n", {"/home/bob/bin/cron.sh": BOTH}, [3]),
        ("* * * * * $HOME/outer.sh", {"/h/outer.sh": "/h/inner.sh", "/h/inner.sh": BOTH}, [1]),
        ("* * * * * seqware workflow-run launch-scheduled --host server2", {}, [1]),
        ("* * * * * cd bin && ./cron.sh", {"/home/bob/bin/cron.sh": BOTH}, [1]),
        ("* * * * * bin/outer", {"/h/bin/outer": "$(dirname $0)/inner.sh", "/h/bin/inner.sh": BOTH}, [1]),
        ("* * * * * /home/bob/xcron.sh; /home/bob/cron.sh.old", {"/home/bob/cron.sh": BOTH}, []),
        ("# * * * * * seqware workflow-run launch-scheduled", {}, []),
        ("  # * * * * * /home/bob/cron.sh", {"/home/bob/cron.sh": BOTH}, []),
        ("* * * * * /home/bob/cron.sh", {"/home/bob/cron.sh": "#seqware workflow-run launch-scheduled"}, []),
        ("* * * * * /home/bob/backup.sh", {"/home/bob/cron.sh": BOTH}, []),
        ("NOTE=launch-scheduled", {}, []),
        ("CRON=/h/cron.sh\n* * * * * $CRON --host server2", {"/h/cron.sh": BOTH}, [2]),
        ('CRON = "/h/cron.sh"\n* * * * * nice ${CRON}', {"/h/cron.sh": BOTH}, [2]),
        ("CALL=seqware workflow-run launch-scheduled\n@hourly $CALL", {}, [2]),
        ("CRON=/h/cron.sh\n#* * * * * $CRON\n* * * * * $CRONS", {"/h/cron.sh": BOTH}, []),
        ("", {}, []),
    ],
)
def test_lines_that_lead_to_a_launch_are_found(text: str, scripts: dict[str, str], found: list[int]) -> None:
    assert numbers(text, scripts) == found


def test_a_line_that_only_propagates_is_told_as_that() -> None:
    text = "* * * * * seqware workflow-run propagate-statuses --threads 10"
    assert crontabs.engine_lines(text, {}) == (crontabs.Line(1, launches=False, propagates=True),)


def test_scripts_that_call_one_another_come_to_an_end() -> None:
    assert numbers("* * * * * /a", {"/a": "/b", "/b": "/a"}) == []


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text(), max_size=4))
def test_no_text_brings_an_error(text: str, scripts: dict[str, str]) -> None:
    crontabs.engine_lines(text, scripts)


def test_a_crontab_that_leads_a_thousand_times_through_large_scripts_takes_no_longer_than_once() -> None:
    # Each script names the next one; read anew for every line, this takes minutes.
    scripts = {f"/home/bob/{number}.sh": f"{number + 1}.sh\n" + "~/x " * 16_000 for number in range(20)}
    scripts["/home/bob/20.sh"] = BOTH
    began = time.process_time()
    assert numbers("* * * * * ~/0.sh\n" * 1000, scripts) == list(range(1, 1001))
    assert time.process_time() - began < 30


def test_a_script_of_an_odd_name_is_found_too() -> None:
    assert numbers("* * * * * ~/cron+a.sh", {"/home/bob/cron+a.sh": BOTH}) == [1]
    assert numbers("* * * * * ~/xcron+a.sh", {"/home/bob/cron+a.sh": BOTH}) == []
    assert numbers("* * * * * ~/xcron+a.sh ~/cron+a.shx; ~/cron+a.sh", {"/home/bob/cron+a.sh": BOTH}) == [1]


def test_names_that_nearly_stand_in_a_long_line_everywhere_take_no_time() -> None:
    scripts = {f"/home/bob/{'+' * (100 + number)}a": BOTH for number in range(100)}
    began = time.process_time()
    assert numbers("* * * * * " + "+" * 1_000_000, scripts) == []
    assert time.process_time() - began < 10

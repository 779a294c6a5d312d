import re
import subprocess
import sys
import textwrap

_BEGIN = """
import sys, threading, warnings
from niassa_orch import logs

redactor = logs.configure(sys.stdout)
redactor.register("canary-Pa55")
logs.install_hooks(redactor)
local = "hunter2"[:] + "-local"

def fail():
    secret = local
    raise ValueError("login canary-Pa55\\nforged" + secret[:0])

"""


def _ran(program: str, *options: str) -> tuple[list[str], list[str], int]:
    """Lines on standard output and standard error, and the exit code, of a process of its own."""
    whole = _BEGIN + textwrap.dedent(program)
    done = subprocess.run([sys.executable, *options, "-c", whole], capture_output=True, text=True, check=False)
    assert "canary" not in done.stdout + done.stderr
    assert "hunter2-local" not in done.stdout + done.stderr
    return done.stdout.splitlines(), done.stderr.splitlines(), done.returncode


def test_an_exception_that_nobody_caught_is_one_redacted_line_with_its_traceback() -> None:
    out, (line,), code = _ran("fail()")
    shown = (
        r' error process\.crashed exception="ValueError: login \[redacted\]\\nforged" traceback="Traceback .*in fail\\n'
    )
    assert re.search(shown, line)
    assert (out, code) == ([], 1)


def test_a_cause_is_redacted_too() -> None:
    _, (line,), _ = _ran(
        """
        try:
            fail()
        except ValueError as exc:
            raise RuntimeError("outer") from exc
        """
    )
    assert "direct cause" in line
    assert "login [redacted]" in line


def test_a_thread_that_fails_is_one_redacted_line_and_one_that_leaves_is_none() -> None:
    program = """
        for target, name in ((fail, "journal"), (sys.exit, "leaver")):
            thread = threading.Thread(target=target, name=name)
            thread.start()
            thread.join()
        """
    _, (line,), code = _ran(program)
    assert ' error thread.crashed thread=journal exception="ValueError: login [redacted]' in line
    assert code == 0


def test_an_exception_that_cannot_be_raised_is_one_redacted_line() -> None:
    program = """
        class Held:
            def __del__(self):
                fail()
        held = Held()
        del held
        """
    _, (line,), code = _ran(program)
    assert " error exception.unraisable " in line
    assert "Held.__del__" in line
    assert 'exception="ValueError: login [redacted]' in line
    assert code == 0


def test_a_warning_is_an_event_of_the_log() -> None:
    (line,), err, _ = _ran("warnings.warn('password canary-Pa55 is old', ResourceWarning)", "-W", "always")
    assert " warning library.message logger=py.warnings " in line
    assert "ResourceWarning: password [redacted] is old" in line
    assert err == []


def test_an_exception_that_cannot_be_told_is_told_all_the_same() -> None:
    program = """
        class Broken(Exception):
            def __str__(self):
                raise RuntimeError("canary-Pa55")
        raise Broken
        """
    _, (line,), code = _ran(program)
    assert " error process.crashed " in line
    assert code == 1


def test_a_closed_or_missing_stderr_does_not_bring_the_raw_traceback_back() -> None:
    assert _ran("sys.stderr.close()\nfail()")[2] == 1
    assert _ran("sys.stderr = None\nfail()")[:2] == ([], [])


def test_lines_go_where_the_caller_says() -> None:
    (line,), err, _ = _ran("logs.install_hooks(redactor, sys.stdout)\nfail()")
    assert " error process.crashed " in line
    assert err == []

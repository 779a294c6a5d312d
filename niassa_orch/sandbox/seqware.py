#!/usr/bin/python3 -I
"""The stand-in of the ``seqware`` command: its shell wrapper and its JVM, as protocol section 2 tells it.

One file for Python 3.6 or newer with the standard library only: it is copied to a place of its own and run as account
users. Settings come from ``SEQWARE_SETTINGS`` or ``~/.seqware/settings``; what only a stand-in needs (a JVM's start-up
delay, the pauses of the lock) comes from ``seqware.json`` beside the file, never from the caller. What goes wrong with
one run is printed and swallowed, exit code 0, as the real one does. How a run is to behave stands in its ``iniFile``:
its ``steps``, the trouble with its launch (``sandbox.launch``), and where the launch stops until somebody continues it
(``sandbox.pause=3``: after its third line; ``3+``: before its fourth, or its end; by SIGSTOP, once a run).
"""

import base64
import contextlib
import fcntl
import http.client
import json
import os
import pwd
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid
import xml.etree.ElementTree as ET
from typing import IO, Any, Callable, Dict, List, NamedTuple, NoReturn, Optional

#: The wrapper says its version so.
SEQWARE_VERSION = "2.0.7"
OOZIE_ENGINES = ("oozie", "oozie-sge")
WHITESTAR_ENGINES = ("whitestar", "whitestar-parallel", "whitestar-sge")
#: Exit code for any exception, the lock and a refusing web service among them.
ANY_EXCEPTION = 91
BAD_SETTINGS = 15

CRIPPLED_SETTINGS = """# created by the wrapper, since there was none: to be completed
SW_METADATA_METHOD=webservice
SW_REST_URL=http://localhost:8080/SeqWareWebService
SW_REST_USER=
SW_REST_PASS=
"""

STEP_SCRIPT = """#!/bin/sh
{trap}
echo "{name}: run {accession} began as $(id -un) in $(pwd)"
echo "{name}: reading input, this is stderr" >&2
sleep {seconds}
{verdict}
echo "{name}: run {accession} done" | tee "{name}.result"
"""


class EngineError(Exception):
    """Something that the real engine would throw while it launches one run."""


class Step(NamedTuple):
    """One step of a workflow. ``flags``: ``!`` fails, ``?`` fails the first time, ``*`` ignores SIGTERM."""

    name: str
    seconds: str
    flags: str


# Standard output, as Java writes it: each line at once, and a write error is swallowed.


def say(text: str) -> None:
    """One line on standard output."""
    put(1, text + "\n")


def put(descriptor: int, text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, text.encode("utf-8", "replace"))


def log4j(level: str, text: str, tell: Callable[[str], None] = say) -> None:
    """A line of the kind that the engine's libraries put between the others."""
    tell("[SeqWare Pipeline] {} [{}] | {}".format(level, time.strftime("%Y/%m/%d %H:%M:%S"), text))


def trace(kind: str, error: BaseException) -> None:
    """A stack trace on standard output."""
    say("{}: {}".format(kind, error))
    for frame in traceback.extract_tb(error.__traceback__)[-4:]:
        say("\tat net.sourceforge.seqware.{}(Stand.java:{})".format(frame.name, frame.lineno))


# What the wrapper and the JVM are set to.


def options() -> Dict[str, Any]:
    """The stand-in's own options, from the file beside it."""
    found: Dict[str, Any] = {"jvm_seconds": 0.5, "lock_tries": 5, "lock_pause_seconds": 10.0}
    found.update({"lock_homes": {}, "seqware_root": False})
    try:
        with open(
            os.path.join(os.path.dirname(os.path.realpath(__file__)), "seqware.json"), encoding="utf-8"
        ) as stream:
            found.update(json.load(stream))
    except FileNotFoundError:
        pass
    return found


def settings_path() -> str:
    """Where the settings are."""
    return os.environ.get("SEQWARE_SETTINGS") or os.path.join(os.path.expanduser("~"), ".seqware", "settings")


def create_settings_if_absent(path: str) -> None:
    """What the wrapper does without a readable settings file: it leaves a crippled one."""
    if os.access(path, os.R_OK):
        return
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="latin-1") as stream:
            stream.write(CRIPPLED_SETTINGS)
    except OSError as error:
        put(2, "seqware: cannot write {}: {}\n".format(path, error.strerror))


def read_settings(path: str) -> Dict[str, str]:
    """A Java properties file: ISO-8859-1, ``=`` or ``:``, escapes, continued lines; keys in upper case."""
    with open(path, encoding="latin-1", newline=None) as stream:
        text = stream.read()
    text = re.sub(r"(?<!\\)((?:\\\\)*)\\\n[ \t\f]*", r"\1", text)
    found = {}
    for line in text.split("\n"):
        line = line.lstrip(" \t\f")
        if line and line[0] not in "#!":
            parts = re.match(r"((?:\\.|[^\\ \t\f=:])*)[ \t\f]*[=:]?[ \t\f]*(.*)", line)
            assert parts is not None  # noqa: S101 - every part of the pattern may be empty
            found[unescape(parts.group(1)).upper()] = unescape(parts.group(2))
    return found


def unescape(text: str) -> str:
    known = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}

    def plain(found: "re.Match[str]") -> str:
        return chr(int(found.group(1), 16)) if found.group(1) else known.get(found.group(2), found.group(2))

    return re.sub(r"\\(?:u([0-9A-Fa-f]{4})|(.))", plain, text)


# The neighbours.


def opener() -> urllib.request.OpenerDirector:
    """No proxies; any TLS certificate is trusted, as the Java client does."""
    context = ssl._create_unverified_context()  # noqa: S323 - the real one does not verify either
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))


class WebService:
    """The web service, as its Java client uses it."""

    def __init__(self, settings: Dict[str, str]) -> None:
        self.base = settings["SW_REST_URL"].rstrip("/") + "/workflowruns"
        self.user = settings.get("SW_REST_USER", "").strip().lower()
        login = "{}:{}".format(self.user, settings.get("SW_REST_PASS", ""))
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(login.encode("utf-8")).decode("ascii"),
            "Content-Type": "application/xml; charset=UTF-8",
        }

    def _ask(self, method: str, url: str, body: Optional[bytes] = None) -> ET.Element:
        request = urllib.request.Request(url, body, self._headers, method=method)  # noqa: S310 - the settings' own URL
        with opener().open(request) as answer:
            return ET.fromstring(answer.read())  # noqa: S314 - the stand-in of the web service wrote it

    def find(self, **query: str) -> List[ET.Element]:
        """The rows that match; of everybody."""
        return self._ask("GET", self.base + "?" + urllib.parse.urlencode(query)).findall("list")

    def get(self, accession: str) -> ET.Element:
        """One run, whole."""
        return self._ask("GET", "{}/{}".format(self.base, accession))

    def get_by_key(self, key: str) -> ET.Element:
        """One run by its primary key, which is not its accession."""
        return self._ask("GET", self.base + "?" + urllib.parse.urlencode({"id": key}))

    def put(self, run: ET.Element, **changes: str) -> None:
        """Write a run back, whole, with changes."""
        document = ET.Element("WorkflowRun")
        document.extend([child for child in run if child.tag not in changes and child.tag not in NOT_SENT])
        for tag, text in changes.items():
            ET.SubElement(document, tag).text = text
        self._ask("PUT", "{}/{}".format(self.base, value(run, "swAccession")), as_bytes(document))


#: What would change the owner or the links of a run.
NOT_SENT = ("owner", "workflow", "ius", "lanes")


def value(run: ET.Element, tag: str) -> str:
    """A run's scalar, ``""`` when absent."""
    return run.findtext(tag) or ""


class Oozie:
    """Oozie, as its Java client uses it."""

    def __init__(self, settings: Dict[str, str]) -> None:
        self.base = settings["OOZIE_URL"].rstrip("/") + "/v1/"
        self.user = pwd.getpwuid(os.geteuid()).pw_name

    def _ask(self, method: str, path: str, query: Dict[str, str], conf: Optional[Dict[str, str]] = None) -> Any:
        query = dict(query, **{"user.name": self.user})
        request = urllib.request.Request(  # noqa: S310 - the settings' own URL
            self.base + path + "?" + urllib.parse.urlencode(query),
            None if conf is None else configuration(dict(conf, **{"user.name": self.user})),
            {"Content-Type": "application/xml;charset=UTF-8"},
            method=method,
        )
        with opener().open(request) as answer:
            return json.loads(answer.read().decode("utf-8") or "null")

    def submit(self, conf: Dict[str, str], deaf: bool = False) -> str:
        """Submit and start; answers the job's id. The JDK repeats a POST that broke without an answer, once.

        A ``deaf`` one does so although it was told not to.
        """
        try:
            answer = self._ask("POST", "jobs", {"action": "start"}, conf)
        except (http.client.BadStatusLine, ConnectionError):
            told = "-Dsun.net.http.retryPost=false" in os.environ.get("SEQWARE_JVM_OPTS", "").split()
            if told and not deaf:
                raise
            answer = self._ask("POST", "jobs", {"action": "start"}, conf)
        return str(answer["id"])

    def job(self, job_id: str) -> Dict[str, Any]:
        """The job with its actions."""
        return dict(self._ask("GET", "job/" + job_id, {"show": "info", "timezone": "GMT"}))

    def act(self, job_id: str, action: str, conf: Optional[Dict[str, str]] = None) -> None:
        """Kill, resume or rerun."""
        self._ask("PUT", "job/" + job_id, {"action": action}, conf)


def configuration(properties: Dict[str, str]) -> bytes:
    """Hadoop's ``<configuration>``."""
    root = ET.Element("configuration")
    for name, text in sorted(properties.items()):
        one = ET.SubElement(root, "property")
        ET.SubElement(one, "name").text = name
        ET.SubElement(one, "value").text = text
    return as_bytes(root)


def as_bytes(root: ET.Element) -> bytes:
    """A document in UTF-8 with its declaration."""
    return b'<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(root, "unicode").encode("utf-8")


# The lock.


def take_lock(settings: Dict[str, str], host: Optional[str], stand: Dict[str, Any]) -> IO[str]:
    """JUnique's lock, one a Unix user and id; held until the process ends. Gives up with exit code 91."""
    user = pwd.getpwuid(os.geteuid())
    folder = os.path.join(stand["lock_homes"].get(user.pw_name, user.pw_dir), ".junique")
    while not os.path.isdir(folder):  # with an unwritable home it spins for ever
        try:
            os.makedirs(folder)
        except OSError:
            # As the real engine with an unwritable home, it tries for ever; only a deadline ends it.
            time.sleep(0.05)
    name = "{}-{}.lock".format(settings.get("SW_LOCK_ID") or "seqware", host or socket.getfqdn())
    for left in reversed(range(int(stand["lock_tries"]))):
        try:
            stream = open(os.path.join(folder, name), "a")  # noqa: SIM115 - the lock lives as long as the process
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return stream
        except OSError:
            log4j("WARN", "Could not acquire lock {}, tries left: {}".format(name, left))
            if left:
                # The real engine's pause between two tries of its lock.
                time.sleep(stand["lock_pause_seconds"])
    say("it.sauronsoftware.junique.AlreadyLockedException: Failed due to an already locked id: " + name)
    say("\tat it.sauronsoftware.junique.JUnique.acquireLock(JUnique.java:94)")
    os._exit(ANY_EXCEPTION)


# One run.


class Launch:
    """The launch of one run: its working directory, its scripts, its submission."""

    def __init__(self, service: WebService, settings: Dict[str, str], run: ET.Element) -> None:
        self.service = service
        self.settings = settings
        self.accession = value(run, "swAccession")
        self.engine = value(run, "workflowEngine")
        self.ini = dict(re.findall(r"(?m)^\s*([^=\s#]+)\s*=[ \t]*(.*?)\s*$", value(run, "iniFile")))
        self.behaviour = self.ini.get("sandbox.launch", "")
        self.name = "oozie-" + str(uuid.uuid4())
        self.folder = os.path.join(settings["OOZIE_WORK_DIR"], self.name)
        self.lines = 0

    def say(self, text: str) -> None:
        """One more line about this run."""
        self.pause("{}+".format(self.lines))
        say(text)
        self.lines += 1
        self.pause(str(self.lines))

    def pause(self, moment: str) -> None:
        """Stop at this moment if that was ordered, until somebody continues us; a later launch does not stop again."""
        if self.ini.get("sandbox.pause") != moment:
            return
        mark = os.path.join(self.settings["OOZIE_WORK_DIR"], "paused-" + self.accession)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            os.kill(os.getpid(), signal.SIGSTOP)

    def carry_out(self) -> None:
        """Launch; whatever happens is printed, and the run is written as failed."""
        self.say("Launching via {} launcher: {}".format("new" if self.engine else "old", self.accession))
        try:
            self.launcher()()
        except Exception as error:  # noqa: BLE001 - as the real one
            trace("java.lang.RuntimeException", error)
            self.swallowing(lambda: self.set_status("failed"))
        self.pause("{}+".format(self.lines))

    def launcher(self) -> Callable[[], None]:
        if self.engine in WHITESTAR_ENGINES:
            return self.run_whitestar
        if self.engine in OOZIE_ENGINES:
            return self.run_oozie
        raise EngineError("Invalid workflow engine: " + (self.engine or "null"))

    def swallowing(self, act: Callable[[], None]) -> None:
        """What goes wrong with the web service after a launch is printed and forgotten."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - as the real one
            trace("net.sourceforge.seqware.common.err.NotFoundException", error)

    def set_status(self, status: str, **changes: str) -> None:
        self.service.put(self.service.get(self.accession), status=status, **changes)

    def prepare(self) -> List[Step]:
        """Up to the working directory."""
        if self.behaviour == "exits_91":
            trace("java.lang.NullPointerException", EngineError("null"))
            os._exit(ANY_EXCEPTION)
        if self.behaviour == "hangs":
            hang()
        if self.behaviour == "fails":
            raise EngineError("Could not provision the bundle of run " + self.accession)
        steps = parse_steps(self.ini.get("steps", "work:0.1"))
        scripts = os.path.join(self.folder, "generated-scripts")
        os.makedirs(scripts)
        for step in steps:
            self.write(os.path.join(scripts, step.name + ".sh"), step_script(step, self.accession))
        self.say("Using working directory: " + self.folder)
        if self.behaviour == "dies_before_submit":
            os.kill(os.getpid(), signal.SIGKILL)
        return steps

    def write(self, path: str, text: str) -> None:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)

    def run_oozie(self) -> None:
        steps = self.prepare()
        app = os.path.join(self.settings["OOZIE_APP_ROOT"], self.name)
        os.makedirs(app)
        workflow = {"name": self.ini.get("name", "workflow"), "actions": [{"name": step.name} for step in steps]}
        self.write(os.path.join(app, "workflow.json"), json.dumps(workflow))
        self.say("Files copied to " + app)
        log4j("INFO", "Submitting to " + self.settings["OOZIE_URL"], self.say)
        job_id = Oozie(self.settings).submit(self.configuration(app), deaf=self.behaviour == "repeats_post")
        if self.behaviour == "dies_after_submit":  # the window between Oozie's answer and the line that tells of it
            os.kill(os.getpid(), signal.SIGKILL)
        if self.behaviour == "lost_answer":
            raise EngineError("No answer to the submission of " + self.accession)
        self.say("Submitted Oozie job: " + job_id)
        if self.behaviour == "hangs_after_submit":
            hang()
        if self.behaviour == "failed_after_submit":
            raise EngineError("Could not record " + job_id)
        if self.behaviour != "silent_after_submit":
            self.swallowing(lambda: self.record(job_id))

    def configuration(self, app: str) -> Dict[str, str]:
        return {
            "oozie.wf.application.path": self.settings.get("OOZIE_NAMENODE", "") + app,
            "nameNode": self.settings.get("OOZIE_NAMENODE", ""),
            "jobTracker": self.settings.get("OOZIE_JOBTRACKER", ""),
            "queueName": self.settings.get("OOZIE_QUEUENAME", ""),
            "niassa.accession": self.accession,
            "niassa.engine": self.engine,
            "niassa.workdir": self.folder,
        }

    def record(self, job_id: str) -> None:
        """GET, decide, GET again by primary key, PUT: a cancel between the two is lost, as the real one loses it."""
        first = self.service.get(self.accession)
        status = "pending" if value(first, "status") == "submitted" else value(first, "status")
        again = self.service.get_by_key(value(first, "workflowRunId"))
        self.service.put(again, status=status, statusCmd=job_id, currentWorkingDir=self.folder, stdErr="", stdOut="")

    def run_whitestar(self) -> None:
        """The whole workflow inside the call; the ``.e`` file holds standard output, the ``.o`` file the errors."""
        failed = False
        for number, step in enumerate(self.prepare(), start=1):
            self.say("Running step {} of {}".format(step.name, self.accession))
            base = os.path.join(self.folder, "generated-scripts", step.name)
            with open("{}.e{}".format(base, number), "w") as out, open("{}.o{}".format(base, number), "w") as err:
                failed = subprocess.call(["/bin/sh", base + ".sh"], cwd=self.folder, stdout=out, stderr=err) != 0
            if failed:
                log4j("ERROR", "Step {} failed".format(step.name))
                break
        status = "failed" if failed else "completed"
        self.say("Setting workflow-run status to {} for: {}".format(status, self.accession))
        self.swallowing(lambda: self.set_status(status, currentWorkingDir=self.folder))
        self.swallowing(lambda: self.service.put(self.service.get(self.accession), statusCmd=self.accession))


def parse_steps(text: str) -> List[Step]:
    """``align:1.0,sort:0.5!`` as steps."""
    found = [re.match(r"([A-Za-z0-9_.-]+):([0-9]+(?:\.[0-9]+)?)([!?*]*)$", part.strip()) for part in text.split(",")]
    steps = [Step(*one.groups()) for one in found if one]
    if len(steps) != len(found):
        raise EngineError("Cannot understand the steps: " + text)
    return steps


def step_script(step: Step, accession: str) -> str:
    verdict = ":"
    if "!" in step.flags:
        verdict = 'echo "{0.name}: out of luck" >&2; exit 1'.format(step)
    elif "?" in step.flags:
        verdict = '[ -e ".{0.name}.tried" ] || {{ : >".{0.name}.tried"; echo "{0.name}: try again" >&2; exit 1; }}'
        verdict = verdict.format(step)
    trap = "trap '' TERM" if "*" in step.flags else ":"
    return STEP_SCRIPT.format(name=step.name, seconds=step.seconds, accession=accession, trap=trap, verdict=verdict)


def hang() -> NoReturn:
    """For ever, with a child, both deaf to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    while True:
        # What was ordered is an engine that hangs; the mediator's deadline ends it.
        time.sleep(3600)


# The two commands.


class Arguments(NamedTuple):
    """What the command line said."""

    command: str
    host: Optional[str]
    accessions: List[str]


def launch_scheduled(service: WebService, settings: Dict[str, str], given: Arguments) -> None:
    """Launch what is ``submitted``, whoever owns it."""
    runs = service.find(status="submitted")
    say("Number of submitted workflows: {}".format(len(runs)))
    for run in runs:
        accession = value(run, "swAccession")
        if accession in given.accessions:
            launch = Launch(service, settings, run)
            launch.say("Working Run: " + accession)
            launch.carry_out()
            continue
        say("Working Run: " + accession)
        if given.accessions:
            say("Skipping run due to accession check: " + accession)
        elif value(run, "host") not in (given.host, socket.getfqdn()):
            say("Skipping run due to host check: " + accession)
        else:
            say("Valid run by host check: " + accession)
            Launch(service, settings, run).carry_out()


def propagate_statuses(service: WebService, settings: Dict[str, str], given: Arguments) -> None:
    """Ask Oozie about every active run of ours and write every one of them, changed or not."""
    runs = []
    for status in ("running", "pending", "submitted_cancel", "submitted_retry"):
        runs += [run for run in service.find(status=status) if value(run, "ownerUserName").lower() == service.user]
    if given.accessions:
        runs = [run for run in runs if value(run, "swAccession") in given.accessions]
    else:
        runs = [run for run in runs if value(run, "host") == (given.host or socket.getfqdn())]
    say("Propagated workflow engine statuses")
    for run in runs:
        if value(run, "workflowEngine") in OOZIE_ENGINES:
            changes = propagated(Oozie(settings), run)
            service.put(service.get(value(run, "swAccession")), **changes)


def propagated(oozie: Oozie, run: ET.Element) -> Dict[str, str]:
    """What is written; an Oozie error of any kind makes it ``failed`` with empty texts."""
    status, job_id = value(run, "status"), value(run, "statusCmd")
    if not job_id:
        return {"status": {"submitted_cancel": "cancelled", "submitted_retry": "submitted"}.get(status, status)}
    try:
        job = oozie.job(job_id)
        return dict(texts_of(run, job["actions"]), status=next_status(oozie, status, job_id, job["status"]))
    except Exception as error:  # noqa: BLE001 - as the real one
        trace("org.apache.oozie.client.OozieClientException", error)
        return {"status": "failed", "stdErr": "", "stdOut": ""}


def next_status(oozie: Oozie, status: str, job_id: str, job: str) -> str:
    """What becomes of a run whose job is so; what its user asked for is done, and not looked at again."""
    if status == "submitted_cancel" and job in ("PREP", "RUNNING", "SUSPENDED"):
        oozie.act(job_id, "kill")
        return "cancelled"
    if status == "submitted_retry" and job == "SUSPENDED":
        oozie.act(job_id, "resume")
        return "pending"
    if status == "submitted_retry" and job in ("FAILED", "KILLED"):
        oozie.act(job_id, "rerun", {"oozie.wf.rerun.failnodes": "true"})
        return "pending"
    return {"PREP": "running", "RUNNING": "running", "SUCCEEDED": "completed"}.get(job, "failed")


def texts_of(run: ET.Element, actions: List[Dict[str, Any]]) -> Dict[str, str]:
    """The job numbers and the texts that go with a status; those of a folder that is gone stay as they are."""
    handed = [(one["name"], one["externalId"]) for one in actions if one["externalId"] not in (None, "", "-")]
    found = {"sgeNameIdMap": ",".join("{}={}".format(*one) for one in handed)}
    if value(run, "workflowEngine") != "oozie-sge":
        found["stdErr"] = "\n".join(one["errorMessage"] for one in actions if one["errorMessage"])
        return found
    folder = os.path.join(value(run, "currentWorkingDir"), "generated-scripts")
    if value(run, "currentWorkingDir") and os.path.isdir(folder):
        found.update(stdErr=outputs(folder, "e"), stdOut=outputs(folder, "o"))
    return found


def outputs(folder: str, stream: str) -> str:
    """The steps' files of one stream, ordered by number, each under a heading."""
    named = [re.match(r"(.+)\.{}([0-9]+)$".format(stream), name) for name in os.listdir(folder)]
    parts = []
    for one in sorted((one for one in named if one), key=lambda one: int(one.group(2))):
        path = os.path.join(folder, one.group())
        with open(path, encoding="utf-8", errors="replace") as file:
            heading = "Job Name: {}, Job ID: {}, File: {}, Updated: {}".format(
                one.group(1), one.group(2), path, time.ctime(os.path.getmtime(path))
            )
            parts.append(heading + "\n" + file.read())
    return "\n".join(parts)


COMMANDS = {"launch-scheduled": launch_scheduled, "propagate-statuses": propagate_statuses}


def parse_arguments(words: List[str]) -> Arguments:
    """The command line; a usage error ends with exit code 1."""
    if len(words) < 2 or words[0] != "workflow-run" or words[1] not in COMMANDS:
        usage("unknown command: " + " ".join(words))
    host: List[str] = []
    accessions: List[str] = []
    threads: List[str] = []
    known = {"--host": host, "--accession": accessions}
    if words[1] == "propagate-statuses":
        known["--threads"] = threads
    rest = words[2:]
    for option, argument in zip(rest[::2], [*rest[1::2], ""]):  # noqa: B905 - Python 3.6
        if option not in known or not argument:
            usage("unexpected argument: " + option)
        known[option].append(argument)
    if (host and accessions) or len(host) > 1 or not all(one.isdigit() for one in accessions + threads):
        usage("--host once, or --accession with numbers")
    return Arguments(words[1], host[0] if host else None, accessions)


def usage(reason: str) -> NoReturn:
    put(2, "seqware: {}\nUsage: seqware workflow-run launch-scheduled [--host H | --accession A ...]\n".format(reason))
    sys.exit(1)


def java(given: Arguments, stand: Dict[str, Any]) -> int:
    """What happens in the JVM; answers its exit code."""
    try:
        # What a JVM takes to start.
        time.sleep(stand["jvm_seconds"])
        settings = read_settings(settings_path())
        if not settings.get("SW_REST_URL") or not settings.get("SW_REST_USER"):
            put(2, "The settings lack SW_REST_URL or SW_REST_USER\n")
            return BAD_SETTINGS
        lock = take_lock(settings, given.host, stand)
        COMMANDS[given.command](WebService(settings), settings, given)
        lock.close()
        return 0
    except Exception as error:  # noqa: BLE001 - any exception is 91
        trace("net.sourceforge.seqware.common.util.exceptions.ExitException", error)
        return ANY_EXCEPTION


def main() -> int:
    """The wrapper: it looks around, starts the JVM and waits. A signal to it alone leaves the JVM alive."""
    stand = options()
    if os.geteuid() == 0 and not (os.environ.get("SEQWARE_ROOT") or stand["seqware_root"]):
        put(2, "seqware: will not run as root (set SEQWARE_ROOT to do it all the same)\n")
        return 1
    create_settings_if_absent(settings_path())
    if sys.argv[1:] == ["--version"]:
        say("SeqWare version 2.0.7-sandbox")
        return 0
    given = parse_arguments(sys.argv[1:])
    child = os.fork()
    if child == 0:
        os._exit(java(given, stand))
    _, status = os.waitpid(child, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main())

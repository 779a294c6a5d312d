"""The units of systemd for an installation, each line explained: the service, and ``once`` with its timer.

Pure texts. What hardening may be there, and what must not, was tried with sudo inside the unit on systemd 252: whatever
implies NoNewPrivileges ends every engine call. Called by the command ``systemd``.
"""

import dataclasses
import pathlib
import re

_RUN = pathlib.PurePath("/run")
_STATE = pathlib.PurePath("/var/lib")
#: Needs no quotes in a unit.
_BARE = re.compile(r"[^\s\"'\\;]+")

_NOT_THERE = """\
# Not here, and not to be added, since each of them keeps sudo from working, so that nothing is launched:
# NoNewPrivileges PrivateDevices ProtectKernelTunables ProtectKernelModules ProtectKernelLogs ProtectClock
# ProtectHostname RestrictNamespaces RestrictSUIDSGID RestrictRealtime LockPersonality MemoryDenyWriteExecute
# RestrictAddressFamilies SystemCallArchitectures SystemCallFilter DynamicUser PrivateUsers.
# Nor these, which the engine inherits: ProtectSystem=strict ProtectHome PrivateTmp ProtectProc UMask=0077.
"""

_HARDENING = """\
# /usr, /boot and /etc cannot be written by the service or the engine; homes and /tmp, which the engine needs, can.
ProtectSystem=full
ProtectControlGroups=yes
PrivateIPC=yes
PrivateMounts=yes
RemoveIPC=yes
KeyringMode=private
# What sudo needs to become an account's user, and no other capability.
CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_DAC_READ_SEARCH CAP_AUDIT_WRITE CAP_SYS_RESOURCE CAP_KILL
# Not smaller: the engine inherits it, and its files belong to the account.
UMask=0022
# Many accounts and their transcripts; the engine's JVM inherits it.
LimitNOFILE=65536
# A core of the service would hold passwords.
LimitCORE=0
"""


_SERVICE = """\
# niassa-orch.service, as niassa-orch systemd prints it. Put it into /etc/systemd/system, then:
# systemctl daemon-reload && systemctl enable --now niassa-orch

[Unit]
Description=niassa-orch: launches and propagates the Niassa workflow runs of this host
Wants=network-online.target
After=network-online.target nss-user-lookup.target
# However often it fails, it is started again: nobody else launches.
StartLimitIntervalSec=0

[Service]
# Ready when profiles were read; a start that has to look through a large journal may take its time.
Type=notify
NotifyAccess=main
TimeoutStartSec=300
ExecStart={command} --no-dashboard
# Reads accounts.d and all passwords again, at once.
ExecReload=/bin/kill -HUP $MAINPID
User={user}
# Fed by beats and the journal themselves: a service that hangs is ended and started again; engine calls live on.
WatchdogSec=120
Restart=always
RestartSec=5
# Engine calls must outlive a restart, a stop and a crash: the next start adopts them.
KillMode=process
# The first SIGTERM drains; what has not ended by then is settled at the next start.
TimeoutStopSec=30
# An engine's JVM that is killed for want of memory must not stop the service.
OOMPolicy=continue
{rest}
[Install]
WantedBy=multi-user.target
"""

_ONCE = """\
# niassa-orch-once.service, as niassa-orch systemd --timer prints it: one cycle of all accounts, started by
# niassa-orch-once.timer. Beside a running niassa-orch.service it ends with exit code 78 and does nothing.

[Unit]
Description=niassa-orch: one cycle of all accounts
After=network-online.target nss-user-lookup.target

[Service]
Type=oneshot
ExecStart={command}
User={user}
# Engine calls that outlive the cycle (whitestar's) are adopted by the next one.
KillMode=process
OOMPolicy=continue
{rest}"""


@dataclasses.dataclass(frozen=True, slots=True)
class Installation:
    """What the units are for.

    Args:
        program: The command ``niassa-orch``, absolute.
        config: The settings' file, if it is not the usual one.
        user: The service's Unix user.
        state_dir: Of the settings.
        runtime_dir: Of the settings; ``None``: in ``state_dir``.
        group: Of those who may use the control socket, or ``""``.
    """

    program: pathlib.Path = pathlib.Path("/usr/local/bin/niassa-orch")
    config: pathlib.Path | None = None
    user: str = "niassa"
    state_dir: pathlib.Path = pathlib.Path("/var/lib/niassa-orch")
    runtime_dir: pathlib.Path | None = None
    group: str = ""

    def command(self, verb: str) -> str:
        """What is started."""
        words = [*(["--config", str(self.config)] if self.config else []), verb]
        # A dollar means something to systemd, but not in what is started.
        return " ".join([_word(str(self.program)), *(_word(word).replace("$", "$$") for word in words)])


def service(of: Installation) -> str:
    """The unit of the service."""
    return _SERVICE.format(command=of.command("run"), user=of.user, rest=_rest(of))


def once(of: Installation) -> str:
    """The unit of one cycle, for ``timer``; it cannot run beside the service."""
    return _ONCE.format(command=of.command("once"), user=of.user, rest=_rest(of))


def timer() -> str:
    """The timer of ``once``."""
    return """\
# niassa-orch-once.timer, as niassa-orch systemd --timer prints it. Put both files into /etc/systemd/system, then:
# systemctl daemon-reload && systemctl enable --now niassa-orch-once.timer

[Unit]
Description=niassa-orch: a cycle of all accounts each minute

[Timer]
OnBootSec=1min
# After the end of the last one: two never run at once.
OnUnitInactiveSec=1min
AccuracySec=5s

[Install]
WantedBy=timers.target
"""


def _word(text: str) -> str:
    """One word of a unit, in which percent signs, backslashes, quotes and blanks mean something to systemd."""
    text = text.replace("%", "%%")
    if _BARE.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rest(of: Installation) -> str:
    return f"{_directories(of)}{_HARDENING}\n{_NOT_THERE}"


def _directories(of: Installation) -> str:
    """What systemd makes where it can; other places are for the administrator to make."""
    lines = ""
    if of.state_dir.is_relative_to(_STATE) and of.state_dir != _STATE:
        lines += "# Journal, transcripts, audit trail: nobody's but the service's.\n"
        lines += f"StateDirectory={_word(str(of.state_dir.relative_to(_STATE)))}\nStateDirectoryMode=0700\n"
    if of.runtime_dir is not None and of.runtime_dir.is_relative_to(_RUN) and of.runtime_dir != _RUN:
        lines += "# The control socket; who may use it, [control] of the settings says.\n"
        lines += f"RuntimeDirectory={_word(str(of.runtime_dir.relative_to(_RUN)))}\nRuntimeDirectoryMode=0755\n"
    if of.group:
        lines += f"# So that the service may give its socket to those who may use it.\nSupplementaryGroups={of.group}\n"
    return lines

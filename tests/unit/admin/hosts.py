"""A host in memory: its Unix users and the scripts that lie on it, as a crontab's reader is told of them."""

import dataclasses

from niassa_orch.admin import crontabs
from niassa_orch.admin.shell import engine_calls, states

USERS = ("niassa-bob", "niassa-alice", "root")


@dataclasses.dataclass(slots=True)
class Host:
    """``scripts`` by path; ``closed`` are paths that their users may not read."""

    scripts: dict[str, str] = dataclasses.field(default_factory=dict)
    closed: set[str] = dataclasses.field(default_factory=set)
    asked: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    def around(self) -> states.Surroundings:
        """What a crontab's reader may ask."""
        return states.Surroundings(self._home, self._read, {("-f",): "server2.lab.net"}, self._login_files)

    def look(self, text: str, user: str | None = "niassa-bob") -> crontabs.Crontab:
        """Look through a crontab of this host."""
        return crontabs.look(text, self.around(), user)

    def calls(self, text: str, user: str | None = "niassa-bob") -> list[tuple[str, str, str, str, str]]:
        """What a crontab calls, shortly; fails where anything of it is not understood."""
        found = self.look(text, user)
        assert [line.seen.unclear for line in found.lines if line.seen.unclear] == []
        return [
            (call.verb.split("-")[0], call.user, call.settings, call.host, call.threads)
            for line in found.lines
            for call in line.seen.calls
        ]

    def unclear(self, text: str, user: str | None = "niassa-bob") -> list[tuple[int, str, str]]:
        """What of a crontab is not understood, and that nothing of those lines is taken."""
        lines = self.look(text, user).lines
        return [(line.number, one.place, one.reason) for line in lines for one in line.seen.unclear]

    def _home(self, user: str) -> str | None:
        return ("/root" if user == "root" else f"/home/{user}") if user in USERS else None

    def _read(self, user: str, path: str) -> str | None:
        self.asked.append((user, path))
        if path in self.closed:
            reason = f"{path} cannot be read as {user}: Permission denied"
            raise engine_calls.UnclearError(reason)
        return self.scripts.get(path)

    def _login_files(self, home: str) -> tuple[str, ...]:
        return ("/etc/profile", f"{home}/.profile")

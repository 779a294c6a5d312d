"""Clients of web services and Oozie servers, and the budgets that accounts share.

One HTTP session for all; so many requests at once a server, whoever asks, and a count of them. A web service and an
Oozie that live on one host and port are two servers. Built by the composition root.
"""

import pathlib
import ssl
import urllib.parse

from niassa_orch import errors
from niassa_orch.config import credentials, settings
from niassa_orch.domain import accounts
from niassa_orch.oozie import client as oozie_client
from niassa_orch.webservice import client as web_client
from niassa_orch.wire import pacing, sessions


class Neighbours:
    """Makes clients; those of one server share a budget of requests at once.

    Args:
        service: The settings of the process.
        http: The session of the process, which keeps no cookies and follows no redirects.
    """

    def __init__(self, service: settings.Settings, http: sessions.Session) -> None:
        self._settings = service
        self._http = http
        self._web_services: dict[str, pacing.Budget] = {}
        self._oozies: dict[str, pacing.Budget] = {}

    def web_service(
        self, account: accounts.Account, login: credentials.Login, ca_file: pathlib.Path | None
    ) -> web_client.WebService:
        """The account's web service, with the account's own login.

        Raises:
            ProfileError: The CA file cannot be used.
        """
        return web_client.WebService(
            self._http,
            account.web_service_url,
            login.authorization,
            budget=self.web_service_budget(account.web_service_url),
            timeout_seconds=self._settings.http.timeout_seconds,
            list_timeout_seconds=self._settings.http.list_timeout_seconds,
            attempts=self._settings.http.attempts,
            tls=_trust(account, ca_file),
        )

    def oozie(self, account: accounts.Account) -> oozie_client.Oozie | None:
        """The account's Oozie server, or ``None`` when it names none."""
        if not account.oozie_url:
            return None
        return oozie_client.Oozie(
            self._http,
            account.oozie_url,
            budget=self.oozie_budget(account.oozie_url),
            timeout_seconds=self._settings.http.timeout_seconds,
            list_timeout_seconds=self._settings.http.list_timeout_seconds,
            attempts=self._settings.http.attempts,
        )

    def web_service_budget(self, url: str) -> pacing.Budget:
        """The turns of one web service; ``begun`` counts the requests that it was sent."""
        return _budget(self._web_services, url, self._settings.pool.requests_per_web_service)

    def requests_begun(self) -> int:
        """How many requests all servers were sent, every try of a read included."""
        return sum(budget.begun for budget in (*self._web_services.values(), *self._oozies.values()))

    def oozie_budget(self, url: str) -> pacing.Budget:
        """The turns of one Oozie server; ``begun`` counts the requests that it was sent."""
        return _budget(self._oozies, url, self._settings.pool.requests_per_oozie)


def _budget(budgets: dict[str, pacing.Budget], url: str, requests_at_once: int) -> pacing.Budget:
    parts = urllib.parse.urlsplit(url)
    return budgets.setdefault(f"{parts.scheme}://{parts.netloc.lower()}", pacing.Budget(requests_at_once))


def _trust(account: accounts.Account, ca_file: pathlib.Path | None) -> ssl.SSLContext | None:
    if ca_file is None:
        return None
    try:
        return sessions.trust(str(ca_file))
    except OSError as exc:
        reason = f"{ca_file} holds no certificate that can be used: {exc}"
        file = f"{account.name}.toml"
        raise errors.ProfileError(file, "web_service.ca_file", reason) from exc

"""What an import found, in words: a table of profiles, what was not understood, the lines to disable, what comes next.

Pure. Nothing secret is in it: lines of crontabs come masked, settings as checked URLs and names. Called by
``cli_import``, which prints it.
"""

import collections.abc
import typing

from niassa_orch.admin import crontabs, migrate

_COLUMNS = ("profile", "Unix user", "web service account", "host", "seqware settings", "state")


def columns() -> tuple[str, ...]:
    """The heads of the table."""
    return _COLUMNS


def rows(plan: migrate.Plan) -> list[tuple[str, ...]]:
    """The table, a row a profile."""
    return [
        (
            finding.name,
            finding.wanted.unix_user,
            finding.account.web_user if finding.account else "?",
            finding.wanted.host,
            finding.settings_file,
            finding.state,
        )
        for finding in plan.findings
    ]


def lines(plan: migrate.Plan) -> list[str]:
    """What stands below the table."""
    return [
        *_words_on_profiles(plan),
        *_not_understood(plan),
        *_to_disable(plan),
    ]


def to_json(plan: migrate.Plan, *, dry_run: bool) -> dict[str, typing.Any]:
    """The same for machines."""
    return {
        "dry_run": dry_run,
        "profiles": [_profile(finding) for finding in plan.findings],
        "not_understood": [
            {"crontab": source, "line": number, "text": text, "place": place or None, "reason": reason}
            for source, number, text, place, reason in _unclear(plan)
        ],
        "disable": [
            {"crontab": source.name, "edit": source.edit, "lines": [_line(line) for line in found]}
            for source, found in _disabled(plan)
        ],
        "other_commands": {source.name: source.crontab.others for source in plan.sources},
    }


def _profile(finding: migrate.Finding) -> dict[str, typing.Any]:
    account = finding.account
    return {
        "profile": finding.name,
        "state": finding.state,
        "reason": finding.reason or None,
        "unix_user": finding.wanted.unix_user,
        "host": finding.wanted.host,
        "settings_file": finding.settings_file,
        "web_service_account": account.web_user if account else None,
        "web_service": account.web_service_url if account else None,
        "oozie": (account.oozie_url or None) if account else None,
        "toml": finding.text,
        "threads": list(finding.threads),
        "notes": list(finding.notes),
        "from": [{"crontab": crontab, "line": number} for crontab, number in finding.places],
    }


def _line(line: crontabs.Line) -> dict[str, typing.Any]:
    return {"number": line.number, "text": line.text, "also_calls": list(line.seen.others)}


def _words_on_profiles(plan: migrate.Plan) -> list[str]:
    said: list[str] = []
    for finding in plan.findings:
        said += [f"{finding.name}: {finding.reason}"] if finding.reason else []
        said += [f"{finding.name}: {note}" for note in finding.notes]
        if finding.threads:
            said.append(f"{finding.name}: --threads {', '.join(finding.threads)} is replaced by pool.size")
    return [*said, ""] if said else []


def _unclear(plan: migrate.Plan) -> collections.abc.Iterator[tuple[str, int, str, str, str]]:
    for source in plan.sources:
        if source.trouble:
            yield source.name, 0, "", "", source.trouble
        for line in source.crontab.lines:
            for unclear in line.seen.unclear:
                yield source.name, line.number, line.text, unclear.place, unclear.reason


def _not_understood(plan: migrate.Plan) -> list[str]:
    said: list[str] = []
    for source, number, text, place, reason in _unclear(plan):
        at = f" line {number}" if number else ""
        said.append(f"{source}{at}: {place + ': ' if place else ''}{reason}")
        said += [f"    {text}"] if text else []
    if not said:
        return []
    return ["Not understood, and so nothing was taken from it; look yourself:", *said, ""]


def _disabled(plan: migrate.Plan) -> list[tuple[migrate.Source, list[crontabs.Line]]]:
    """Lines of which everything is served by a profile now."""
    served = {place for finding in plan.findings if finding.state in migrate.SERVED for place in finding.places}
    left = {place for finding in plan.findings if finding.state not in migrate.SERVED for place in finding.places}
    found = []
    for source in plan.sources:
        of_source = [
            line
            for line in source.crontab.lines
            if (source.name, line.number) in served - left and not line.seen.unclear
        ]
        found += [(source, of_source)] if of_source else []
    return found


def _to_disable(plan: migrate.Plan) -> list[str]:
    said: list[str] = []
    for source, found in _disabled(plan):
        said.append(f"{source.edit}: put # before")
        for line in found:
            said.append(f"    line {line.number}: {line.text}")
            if line.seen.others:
                others = ", ".join(line.seen.others)
                said.append(f"        it calls more than seqware ({others}): take out the seqware commands alone")
    if not said:
        return ["No line is to be disabled."]
    return ["When the service has been looked at, disable these lines of crontabs (nothing was changed there):", *said]

"""What an import found, in words: a table of profiles, what was not understood, the lines to disable, what comes next.

Pure. Nothing secret is in it: lines of crontabs come masked, settings as checked URLs and names. Called by
``commands.importing``, which prints it.
"""

import collections
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
        *_without_engine(plan),
        *_to_leave(plan),
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
        "leave": [
            {"crontab": source, "line": number, "text": text, "profiles": list(names)}
            for source, number, text, names in _left(plan)
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
    threads = collections.defaultdict(list)
    for finding in plan.findings:
        if finding.threads:
            threads[", ".join(finding.threads)].append(finding.name)
    said += [f"--threads {number} is replaced by pool.size: {', '.join(names)}" for number, names in threads.items()]
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


def _without_engine(plan: migrate.Plan) -> list[str]:
    """Crontabs that were named, and of which nothing is told elsewhere: who counts the accounts would miss them."""
    names = [
        source.name
        for source in plan.sources
        if not source.trouble and not any(line.seen.calls or line.seen.unclear for line in source.crontab.lines)
    ]
    # Where that holds for all of them it stands instead of the table.
    if not plan.findings or not names:
        return []
    told = f"Nothing here is known to launch or propagate: {', '.join(names)}."
    return [told, "Who launches for them? See also root (niassa-orch import root), /etc/cron.d and other machines.", ""]


def _left(plan: migrate.Plan) -> collections.abc.Iterator[tuple[str, int, str, tuple[str, ...]]]:
    """Lines that launch for what no profile serves yet, with the names of those profiles."""
    for source in plan.sources:
        for line in source.crontab.lines:
            place = (source.name, line.number)
            names = tuple(one.name for one in plan.findings if place in one.places and not one.is_served)
            if names:
                yield source.name, line.number, line.text, names


def _to_leave(plan: migrate.Plan) -> list[str]:
    said: list[str] = []
    for source, number, text, names in _left(plan):
        said += [f"{source} line {number} (for {', '.join(names)})", f"    {text}"]
    if not said:
        return []
    return ["Leave these lines at work until what is said above is done, then import again:", *said, ""]


def _disabled(plan: migrate.Plan) -> list[tuple[migrate.Source, list[crontabs.Line]]]:
    """Lines of which everything is served by a profile now."""
    served = {place for finding in plan.findings if finding.is_served for place in finding.places}
    left = {place for finding in plan.findings if not finding.is_served for place in finding.places}
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
    told = ["When the service has been looked at, disable these lines of crontabs (nothing was changed there)"]
    if sum(finding.is_served for finding in plan.findings) > 1:
        # launch-scheduled takes what is for --host or for this machine, and does not look at the owner.
        told[0] += ","
        told.append("all of them at once: each of them launches the runs of all accounts for its host and this machine")
    told[-1] += ":"
    return [*told, *said]

"""The service user and the members of the accounts' group: whether they are there, and whether one is an administrator.

Who may run something as a member of a group may do what each member may do: a member who is root, or may become root,
gives the service user this host. Called by ``commands.sudoers`` and ``sudoers_install``; reads the user database alone.
"""

import grp
import os
import pwd

from niassa_orch.admin import findings, trust
from niassa_orch.seqware import sudo_rules


def look(rules: sudo_rules.Rules) -> list[findings.Finding]:
    """What is wrong with the service user and with the group."""
    return [*missing(rules), *powerful_members(rules), *_powerful_service(rules.service_user)]


def missing(rules: sudo_rules.Rules) -> list[findings.Finding]:
    """The service user or the group, where they are not there."""
    found = []
    if not exists(rules.service_user):
        mend = f"useradd --system --home-dir /var/lib/niassa-orch --create-home {rules.service_user}"
        found.append(findings.Finding(rules.service_user, "the Unix user of the service does not exist", mend))
    if _group(rules.group) is None:
        wrong = "the group of the accounts' Unix users does not exist, so that no account can be served"
        found.append(findings.Finding(rules.group, wrong, f"groupadd {rules.group}"))
    return found


def powerful_members(rules: sudo_rules.Rules) -> list[findings.Finding]:
    """The members of the group who are root, or may become root."""
    group = _group(rules.group)
    found = []
    for entry in _members(group) if group else []:
        why = _power(entry)
        if why:
            wrong = f"is a member of {rules.group} and {why}: the service user could run the engine with such rights"
            found.append(findings.Finding(entry.pw_name, wrong, _leave(entry, rules.group)))
    return found


def exists(user: str) -> bool:
    """Whether there is a Unix user of this name."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _powerful_service(user: str) -> list[findings.Finding]:
    if not exists(user):
        return []
    entry = pwd.getpwnam(user)
    why = _power(entry)
    wrong = f"is the service's user and {why}: whoever takes over the service has more than the mediator"
    listed = [group.gr_name for group in map(grp.getgrnam, _strong_groups(entry)) if user in group.gr_mem]
    mend = " && ".join(f"gpasswd -d {user} {group}" for group in listed)
    return [findings.Finding(user, wrong, mend or f"give the service a user of its own; see: id {user}")] if why else []


def _power(entry: pwd.struct_passwd) -> str:
    """Why a user is, or may become, root; "" when nothing says so."""
    if entry.pw_uid == 0:
        return "is root"
    strong = _strong_groups(entry)
    return f"is in the group {', '.join(strong)}" if strong else ""


def _strong_groups(entry: pwd.struct_passwd) -> list[str]:
    names = {trust.group_name(gid) for gid in os.getgrouplist(entry.pw_name, entry.pw_gid)}
    return sorted(names & sudo_rules.POWERFUL_GROUPS)


def _members(group: grp.struct_group) -> list[pwd.struct_passwd]:
    """Of both kinds: listed in the group, and with the group as their own."""
    listed = [pwd.getpwnam(name) for name in group.gr_mem if exists(name)]
    return listed + [entry for entry in pwd.getpwall() if entry.pw_gid == group.gr_gid and entry not in listed]


def _leave(entry: pwd.struct_passwd, group: str) -> str:
    listed = entry.pw_name in grp.getgrnam(group).gr_mem
    return f"gpasswd -d {entry.pw_name} {group}" if listed else f"usermod -g OTHER_GROUP {entry.pw_name}"


def _group(name: str) -> grp.struct_group | None:
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None

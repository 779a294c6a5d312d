"""What a key does: from a view and a key to the next view, and to what the service is asked to do, if anything.

Pure. An order is asked for twice: its reason, and whether it is meant. Called by ``showing``.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from niassa_orch.domain import orders, runs
from niassa_orch.faces.dashboard import keys
from niassa_orch.faces.dashboard.view import Action, Asked, Page, Prompt, Seen, Verb, View

_ACCESSION_DIGITS: Final = 18
_Next = tuple[View, Action | None]


def press(view: View, key: str, seen: Seen) -> _Next:
    """What is looked at after a key, and what is to be done."""
    if view.prompt is not None:
        return _answer(view, view.prompt, key)
    view = dataclasses.replace(view, message="", is_refused=False)
    if act := _ACTS.get(key):
        return act(view, seen)
    if view.page is Page.ACCOUNTS:
        return _move(view, key, seen), None
    return _scroll(view, key, seen), None


def account_of(view: View, seen: Seen) -> str:
    """Which account keys are about, or ``""``."""
    if view.page is Page.ACCOUNT:
        return view.account
    if view.page is not Page.ACCOUNTS or not seen.shown:
        return ""
    return seen.shown[view.position(seen.shown)].name


def _move(view: View, key: str, seen: Seen) -> View:
    if key == keys.Key.HOME or not seen.shown:
        return dataclasses.replace(view, cursor="")
    at, last = view.position(seen.shown), len(seen.shown) - 1
    to = _steps(seen, last).get(key)
    if to is None:
        return view
    return dataclasses.replace(view, cursor=seen.shown[max(0, min(last, at + to))].name)


def _scroll(view: View, key: str, seen: Seen) -> View:
    to = 0 if key == keys.Key.HOME else view.scroll + _steps(seen, seen.most_scroll).get(key, 0)
    return dataclasses.replace(view, scroll=max(0, min(seen.most_scroll, to)))


def _steps(seen: Seen, all_of_it: int) -> dict[str, int]:
    return {
        keys.Key.UP: -1,
        keys.Key.DOWN: 1,
        "k": -1,
        "j": 1,
        keys.Key.PAGE_UP: -seen.page_lines,
        keys.Key.PAGE_DOWN: seen.page_lines,
        keys.Key.END: all_of_it,
    }


def _enter(view: View, seen: Seen) -> _Next:
    name = account_of(view, seen)
    if view.page is not Page.ACCOUNTS or not name:
        return view, None
    return dataclasses.replace(view, page=Page.ACCOUNT, account=name, cursor=name, scroll=0), None


def _back(view: View, _seen: Seen) -> _Next:
    if view.page is Page.ACCOUNTS:
        return dataclasses.replace(view, wanted=""), None
    is_of_account = view.page is not Page.ACCOUNT and bool(view.account)
    page = Page.ACCOUNT if is_of_account else Page.ACCOUNTS
    return dataclasses.replace(view, page=page, scroll=0, account=view.account if is_of_account else ""), None


def _help(view: View, _seen: Seen) -> _Next:
    return dataclasses.replace(view, page=Page.HELP, scroll=0), None


def _filter(view: View, _seen: Seen) -> _Next:
    prompt = Prompt(Asked.FILTER, view.wanted)
    return dataclasses.replace(view, page=Page.ACCOUNTS, account="", scroll=0, prompt=prompt), None


def _sort(view: View, _seen: Seen) -> _Next:
    return dataclasses.replace(view, sort=view.sort.next(), cursor=""), None


def _pause(view: View, seen: Seen) -> _Next:
    name = account_of(view, seen)
    if not name:
        return _without_account(view), None
    asked = Asked.RESUME if name in seen.kept else Asked.REASON
    return dataclasses.replace(view, prompt=Prompt(asked, account=name)), None


def _poll(view: View, seen: Seen) -> _Next:
    name = account_of(view, seen)
    return (view, Action(Verb.POLL, name)) if name else (_without_account(view), None)


def _without_account(view: View) -> View:
    return dataclasses.replace(view, message="choose an account first: Esc, arrows", is_refused=True)


def _explain(view: View, _seen: Seen) -> _Next:
    return dataclasses.replace(view, prompt=Prompt(Asked.ACCESSION)), None


def _quit(view: View, seen: Seen) -> _Next:
    if not seen.farewell:
        return view, Action(Verb.QUIT)
    return dataclasses.replace(view, prompt=Prompt(Asked.QUIT, reason=seen.farewell)), None


_ACTS: Final[dict[str, Callable[[View, Seen], _Next]]] = {
    keys.Key.ENTER: _enter,
    keys.Key.ESCAPE: _back,
    "?": _help,
    "h": _help,
    "/": _filter,
    "s": _sort,
    "p": _pause,
    "r": _poll,
    "e": _explain,
    "q": _quit,
}


def _answer(view: View, prompt: Prompt, key: str) -> _Next:
    if prompt.asked.is_yes_or_no:
        return _decide(view, prompt, key)
    if key == keys.Key.ESCAPE:
        return dataclasses.replace(view, prompt=None, wanted="" if prompt.asked is Asked.FILTER else view.wanted), None
    if key == keys.Key.ENTER:
        return _typed(view, prompt)
    typed = prompt.typed[:-1] if key == keys.Key.BACKSPACE else prompt.typed + key * _takes(prompt, key)
    view = dataclasses.replace(view, prompt=dataclasses.replace(prompt, typed=typed))
    if prompt.asked is Asked.FILTER:
        view = dataclasses.replace(view, wanted=typed, cursor="")
    return view, None


def _takes(prompt: Prompt, key: str) -> bool:
    """Whether a key is a letter of the answer, and there is room for it."""
    if prompt.asked is Asked.ACCESSION:
        return key.isascii() and key.isdigit() and len(prompt.typed) < _ACCESSION_DIGITS
    return len(key) == 1 and len(prompt.typed) < orders.MOST_REASON_CHARACTERS


def _typed(view: View, prompt: Prompt) -> _Next:
    if prompt.asked is Asked.REASON:
        sure = Prompt(Asked.PAUSE, account=prompt.account, reason=prompt.typed.strip())
        return dataclasses.replace(view, prompt=sure), None
    view = dataclasses.replace(view, prompt=None)
    if prompt.asked is Asked.FILTER or not int(prompt.typed or 0):
        return view, None
    run = runs.Accession(int(prompt.typed))
    shown = dataclasses.replace(view, page=Page.RUN, run=run, said=(), scroll=0)
    return shown, Action(Verb.EXPLAIN, accession=run)


def _decide(view: View, prompt: Prompt, key: str) -> _Next:
    view = dataclasses.replace(view, prompt=None)
    if key not in ("y", "Y"):
        return dataclasses.replace(view, message="not done"), None
    verb = {Asked.PAUSE: Verb.PAUSE, Asked.RESUME: Verb.RESUME}.get(prompt.asked, Verb.QUIT)
    return view, Action(verb, prompt.account, prompt.reason if verb is Verb.PAUSE else "")

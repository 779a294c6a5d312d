"""Follows a crontab's command through scripts, wrappers and shells to the calls of the seqware command.

Pure, but for ``Surroundings.read``: nothing is run. Every way that may be taken is followed; what differs between ways
is unknown afterwards. The net under it: each line that mentions one of the two commands, and that was not recognised,
is told as not understood. So is a script that cannot be read or followed, if anything in it is about seqware.
Called by ``crontabs``.
"""

import collections.abc
import dataclasses
import posixpath
import shlex

from niassa_orch.admin.shell import builtins, engine_calls, followed, kinds, states, syntax, tokens, wrappers

#: Commands that run nothing else, and are not worth telling.
_HARMLESS = frozenset(
    shlex.split(
        "[ [[ : true false test echo printf date logger mkdir touch rm mv cp chmod sleep wait exit return trap umask "
        "ulimit readonly shopt alias let break continue pwd whoami hostname id grep egrep pgrep pkill ps kill cat tee "
        "head tail wc basename dirname pushd popd module hash type which ts cut sort tr stat"
    )
)
_DEEPEST = 8
_MOST_STEPS = 5_000
_MOST_TURNS = 200


def look(command: str, state: states.State) -> followed.Seen:
    """Follow one command of a crontab."""
    walk = _Walk()
    walk.text(command, "", state, 0, is_line=True)
    unique = dict.fromkeys
    return followed.Seen(tuple(unique(walk.calls)), tuple(unique(walk.unclear)), tuple(unique(walk.others)))


class _Walk:
    def __init__(self) -> None:
        self.calls: list[engine_calls.EngineCall] = []
        self.unclear: list[followed.Unclear] = []
        self.others: list[str] = []
        self._steps = 0

    def text(self, code: str, script: str, state: states.State, depth: int, *, is_line: bool = False) -> None:
        """Follow a text; ``script`` is the file that it stands in."""
        text = followed.Text(script, is_line or followed.is_about(code), depth)
        mentions = followed.mentions(code)
        if depth > _DEEPEST:
            self._tell(text, 1, "scripts call scripts too deeply")
            return
        calls = len(self.calls)
        try:
            self._nodes(syntax.parse(code), state, text)
        except (tokens.ShellUnclearError, RecursionError) as exc:
            line, reason = (exc.line, exc.reason) if isinstance(exc, tokens.ShellUnclearError) else (1, "too deep")
            self._tell(text, line, f"it cannot be followed: {reason}")
        if len(self.calls) > calls:
            text.followed |= text.set_aside
        for line in sorted(mentions - text.followed):
            if line <= text.end:
                self._tell(text, line, "it mentions a command that launches or propagates, and is not understood")

    def _tell(self, text: followed.Text, line: int, reason: str) -> None:
        if text.is_about:
            self.unclear.append(followed.Unclear(text.place(line), reason))

    def _nodes(self, nodes: collections.abc.Sequence[kinds.Node], state: states.State, text: followed.Text) -> None:
        for at, node in enumerate(nodes):
            self._steps += 1
            if self._steps > _MOST_STEPS:
                reason = "there is too much of it"
                raise tokens.ShellUnclearError(1, reason)
            self._node(_alone(node, nodes[at + 1 : at + 2]), state, text)
            if isinstance(node, kinds.Simple) and text.end < float("inf"):
                return
            # Only an exit that nothing stands before, and in no brackets, ends the text for sure.
            text.end = float("inf")

    def _node(self, node: kinds.Node, state: states.State, text: followed.Text) -> None:
        if isinstance(node, kinds.Simple):
            self._simple(node, state, text)
        elif isinstance(node, kinds.Function):
            state.functions[node.name] = node.body
        elif isinstance(node, kinds.Loop):
            self._loop(node, state, text)
        elif isinstance(node, kinds.Branches):
            self._branches(node, state, text)
        elif isinstance(node, kinds.Chain):
            ways = []
            for one in node.body:
                self._node(one, state, text)
                ways.append(state.copy())
            state.blur(ways)
        else:
            self._nodes(node.body, state.copy() if node.apart else state, text)

    def _branches(self, branches: kinds.Branches, state: states.State, text: followed.Text) -> None:
        ways = [state.copy() for _ in branches.parts]
        for way, part in zip(ways, branches.parts, strict=True):
            self._nodes(part, way, text)
        state.blur(ways)

    def _loop(self, loop: kinds.Loop, state: states.State, text: followed.Text) -> None:
        turns = list(state.arguments)
        if loop.words is not None:
            turns = [value for word in loop.words for value in states.values(word, state)]
        way = state.copy()
        for value in turns[:_MOST_TURNS]:
            way.put(loop.name, value)
            self._nodes(loop.body, way, text)
        if len(turns) > _MOST_TURNS:
            self._tell(text, 1, f"a loop has more than {_MOST_TURNS} turns")
        state.blur([way])

    def _simple(self, node: kinds.Simple, state: states.State, text: followed.Text) -> None:
        words, sets = list(node.words), dict[str, states.Value]()
        while words and (found := states.assignment(words[0], state)):
            sets[found[0]] = found[1]
            words.pop(0)
        lines = followed.lines_of(node)
        if builtins.declared(words, sets, state):
            text.set_aside |= lines
            return
        known = [value for word in words for value in states.values(word, state)]
        shell = state.copy() if sets else state
        for name, value in sets.items():
            shell.put(name, value, exported=True)
        before = len(self.calls) + len(self.unclear)
        is_plain = self._run(known, shell, text, min(lines, default=1))
        if (is_plain and not node.feeds) or len(self.calls) + len(self.unclear) > before:
            text.followed |= lines
        if known[:1] == ["exit"]:
            text.end = min(lines)

    def _run(self, words: list[states.Value], state: states.State, text: followed.Text, line: int) -> bool:
        """Run a command; returns whether nothing of it needs to be told."""
        if not words or builtins.done(words, state):
            return True
        try:
            if engine_calls.is_engine_call(words):
                default = builtins.settings_at_home(state)
                settings = state.environment("SEQWARE_SETTINGS", default)
                self.calls.append(engine_calls.parse(words, state.user, settings, text.place(line)))
                return True
            return self._follow(words, state, text, line)
        except engine_calls.UnclearError as exc:
            text.is_about = text.is_about or any(engine_calls.MENTION.search(word or "") for word in words)
            self._tell(text, line, str(exc))
            return False

    def _follow(self, words: list[states.Value], state: states.State, text: followed.Text, line: int) -> bool:
        name = words[0]
        if name is None:
            reason = "which command it calls is known only when it runs"
            raise engine_calls.UnclearError(reason)
        if name in ("source", "."):
            self._source(words[1:], state, text)
        elif name == "eval":
            self.text(" ".join(map(wrappers.known, words[1:])), text.script, state, text.depth + 1)
        elif name in state.functions:
            shell = dataclasses.replace(state, arguments=tuple(words[1:]))
            body = state.functions[name] if text.depth < _DEEPEST else ()
            text.depth += 1
            self._nodes(body, shell, text)
            text.depth, text.end = text.depth - 1, float("inf")
            state.directory = shell.directory
        elif (inner := wrappers.unwrap(words)) is not None:
            return self._inner(inner, state, text, line)
        elif name not in _HARMLESS:
            return self._script(words, state, text, by_shell=False)
        return True

    def _inner(self, inner: wrappers.Inner, state: states.State, text: followed.Text, line: int) -> bool:
        shell = builtins.entered(inner, state)
        if inner.login:
            for path in state.around.login_files(shell.environment("HOME", "") or "/"):
                self._source([path], shell, text)
        if inner.code is not None or inner.stdin:
            code = state.stdin if inner.code is None else inner.code
            self.text(code, text.script, shell, text.depth + 1)
            return not inner.stdin
        if inner.script:
            return self._script(list(inner.words), shell, text, by_shell=True)
        return self._run(list(inner.words), shell, text, line)

    def _source(self, words: list[states.Value], state: states.State, text: followed.Text) -> None:
        """A file that is read into this very shell: it matters where it sets whose settings are used."""
        path = state.path(words[0]) if words and words[0] else None
        code = None if path is None else state.around.read(state.user, path)
        if path is None:
            reason = "which file it reads in is known only when it runs"
            raise engine_calls.UnclearError(reason)
        if code is not None and (followed.is_about(code)):
            self.text(code, path, state, text.depth + 1)

    def _script(self, words: list[states.Value], state: states.State, text: followed.Text, *, by_shell: bool) -> bool:
        """A program or script: followed where it is text, and else only named."""
        name, calls = words[0] or "", len(self.calls)
        # Of the engine's own wrapper nothing is to be learned.
        is_engine = posixpath.basename(name) == "seqware"
        for path in () if is_engine else builtins.places(name, state, by_shell=by_shell):
            code = state.around.read(state.user, path)
            if code is None:
                continue
            if by_shell or builtins.is_shell(code):
                child = builtins.child(state, path, tuple(words[1:]))
                self.text(code, path, child, text.depth + 1)
            elif engine_calls.MENTION.search(code):
                self.unclear.append(
                    followed.Unclear(path, "it mentions launching or propagating, and is no shell script")
                )
            break
        if len(self.calls) == calls:
            self.others.append(name)
            if any(engine_calls.MENTION.search(word or "") for word in words[1:]):
                reason = f"it mentions launching or propagating in words for {name}, which is not followed"
                raise engine_calls.UnclearError(reason)
        return False


def _alone(node: kinds.Node, after: collections.abc.Sequence[kinds.Node]) -> kinds.Node:
    """A command whose output goes to one that only prints or keeps it feeds nothing that would run it."""
    fed = after[0] if after else None
    if isinstance(node, kinds.Simple) and isinstance(fed, kinds.Simple) and fed.words:
        return dataclasses.replace(node, feeds=node.feeds and fed.words[0].bare not in _HARMLESS)
    return node

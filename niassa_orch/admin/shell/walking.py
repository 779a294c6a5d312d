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

from niassa_orch.admin.shell import builtins, engine_calls, followed, states, syntax, tokens, wrappers

#: Commands that run nothing else, and are not worth telling.
_HARMLESS = frozenset(
    shlex.split(
        "[ [[ : true false test echo printf date logger mkdir touch rm mv cp chmod sleep wait exit return trap umask "
        "ulimit shopt alias let break continue pwd whoami hostname id grep egrep pgrep pkill ps kill cat tee "
        "head tail wc basename dirname hash type which ts cut sort tr stat"
    )
)
_LEAVING = frozenset({"exit", "return", "break", "continue"})
_DEEPEST = 8
_MOST_STEPS = 5_000


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
        parsed = state.around.parsed(code)
        text = followed.Text(script, parsed, is_line or parsed.is_about, depth)
        if depth > _DEEPEST:
            self._tell(text, 1, "scripts call scripts too deeply")
            return
        calls = len(self.calls)
        try:
            if parsed.trouble:
                raise parsed.trouble.with_traceback(None)
            self._nodes(parsed.nodes, state, text)
        except (tokens.ShellUnclearError, RecursionError) as exc:
            line, reason = (exc.line, exc.reason) if isinstance(exc, tokens.ShellUnclearError) else (1, "too deep")
            self._tell(text, line, f"it cannot be followed: {reason}")
        if len(self.calls) > calls:
            text.followed |= text.set_aside
        for line in sorted(parsed.mentions - text.followed):
            if line <= text.end:
                self._tell(text, line, "it mentions a command that launches or propagates, and is not understood")

    def _tell(self, text: followed.Text, line: int, reason: str) -> None:
        if text.is_about:
            self.unclear.append(followed.Unclear(text.place(line), reason))

    def _nodes(self, nodes: collections.abc.Sequence[syntax.Node], state: states.State, text: followed.Text) -> None:
        for node in nodes:
            self._steps += 1
            if self._steps > _MOST_STEPS:
                reason = "there is too much of it"
                raise tokens.ShellUnclearError(1, reason)
            self._node(node, state, text)
            if isinstance(node, syntax.Simple) and text.end < float("inf"):
                return
            # Only an exit that nothing stands before, and in no brackets, ends the text for sure.
            text.end = float("inf")

    def _node(self, node: syntax.Node, state: states.State, text: followed.Text) -> None:
        if isinstance(node, syntax.Simple):
            self._simple(node, state, text)
        elif isinstance(node, syntax.Function):
            state.functions[node.name] = node.body
        elif isinstance(node, syntax.Chain):
            self._chain(node, state, text)
        else:
            self._group(node, state, text)

    def _chain(self, chain: syntax.Chain, state: states.State, text: followed.Text) -> None:
        """What stands after ``||`` is run where something before it went wrong, nobody knows what."""
        ways = [state.copy()]
        ends = []
        for joint, node in chain.body:
            way = ways[-1].copy()
            if joint == "||":
                way.blur(ways[:-1])
            self._node(node, way, text)
            ways.append(way)
            ends += [] if joint == "||" and _leaves(node) else [way]
        state.become(ends[-1].copy())
        state.blur(ends[:-1])

    def _group(self, group: syntax.Group, state: states.State, text: followed.Text) -> None:
        kind, first = group.parts[0]
        if kind == "for":
            self._loop(group, state, text)
        elif kind in ("(", "{"):
            self._nodes(first, state.copy() if kind == "(" else state, text)
        else:
            # A while has a second turn, which may find what the first one changed.
            for _ in range(1 if kind == "if" else 2):
                self._branches(group, state, text)

    def _branches(self, group: syntax.Group, state: states.State, text: followed.Text) -> None:
        ways = []
        for mark, part in group.parts:
            is_condition = mark in ("if", "elif", "while", "until")
            way = state if is_condition else state.copy()
            self._nodes(part, way, text)
            ways += [] if is_condition else [way]
        state.blur(ways)

    def _loop(self, group: syntax.Group, state: states.State, text: followed.Text) -> None:
        (_, head), (_, body) = group.parts
        words = head[0].words if len(head) == 1 and isinstance(head[0], syntax.Simple) else ()
        if not words or (words[1:] and words[1].bare != "in"):
            reason = "a for is followed only where it is for NAME in WORDS"
            raise tokens.ShellUnclearError(words[0].line if words else 1, reason)
        turns = states.values(words[2:], state) if words[1:] else list(state.arguments)
        way = state.copy()
        for value in turns:
            way.put(words[0].bare, value)
            self._nodes(body, way, text)
        state.blur([way])

    def _simple(self, node: syntax.Simple, state: states.State, text: followed.Text) -> None:
        mentions, line = followed.mentions(node, text), node.words[0].line if node.words else 1
        name = node.words[0].bare if node.words else ""
        if name in _HARMLESS and name not in state.functions:
            text.followed |= set() if node.feeds else mentions
            text.end = line if name == "exit" else text.end
            return
        words, sets = list(node.words), dict[str, states.Value]()
        while words and (found := states.assignment(words[0], state)):
            sets[found[0]] = found[1]
            words.pop(0)
        if builtins.declared(words, sets, state):
            text.set_aside |= mentions
            return
        known = states.values(words, state)
        shell = state.copy() if sets else state
        for variable, value in sets.items():
            shell.put(variable, value, exported=True)
        before = len(self.calls) + len(self.unclear)
        is_plain = self._run(known, shell, text, line)
        text.end = line if known[:1] == ["exit"] else text.end
        if (is_plain and not node.feeds) or len(self.calls) + len(self.unclear) > before:
            text.followed |= mentions

    def _run(self, words: list[states.Value], state: states.State, text: followed.Text, line: int) -> bool:
        """Run a command; returns whether nothing of it needs to be told."""
        if not words or words[0] in _HARMLESS - state.functions.keys() or builtins.done(words, state):
            return True
        try:
            if engine_calls.is_engine_call(words):
                settings = state.environment("SEQWARE_SETTINGS", builtins.settings_at_home(state))
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
            text.depth += 1
            self._nodes(state.functions[name] if text.depth <= _DEEPEST else (), shell, text)
            text.depth, text.end = text.depth - 1, float("inf")
            state.directory, state.exports_all = shell.directory, shell.exports_all
        elif (inner := wrappers.unwrap(words)) is not None:
            return self._inner(inner, state, text, line)
        else:
            return self._script(words, state, text, by_shell=False)
        return True

    def _inner(self, inner: wrappers.Inner, state: states.State, text: followed.Text, line: int) -> bool:
        shell = builtins.entered(inner, state)
        if inner.login:
            for path in state.around.login_files(shell.environment("HOME", "") or "/"):
                self._source([path], shell, text)
        if inner.code is not None:
            self.text(inner.code, text.script, shell, text.depth + 1)
            return True
        if inner.script:
            return self._script(list(inner.words), shell, text, by_shell=True)
        return self._run(list(inner.words), shell, text, line)

    def _source(self, words: list[states.Value], state: states.State, text: followed.Text) -> None:
        """A file that is read into this very shell: it matters where it sets whose settings are used."""
        path = state.path(words[0]) if words and words[0] else None
        if path is None:
            reason = "which file it reads in is known only when it runs"
            raise engine_calls.UnclearError(reason)
        code = state.around.read(state.user, path)
        if code is not None and state.around.parsed(code).is_about:
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
                self.text(code, path, builtins.child(state, path, tuple(words[1:])), text.depth + 1)
            elif engine_calls.MENTION.search(code):
                reason = "it mentions launching or propagating, and is no shell script"
                self.unclear.append(followed.Unclear(path, reason))
            break
        if len(self.calls) == calls:
            self.others.append(name)
            if any(engine_calls.MENTION.search(word or "") for word in words[1:]):
                reason = f"it mentions launching or propagating in words for {name}, which is not followed"
                raise engine_calls.UnclearError(reason)
        return False


def _leaves(node: syntax.Node) -> bool:
    """Whether a command goes elsewhere, so that what comes after it is not run."""
    if isinstance(node, syntax.Group) and node.parts[0][0] == "{":
        return any(_leaves(one) for one in node.parts[0][1][-1:])
    return isinstance(node, syntax.Simple) and bool(node.words) and node.words[0].bare in _LEAVING

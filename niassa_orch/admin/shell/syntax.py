"""The shape of a shell text: simple commands, what lies in brackets, branches, loops, functions.

Pure. Redirections are dropped: where a log goes does not matter here. Text that is no shell, or more of it than we
know, raises ``ShellUnclearError``. Called by ``walking``.
"""

import collections.abc
import typing

from niassa_orch.admin.shell import kinds, tokens

_REDIRECTIONS = frozenset({"&>>", "<<<", "<<-", ">>", "<<", ">&", "<&", "&>", ">|", "<>", "<", ">"})
_JOINTS = ("&&", "||")
_SEPARATORS = frozenset({";", "&", "|", "\n", *_JOINTS})
_CASE_ENDS = (";;", ";&", ";;&")
_DEEPEST = 40


def parse(text: str) -> tuple[kinds.Node, ...]:
    """The commands of a shell text.

    Raises:
        ShellUnclearError: It is not understood.
    """
    parser = _Parser(tokens.split(text))
    nodes = parser.commands()
    parser.must_end()
    return nodes


class _Parser:
    def __init__(self, tokens: tuple[tokens.Token, ...]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def must_end(self) -> None:
        if self._at < len(self._tokens):
            self._refuse(f"{self._next() or 'a word'} is not expected there")

    def commands(self, *ends: str) -> tuple[kinds.Node, ...]:
        """Commands up to one of the words or operators that end them here, which is left to be taken."""
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse("it is nested too deeply")
        found: list[kinds.Node] = []
        before = ""
        while self._at < len(self._tokens) and self._next() not in (*ends, ")", *_CASE_ENDS):
            if isinstance(self._tokens[self._at], tokens.Operator) and self._next() in _SEPARATORS:
                before = (before if before in _JOINTS else "") or self._next()
                self._at += 1
                continue
            node = self._command()
            if before in _JOINTS and found:
                last = found.pop()
                node = kinds.Chain((*(last.body if isinstance(last, kinds.Chain) else (last,)), node))
            found.append(node)
            before = ""
        self._depth -= 1
        return tuple(found)

    def _command(self) -> kinds.Node:
        keyword = self._next()
        if keyword in ("(", "{"):
            return self._bracketed(")" if keyword == "(" else "}")
        compound: dict[str, collections.abc.Callable[[], kinds.Node]] = {
            "if": self._if,
            "while": self._while,
            "until": self._while,
            "for": self._for,
            "case": self._case,
        }
        if keyword in compound:
            return compound[keyword]()
        if keyword == "function" or self._is_function():
            return self._function()
        return self._simple()

    def _simple(self) -> kinds.Simple:
        words: list[tokens.Word] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if isinstance(token, tokens.Word):
                words.append(token)
                self._at += 1
                if token.bare == "[[":
                    self._skip_condition()
            elif not self._redirected():
                break
        return kinds.Simple(tuple(words), feeds=self._next() == "|")

    def _redirected(self) -> bool:
        """Pass over one redirection, if one is next."""
        token = self._tokens[self._at]
        if not isinstance(token, tokens.Operator) or token.text not in _REDIRECTIONS:
            return False
        self._at += 1
        if self._at < len(self._tokens) and isinstance(self._tokens[self._at], tokens.Word):
            self._at += 1
            return True
        self._refuse(f"nothing stands after {token.text}")

    def _bracketed(self, closing: str) -> kinds.Block:
        self._take()
        body = self.commands(closing)
        self._must_take(closing)
        self._skip_redirections()
        return kinds.Block(body, apart=closing == ")")

    def _if(self) -> kinds.Block:
        conditions: list[kinds.Node] = []
        parts: list[tuple[kinds.Node, ...]] = []
        while self._next() in ("if", "elif"):
            self._take()
            conditions += self.commands("then")
            self._must_take("then")
            parts.append(self.commands("elif", "else", "fi"))
        if self._next() == "else":
            self._take()
            parts.append(self.commands("fi"))
        self._must_take("fi")
        self._skip_redirections()
        return kinds.Block((*conditions, kinds.Branches(tuple(parts))), apart=False)

    def _while(self) -> kinds.Branches:
        self._take()
        condition = self.commands("do")
        return kinds.Branches(((*condition, *self._do()),))

    def _for(self) -> kinds.Loop:
        self._take()
        name = self._word().bare
        self._skip_ends()
        words: list[tokens.Word] | None = None
        if self._next() == "in":
            self._take()
            words = []
            while self._at < len(self._tokens) and isinstance(self._tokens[self._at], tokens.Word):
                words.append(self._word())
        self._skip_ends()
        return kinds.Loop(name, None if words is None else tuple(words), self._do())

    def _skip_ends(self) -> None:
        while self._next() in ("\n", ";"):
            self._at += 1

    def _do(self) -> tuple[kinds.Node, ...]:
        self._must_take("do")
        body = self.commands("done")
        self._must_take("done")
        self._skip_redirections()
        return body

    def _case(self) -> kinds.Branches:
        self._take()
        self._word()
        parts: list[tuple[kinds.Node, ...]] = []
        while self._next() in ("in", "\n", *_CASE_ENDS):
            self._take()
            while self._at < len(self._tokens) and self._next() not in (")", "esac", "\n", "in"):
                self._at += 1  # the patterns
            if self._next() == ")":
                self._take()
                parts.append(self.commands("esac"))
        self._must_take("esac")
        self._skip_redirections()
        return kinds.Branches(tuple(parts))

    def _is_function(self) -> bool:
        return isinstance(self._tokens[self._at], tokens.Word) and (self._next(1), self._next(2)) == ("(", ")")

    def _function(self) -> kinds.Function:
        if self._next() == "function":
            self._take()
        name = self._word().bare
        while self._next() in ("(", ")", "\n"):
            self._take()
        if self._next() not in ("{", "("):
            self._refuse(f"the function {name} has no body in brackets")
        return kinds.Function(name, self._bracketed("}" if self._next() == "{" else ")").body)

    def _skip_condition(self) -> None:
        """What lies within ``[[ ]]`` has operators of its own."""
        while self._next() != "]]":
            self._at += 1
            if self._at >= len(self._tokens):
                self._refuse("]] is missing")

    def _skip_redirections(self) -> None:
        while self._at < len(self._tokens) and self._redirected():
            continue

    def _next(self, ahead: int = 0) -> str:
        """The operator or unquoted word that is next, ``""`` for any other word and at the end."""
        if self._at + ahead >= len(self._tokens):
            return ""
        token = self._tokens[self._at + ahead]
        return token.text if isinstance(token, tokens.Operator) else token.bare

    def _take(self) -> str:
        self._at += 1
        return self._next(-1)

    def _must_take(self, text: str) -> None:
        if self._next() != text:
            self._refuse(f"{text} is missing")
        self._at += 1

    def _word(self) -> tokens.Word:
        if self._at < len(self._tokens) and isinstance(token := self._tokens[self._at], tokens.Word):
            self._at += 1
            return token
        self._refuse("a word is missing")

    def _refuse(self, reason: str) -> typing.NoReturn:
        last = self._tokens[min(self._at, len(self._tokens) - 1)] if self._tokens else None
        raise tokens.ShellUnclearError(last.line if last else 1, reason.replace("\n", "the end of the line"))

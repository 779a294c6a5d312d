"""Reads docs/operating.md: its pages, what each says to type, and what each says is seen then.

The page is for people; here it is read as tests need it, so that what it says is tried and not believed. No test lives
here.
"""

import dataclasses
import pathlib
import re
import shlex
from collections.abc import Iterator

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "operating.md"
#: The commands of the page that are ours, and what each stands for.
_OURS = {"niassa-orch": (), "orch": (), "sandbox": ("sandbox",)}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_SUBSTITUTED = re.compile(r"\$\(([^()]+)\)")
_EVENT = re.compile(r"(info|warning|error) ([a-z_]+\.[a-z_]+)\b")
_NAME = re.compile(r"[a-z][a-z_]*\.[a-z_]+")
_UNTIL = re.compile(r"^sleep \d+  # until ([a-z_.]+)$", re.MULTILINE)
_VARIABLE = re.compile(r"[A-Z_]+=")


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """One page: its heading, and all below it."""

    heading: str
    text: str

    @property
    def anchor(self) -> str:
        """What links to it end in, as GitHub and its like make it of the heading."""
        return re.sub(r"[^\w -]", "", self.heading.lower()).replace(" ", "-")

    @property
    def typed(self) -> list[str]:
        """What it says to type in a shell, block by block."""
        return [body for kind, body in _BLOCK.findall(self.text) if kind == "sh"]

    @property
    def tried(self) -> str:
        """What it says to type to see it in the sandbox."""
        _, _, rest = self.text.partition("**Try.**")
        return next((body for kind, body in _BLOCK.findall(rest) if kind == "sh"), "")

    @property
    def awaited(self) -> list[str]:
        """The event lines, of those it shows, that it lets people wait for: one for each ``sleep`` in what is tried."""
        left = list(self.told)
        found = []
        for name in _UNTIL.findall(self.tried):
            line = next(line for line in left if line.split()[1] == name)
            left.remove(line)
            found.append(line)
        return found

    @property
    def told(self) -> list[str]:
        """The event lines that it shows, without their time."""
        shown = "".join(body for kind, body in _BLOCK.findall(self.text) if kind == "text")
        return [line for line in shown.splitlines() if _EVENT.match(line)]


def read() -> str:
    """The whole page."""
    return PAGE.read_text("utf-8")


def sections(page: str) -> list[Section]:
    """Its pages, in their order."""
    _, *parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    return [Section(heading, text) for heading, text in zip(parts[::2], parts[1::2], strict=True)]


def functions(page: str) -> str:
    """What its last page defines for the shell, for all others."""
    (sandbox,) = (section for section in sections(page) if section.anchor == "the-sandbox-of-these-pages")
    return "".join(f"{line}\n" for text in sandbox.typed for line in text.splitlines() if "() {" in line)


def event_names(page: str) -> set[str]:
    """Every name of an event, or of a setting, which look alike."""
    shown = {name for section in sections(page) for line in section.told for _, name in _EVENT.findall(line)}
    shown |= set(_UNTIL.findall(page))
    return shown | {text for text in _INLINE.findall(_BLOCK.sub("", page)) if _NAME.fullmatch(text)}


def command_lines(page: str) -> list[list[str]]:
    """The words after ``niassa-orch`` of every command that is ours, in blocks and in the text."""
    typed = [line for kind, body in _BLOCK.findall(page) if kind == "sh" for line in body.splitlines()]
    lines = [line for line in typed if "() {" not in line]
    found = [words for line in [*lines, *_INLINE.findall(_BLOCK.sub("", page))] for words in _ours(line)]
    return [words for words in found if words not in ([], ["..."])]


def pattern(line: str) -> str:
    """A regular expression for what an event line of the page may look like elsewhere: numbers and ids differ."""
    kept = re.escape(line).replace(re.escape("..."), r".*")
    return re.sub(r"\d+", r"\\d+", kept)


def _ours(line: str) -> Iterator[list[str]]:
    """Of a line of the shell: the words of each command that is ours."""
    for inner in _SUBSTITUTED.findall(line):
        yield from _ours(inner)
    outer = _SUBSTITUTED.sub("0", line).split(" | ")[0]
    try:
        words = shlex.split(outer, comments=True)
    except ValueError:
        return  # an apostrophe: prose
    while words and _VARIABLE.match(words[0]):
        words = words[1:]
    if words and words[0] in _OURS:
        yield [*_OURS[words[0]], *("1234" if word.startswith("$") else word for word in words[1:])]

"""Text with formatting -> plain text and entities, as Telegram makes them of it.

Offsets are UTF-16 units in entities and UTF-8 bytes in error messages, both as Telegram counts.
"""

import html
import re
from dataclasses import dataclass
from typing import Any

from simulator.telegram.errors import bad_request

Entity = dict[str, Any]

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[^<>]*)?)>")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_REFERENCE = re.compile(r"&(?:lt|gt|amp|quot|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});")
_AUTOMATIC = re.compile(
    r"(?P<bot_command>(?<![\w/])/[a-zA-Z0-9_]{1,64}(?:@\w{3,32})?)(?!\w)"
    r"|(?P<url>https?://[^\s<>\"]+)"
)
_RESERVED = "_*[]()~`>#+-=|{}.!"
_MARKS = {"||": "spoiler", "__": "underline", "*": "bold", "_": "italic", "~": "strikethrough"}


def utf16_length(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def format_text(
    text: str, parse_mode: str | None, entities: list[Entity] | None
) -> tuple[str, list[Entity]]:
    """Plain text, trimmed as Telegram trims it, and its entities in order.

    Entities given outright go before the parse mode. Raises BotApiError on formatting that
    Telegram cannot parse.
    """
    found: list[Entity] = []
    if entities is not None:
        found = [entity.copy() for entity in entities]
    elif parse_mode and parse_mode.lower() == "html":
        text, found = _Html(text).parse()
    elif parse_mode and parse_mode.lower() == "markdownv2":
        text, found = _Markdown(text).parse()
    elif parse_mode:
        raise bad_request("unsupported parse_mode")
    return _trim(text, found + automatic_entities(text, found))


def automatic_entities(text: str, taken: list[Entity] | None = None) -> list[Entity]:
    """Commands and links that Telegram marks by itself, outside of code."""
    closed = [
        range(entity["offset"], entity["offset"] + entity["length"])
        for entity in taken or []
        if entity["type"] in {"code", "pre", "text_link"}
    ]
    found = []
    for match in _AUTOMATIC.finditer(text):
        offset = utf16_length(text[: match.start()])
        if not any(offset in span for span in closed):
            length = utf16_length(match.group())
            found.append({"type": str(match.lastgroup), "offset": offset, "length": length})
    return found


def _trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    cut = utf16_length(text) - utf16_length(text.lstrip())
    text = text.strip()
    end = utf16_length(text)
    kept = []
    for entity in entities:
        start = max(entity["offset"] - cut, 0)
        stop = min(entity["offset"] + entity["length"] - cut, end)
        if stop > start:
            kept.append(entity | {"offset": start, "length": stop - start})
    return text, sorted(kept, key=lambda e: (e["offset"], -e["length"]))


@dataclass
class _Open:
    tag: str
    kind: str
    offset: int
    at: int
    extra: Entity


class _Parser:
    """What both languages share: the text so far and what is still open in it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.out: list[str] = []
        self.length = 0
        self.entities: list[Entity] = []
        self.open: list[_Open] = []

    def fail(self, reason: str) -> Exception:
        return bad_request(f"can't parse entities: {reason}")

    def byte(self, at: int) -> int:
        return len(self.source[:at].encode())

    def add(self, text: str) -> None:
        self.out.append(text)
        self.length += utf16_length(text)

    def begin(self, tag: str, kind: str, extra: Entity | None = None) -> None:
        self.open.append(_Open(tag, kind, self.length, self.at, extra or {}))

    def end(self) -> None:
        top = self.open.pop()
        if self.length > top.offset:
            span = {"offset": top.offset, "length": self.length - top.offset}
            self.entities.append({"type": top.kind} | span | top.extra)


class _Html(_Parser):
    def parse(self) -> tuple[str, list[Entity]]:
        while self.at < len(self.source):
            character = self.source[self.at]
            if character == "<":
                self._tag()
            elif character == "&" and (match := _REFERENCE.match(self.source, self.at)):
                self.add(html.unescape(match.group()))
                self.at = match.end()
            else:
                self.add(character)
                self.at += 1
        if self.open:
            top = self.open[-1]
            raise self.fail(f'Can\'t find end tag corresponding to start tag "{top.tag}"')
        return "".join(self.out), self.entities

    def _tag(self) -> None:
        match = _TAG.match(self.source, self.at)
        if match is None:
            rest = self.source[self.at + 1 :]
            name = re.match(r"/?[^\s<>]*", rest)
            shown = name.group() if name else ""
            raise self.fail(f'Unsupported start tag "{shown}" at byte offset {self.byte(self.at)}')
        closing, tag, attributes = match.group(1), match.group(2).lower(), match.group(3)
        if closing:
            self._close(tag)
        else:
            self._start(tag, attributes)
        self.at = match.end()

    def _start(self, tag: str, source: str) -> None:
        kind = _TAGS.get(tag)
        values = {
            m[1].lower(): html.unescape(m[2] or m[3] or "") for m in _ATTRIBUTE.finditer(source)
        }
        spoiler = tag != "span" or values.get("class") == "tg-spoiler"
        if kind is None or not spoiler:
            raise self.fail(f'Unsupported start tag "{tag}" at byte offset {self.byte(self.at)}')
        extra: Entity = {}
        if kind == "text_link" and values.get("href"):
            extra["url"] = values["href"]
        if kind == "blockquote" and "expandable" in source.lower().split():
            kind = "expandable_blockquote"
        language = values.get("class", "").removeprefix("language-")
        if tag == "code" and self.open and self.open[-1].tag == "pre" and language:
            self.open[-1].extra["language"] = language
        self.begin(tag, kind, extra)

    def _close(self, tag: str) -> None:
        where = self.byte(self.at)
        if not self.open:
            raise self.fail(f"Unexpected end tag at byte offset {where}")
        top = self.open[-1]
        if top.tag != tag:
            raise self.fail(
                f"Unmatched end tag at byte offset {where}, "
                f'expected "</{top.tag}>", found "</{tag}>"'
            )
        inside_pre = tag == "code" and len(self.open) > 1 and self.open[-2].tag == "pre"
        bare_link = top.kind == "text_link" and not top.extra
        if inside_pre or bare_link:
            self.open.pop()
        else:
            self.end()


class _Markdown(_Parser):
    def parse(self) -> tuple[str, list[Entity]]:
        while self.at < len(self.source):
            self._step()
        if self.open:
            top = self.open[-1]
            name = "".join(word.capitalize() for word in top.kind.split("_"))
            raise self.fail(f"Can't find end of {name} entity at byte offset {self.byte(top.at)}")
        return "".join(self.out), self.entities

    def _step(self) -> None:
        character = self.source[self.at]
        following = self.source[self.at + 1 : self.at + 2]
        if character == "\\" and following and following.isascii() and not following.isalnum():
            self.add(following)
            self.at += 2
        elif character == "`":
            self._code()
        elif character == "[":
            self.begin("[", "text_link")
            self.at += 1
        elif character == "]" and any(o.tag == "[" for o in self.open):
            self._link()
        elif mark := next((m for m in _MARKS if self.source.startswith(m, self.at)), None):
            self._mark(mark)
        elif character in _RESERVED:
            raise self.fail(
                f"Character '{character}' is reserved and must be escaped with the preceding '\\'"
            )
        else:
            self.add(character)
            self.at += 1

    def _mark(self, mark: str) -> None:
        if self.open and self.open[-1].tag == mark:
            self.end()
        else:
            self.begin(mark, _MARKS[mark])
        self.at += len(mark)

    def _code(self) -> None:
        fence = "```" if self.source.startswith("```", self.at) else "`"
        kind = "pre" if fence == "```" else "code"
        start = self.at + len(fence)
        closing = re.compile(r"(?<!\\)" + fence).search(self.source, start)
        if closing is None:
            where = self.byte(self.at)
            raise self.fail(f"Can't find end of {kind.capitalize()} entity at byte offset {where}")
        body = re.sub(r"\\([`\\])", r"\1", self.source[start : closing.start()])
        language = re.match(r"([^\s`]+)\n", body) if kind == "pre" else None
        self.begin(fence, kind, {"language": language.group(1)} if language else None)
        self.add(body[language.end() :] if language else body.removeprefix("\n"))
        self.end()
        self.at = closing.end()

    def _link(self) -> None:
        target = re.compile(r"\]\(((?:\\.|[^)\\])*)\)").match(self.source, self.at)
        if self.open[-1].tag != "[" or target is None:
            where = self.byte(self.at)
            raise self.fail(f"Can't find end of a URL at byte offset {where}")
        self.open[-1].extra["url"] = re.sub(r"\\(.)", r"\1", target.group(1))
        self.end()
        self.at = target.end()

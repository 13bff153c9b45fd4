"""Forms with files (RFC 7578), as clients send them: taken apart, and put together again around the same bytes.

A form is bounded by whoever read the body, so all of it is in memory; a part's content is never looked into here. The
parsers there are for Python write each part to a file or go through it byte by byte, and none writes a form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message

from bursar.domain.refusals import Refusal

PARTS_MAX = 100
"""More than any endpoint has fields."""
HEAD_BYTES_MAX = 8_192


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form. `head` is its headers as they were sent; `filename` is None for what is no file."""

    name: str
    content: bytes
    head: bytes
    filename: str | None = None

    @property
    def text(self) -> str:
        """The content of a field that is no file."""
        return self.content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in the order in which they were sent."""

    parts: Sequence[Part]
    boundary: str

    def find(self, name: str) -> Part | None:
        """The first field of this name."""
        return next((part for part in self.parts if part.name == name), None)

    def replaced(self, name: str, content: bytes) -> Form:
        """The same form with this content in the first field of this name, which is added if there is none."""
        found = self.find(name)
        if found is None:
            head = f'Content-Disposition: form-data; name="{name}"'.encode()
            return Form((*self.parts, Part(name, content, head)), self.boundary)
        changed = Part(found.name, content, found.head, found.filename)
        return Form([changed if part is found else part for part in self.parts], self.boundary)

    @property
    def content_type(self) -> str:
        """What a body made of this form is."""
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def body(self) -> bytes:
        """The form as it is sent."""
        delimiter = b"--" + self.boundary.encode()
        pieces: list[bytes] = []
        for part in self.parts:
            pieces += (delimiter, b"\r\n", part.head, b"\r\n\r\n", part.content, b"\r\n")
        return b"".join((*pieces, delimiter, b"--\r\n"))


def is_form(content_type: str) -> bool:
    """Whether a body of this type is a form with files."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def read_form(content_type: str, body: bytes) -> Form:
    """The form in this body. Refuses `invalid_input` for what is none."""
    boundary = _parameter(content_type, "boundary", of="content-type")
    if not boundary or not boundary.isascii() or len(boundary) > 70:
        raise _malformed("names no boundary")
    # The delimiter belongs to the line end before it, which the first one does not have.
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise _malformed("does not end")
    if len(pieces) - 2 > PARTS_MAX:
        raise _malformed(f"has more than {PARTS_MAX} fields")
    return Form([_part(piece) for piece in pieces[1:-1]], boundary)


def _part(piece: bytes) -> Part:
    line_end, _, rest = piece.partition(b"\r\n")
    head, found, content = rest.partition(b"\r\n\r\n")
    if line_end.strip() or not found or len(head) > HEAD_BYTES_MAX:
        raise _malformed("has a field without a head")
    disposition = ""
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            disposition = value.strip()
    field = _parameter(disposition, "name", of="content-disposition")
    if not field:
        raise _malformed("has a field without a name")
    return Part(field, content, head, _parameter(disposition, "filename", of="content-disposition"))


def _parameter(value: str, name: str, *, of: str) -> str | None:
    message = Message()
    message[of] = value.replace("\r", " ").replace("\n", " ")
    found = message.get_param(name, header=of)
    return found if isinstance(found, str) else None


def _malformed(what: str) -> Refusal:
    return Refusal("invalid_input", f"The body is no form that can be read: it {what}.", field="body")

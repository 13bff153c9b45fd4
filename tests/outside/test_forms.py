"""Forms with files: taken apart and put together without a byte of their files changed."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.refusals import Refusal
from bursar.outside.providers.forms import Form, is_form, read_form


def sent(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> Form:
    """The form as a client sends it."""
    request = httpx.Request("POST", "http://x/", data=fields, files=files)
    return read_form(request.headers["content-type"], request.read())


@given(st.binary(max_size=2_000), st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=50))
def test_what_a_client_sends_is_read_and_written_again_to_the_byte(content: bytes, text: str) -> None:
    form = sent({"model": text}, {"file": ("calls.jsonl", content)})

    model, file = form.find("model"), form.find("file")

    assert model is not None
    assert (model.text, model.filename) == (text, None)
    assert file is not None
    assert (file.content, file.filename) == (content, "calls.jsonl")
    assert read_form(form.content_type, form.body) == form


def test_a_field_is_replaced_where_it_stands_and_added_where_it_is_missing() -> None:
    form = sent({"model": "ours", "seconds": "8"}, {"file": ("a", b"\r\n\r\n--")})

    changed = form.replaced("model", b"theirs").replaced("size", b"720x1280")

    again = read_form(changed.content_type, changed.body)
    assert [(part.name, part.content) for part in again.parts] == [
        ("model", b"theirs"),
        ("seconds", b"8"),
        ("file", b"\r\n\r\n--"),
        ("size", b"720x1280"),
    ]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x--\r\n"),
        ("multipart/form-data; boundary=" + "x" * 71, b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'),
        ("multipart/form-data; boundary=x", b"--x\r\nno head\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 101 + b"--x--\r\n",
        ),
    ],
)
def test_what_is_no_form_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        read_form(content_type, body)

    assert caught.value.code == "invalid_input"


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("multipart/form-data; boundary=x", True),
        ("Multipart/Form-Data", True),
        ("application/json", False),
        ("", False),
    ],
)
def test_a_form_says_that_it_is_one(content_type: str, expected: bool) -> None:
    assert is_form(content_type) is expected

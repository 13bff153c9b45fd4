"""Looking for people by part of a name: how what is looked into and what is looked for are made alike.

Capitals, accents and ways of encoding a letter make no difference: `jose` finds `José`, `strasse` finds `Straße`.

Rule: MEMBER-13
"""

from __future__ import annotations

import unicodedata

PART_BYTES_MAX = 640
"""An entry of the index has at most 2 704 bytes, and there are three parts; the longest ordinary one has 480."""


def folded(text: str) -> str:
    """The text without capitals and accents, in the one encoding that searches use."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", letters)


def search_text_of(*, username: str, display_name: str, email: str | None) -> str:
    """What a search looks into for one person. Blanks stand between the parts, so no word is found across two.

    A part that stands in another one is left out, as a username often stands in an address: whatever word is in it is
    found there, and the less text there is, the faster a search goes through it.
    """
    parts = [_cut(folded(part)) for part in (username, display_name, email) if part]
    longest_first = sorted(dict.fromkeys(parts), key=len, reverse=True)
    kept = [part for number, part in enumerate(longest_first) if not any(part in one for one in longest_first[:number])]
    return " ".join(kept)


def _cut(part: str) -> str:
    """As much of a part as the index takes: folding can make one letter eighteen."""
    return part.encode()[:PART_BYTES_MAX].decode(errors="ignore")


def search_words(search: str) -> tuple[str, ...]:
    """The words that must all occur, each anywhere; the longest first, which the fewest people have.

    Rule: MEMBER-13
    """
    return tuple(sorted(dict.fromkeys(folded(search).split()), key=len, reverse=True))


def patterns(search: str | None) -> list[str]:
    """The words as patterns of `like` that find each of them anywhere, and nothing but it; none finds everything."""
    return [_anywhere(word) for word in search_words(search or "")]


def _anywhere(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"

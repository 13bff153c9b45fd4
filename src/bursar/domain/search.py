"""Looking for people by part of a name: how what is looked into and what is looked for are made alike.

Capitals, accents and ways of encoding a letter make no difference: `jose` finds `José`, `strasse` finds `Straße`.
"""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """The text without capitals and accents, in the one encoding that searches use."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", letters)


def search_text_of(*, username: str, display_name: str, email: str | None) -> str:
    """What a search looks into for one person. Blanks stand between the parts, so no word is found across two."""
    return " ".join(folded(part) for part in (username, display_name, email) if part)

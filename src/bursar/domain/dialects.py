"""The two ways in which model clients and providers speak."""

from __future__ import annotations

from enum import StrEnum


class Dialect(StrEnum):
    """Whose words are spoken: OpenAI's and everybody's who follows it, or Anthropic's."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"

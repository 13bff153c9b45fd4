"""The model gateway: OpenAI and Anthropic clients spend credits here."""

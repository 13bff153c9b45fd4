"""What may be seen: read-only questions and their answers."""

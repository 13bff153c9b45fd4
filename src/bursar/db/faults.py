"""What keeps Bursar from using a database, as one plain sentence and what the operator can do about it."""


class DatabaseFault(RuntimeError):
    """A database cannot be used as it is; `str()` is the sentence, then a blank line and the hint."""

    def __init__(self, sentence: str, *, hint: str) -> None:
        super().__init__(f"{sentence}\n\nhint: {hint}")
        self.sentence = sentence
        self.hint = hint


class RolesNotProvisioned(DatabaseFault):
    """Bursar's roles could not be made, or are not safe to use."""


class OlderThanDatabase(DatabaseFault):
    """The database has been migrated by a newer Bursar."""


class MigrationRefused(DatabaseFault):
    """The role that migrates lacks a right that it needs."""

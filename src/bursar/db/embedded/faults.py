"""What can keep the embedded PostgreSQL from running, each as one plain sentence and what to do about it."""


class EmbeddedFault(RuntimeError):
    """The embedded PostgreSQL cannot be used; `str()` is the sentence, then a blank line and the hint."""

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(f"{sentence}\n\nhint: {hint}" if hint else sentence)
        self.sentence = sentence
        self.hint = hint


class BinariesMissing(EmbeddedFault):
    """No usable PostgreSQL program was found on this machine."""


class FolderUnusable(EmbeddedFault):
    """The data folder, or something in it, cannot be used by the user PostgreSQL would run as."""


class VersionMismatch(EmbeddedFault):
    """The cluster was made by another major version than the one found."""


class JoinRefused(EmbeddedFault):
    """Another Bursar owns the data folder and its server cannot be shared with this process."""


class ServerDied(EmbeddedFault):
    """PostgreSQL, or the program that creates its cluster, ended when it should have gone on."""

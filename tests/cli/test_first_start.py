"""The first start at a terminal: what is asked, and what is asked again."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from contextlib import closing
from time import monotonic

from tests.support.commands import Shell

PATIENCE_SECONDS = 60.0


class Terminal:
    """A person's terminal with `bursar serve` in it."""

    def __init__(self, shell: Shell) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bursar", "serve", "--port", "0"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=shell.environment(),
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def answer(self, prompt: str, answer: str) -> None:
        """Wait for the prompt, then type."""
        self.wait_for(prompt)
        os.write(self._ours, f"{answer}\n".encode())

    def wait_for(self, text: str) -> None:
        """Read until the text has come; what was seen before it is not looked at again."""
        until = monotonic() + PATIENCE_SECONDS
        while text not in self.seen:
            assert monotonic() < until, self.seen
            self.seen += os.read(self._ours, 4096).decode(errors="replace")
        self.seen = self.seen.partition(text)[2]

    def close(self) -> None:
        """End the process, however far it has come."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=PATIENCE_SECONDS)
        os.close(self._ours)


def test_each_answer_of_the_first_start_is_asked_for_until_it_can_be_used(shell: Shell) -> None:
    with closing(Terminal(shell)) as terminal:
        terminal.answer("Username: ", "not a name")
        terminal.wait_for("A username has 1 to 64 letters")
        terminal.answer("Username: ", "root")
        terminal.answer("Email: ", "nowhere")
        terminal.wait_for("This is not an email address.")
        terminal.answer("Email: ", "root@example.com")
        terminal.answer("Password (8 characters or more): ", "long enough")
        terminal.answer("The same again: ", "long enouhg")
        terminal.wait_for("The two were not the same.")
        for _ in range(2):
            terminal.answer("Password (8 characters or more): ", "short")
            terminal.answer("The same again: ", "short")
            terminal.wait_for("A password has 8 to 200 characters.")
        terminal.answer("Password (8 characters or more): ", "long enough")
        terminal.answer("The same again: ", "long enough")

        terminal.wait_for("Ctrl-C stops it")

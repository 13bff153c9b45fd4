"""How the command line talks: results on standard output, sentences about problems on standard error."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from bursar.config import CannotStart
from bursar.db.outages import OUTAGES
from bursar.domain.refusals import Refusal

EXIT_REFUSED = 1
EXIT_INTERRUPTED = 130


def say(text: str = "") -> None:
    """One line for the person, at once even through a pipe."""
    print(text, flush=True)


def complain(sentence: str, *, hint: str = "") -> None:
    """A plain sentence, then a blank line and what to do."""
    print(sentence, file=sys.stderr, flush=True)
    if hint:
        print(f"\nhint: {hint}", file=sys.stderr, flush=True)


@contextmanager
def plainly() -> Iterator[None]:
    """Turns what an operator can cause into a sentence and a non-zero exit; a fault of ours keeps its trace.

    SIGTERM outside the event loop ends the program the way Ctrl-C does, so that every block still closes what it
    opened.
    """
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except CannotStart as problem:
        complain(problem.sentence, hint=problem.hint)
        raise SystemExit(EXIT_REFUSED) from None
    except Refusal as refusal:
        complain(refusal.detail)
        _tell_facts(refusal)
        raise SystemExit(EXIT_REFUSED) from None
    except OUTAGES as outage:
        complain(f"The database went away: {outage or type(outage).__name__}.", hint="try again")
        raise SystemExit(EXIT_REFUSED) from None
    except KeyboardInterrupt:
        raise SystemExit(EXIT_INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell_facts(refusal: Refusal) -> None:
    """Below the sentence: the input at fault and what explains the refusal, a line each, as the API has them."""
    for name, value in {"field": refusal.field, **refusal.facts}.items():
        if value is not None:
            print(f"  {name}: {value}", file=sys.stderr, flush=True)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt

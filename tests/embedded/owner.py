"""A Bursar reduced to its embedded server, run as a process of its own: it can be killed and watched.

Prints one line of JSON when the server accepts connections, or with the fault. Then answers each line of its input:
`ensure` says whether the server runs. The end of its input ends it, as Ctrl-C does."""

import contextlib
import json
import os
import sys
from pathlib import Path

from bursar.db.embedded import EmbeddedFault, EmbeddedServer, running


def main() -> int:
    """Run a server in the folder named first, with `name=value` settings after it."""
    settings = dict(word.split("=", 1) for word in sys.argv[2:])
    try:
        with running(Path(sys.argv[1]), settings=settings) as server:
            say(
                url=server.admin_url,
                pid=server.pid,
                is_owner=server.is_owner,
                version=server.version,
                owner=os.getpid(),
            )
            with contextlib.suppress(KeyboardInterrupt):
                for _ in sys.stdin:
                    say(**answer_ensure(server))
    except EmbeddedFault as fault:
        say(fault=type(fault).__name__, said=str(fault))
        return 1
    return 0


def answer_ensure(server: EmbeddedServer) -> dict[str, object]:
    """What `ensure_running` comes to."""
    try:
        server.ensure_running()
    except EmbeddedFault as fault:
        return {"fault": type(fault).__name__, "said": str(fault)}
    return {"pid": server.pid}


def say(**facts: object) -> None:
    """One line for the test."""
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    sys.exit(main())

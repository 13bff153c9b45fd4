"""A whole Bursar in a process of its own, over a database of a test's, to be killed.

Run as `python -m tests.support.office_child <owner's url> <application's url> <platform's url>`; it prints its address
and serves until it is killed. The other side is `office_to_be_killed`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.offices import running_office
from tests.support.postgres import FreshDatabase


@asynccontextmanager
async def office_to_be_killed(fresh: FreshDatabase) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Its address and its process, which is killed at the latest when the block ends."""
    urls = (fresh.admin_url, fresh.app_url, fresh.platform_url)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.office_child", *urls, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        while not (line := (await process.stdout.readline()).decode()).startswith("at http"):
            assert line, "the office did not start"
        yield line.removeprefix("at ").strip(), process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _serve(fresh: FreshDatabase) -> None:
    async with running_office(fresh) as house:
        print(f"at {house.url}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(FreshDatabase("", *sys.argv[1:])))

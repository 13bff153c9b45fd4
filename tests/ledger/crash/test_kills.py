"""Bursar and PostgreSQL killed at any moment: every answer is there afterwards, and nothing is there twice."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from random import Random

import psycopg
import pytest

from bursar.db.engine import Database
from tests.ledger.crash.conftest import Mortal
from tests.support.diary import Diaries
from tests.support.postgres import FreshDatabase
from tests.support.tenancies import open_tenancy


async def _diaries(database: FreshDatabase, folder: Path) -> Diaries:
    opened = await Database.open(database.app_url, application_name="bursar tests", size=1)
    tenancies = [await open_tenancy(opened, members=3, pool=100, balance=100) for _ in range(3)]
    await opened.close()
    return Diaries(folder, database, tenancies)


@pytest.mark.alone
def test_whatever_a_killed_bursar_had_answered_is_there_once(
    fresh_database: FreshDatabase, tmp_path: Path, is_long: bool, seed: int
) -> None:
    random = Random(seed)
    diaries = asyncio.run(_diaries(fresh_database, tmp_path))

    for number in range(50 if is_long else 3):
        with diaries.relentless(seed + number) as process:
            diaries.wait_for_answers(random.randint(1, 400))
            time.sleep(random.random() * 0.02)
            process.kill()
            process.wait()

    acknowledged = asyncio.run(diaries.check())
    assert {"Held", "HoldClosed", "Transferred"} <= set(acknowledged.kinds)


@pytest.mark.alone
@pytest.mark.parametrize("victim", ["postmaster", "posting backend", "posting connection"])
def test_whatever_was_answered_before_postgres_was_killed_is_there_once(
    mortal: Mortal, tmp_path: Path, is_long: bool, seed: int, victim: str
) -> None:
    random = Random(seed)
    diaries = asyncio.run(_diaries(mortal.database, tmp_path))

    with diaries.relentless(seed) as process:
        for _ in range(15 if is_long else 2):
            diaries.wait_for_answers(random.randint(1, 200))
            time.sleep(random.random() * 0.02)
            _kill(mortal, victim, random)
            # The same process goes on by itself: this is where one that hangs is found.
            diaries.wait_for_answers(20)
        assert process.poll() is None

    mortal.wait_until_up()
    acknowledged = asyncio.run(diaries.check())
    assert {"Held", "HoldClosed", "Transferred"} <= set(acknowledged.kinds)


def _kill(mortal: Mortal, victim: str, random: Random) -> None:
    if victim == "postmaster":
        pid = mortal.server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return
    with psycopg.connect(mortal.database.admin_url, autocommit=True) as connection:
        pids = [
            pid
            for (pid,) in connection.execute(
                "select pid from pg_stat_activity where application_name = 'bursar relentless posting'"
            )
        ]
        assert pids
        if victim == "posting backend":
            os.kill(random.choice(pids), signal.SIGKILL)
        else:
            connection.execute("select pg_terminate_backend(%s)", [random.choice(pids)])

"""docs/rules/usage.md: the figures of days are the sums of their calls, whoever adds them up, whenever, and anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursar.actions.usage import add_up_some, forget_days
from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading, writing
from bursar.domain.calls import Call, CallOutcome
from bursar.domain.costs import ONE, Cost, Usage
from bursar.domain.credits import Credits
from bursar.domain.prices import Service
from bursar.domain.usage_figures import NOTHING, Dimension, Period, UsageFigures
from bursar.outside.identity import new_uuid
from bursar.store import call_days
from bursar.store.call_days import NO_KEY, UsageFilter, UsageRow, add_batches, delete_days, sum_usage
from bursar.store.calls import INSERT_CALLS, values_of
from bursar.worker.usage import add_up_usage
from tests.support.callers import check_books
from tests.support.offices import TestOffice
from tests.support.people import insert_tenant
from tests.support.postgres import Server, copied_database
from tests.support.usage import Made, made_call, opened

FIRST_DAY = date(2026, 3, 1)
ALL_DAYS = Period(FIRST_DAY, FIRST_DAY + timedelta(days=2))
SERIES_MAX = 2


def usage_of_rows(calls: Sequence[Call]) -> UsageFigures:
    """What these calls come to, one after the other."""
    return sum((figures_of(call) for call in calls), NOTHING)


def figures_of(call: Call) -> UsageFigures:
    usage, is_failed = call.usage, call.outcome is CallOutcome.FAILED
    return UsageFigures(
        calls=1,
        failed=int(is_failed),
        estimated=int(call.is_estimated),
        unpriced=int(call.price_id is None and call.cost.parts == 0 and not is_failed),
        input_tokens=usage.input_tokens,
        cached_read_tokens=usage.cached_read_tokens,
        cached_write_tokens=usage.cached_write_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost_pico=call.cost.pico_dollars,
        credits_micro=call.credits.micro,
    )


ID_OF: Mapping[Dimension, Callable[[Call], str]] = {
    Dimension.DAY: lambda call: call.day.isoformat(),
    Dimension.MODEL: lambda call: call.model,
    Dimension.MEMBER: lambda call: str(call.member_id),
    Dimension.GROUP: lambda call: str(call.group_id),
    Dimension.KEY: lambda call: str(call.key_id or NO_KEY),
    Dimension.PROVIDER: lambda call: call.provider or "",
}


def broken_down(calls: Sequence[Call], dimensions: Sequence[Dimension]) -> list[UsageRow]:
    """The same as the database is asked for, worked out the long way."""
    apart = [told_apart(calls, dimension) for dimension in dimensions]

    def key(call: Call) -> tuple[int, ...]:
        places = []
        for dimension, ids in zip(dimensions, apart, strict=True):
            identity = ID_OF[dimension](call)
            places.append(ids.index(identity) if identity in ids else len(ids))
        return tuple(places)

    rows = []
    for places, group in groupby(sorted(calls, key=key), key=key):
        inside = list(group)
        ids, others = [], []
        for dimension, known, place in zip(dimensions, apart, places, strict=True):
            is_known = place < len(known)
            ids.append(known[place] if is_known else None)
            others.append(0 if is_known else len({ID_OF[dimension](call) for call in inside}))
        rows.append(UsageRow(tuple(ids), tuple(others), usage_of_rows(inside)))
    return rows


def told_apart(calls: Sequence[Call], dimension: Dimension) -> list[str]:
    """The series that stand by themselves, in their order."""
    ids = sorted({ID_OF[dimension](call) for call in calls})
    if dimension is Dimension.DAY:
        return ids

    def weight(identity: str) -> tuple[int, int, int]:
        figures = usage_of_rows([call for call in calls if ID_OF[dimension](call) == identity])
        return (-figures.cost_pico, -figures.credits_micro, -figures.calls)

    return sorted(ids, key=weight)[:SERIES_MAX]


@st.composite
def some_calls(draw: st.DrawFn) -> Call:
    """Calls of few people, days and models, so that many fall together."""
    outcome = draw(st.sampled_from(CallOutcome))
    is_failed = outcome is CallOutcome.FAILED
    cached, reasoning = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    usage = Usage(
        input_tokens=cached + draw(st.integers(0, 10**11)),
        cached_read_tokens=cached,
        output_tokens=reasoning + draw(st.integers(0, 100)),
        reasoning_tokens=reasoning,
    )
    day = FIRST_DAY + timedelta(days=draw(st.integers(0, 3)))
    at = datetime.fromisoformat(f"{day.isoformat()}T12:00:00+00:00")
    return Call(
        call_id=new_uuid(),
        member_id=UUID(int=draw(st.integers(1, 3))),
        group_id=UUID(int=draw(st.integers(1, 2))),
        key_id=draw(st.sampled_from([None, UUID(int=5), UUID(int=6)])),
        endpoint="chat.completions",
        model=draw(st.sampled_from("abcd")),
        provider=draw(st.sampled_from([None, "openai", "local"])),
        provider_model=None,
        is_streamed=False,
        is_simulated=False,
        started_at=at,
        ended_at=at,
        day=day,
        outcome=outcome,
        usage=usage,
        is_estimated=draw(st.booleans()),
        price_id=draw(st.sampled_from([None, UUID(int=9)])),
        service=Service.STANDARD,
        # The dearest there are, so that a sum that is too narrow would show.
        cost=Cost.of_pico_dollars(0 if is_failed else draw(st.sampled_from([0, 1, 7, 2**63 - 1]))),
        credit_factor=ONE,
        price_factor=ONE,
        credits=Credits(0 if is_failed else draw(st.integers(0, 10**12))),
        held=None,
        total_ms=1,
    )


@dataclass(frozen=True)
class Adding:
    """Somebody adds up to so many batches."""

    batches: int


class Forgetting:
    """Somebody forgets all that was added up."""


STEPS = st.lists(
    st.one_of(
        st.lists(some_calls(), max_size=4),
        st.builds(Adding, st.integers(1, 3)),
        st.builds(Forgetting),
    ),
    max_size=12,
)
QUESTIONS = st.lists(st.sampled_from(Dimension), min_size=1, max_size=2, unique=True)


@dataclass
class Books:
    """One tenant's batches of calls, as far as adding them up looks at them."""

    database: Database
    tenant_id: UUID
    calls: list[Call]
    last_batch: int = 0
    mark: int = 0

    async def take(self, step: object) -> None:
        async with writing(self.database, self.tenant_id) as transaction:
            if isinstance(step, Adding):
                until = min(self.last_batch, self.mark + step.batches)
                await add_batches(transaction, self.tenant_id, after=self.mark, until=until)
                await self._put_mark(transaction, until)
            elif isinstance(step, Forgetting):
                await delete_days(transaction, self.tenant_id)
                await self._put_mark(transaction, 0)
            elif isinstance(step, list):
                self.last_batch += 1
                columns = zip(*(values_of(call) for call in step), strict=True)
                if step:
                    tenants, batches = [self.tenant_id] * len(step), [self.last_batch] * len(step)
                    await transaction.execute(INSERT_CALLS, tenants, *map(list, columns), batches)
                self.calls += step

    async def _put_mark(self, transaction: Transaction, mark: int) -> None:
        await call_days.ensure_mark(transaction, self.tenant_id)
        await call_days.set_mark(transaction, self.tenant_id, mark)
        self.mark = mark

    async def asked(self, wanted: UsageFilter, dimensions: Sequence[Dimension]) -> list[UsageRow]:
        async with reading(self.database, self.tenant_id) as transaction:
            return await sum_usage(transaction, self.tenant_id, wanted, dimensions)


@pytest.fixture(scope="module")
def counted(postgres: Server, migrated_template: str) -> Iterator[tuple[asyncio.Runner, Database]]:
    """A database for many tenants, one for each example, and the loop that its connections live in."""
    with copied_database(postgres, migrated_template) as fresh, asyncio.Runner() as runner:
        database = runner.run(Database.open(fresh.app_url, application_name="bursar tests", size=2))
        yield runner, database
        runner.run(database.close())


@contextmanager
def few_series() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(call_days, "SERIES_MAX", SERIES_MAX)
        yield


@pytest.mark.rule("USAGE-6", "USAGE-8")
@given(
    steps=STEPS, dimensions=QUESTIONS, member=st.sampled_from([None, UUID(int=1)]),
    key=st.sampled_from([None, UUID(int=5)]), model=st.sampled_from([None, "a"]),
)  # fmt: skip
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_report_is_the_sum_of_the_calls_at_any_point(
    counted: tuple[asyncio.Runner, Database],
    steps: list[Any],
    dimensions: list[Dimension],
    member: UUID | None,
    key: UUID | None,
    model: str | None,
) -> None:
    runner, database = counted
    wanted = UsageFilter(ALL_DAYS, member_id=member, key_id=key, model=model)

    async def live() -> None:
        books = Books(database, await insert_tenant(database, "Acme"), [])
        for step in steps:
            await books.take(step)
            meant = [
                call
                for call in books.calls
                if ALL_DAYS.first <= call.day <= ALL_DAYS.last
                and wanted.member_id in (None, call.member_id)
                and wanted.key_id in (None, call.key_id)
                and wanted.model in (None, call.model)
            ]
            assert await books.asked(wanted, dimensions) == broken_down(meant, dimensions)

    with few_series():
        runner.run(live())


@pytest.mark.rule("USAGE-5", "USAGE-6")
async def test_a_report_is_exact_while_calls_are_made_and_several_processes_add_them_up(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    tenant_id = place.tenant.tenant_id
    today = house.clock.now().date()
    wanted = UsageFilter(Period(today - timedelta(days=1), today + timedelta(days=1)))
    calling = asyncio.Event()
    looks = 0

    async def call() -> None:
        for number in range(25):
            await made_call(house, place, place.admin, Made(credits="0.000007", model=f"model-{number % 3}"))

    async def add_up() -> None:
        while not calling.is_set():
            await add_up_some(house.desk, tenant_id)
            await asyncio.sleep(0)

    async def forget() -> None:
        while not calling.is_set():
            await forget_days(house.desk, tenant_id)
            await asyncio.sleep(0)

    async def look() -> None:
        nonlocal looks
        while not calling.is_set():
            async with reading(house.desk.tenants, tenant_id) as transaction:
                rows = await sum_usage(transaction, tenant_id, wanted, [Dimension.MODEL])
                kept = await transaction.fetchrow(
                    "select count(*) as calls, coalesce(sum(credits_micro), 0)::bigint as micro from calls"
                    " where tenant_id = $1",
                    tenant_id,
                )
            total = sum((row.figures for row in rows), NOTHING)
            assert kept is not None
            assert (total.calls, total.credits_micro) == (kept["calls"], kept["micro"])
            looks += 1

    async def all_calls() -> None:
        await asyncio.gather(*(call() for _ in range(4)))
        calling.set()

    await asyncio.gather(all_calls(), *(add_up() for _ in range(3)), forget(), look())
    await add_up_usage(house.desk)
    told = (await admin.get("/api/v1/reports/usage")).json()

    assert looks > 1
    assert (told["totals"]["calls"], told["totals"]["credits"]) == (100, "0.0007")
    await check_books(house, place.tenant_id)


@pytest.mark.rule("USAGE-5")
async def test_whoever_finds_the_mark_taken_leaves_the_calls_to_whoever_has_it(house: TestOffice) -> None:
    place, _, _ = await opened(house)
    tenant_id = place.tenant.tenant_id
    await made_call(house, place, place.admin)
    async with writing(house.desk.tenants, tenant_id) as transaction:
        await call_days.ensure_mark(transaction, tenant_id)

    async with writing(house.desk.tenants, tenant_id) as transaction:
        await call_days.lock_mark(transaction, tenant_id)
        meanwhile = await add_up_some(house.desk, tenant_id)

    assert meanwhile == 0
    assert await add_up_some(house.desk, tenant_id) > 0
    assert await add_up_some(house.desk, tenant_id) == 0


@pytest.mark.rule("USAGE-5")
async def test_batches_are_added_up_some_at_a_time_and_all_tenants_get_their_turn(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bursar.actions.usage.BATCHES_MAX", 2)
    place, admin, _ = await opened(house)
    elsewhere = await house.tenant("Globex")
    await house.granted(elsewhere, "10")
    for where in (place, elsewhere, place):
        await made_call(house, where, where.admin)
    before = (await admin.get("/api/v1/reports/usage")).json()

    first = await add_up_some(house.desk, place.tenant.tenant_id)
    between = (await admin.get("/api/v1/reports/usage")).json()
    await add_up_usage(house.desk)

    assert first == 2
    assert before == between == (await admin.get("/api/v1/reports/usage")).json()
    assert await kept_days(house, place.tenant.tenant_id) == [2]
    assert await kept_days(house, elsewhere.tenant.tenant_id) == [1]


@pytest.mark.rule("USAGE-5")
async def test_all_is_added_up_anew_when_it_was_forgotten(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    await made_call(house, place, place.admin)
    await add_up_usage(house.desk)
    before = (await admin.get("/api/v1/reports/usage")).json()

    await forget_days(house.desk, place.tenant.tenant_id)
    forgotten = await kept_days(house, place.tenant.tenant_id)
    between = (await admin.get("/api/v1/reports/usage")).json()
    await add_up_usage(house.desk)

    assert (forgotten, await kept_days(house, place.tenant.tenant_id)) == ([], [1])
    assert before == between == (await admin.get("/api/v1/reports/usage")).json()


async def kept_days(house: TestOffice, tenant_id: UUID) -> list[int]:
    """How many calls each kept figure is of."""
    async with reading(house.desk.tenants, tenant_id) as transaction:
        rows = await transaction.fetch("select calls_count from call_days where tenant_id = $1", tenant_id)
    return [row["calls_count"] for row in rows]

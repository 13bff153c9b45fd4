"""The list of tasks: everything that takes longer than its request, who sees it, and who may stop it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from tests.support.callers import Caller
from tests.support.jobs import job_of
from tests.support.models import Studio, studio
from tests.support.offices import TestOffice
from tests.support.tasks import another_members_key, chat_lines, later, openai_of, tasks


async def batch_of(acme: Studio, *questions: str, key: str | None = None) -> str:
    """The id of a batch of these questions."""
    openai = openai_of(acme, key)
    file = await openai.files.create(file=("calls.jsonl", chat_lines(*questions)), purpose="batch")
    batch = await openai.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )  # fmt: skip
    return batch.id


async def given_to_many(acme: Studio) -> str:
    """The id of a batch of allocations of the tenant admin."""
    batch = await acme.admin.post("/allocation-batches", {"member_ids": [acme.place.member_id], "amount": "2.50"})
    identity: str = batch["id"]
    return identity


@pytest.mark.rule("TASK-9")
async def test_jobs_of_providers_and_allocations_to_many_stand_in_one_list(house: TestOffice) -> None:
    acme = await studio(house)
    first = await batch_of(acme, "One", "Two")
    second = await given_to_many(acme)
    await later(house)
    await later(house)

    listed = (await acme.admin.get("/tasks"))["tasks"]

    assert [task["id"] for task in listed] == [second, first]
    allocated, answered = listed
    assert (allocated["kind"], allocated["label"], allocated["state"]) == (
        "allocation_batch", "Batch allocation", "succeeded",
    )  # fmt: skip
    assert (allocated["credits"], allocated["progress"]) == ("2.50", {"done": 1, "total": 1, "percent": 100})
    assert allocated["member"] == {"id": acme.place.admin_id, "name": "Acme Admin"}
    assert (answered["kind"], answered["state"], answered["is_simulated"]) == ("batch", "succeeded", True)
    assert answered["progress"] == {"done": 2, "total": 2, "percent": 100}
    assert (answered["model"], answered["provider"]) == ("simulated-small", "simulated")
    assert answered["member"] == {"id": acme.place.member_id, "name": "Acme Member"}
    assert answered["key"] == {"id": acme.key_id, "name": "Notebook"}
    (row,) = await acme.rows()
    assert answered["credits"] == f"{row['credits_micro'] / 1_000_000:.2f}"
    assert answered["created_at"] <= answered["started_at"] <= answered["ended_at"]
    assert await acme.admin.get(f"/tasks/{first}") == answered
    assert await acme.admin.get(f"/tasks/{second}") == allocated


@pytest.mark.rule("TASK-9")
async def test_an_allocation_of_which_nothing_could_be_given_has_failed_and_says_how_many(house: TestOffice) -> None:
    acme = await studio(house)
    await acme.admin.post(f"/members/{acme.place.member_id}/disable")
    await given_to_many(acme)

    (task,) = (await acme.admin.get("/tasks", state="failed"))["tasks"]

    assert (task["fault"], task["credits"]) == ("1 of 1 failed", "0.00")
    assert (await acme.admin.get("/tasks", state="succeeded"))["tasks"] == []


@pytest.mark.rule("TASK-9")
async def test_tasks_are_narrowed_by_kind_state_member_and_time(house: TestOffice) -> None:
    acme = await studio(house)
    allocated = await given_to_many(acme)
    house.clock.turn(timedelta(hours=1))
    between = house.clock.now().isoformat()
    batch = await batch_of(acme, "One")

    async def found(**query: str) -> list[str]:
        return [task["id"] for task in (await acme.admin.get("/tasks", **query))["tasks"]]

    assert await found(kind="batch") == [batch]
    assert await found(kind="allocation_batch") == [allocated]
    assert await found(kind="video") == []
    assert await found(state="queued") == [batch]
    assert await found(state="succeeded") == [allocated]
    assert await found(member_id=acme.place.member_id) == [batch]
    assert await found(since=between) == [batch]
    assert await found(until=between) == [allocated]
    assert (await acme.admin.refused("GET", "/tasks?state=lost"))["code"] == "invalid_input"


@pytest.mark.rule("TASK-9")
async def test_a_long_list_of_both_kinds_is_turned_page_by_page(house: TestOffice) -> None:
    acme = await studio(house)
    member = acme.place.member
    expected = []
    for _ in range(3):
        expected.append(await given_to_many(acme))
        await job_of(house.desk, acme.place.tenant.tenant_id, member.member_id, member.group_id)
    whole = [task["id"] for task in (await acme.admin.get("/tasks"))["tasks"]]

    pages, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await acme.admin.get("/tasks", **query)
        pages.append([task["id"] for task in page["tasks"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert [len(page) for page in pages] == [2, 2, 2]
    assert [one for page in pages for one in page] == whole
    assert [one for one in whole if one.startswith("alb_")] == expected[::-1]
    other = (await acme.admin.get("/transactions", limit=1))["next_cursor"]
    assert (await acme.admin.refused("GET", f"/tasks?cursor={other}"))["code"] == "invalid_input"


@pytest.mark.rule("TASK-8", "TASK-9")
async def test_a_member_sees_the_own_tasks_and_admins_all(house: TestOffice) -> None:
    acme = await studio(house)
    own = await batch_of(acme, "One")
    others = await batch_of(acme, "Two", key=await another_members_key(acme))
    allocated = await given_to_many(acme)

    assert [task["id"] for task in await tasks(acme)] == [own]
    for unknown in (others, allocated):
        assert (await acme.member.refused("GET", f"/tasks/{unknown}"))["code"] == "task_unknown"
        assert (await acme.member.refused("POST", f"/tasks/{unknown}/cancel"))["code"] == "task_unknown"
    assert (await acme.member.refused("GET", f"/tasks?member_id={acme.place.admin_id}"))["code"] == "not_permitted"
    deputy = await house.admin(acme.place)
    listed = (await Caller(await house.signed_in(deputy.username)).get("/tasks"))["tasks"]
    assert [task["id"] for task in listed] == [allocated, others, own]


@pytest.mark.rule("TASK-9")
async def test_the_same_tasks_come_as_a_file(house: TestOffice) -> None:
    acme = await studio(house)
    await batch_of(acme, "One")
    await given_to_many(acme)

    response = await acme.admin.client.get("/api/v1/tasks.csv")

    assert response.headers["content-type"].startswith("text/csv")
    allocated, answered = csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff")))
    assert (allocated["kind"], allocated["credits"], allocated["done"]) == ("Batch allocation", "2.50", "1")
    assert (answered["kind"], answered["state"], answered["simulated"]) == ("Batch of calls", "queued", "yes")


@pytest.mark.rule("TASK-7")
async def test_whoever_sees_a_batch_of_calls_can_stop_it_once(house: TestOffice) -> None:
    acme = await studio(house)
    batch = await batch_of(acme, "One", "Two")

    stopping = await acme.admin.post(f"/tasks/{batch}/cancel")
    again = await acme.member.post(f"/tasks/{batch}/cancel")

    assert (stopping["state"], stopping["is_being_cancelled"], stopping["can_be_cancelled"]) == ("queued", True, False)
    assert again["is_being_cancelled"]
    await later(house)
    ended = await acme.member.get(f"/tasks/{batch}")
    assert (ended["state"], ended["is_being_cancelled"]) == ("cancelled", False)
    assert (await acme.member.refused("POST", f"/tasks/{batch}/cancel"))["code"] == "task_ended"
    events = (await acme.admin.get("/audit", kind="task_cancelled"))["events"]
    assert [event["object"]["id"] for event in events] == [batch]


@pytest.mark.rule("TASK-7")
@pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
async def test_a_video_and_an_allocation_to_many_cannot_be_stopped(house: TestOffice) -> None:
    acme = await studio(house)
    allocated = await given_to_many(acme)
    video = (await openai_of(acme).videos.create(model="simulated-video", prompt="A cat")).id

    for task_id in (allocated, video):
        refused = await acme.admin.refused("POST", f"/tasks/{task_id}/cancel")
        assert refused["code"] == "task_not_cancellable"
        assert not (await acme.admin.get(f"/tasks/{task_id}"))["can_be_cancelled"]

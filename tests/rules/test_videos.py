"""Videos through the gateway, by OpenAI's own client: asked for, watched, charged by the second, once."""

from __future__ import annotations

from datetime import timedelta

import openai
import pytest

from tests.support.keys import model_client
from tests.support.models import Studio, studio
from tests.support.offices import TestOffice
from tests.support.tasks import another_members_key, check_books, later, openai_of

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


async def cinema(house: TestOffice, given: str | None = "1000") -> Studio:
    """A studio in which a second of video costs ten cents, which are ten credits."""
    return await studio(house, given=given, video_output_time="0.10")


@pytest.mark.rule("TASK-1", "TASK-2", "TASK-3", "TASK-4", "TASK-5")
async def test_a_video_is_held_for_made_and_charged_by_the_second(house: TestOffice) -> None:
    acme = await cinema(house)
    client = openai_of(acme)

    video = await client.videos.create(model="simulated-video", prompt="A cat", seconds="8")

    assert (video.status, video.model, video.seconds) == ("queued", "simulated-video", "8")
    assert await acme.left() == "920.00"
    assert await later(house) == 1
    assert (await client.videos.retrieve(video.id)).status == "in_progress"
    assert await later(house) == 1
    made = await client.videos.retrieve(video.id)
    assert (made.status, made.progress, made.id) == ("completed", 100, video.id)
    assert await acme.holds() == [("settled", 80_000_000)]
    assert await acme.left() == "920.00"
    (row,) = await acme.rows()
    assert (row["endpoint"], row["outcome"], row["credits_micro"]) == ("videos", "delivered", 80_000_000)
    assert await (await client.videos.download_content(video.id)).aread() == b"A simulated video of: A cat"
    assert await later(house) == 0
    await check_books(acme)


@pytest.mark.rule("TASK-3", "TASK-4")
async def test_whoever_looks_learns_of_the_end_before_the_worker_does(house: TestOffice) -> None:
    acme = await cinema(house)
    client = openai_of(acme)
    video = await client.videos.create(model="simulated-video", prompt="A cat")

    house.clock.turn(timedelta(seconds=2))
    await client.videos.retrieve(video.id)
    house.clock.turn(timedelta(seconds=2))
    raw = await client.videos.with_raw_response.retrieve(video.id)

    assert raw.parse().status == "completed"
    assert raw.headers["x-bursar-credits-charged"] == "40.00"
    assert await acme.holds() == [("settled", 40_000_000)]
    assert await later(house) == 0


@pytest.mark.rule("TASK-4")
async def test_a_video_that_fails_costs_nothing(house: TestOffice) -> None:
    acme = await cinema(house)
    client = openai_of(acme)

    video = await client.videos.create(model="simulated-video-fails", prompt="A cat")
    await later(house)
    await later(house)

    failed = await client.videos.retrieve(video.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.message == "This video was made to fail."
    assert await acme.holds() == [("voided", 0)]
    assert await acme.left() == "1000.00"
    (row,) = await acme.rows()
    assert (row["outcome"], row["credits_micro"], row["fault"]) == ("failed", 0, "This video was made to fail.")
    with pytest.raises(openai.ConflictError) as caught:
        await client.videos.download_content(video.id)
    assert caught.value.code == "task_not_ready"
    await check_books(acme)


@pytest.mark.rule("TASK-1", "TASK-2")
async def test_who_cannot_pay_for_a_video_gets_none_made(house: TestOffice) -> None:
    acme = await cinema(house, given="39")

    with pytest.raises(openai.APIStatusError) as caught:
        await openai_of(acme).videos.create(model="simulated-video", prompt="A cat")

    assert (caught.value.status_code, caught.value.code) == (402, "insufficient_quota")
    assert await acme.holds() == []
    assert (await acme.member.get("/tasks"))["tasks"] == []


@pytest.mark.rule("TASK-1")
async def test_a_video_asked_for_twice_under_one_key_is_made_once(house: TestOffice) -> None:
    acme = await cinema(house)
    client = model_client(house, acme.key)
    cat, dog = ({"model": "simulated-video", "prompt": prompt} for prompt in ("A cat", "A dog"))
    under_one_key = {"idempotency-key": "first of the day"}

    first = await client.post("/v1/videos", json=cat, headers=under_one_key)
    again = await client.post("/v1/videos", json=cat, headers=under_one_key)
    other = await client.post("/v1/videos", json=dog, headers=under_one_key)

    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await acme.holds()) == 1
    assert (other.status_code, other.json()["error"]["code"]) == (409, "key_reused")


@pytest.mark.rule("TASK-2")
@pytest.mark.parametrize(
    ("fields", "field"), [({"seconds": "soon"}, "seconds"), ({"seconds": "0"}, "seconds"), ({"model": ""}, "model")]
)
async def test_what_cannot_be_a_video_is_refused_with_its_field(
    house: TestOffice, fields: dict[str, str], field: str
) -> None:
    acme = await cinema(house)
    wanted = {"model": "simulated-video", "prompt": "A cat", **fields}

    with pytest.raises(openai.BadRequestError) as caught:
        await openai_of(acme).post("/videos", cast_to=object, body=wanted)

    assert caught.value.param == field
    assert await acme.holds() == []


@pytest.mark.rule("TASK-1")
async def test_a_video_is_known_by_the_name_it_was_asked_for(house: TestOffice) -> None:
    acme = await cinema(house)
    client = openai_of(acme)

    # The provider itself calls it `simulated-video`.
    video = await client.videos.create(
        model="simulated/simulated-video",
        prompt="A cat",
        input_reference=("cat.png", b"\r\n--not a boundary", "image/png"),
    )

    assert video.model == "simulated/simulated-video"
    (task,) = (await acme.member.get("/tasks"))["tasks"]
    assert (task["id"], task["model"], task["provider"]) == (video.id, "simulated/simulated-video", "simulated")


@pytest.mark.rule("TASK-1", "TASK-7")
async def test_a_video_is_listed_made_anew_and_deleted(house: TestOffice) -> None:
    acme = await cinema(house)
    client = openai_of(acme)
    first = await client.videos.create(model="simulated-video", prompt="A cat")
    with pytest.raises(openai.ConflictError):
        await client.videos.remix(first.id, prompt="A blue cat")
    with pytest.raises(openai.BadRequestError) as caught:
        await client.videos.delete(first.id)
    assert caught.value.code == "task_not_cancellable"
    await later(house)
    await later(house)

    second = await client.videos.remix(first.id, prompt="A blue cat")

    assert second.remixed_from_video_id == first.id
    assert [video.id async for video in client.videos.list()] == [second.id, first.id]
    assert [video.id async for video in client.videos.list(limit=1, order="asc")] == [first.id, second.id]
    assert (await client.videos.delete(first.id)).deleted
    assert [video.id async for video in client.videos.list()] == [second.id]
    with pytest.raises(openai.NotFoundError):
        await client.videos.retrieve(first.id)
    # What was charged stays charged, and in the list of tasks.
    assert (await acme.member.get(f"/tasks/{first.id}"))["credits"] == "40.00"


@pytest.mark.rule("TASK-8")
async def test_anothers_video_is_unknown(house: TestOffice) -> None:
    acme = await cinema(house)
    video = await openai_of(acme).videos.create(model="simulated-video", prompt="A cat")
    other = openai_of(acme, await another_members_key(acme))

    for asked in (
        other.videos.retrieve(video.id),
        other.videos.download_content(video.id),
        other.videos.delete(video.id),
        other.videos.remix(video.id, prompt="Mine"),
        other.videos.retrieve("video_never"),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            await asked
        assert caught.value.code == "task_unknown"
    assert [one async for one in other.videos.list()] == []

"""Conversations of one's own, and asking in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bursar.actions.conversations import Draft, create_conversation
from bursar.db.transaction import platform_reading, writing
from bursar.domain.conversations import AnswerFault, Conversation, Message, MessageRole, MessageState
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from bursar.outside.identity import new_uuid
from bursar.store.conversation_messages import insert_messages
from bursar.store.conversations import update_conversation
from bursar.store.providers import list_providers
from tests.support.calls.of_credits import funded
from tests.support.calls.scenes import Call, Sample, Scene
from tests.support.models import simulated
from tests.support.talks import MODEL

PRIVATE = "What somebody asks a model is nobody else's business; that calls were made stands in their rows."


async def begin(scene: Scene) -> Call:
    await with_models(scene)
    return Call("POST", "/conversations", {"model": MODEL, "title": "A talk"})


async def rename(scene: Scene) -> Call:
    return Call("PATCH", at(await conversation(scene)), {"title": "Another talk"})


async def delete(scene: Scene) -> Call:
    return Call("DELETE", at(await conversation(scene)))


async def send(scene: Scene) -> Call:
    await funded(scene)
    return Call("POST", f"{at(await conversation(scene))}/messages", {"text": "What is a bursar?"})


async def retry(scene: Scene) -> Call:
    await funded(scene)
    made = await conversation(scene)
    return Call("POST", f"{at(made)}/messages/{await failed_answer(scene, made)}/retry", {})


async def with_models(scene: Scene) -> None:
    """The simulated provider, if it is not there yet."""
    async with platform_reading(scene.house.desk.platform) as transaction:
        is_there = await list_providers(transaction)
    if not is_there:
        await simulated(scene.house, input="1", output="1")


def at(made: Conversation) -> str:
    """Where a conversation is."""
    return f"/conversations/{public_id('conversation', made.conversation_id)}"


async def conversation(scene: Scene) -> Conversation:
    """A conversation of the scene's member, in which nothing was said."""
    await with_models(scene)
    return (await create_conversation(scene.house.desk, scene.by_target, Draft(MODEL, "A talk", None))).answer


async def failed_answer(scene: Scene, made: Conversation) -> str:
    """The id of an answer of which nothing came."""
    now = scene.house.clock.now()
    question = Message(new_uuid(), 1, MessageRole.USER, MessageState.COMPLETE, "What is a bursar?", now)
    failed, fault = MessageState.FAILED, AnswerFault.PROVIDER_FAILED
    answer = Message(new_uuid(), 2, MessageRole.ASSISTANT, failed, "", now, MODEL, new_uuid(), fault)
    async with writing(scene.house.desk.tenants, scene.tenant_id) as transaction:
        await insert_messages(transaction, scene.tenant_id, made.conversation_id, [question, answer])
        await update_conversation(transaction, scene.tenant_id, replace(made, messages_count=2))
    return public_id("message", answer.message_id)


SAMPLES: Mapping[str, Sample] = {
    "begin_conversation": Sample(begin, by=Role.MEMBER, on_oneself=True, no_event=PRIVATE),
    "rename_conversation": Sample(rename, by=Role.MEMBER, on_oneself=True, no_event=PRIVATE),
    "delete_own_conversation": Sample(delete, by=Role.MEMBER, on_oneself=True, no_event=PRIVATE),
    "send_message": Sample(send, by=Role.MEMBER, on_oneself=True, no_event=PRIVATE, is_streamed=True),
    "retry_answer": Sample(retry, by=Role.MEMBER, on_oneself=True, no_event=PRIVATE, is_streamed=True),
}

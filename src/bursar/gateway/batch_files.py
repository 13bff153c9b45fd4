"""Files of calls, in the words of OpenAI: uploaded to where their batch will be run, and results fetched from there.

Nothing of a file is kept here but which model its calls are for and how large they may become. Only files for batches
are taken: in any other call a file's id would be passed on as it is, and mean nothing to the provider.

Rule: TASK-2
"""

from __future__ import annotations

import asyncio

from bursar.actions.job_submissions import whole_body
from bursar.db.transaction import writing
from bursar.domain.batch_sizes import size_of_batch
from bursar.domain.ids import public_id
from bursar.domain.prices import NO_TERMS
from bursar.domain.refusals import Refusal
from bursar.gateway.job_visits import JobVisit
from bursar.outside.identity import new_uuid_at
from bursar.outside.providers import ProviderCall
from bursar.outside.providers.batch_bodies import read_batch_file, renamed_file
from bursar.outside.providers.bodies import rewritten
from bursar.outside.providers.forms import is_form, read_form
from bursar.outside.providers.job_words import id_in
from bursar.store.provider_files import ProviderFile, insert_file

PURPOSE = "batch"


async def create_file(visit: JobVisit) -> None:
    """POST /files: read, and passed on to the provider that runs the model of its calls.

    Rule: TASK-2
    """
    content_type = visit.header(b"content-type")
    if not is_form(content_type):
        raise Refusal("invalid_input", "A file is sent as a form.", field="body")
    form = read_form(content_type, visit.body)
    purpose, sent = form.find("purpose"), form.find("file")
    if purpose is None or purpose.text != PURPOSE:
        raise Refusal("invalid_input", f"Only files with the purpose {PURPOSE} are taken here.", field="purpose")
    if sent is None:
        raise Refusal("invalid_input", "The form has no file.", field="file")
    # A large one takes a tenth of a second, in which other calls go on.
    read = await asyncio.to_thread(read_batch_file, sent.content)
    candidate = (await visit.candidates(read.model))[0]
    if candidate.model != read.model:
        form = form.replaced("file", await asyncio.to_thread(renamed_file, sent.content, candidate.model))
    call = ProviderCall("/files", form.body, content_type=form.content_type, request_id=visit.request_id)
    with visit.admitted():
        async with visit.asked(candidate.provider, call) as answer:
            status, headers, body = answer.status, answer.headers, await whole_body(answer.pieces())
    identity = id_in(body) if 200 <= status < 300 else None
    if identity is None:
        await visit.answer_error(candidate.provider, max(status, 400), headers, body)
        return
    now = visit.desk.clock.now()
    terms = NO_TERMS if candidate.priced is None else candidate.priced.price.terms
    file = ProviderFile(
        file_id=new_uuid_at(now),
        member_id=visit.member_id,
        job_id=None,
        provider=candidate.provider_name,
        provider_file_id=identity,
        model=read.model,
        provider_model=candidate.model,
        endpoint=read.url,
        size=size_of_batch(list(read.sizes), terms),
        said=body.decode("utf-8", "replace"),
        created_at=now,
    )
    async with writing(visit.desk.tenants, visit.tenant_id) as transaction:
        await insert_file(transaction, visit.tenant_id, file)
    await visit.answer(_shown(file, body))


async def get_file(visit: JobVisit, file_id: str) -> None:
    """GET /files/{id}: as the provider tells of it now."""
    file = await visit.file(file_id)
    provider = await visit.provider(file.provider)
    call = ProviderCall(f"/files/{file.provider_file_id}", b"", method="GET", request_id=visit.request_id)
    async with visit.asked(provider, call) as answer:
        status, headers, body = answer.status, answer.headers, await whole_body(answer.pieces())
    if status != 200 or id_in(body) is None:
        await visit.answer_error(provider, max(status, 400), headers, body)
        return
    await visit.answer(_shown(file, body))


async def get_file_content(visit: JobVisit, file_id: str) -> None:
    """GET /files/{id}/content, passed on as it comes.

    Rule: TASK-5
    """
    file = await visit.file(file_id)
    call = ProviderCall(f"/files/{file.provider_file_id}/content", b"", method="GET", request_id=visit.request_id)
    await visit.pass_through(await visit.provider(file.provider), call)


def _shown(file: ProviderFile, said: bytes) -> bytes:
    return rewritten(said, {"id": public_id("provider_file", file.file_id)})

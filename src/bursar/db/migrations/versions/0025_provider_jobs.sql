-- Jobs that a provider works on after it has answered, and the files that go in and come out of them.

create table provider_jobs (
    tenant_id           uuid        not null,
    job_id              uuid        not null,
    kind                text        not null,
    state               text        not null,
    member_id           uuid        not null,
    group_id            uuid        not null,
    key_id              uuid,
    request_id          text,
    request_key         bytea,
    fingerprint         bytea       not null,
    endpoint            text        not null,
    model               text        not null,
    provider            text        not null,
    provider_model      text        not null,
    provider_job_id     text,
    is_simulated        boolean     not null,
    source_id           uuid,
    price_id            uuid,
    credit_factor_micro bigint      not null,
    price_factor        bigint      not null,
    day                 date        not null,
    milliseconds        integer,
    held_micro          bigint,
    hold_until          timestamptz,
    charged_micro       bigint,
    cost_pico           bigint,
    done_count          integer,
    total_count         integer,
    percent             smallint,
    said                text,
    fault               text,
    created_at          timestamptz not null,
    answered_at         timestamptz not null,
    started_at          timestamptz,
    ended_at            timestamptz,
    next_poll_at        timestamptz,
    polls_count         integer     not null default 0,
    cancel_asked_at     timestamptz,
    cancel_asked_by     uuid,
    cancel_told_at      timestamptz,
    deleted_at          timestamptz,
    primary key (tenant_id, job_id),
    constraint provider_jobs_are_of_members foreign key (tenant_id, member_id) references members (tenant_id, member_id),
    constraint provider_jobs_know_their_kind check (kind in ('video', 'batch', 'message_batch')),
    constraint provider_jobs_know_their_state check (
        state in ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired')
    ),
    constraint provider_jobs_end_at_a_time check (
        (state in ('queued', 'running')) = (ended_at is null)
        and (ended_at is null) = (next_poll_at is not null)
        and (ended_at is null) = (charged_micro is null)
    ),
    constraint provider_jobs_count_up check (
        coalesce(held_micro, 0) >= 0 and coalesce(charged_micro, 0) >= 0 and coalesce(cost_pico, 0) >= 0
        and coalesce(done_count, 0) >= 0 and coalesce(total_count, 0) >= 0 and coalesce(percent, 0) between 0 and 100
        and polls_count >= 0 and coalesce(milliseconds, 0) >= 0
    ),
    constraint provider_jobs_hold_until_a_time check ((held_micro is null) = (hold_until is null)),
    constraint provider_jobs_fail_for_a_reason check (state not in ('failed', 'expired') or fault is not null)
) with (fillfactor = 70);

comment on table provider_jobs is
    'Videos and batches of calls: asked for once, held for, asked after until they end, and then charged once. The row '
    'is written with the hold, before the provider is asked, so that no job is ever without one.';
comment on column provider_jobs.job_id is 'Also the id of its hold, where it had one, and of its call in the usage log.';
comment on column provider_jobs.request_key is 'A hash of the idempotency key it was asked for with, and of whose it was.';
comment on column provider_jobs.fingerprint is 'What was asked for, so that a repeat is told from another request.';
comment on column provider_jobs.provider_job_id is 'Null until the provider has answered.';
comment on column provider_jobs.source_id is 'The file that a batch was made from, or the video that was made anew.';
comment on column provider_jobs.price_id is 'The price in force when it was asked for; null where the model had none.';
comment on column provider_jobs.milliseconds is 'How long a video was asked to be; null for what is no video.';
comment on column provider_jobs.held_micro is 'Null where nothing was held, because nothing can be charged.';
comment on column provider_jobs.said is 'What the provider said of it last, in its own words.';
comment on column provider_jobs.answered_at is 'When the provider last said anything of it, or else when it was asked for.';
comment on column provider_jobs.next_poll_at is
    'When the provider is asked again. Whoever takes the job on moves it out, so that nobody else asks meanwhile.';
comment on column provider_jobs.deleted_at is 'When its owner deleted it at the provider: the clients see it no more.';
comment on constraint provider_jobs_know_their_kind on provider_jobs is 'As in the table of kinds.';
comment on constraint provider_jobs_know_their_state on provider_jobs is 'Two in which it lives, four in which it has ended.';
comment on constraint provider_jobs_end_at_a_time on provider_jobs is
    'What has ended is charged, if with nothing, and is asked after no more.';
comment on constraint provider_jobs_count_up on provider_jobs is 'There is nothing below 0.';
comment on constraint provider_jobs_hold_until_a_time on provider_jobs is 'A hold has a deadline.';
comment on constraint provider_jobs_fail_for_a_reason on provider_jobs is 'People are told why.';

-- The worker's question: which tenants have jobs that are to be asked after.
create index provider_jobs_to_poll on provider_jobs (tenant_id, next_poll_at) where next_poll_at is not null;
-- What a member sees.
create index provider_jobs_of_member on provider_jobs (tenant_id, member_id, job_id);
create unique index provider_jobs_by_request on provider_jobs (tenant_id, request_key) where request_key is not null;

alter table provider_jobs enable row level security, force row level security;
create policy tenant_scope on provider_jobs
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);
create policy every_tenant on provider_jobs for select to bursar_platform using (true);

grant select, insert, update on provider_jobs to bursar_app;
grant select (tenant_id, next_poll_at) on provider_jobs to bursar_platform;


create table provider_files (
    tenant_id         uuid        not null,
    file_id           uuid        not null,
    member_id         uuid        not null,
    job_id            uuid,
    provider          text        not null,
    provider_file_id  text        not null,
    model             text        not null,
    provider_model    text        not null,
    endpoint          text,
    size              jsonb,
    said              text,
    created_at        timestamptz not null,
    primary key (tenant_id, file_id),
    constraint provider_files_are_known_once unique (tenant_id, provider, provider_file_id),
    constraint provider_files_are_of_members foreign key (tenant_id, member_id) references members (tenant_id, member_id),
    constraint provider_files_of_a_job foreign key (tenant_id, job_id) references provider_jobs (tenant_id, job_id),
    constraint provider_files_go_in_or_come_out check ((job_id is null) = (size is not null and endpoint is not null))
);

comment on table provider_files is
    'Files at a provider: of calls to be made as a batch, and of their results. The files themselves are not kept here.';
comment on column provider_files.job_id is 'The batch that made it; null for one that was uploaded.';
comment on column provider_files.endpoint is 'Which endpoint its calls are for.';
comment on column provider_files.size is 'What the calls in it may cost, counted when it was uploaded.';
comment on column provider_files.said is 'What the provider said of it when it was uploaded.';
comment on constraint provider_files_are_known_once on provider_files is 'One name of ours for one file of theirs.';
comment on constraint provider_files_go_in_or_come_out on provider_files is
    'What was uploaded was looked into; what comes out is only passed on.';

alter table provider_files enable row level security, force row level security;
create policy tenant_scope on provider_files
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert on provider_files to bursar_app;

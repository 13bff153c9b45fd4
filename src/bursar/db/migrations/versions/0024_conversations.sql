-- What members ask models at the console: each member's own, and read by nobody else.

create table conversations (
    tenant_id       uuid        not null,
    conversation_id uuid        not null,
    member_id       uuid        not null,
    title           text,
    search_text     text        not null,
    model           text        not null,
    instructions    text,
    messages_count  integer     not null,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    primary key (tenant_id, conversation_id),
    constraint conversations_of_a_member foreign key (tenant_id, member_id) references members (tenant_id, member_id),
    constraint conversations_have_so_many_messages check (messages_count between 0 and 400),
    constraint conversations_name_a_model check (model <> '')
);

comment on table conversations is
    'A member''s talk with models. Deleting one removes the row and its messages; that calls were made, and what they '
    'cost, stands in calls.';
comment on column conversations.title is 'Null until it is given one, or has its first question.';
comment on column conversations.search_text is 'The title as searches look into it.';
comment on column conversations.messages_count is 'The position of the newest message. None of them is removed alone.';
comment on constraint conversations_have_so_many_messages on conversations is 'Also the bound of domain/conversations.';
comment on constraint conversations_name_a_model on conversations is 'Somebody is asked.';

-- A member's own, the newest talk last.
create index conversations_of_member on conversations (tenant_id, member_id, updated_at, conversation_id);

alter table conversations enable row level security, force row level security;
create policy tenant_scope on conversations
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, delete on conversations to bursar_app;
grant update (title, search_text, model, instructions, messages_count, updated_at) on conversations to bursar_app;


create table conversation_messages (
    tenant_id       uuid        not null,
    conversation_id uuid        not null,
    position        integer     not null,
    message_id      uuid        not null,
    role            text        not null,
    state           text        not null,
    text            text        not null,
    model           text,
    call_id         uuid,
    fault           text,
    created_at      timestamptz not null,
    primary key (tenant_id, conversation_id, position),
    constraint messages_of_a_conversation
        foreign key (tenant_id, conversation_id) references conversations (tenant_id, conversation_id),
    constraint messages_are_counted check (position between 1 and 400),
    constraint messages_are_somebodys check (role in ('user', 'assistant')),
    constraint messages_know_their_state check (state in ('answering', 'complete', 'partial', 'failed')),
    constraint messages_of_users_are_complete check (role = 'assistant' or (state = 'complete' and text <> '')),
    constraint messages_of_models_know_their_call check ((role = 'assistant') = (model is not null and call_id is not null)),
    constraint messages_say_why_they_are_not_whole check ((state in ('partial', 'failed')) = (fault is not null))
);

comment on table conversation_messages is
    'What was asked and answered, word for word. Markup in it is text. An answer is there from the moment its call '
    'leaves, so that one that nobody finished is known.';
comment on column conversation_messages.position is 'From 1, without gaps.';
comment on column conversation_messages.model is 'What an answer was asked of, as the member named it.';
comment on column conversation_messages.call_id is 'The call of an answer, which stands in calls once it has ended.';
comment on constraint messages_are_counted on conversation_messages is 'Also the bound of domain/conversations.';
comment on constraint messages_are_somebodys on conversation_messages is 'The member asks, and a model answers.';
comment on constraint messages_know_their_state on conversation_messages is
    'Under way; or all there; or broken off after some of it; or before any.';
comment on constraint messages_of_users_are_complete on conversation_messages is 'A question is there or it is not.';
comment on constraint messages_of_models_know_their_call on conversation_messages is 'Only answers are paid for.';
comment on constraint messages_say_why_they_are_not_whole on conversation_messages is 'People are told the reason.';

alter table conversation_messages enable row level security, force row level security;
create policy tenant_scope on conversation_messages
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, delete on conversation_messages to bursar_app;
grant update (state, text, model, call_id, fault, created_at) on conversation_messages to bursar_app;

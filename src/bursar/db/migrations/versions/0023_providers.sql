-- Who runs models, which names lead to them, and how often any of it changed. It belongs to the platform, so nothing
-- here has a tenant.

create table providers (
    provider_id            uuid        not null,
    name                   text        collate "C" not null,
    shape                  text        not null,
    base_url               text,
    key_variable           text,
    key_sealed             bytea,
    key_ending             text,
    key_header             text        not null,
    headers                jsonb       not null,
    priced_as              text[]      not null,
    models                 text[]      not null,
    connect_seconds        integer     not null,
    first_byte_seconds     integer     not null,
    between_pieces_seconds integer     not null,
    whole_seconds          integer     not null,
    "position"             integer     not null,
    is_enabled             boolean     not null,
    note                   text,
    created_at             timestamptz not null,
    changed_at             timestamptz not null,
    primary key (provider_id),
    constraint providers_have_a_shape check (shape in ('openai', 'anthropic', 'simulated')),
    constraint providers_are_somewhere check ((base_url is null) = (shape = 'simulated')),
    constraint providers_have_one_key check (key_variable is null or key_sealed is null),
    constraint providers_list_headers check (jsonb_typeof(headers) = 'array'),
    constraint providers_are_waited_for check (
        least(connect_seconds, first_byte_seconds, between_pieces_seconds, whole_seconds) > 0
    )
);

comment on table providers is
    'Who runs models. The tenants'' side cannot read it: it holds sealed keys, and what it says reaches calls through '
    'the catalogue only.';
comment on column providers.key_variable is 'The variable of the server''s environment that has the key.';
comment on column providers.key_sealed is
    'The key, sealed with one that follows from the office''s own and from the provider''s id; null where there is none.';
comment on column providers.key_ending is 'The key''s last characters, so that people can tell one from another.';
comment on column providers.headers is 'Those that go with every call; the value of a secret one is sealed like a key.';
comment on column providers.priced_as is 'The providers of the price list under which its models stand.';
comment on column providers.models is 'Models that it runs, beside those that are known by their price.';
comment on column providers.position is 'Those with the lowest are asked first.';
comment on constraint providers_have_a_shape on providers is 'How a provider is asked and answers.';
comment on constraint providers_are_somewhere on providers is 'Only one without a model is nowhere.';
comment on constraint providers_have_one_key on providers is 'Two keys would leave open which of them counts.';
comment on constraint providers_list_headers on providers is 'What stands inside is checked where it is written.';
comment on constraint providers_are_waited_for on providers is 'What is waited for not at all never answers.';

create unique index providers_by_name on providers (name);

create table model_routes (
    route_id   uuid        not null,
    name       text        collate "C" not null,
    targets    jsonb       not null,
    note       text,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    primary key (route_id),
    constraint model_routes_name_a_model check (name <> ''),
    constraint model_routes_lead_somewhere check (jsonb_typeof(targets) = 'array' and targets <> '[]')
);

comment on table model_routes is 'Which providers a model''s name leads to, the first choice first.';
comment on column model_routes.targets is
    'Providers by their names, and what each calls the model. In one value, because a route is written as a whole.';
comment on constraint model_routes_name_a_model on model_routes is 'A route of nothing is a mistake in the caller.';
comment on constraint model_routes_lead_somewhere on model_routes is 'A route that leads nowhere is taken away instead.';

-- One name in whatever capitals.
create unique index model_routes_by_name on model_routes (lower(name));

create table catalogue_version (
    only_row boolean not null default true,
    version  bigint  not null default 1,
    primary key (only_row),
    constraint catalogue_version_is_one_row check (only_row),
    constraint catalogue_version_rises check (version > 0)
);

comment on table catalogue_version is
    'One row: how often providers, routes, prices or the platform''s settings changed. A change raises it in its own '
    'transaction, and every call asks for it, so each process notices what another one changed.';
comment on constraint catalogue_version_is_one_row on catalogue_version is 'There is one installation.';
comment on constraint catalogue_version_rises on catalogue_version is 'It counts from one.';

insert into catalogue_version (only_row) values (true);

grant select, insert, update, delete on providers to bursar_platform;
grant select, insert, update, delete on model_routes to bursar_platform;
grant select, update on catalogue_version to bursar_platform;
-- Read with the key of each call, inside its tenant.
grant select on catalogue_version to bursar_app;

-- What happens to a call of a model whose cost nobody has said.
alter table platform_settings
    add column unpriced_models text not null default 'refuse',
    add constraint platform_settings_decide_on_unpriced check (unpriced_models in ('refuse', 'free'));
comment on column platform_settings.unpriced_models is
    'Whether a model without a price is refused, or called and charged nothing.';
comment on constraint platform_settings_decide_on_unpriced on platform_settings is 'One or the other.';

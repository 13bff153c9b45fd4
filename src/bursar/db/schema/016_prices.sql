-- The price list: what models cost. It belongs to the platform, so nothing here has a tenant; what prices are multiplied
-- with for a tenant or a group is in 022_price_factors.

create table model_prices (
    price_id          uuid        not null,
    provider          text        collate "C" not null,
    model             text        collate "C" not null,
    origin            text        not null,
    source            text        not null,
    effective_from    timestamptz not null,
    bands             jsonb       not null,
    names             jsonb       not null,
    label             text,
    context_window    bigint,
    output_tokens_max bigint,
    note              text,
    created_at        timestamptz not null,
    created_by        uuid,
    primary key (price_id),
    constraint model_prices_name_a_model check (provider <> '' and model <> ''),
    constraint model_prices_know_their_origin check (origin in ('public_list', 'hand')),
    constraint model_prices_are_lists check (jsonb_typeof(bands) = 'array' and jsonb_typeof(names) = 'array'),
    constraint model_prices_of_a_hand_name_no_patterns check (origin = 'public_list' or names = '[]')
);

comment on table model_prices is
    'The price list. A row is never changed: a new price is a new row, and counts from its moment on; so the price of '
    'every past call stays what it was. It has no scope, because what a model costs is the same fact for every tenant.';
comment on column model_prices.bands is
    'The rates: for each service and each threshold of input, whole pico-dollars by bucket. An empty list withdraws '
    'what was there before of the same origin. In one value, because a price is read and written as a whole.';
comment on column model_prices.names is 'By which names a model of the public list goes, beside its own.';
comment on column model_prices.source is 'The version of the public list, or that it was set by hand.';
comment on column model_prices.created_by is 'Null where the list was filled on first start.';
comment on constraint model_prices_name_a_model on model_prices is 'A price of nothing is a mistake in the caller.';
comment on constraint model_prices_know_their_origin on model_prices is
    'What was set by hand counts before what the public list says, whichever is younger.';
comment on constraint model_prices_are_lists on model_prices is
    'What stands inside is checked where it is written and where it is read.';
comment on constraint model_prices_of_a_hand_name_no_patterns on model_prices is
    'Which names mean a model is the public list''s knowledge; a price set by hand is for the model itself.';

-- What counts at a moment, model by model; and the history of one model.
create index model_prices_of_model on model_prices (provider, model, effective_from);

grant select on model_prices to bursar_app;
grant select, insert on model_prices to bursar_platform;

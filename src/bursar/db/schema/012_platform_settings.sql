-- What the operator chose for the whole installation, beside what stands in its configuration.

create table platform_settings (
    only_row             boolean not null default true,
    currency             text    not null default 'USD',
    credit_price         numeric(18, 9) not null default 0,
    purchase_min_micro   bigint  not null default 10000,
    purchase_max_micro   bigint,
    payment_instructions text,
    unpriced_models      text    not null default 'refuse',
    primary key (only_row),
    constraint platform_settings_are_one_row check (only_row),
    constraint platform_settings_know_a_currency check (currency ~ '^[A-Z]{3}$'),
    constraint platform_settings_price_credits check (credit_price >= 0),
    constraint platform_settings_bound_purchases check (
        purchase_min_micro >= 10000 and (purchase_max_micro is null or purchase_max_micro >= purchase_min_micro)
    ),
    constraint platform_settings_instruct_in_a_page check (length(payment_instructions) between 1 and 2000),
    constraint platform_settings_decide_on_unpriced check (unpriced_models in ('refuse', 'free'))
);

comment on table platform_settings is 'One row: what credits cost, and how they are paid for.';
comment on column platform_settings.credit_price is
    'Of the currency for one credit. Zero means that credits cannot be bought.';
comment on column platform_settings.payment_instructions is
    'What an order on invoice tells whoever has to pay it: account, reference, terms.';
comment on constraint platform_settings_are_one_row on platform_settings is 'There is one installation.';
comment on constraint platform_settings_know_a_currency on platform_settings is 'ISO 4217.';
comment on constraint platform_settings_price_credits on platform_settings is 'Nobody is paid for taking credits.';
comment on constraint platform_settings_bound_purchases on platform_settings is
    'No order is smaller than the smallest amount that can be moved. No largest order is null.';
comment on column platform_settings.unpriced_models is
    'Whether a model without a price is refused, or called and charged nothing.';
comment on constraint platform_settings_instruct_in_a_page on platform_settings is 'Having none is null.';
comment on constraint platform_settings_decide_on_unpriced on platform_settings is 'One or the other.';

insert into platform_settings (only_row) values (true);

grant select, update on platform_settings to bursar_platform;
-- An order is made inside a tenant, at the platform's price.
grant select on platform_settings to bursar_app;

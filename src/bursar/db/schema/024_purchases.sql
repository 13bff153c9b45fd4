-- Credits that a tenant orders and pays for.

create table purchases (
    tenant_id        uuid           not null references tenants (tenant_id),
    purchase_id      uuid           not null,
    number           bigint         not null,
    amount_micro     bigint         not null,
    currency         text           not null,
    credit_price     numeric(18, 9) not null,
    total            numeric(18, 3) not null,
    provider         text           not null,
    instructions     text,
    status           text           not null,
    note             text,
    ordered_by       uuid           not null,
    ordered_at       timestamptz    not null,
    decided_by       uuid,
    decided_at       timestamptz,
    decision_note    text,
    transfer_id      uuid,
    payment_link     text,
    primary key (tenant_id, purchase_id),
    constraint purchases_have_distinct_numbers unique (tenant_id, number),
    constraint purchases_are_numbered_from_one check (number >= 1),
    constraint purchases_buy_something check (amount_micro > 0),
    constraint purchases_cost_something check (credit_price > 0 and total > 0),
    constraint purchases_know_their_status check (status in ('pending', 'paid', 'cancelled')),
    constraint purchases_end_once check (
        (status = 'pending') = (decided_at is null) and (status = 'paid') = (transfer_id is not null)
    ),
    constraint purchases_link_to_pages check (payment_link ~ '^https://' and length(payment_link) <= 2000)
);

comment on table purchases is
    'Orders of credits: what was ordered at which price, how it is paid, and what became of it. Price and instructions '
    'are kept as they were when the order was made.';
comment on column purchases.total is 'In the currency, rounded up to its smallest coin.';
comment on column purchases.provider is 'Which way of paying: a name of outside/payments.';
comment on column purchases.decided_by is 'Who confirmed or cancelled it; null is Bursar itself, told by a provider.';
comment on column purchases.transfer_id is 'The transfer in the tenant''s journal that brought the credits.';
comment on constraint purchases_are_numbered_from_one on purchases is 'Numbers are shown to people.';
comment on constraint purchases_buy_something on purchases is 'A transfer of nothing cannot be posted.';
comment on constraint purchases_cost_something on purchases is 'What is given for nothing is a grant.';
comment on constraint purchases_know_their_status on purchases is 'Credits come with paid, in the same transaction.';
comment on constraint purchases_end_once on purchases is
    'An order is paid or cancelled once, and only what was paid brought credits.';
comment on column purchases.payment_link is 'Where the order is paid, if its provider has a page for that.';
comment on constraint purchases_link_to_pages on purchases is
    'People are sent there to pay, so nobody may read along or stand in between.';

-- What waits to be paid or confirmed.
create index purchases_pending on purchases (tenant_id, purchase_id) where status = 'pending';

alter table purchases enable row level security, force row level security;
create policy tenant_scope on purchases
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);
-- The super admin's list of orders to confirm.
create policy every_tenant on purchases for select to bursar_platform using (true);

grant select, insert on purchases to bursar_app;
grant update (status, decided_by, decided_at, decision_note, transfer_id, instructions, payment_link) on purchases to bursar_app;
grant select on purchases to bursar_platform;

-- What prices are multiplied with for a tenant or one of its groups.

create table price_factors (
    tenant_id       uuid        not null references tenants (tenant_id),
    holder_id       uuid        not null,
    ten_thousandths bigint      not null,
    changed_at      timestamptz not null,
    primary key (tenant_id, holder_id),
    constraint price_factors_are_bounded check (ten_thousandths between 0 and 10000000)
);

comment on table price_factors is
    'A row for a tenant or a group whose prices are multiplied with something else than one. The group''s counts '
    'instead of the tenant''s.';
comment on column price_factors.holder_id is 'The group, or the tenant itself.';
comment on constraint price_factors_are_bounded on price_factors is
    'From 0 to 1 000, in ten-thousandths: nobody is paid for a call, and a factor beyond is a slip of the hand.';

alter table price_factors enable row level security, force row level security;
create policy tenant_scope on price_factors
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, update, delete on price_factors to bursar_app;

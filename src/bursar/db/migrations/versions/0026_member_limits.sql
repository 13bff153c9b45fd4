-- How often, and how much at once, each member of a tenant may call models over all keys.

alter table tenants add column member_requests_per_minute bigint;
alter table tenants add column member_tokens_per_minute bigint;
alter table tenants add column member_calls_at_once bigint;
alter table tenants add constraint tenants_limit_members_from_minus_one check (
    coalesce(member_requests_per_minute, 0) >= -1 and coalesce(member_tokens_per_minute, 0) >= -1
    and coalesce(member_calls_at_once, 0) >= -1
);
comment on column tenants.member_requests_per_minute is
    'What bounds each member of this tenant over all keys; null is no limit. So for the next two.';
comment on constraint tenants_limit_members_from_minus_one on tenants is 'As with keys.';

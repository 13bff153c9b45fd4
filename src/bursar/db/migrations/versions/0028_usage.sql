-- Calls are looked through by when they began: an id that was made out of somebody's idempotency key says nothing of time.

drop index calls_of_member;
drop index calls_of_key;
create index calls_in_time on calls (tenant_id, started_at);
create index calls_of_member on calls (tenant_id, member_id, started_at);
create index calls_of_key on calls (tenant_id, key_id, started_at) where key_id is not null;

-- Somebody's own days, in a tenant where thousands have theirs.
create index call_days_of_member on call_days (tenant_id, member_id, day);

-- A day's figures are written again and again while it lasts: room for that in their own page.
alter table call_days set (fillfactor = 60);

-- So that they can be added up anew.
grant delete on call_days to bursar_app;

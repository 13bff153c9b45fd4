-- Who tries again what failed of a batch is who allocates then.

alter table allocation_batches add column retried_by uuid;
alter table allocation_batches add constraint allocation_batches_are_retried_by_somebody check (
    (retried_at is null) = (retried_by is null)
);
comment on column allocation_batches.retried_by is
    'Who last tried again what had failed: since then, rows are allocated on this person''s behalf.';
comment on constraint allocation_batches_are_retried_by_somebody on allocation_batches is
    'Nobody allocates to oneself, so a batch knows on whose behalf it runs.';
grant update (retried_by) on allocation_batches to bursar_app;

-- The batch comes last: until the rows of a new batch have been counted, every index that begins with tenant and batch
-- looks as good as any other, and through this one a turn would go through all of the batch.
alter table allocation_batch_rows drop constraint allocation_batch_rows_name_a_member_once;
alter table allocation_batch_rows add constraint allocation_batch_rows_name_a_member_once
    unique (tenant_id, member_id, batch_id);

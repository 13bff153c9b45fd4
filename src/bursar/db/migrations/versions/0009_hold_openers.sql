-- Who may say what a call cost. A hold that is open now is from before: an admin or its deadline ends it.
alter table bursar.ledger_holds add column opened_by uuid;
comment on column bursar.ledger_holds.opened_by is
  'Who may say what the call cost. Null is Bursar itself, which meters the calls that go through it.';

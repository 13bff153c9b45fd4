-- Whom the people of a tenant ask for help.
alter table bursar.tenants
    add column contact text,
    add constraint tenants_offer_a_contact check (contact is null or length(contact) between 1 and 200);

comment on column bursar.tenants.contact is
    'Whom the people of the tenant ask for help: a sentence or an address of the web.';
comment on constraint tenants_offer_a_contact on bursar.tenants is
    'Having none is null, and what there is fits on a line.';

-- A provider says how an order is paid after the order was made, and may have a page for it.
alter table bursar.purchases
    add column payment_link text,
    add constraint purchases_link_to_pages check (payment_link ~ '^https://' and length(payment_link) <= 2000);

comment on column bursar.purchases.payment_link is 'Where the order is paid, if its provider has a page for that.';
comment on constraint purchases_link_to_pages on bursar.purchases is
    'People are sent there to pay, so nobody may read along or stand in between.';

grant update (instructions, payment_link) on bursar.purchases to bursar_app;

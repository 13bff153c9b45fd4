-- Requests of one status are listed, and those of each counted, whatever the number of all that ever were.
create index credit_requests_of_status on credit_requests (tenant_id, status, request_id);
-- It finds what waits as well.
drop index credit_requests_pending;

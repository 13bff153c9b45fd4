-- The schema of Bursar, readable from top to bottom; applied in the order of the files to an empty database.
-- What runs on a live database are the steps in migrations/; a test holds both against each other.
--
-- Everything belongs to the role that migrates. The application signs in as a member of bursar_app or bursar_platform,
-- which own nothing and get, table by table, only what is granted below.

create schema bursar;

grant usage on schema bursar to bursar_app, bursar_platform;

set search_path = bursar;

"""What must hold of every table, as questions to the catalogue that answer with whatever breaks the rule.

The rules are those of "SQL that also runs on Citus" in ARCHITECTURE.md, and of keeping tenants apart. Alembic's own
table is not ours; it is left out throughout."""

from dataclasses import dataclass
from typing import Final

import psycopg

from tests.architecture.schema_lists import APPEND_ONLY, OTHER_POLICIES, WITHOUT_TENANT

APPLICATION_ROLES: Final = ("bursar_app", "bursar_platform")

SCOPE: Final = (
    "array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null"
)

# Every question sees these first: `ours`, the tables with rows, and `of_tenants`, those with a tenant's scope.
_TABLES: Final = """
    with ours as (
        select c.oid, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relowner, c.relispartition
        from pg_class c
        where c.relnamespace = 'bursar'::regnamespace
          and c.relkind in ('r', 'p')
          and c.relname <> 'alembic_version'
    ),
    of_tenants as (
        select * from ours where relname <> all(%(without_tenant)s)
    ),
    partitions_out_of_reach as (
        -- Rows of these are reached through their parent only, whose policy counts.
        select o.oid from ours o
        where o.relispartition
          and not exists (
              select from aclexplode((select relacl from pg_class where oid = o.oid)) g
              where g.grantee = any(select oid from pg_roles where rolname = any(%(roles)s)) or g.grantee = 0
          )
    )
"""


@dataclass(frozen=True)
class SchemaRule:
    """A sentence about the schema, the question that finds what breaks it, and changes that do break it."""

    sentence: str
    question: str
    planted: tuple[str, ...]


RULES: Final = (
    SchemaRule(
        sentence="every table of tenants has a tenant_id, which is never null",
        question="""
            select o.relname from of_tenants o
            where not exists (
                select from pg_attribute a
                where a.attrelid = o.oid and a.attname = 'tenant_id' and a.attnotnull and a.atttypid = 'uuid'::regtype
            )
        """,
        planted=("create table planted (id uuid primary key)",),
    ),
    SchemaRule(
        sentence="every table has a primary key",
        question="""
            select o.relname from ours o
            where not exists (select from pg_index i where i.indrelid = o.oid and i.indisprimary)
        """,
        planted=("create table planted (tenant_id uuid not null)",),
    ),
    SchemaRule(
        sentence="tenant_id leads every key and every index of tenants' tables",
        question="""
            select i.indexrelid::regclass::text from of_tenants o
            join pg_index i on i.indrelid = o.oid
            where (select attname from pg_attribute where attrelid = o.oid and attnum = i.indkey[0])
                  is distinct from 'tenant_id'
        """,
        planted=(
            "create index planted on members (number)",
            "create index planted on members (lower(username), tenant_id)",
            "alter table members add constraint planted unique (member_id)",
            "create table planted (id uuid, tenant_id uuid not null, primary key (id, tenant_id))",
        ),
    ),
    SchemaRule(
        sentence="a foreign key leads from tenant_id to tenant_id, between tables of tenants",
        question="""
            select con.conname from pg_constraint con
            join ours o on o.oid = con.conrelid
            where con.contype = 'f'
              and (
                  con.confrelid <> all(select oid from of_tenants)
                  or con.conrelid <> all(select oid from of_tenants)
                  or (select attname from pg_attribute where attrelid = con.conrelid and attnum = con.conkey[1])
                     is distinct from 'tenant_id'
                  or (select attname from pg_attribute where attrelid = con.confrelid and attnum = con.confkey[1])
                     is distinct from 'tenant_id'
              )
        """,
        planted=(
            "alter table members add constraint planted foreign key (member_id) references platform_admins",
            "alter table sign_in_names add constraint planted foreign key (tenant_id) references tenants",
            "alter table members add constraint planted foreign key (member_id) references tenants (tenant_id)",
        ),
    ),
    SchemaRule(
        sentence="no foreign key changes rows by itself",
        question="""
            select con.conname from pg_constraint con
            join ours o on o.oid = con.conrelid
            where con.contype = 'f' and (con.confdeltype <> 'a' or con.confupdtype <> 'a')
        """,
        planted=(
            "alter table groups add constraint planted foreign key (tenant_id) references tenants on delete set null",
            "alter table groups add constraint planted foreign key (tenant_id) references tenants on delete cascade",
        ),
    ),
    SchemaRule(
        sentence="there are no triggers and no rules",
        question="""
            select t.tgname from pg_trigger t join ours o on o.oid = t.tgrelid where not t.tgisinternal
            union all
            select r.rulename from pg_rewrite r join ours o on o.oid = r.ev_class
        """,
        planted=(
            "create trigger planted before update on members execute function suppress_redundant_updates_trigger()",
            "create rule planted as on delete to members do instead nothing",
        ),
    ),
    SchemaRule(
        sentence="there are no sequences and no identity columns",
        question="""
            select c.relname from pg_class c where c.relnamespace = 'bursar'::regnamespace and c.relkind = 'S'
        """,
        planted=(
            "create sequence planted",
            "alter table members add column planted bigint generated always as identity",
        ),
    ),
    SchemaRule(
        sentence="defaults are constants: ids and times are parameters",
        question="""
            select o.relname || '.' || a.attname from ours o
            join pg_attrdef d on d.adrelid = o.oid
            join pg_attribute a on a.attrelid = o.oid and a.attnum = d.adnum
            -- What is computed out of the row's own columns is no default.
            where a.attgenerated = ''
              and pg_get_expr(d.adbin, d.adrelid) !~ '^(''[^'']*''::[a-z ]+|[0-9]+|true|false)$'
        """,
        planted=(
            "alter table members alter column changed_at set default now()",
            "alter table members alter column member_id set default gen_random_uuid()",
        ),
    ),
    SchemaRule(
        sentence="row-level security is enabled and forced on every table of tenants",
        question="""
            select o.relname from of_tenants o
            where not (o.relrowsecurity and o.relforcerowsecurity)
              and o.oid <> all(select oid from partitions_out_of_reach)
        """,
        planted=(
            "alter table members disable row level security",
            "alter table members no force row level security",
        ),
    ),
    SchemaRule(
        sentence="every table of tenants has the tenant's scope for its policy, word for word",
        question="""
            select o.relname from of_tenants o
            where o.oid <> all(select oid from partitions_out_of_reach)
              and not exists (
                  select from pg_policy p
                  where p.polrelid = o.oid
                    and p.polname = 'tenant_scope'
                    and p.polcmd = '*'
                    and p.polpermissive
                    and (p.polroles = '{0}' or p.polroles = array['bursar_app'::regrole::oid])
                    and pg_get_expr(p.polqual, p.polrelid) = %(scope)s
                    and pg_get_expr(p.polwithcheck, p.polrelid) = %(scope)s
              )
        """,
        planted=(
            "drop policy tenant_scope on members",
            "alter policy tenant_scope on members using (true)",
            "alter policy tenant_scope on members with check (true)",
            "alter policy tenant_scope on members to bursar_platform",
            "alter policy tenant_scope on members "
            "using (tenant_id = any((select nullif(current_setting('bursar.scope', true), '')::uuid[])::uuid[]))",
        ),
    ),
    SchemaRule(
        sentence="no other policy lets rows through than those on the list, which show them to the platform's work",
        question="""
            select o.relname || '.' || p.polname from ours o
            join pg_policy p on p.polrelid = o.oid
            where p.polname <> 'tenant_scope'
              and not (
                  o.relname || '.' || p.polname = any(%(other_policies)s)
                  and p.polcmd = 'r'
                  and p.polroles = array['bursar_platform'::regrole::oid]
              )
        """,
        planted=(
            "create policy planted on members for select using (true)",
            "alter policy platform_sees_every_tenant on tenants to public",
            "drop policy platform_sees_every_tenant on tenants;"
            "create policy platform_sees_every_tenant on tenants to bursar_platform using (true)",
        ),
    ),
    SchemaRule(
        sentence="the application's roles own nothing",
        question="""
            select c.relname from pg_class c
            join pg_roles r on r.oid = c.relowner
            where c.relnamespace = 'bursar'::regnamespace
              and (r.rolname = any(%(roles)s) or exists (
                  select from pg_auth_members m join pg_roles g on g.oid = m.roleid
                  where m.member = r.oid and g.rolname = any(%(roles)s)
              ))
        """,
        planted=("grant create on schema bursar to bursar_app; alter table members owner to bursar_app",),
    ),
    SchemaRule(
        sentence="the application's roles are no superusers, cannot bypass row-level security and cannot make roles",
        question="""
            select r.rolname from pg_roles r
            where (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication)
              and (r.rolname = any(%(roles)s) or r.rolname = any(
                  array[current_database() || '_app_login', current_database() || '_platform_login']
              ))
        """,
        planted=(
            "alter role bursar_app superuser",
            "alter role bursar_platform bypassrls",
            "alter role bursar_app createrole",
        ),
    ),
    SchemaRule(
        sentence="the application's roles are members of nothing but their own groups",
        question="""
            select r.rolname || ' in ' || g.rolname from pg_auth_members m
            join pg_roles r on r.oid = m.member
            join pg_roles g on g.oid = m.roleid
            where r.rolname = any(%(roles)s)
               or (r.rolname = current_database() || '_app' and g.rolname <> 'bursar_app')
               or (r.rolname = current_database() || '_platform' and g.rolname <> 'bursar_platform')
        """,
        planted=("grant pg_read_all_data to bursar_app",),
    ),
    SchemaRule(
        sentence="the application's roles may create nothing, in any schema or in the database",
        question="""
            select r.rolname || ' on ' || n.nspname from pg_roles r cross join pg_namespace n
            where r.rolname = any(%(roles)s)
              and n.nspname in ('bursar', 'public')
              and has_schema_privilege(r.oid, n.oid, 'create')
            union all
            select r.rolname || ' on the database' from pg_roles r
            where r.rolname = any(%(roles)s)
              and (has_database_privilege(r.oid, current_database(), 'create')
                   or has_database_privilege(r.oid, current_database(), 'temporary'))
        """,
        planted=("grant create on schema bursar to bursar_app", "grant temporary on database {database} to public"),
    ),
    SchemaRule(
        sentence="what is recorded cannot be changed: no update, delete or truncate on append-only tables",
        question="""
            select o.relname || ' ' || privilege from ours o
            cross join unnest(array['update', 'delete', 'truncate']) privilege
            cross join unnest(%(roles)s) role
            where o.relname = any(%(append_only)s)
              and case privilege
                      when 'update' then has_any_column_privilege(role, o.oid, 'update')
                      else has_table_privilege(role, o.oid, privilege)
                  end
        """,
        planted=(
            "grant update on events to bursar_app",
            "grant update (note) on events to bursar_app",
            "grant delete on events to bursar_platform",
            "grant truncate on events to public",
        ),
    ),
    SchemaRule(
        sentence="nothing is granted to everybody, and nobody of the application may truncate, refer or trigger",
        question="""
            select o.relname || ' ' || g.privilege_type from ours o
            join pg_class c on c.oid = o.oid
            cross join aclexplode(c.relacl) g
            left join pg_roles r on r.oid = g.grantee
            where g.grantee = 0
               or (r.rolname = any(%(roles)s)
                   and (g.is_grantable or g.privilege_type <> all('{SELECT,INSERT,UPDATE,DELETE}')))
        """,
        planted=(
            "grant select on members to public",
            "grant references on members to bursar_app",
            "grant select on members to bursar_app with grant option",
        ),
    ),
    SchemaRule(
        sentence="every table and every check says in a comment what it is for",
        question="""
            select o.relname from ours o
            where obj_description(o.oid, 'pg_class') is null and not o.relispartition
            union all
            select con.conname from pg_constraint con
            join ours o on o.oid = con.conrelid
            where con.contype = 'c'
              and not o.relispartition
              and obj_description(con.oid, 'pg_constraint') is null
        """,
        planted=(
            "comment on table members is null",
            "alter table members add constraint planted check (username <> '')",
        ),
    ),
    SchemaRule(
        sentence="amounts are whole micro-credits: bigint, and so named; and nothing is a floating-point number",
        question="""
            select o.relname || '.' || a.attname from ours o
            join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
            where a.atttypid in ('float4'::regtype, 'float8'::regtype, 'money'::regtype)
               or (a.attname like '%%\\_micro' and a.atttypid <> 'bigint'::regtype)
        """,
        planted=(
            "alter table members add column planted double precision",
            "alter table members add column planted_micro numeric",
        ),
    ),
    SchemaRule(
        sentence="the list of tables without a tenant names tables that exist",
        question="""
            select listed from unnest(%(without_tenant)s || %(append_only)s) listed
            where listed <> all(select relname::text from ours)
        """,
        planted=("drop table platform_admins", "drop table events"),
    ),
)


def what_breaks(rule: SchemaRule, connection: psycopg.Connection) -> list[str]:
    """The names of whatever breaks the rule in the schema, in order."""
    facts = {
        "without_tenant": list(WITHOUT_TENANT),
        "append_only": sorted(APPEND_ONLY),
        "other_policies": [f"{table}.{policy}" for table, policy in OTHER_POLICIES],
        "roles": list(APPLICATION_ROLES),
        "scope": _as_postgresql_prints(connection, SCOPE),
    }
    rows = connection.execute((_TABLES + rule.question).encode(), facts).fetchall()
    return sorted(str(name) for (name,) in rows)


def _as_postgresql_prints(connection: psycopg.Connection, expression: str) -> str:
    """Versions print one expression differently, so the server itself is asked."""
    connection.execute("create temporary table printed (tenant_id uuid) on commit drop")
    connection.execute(f"create policy printed on printed using ({expression})".encode())
    row = connection.execute(
        "select pg_get_expr(polqual, polrelid) from pg_policy where polrelid = 'pg_temp.printed'::regclass"
    ).fetchone()
    connection.execute("drop table pg_temp.printed")
    if row is None:
        raise LookupError("the policy that was just created")
    return str(row[0])

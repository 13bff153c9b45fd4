"""What PostgreSQL knows about a schema, as facts that can be compared: two schemas are the same if their facts are."""

from typing import Final, TypeAlias

import psycopg

Facts: TypeAlias = frozenset[tuple[str, ...]]

# Each question answers with rows of text, of which the first names the thing. `%(schema)s` is the schema.
_QUESTIONS: Final = {
    "table": """
        select c.relname, c.relkind, c.relpersistence, pg_get_userbyid(c.relowner), c.relrowsecurity::text,
               c.relforcerowsecurity::text, coalesce(c.reloptions::text, ''), coalesce(am.amname, ''),
               coalesce(pg_get_partkeydef(c.oid), ''), coalesce(pg_get_expr(c.relpartbound, c.oid), ''),
               coalesce((select inhparent::regclass::text from pg_inherits where inhrelid = c.oid), ''),
               coalesce(obj_description(c.oid, 'pg_class'), ''),
               case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) else '' end
        from pg_class c
        left join pg_am am on am.oid = c.relam
        where c.relnamespace = to_regnamespace(%(schema)s)
          and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
    """,
    "column": """
        select c.relname || '.' || a.attname, a.attnum::text, format_type(a.atttypid, a.atttypmod),
               a.attnotnull::text, a.attidentity, a.attgenerated, a.attstorage, a.attcompression,
               a.attcollation::regcollation::text, coalesce(a.attstattarget, -1)::text,
               coalesce(a.attoptions::text, ''), coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
               coalesce(col_description(c.oid, a.attnum), ''), coalesce(a.attacl::text, '')
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = to_regnamespace(%(schema)s)
          and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    """,
    "constraint": """
        select con.conrelid::regclass || '.' || con.conname, con.contype, con.convalidated::text,
               con.condeferrable::text, con.condeferred::text, pg_get_constraintdef(con.oid),
               coalesce(obj_description(con.oid, 'pg_constraint'), '')
        from pg_constraint con
        where con.connamespace = to_regnamespace(%(schema)s)
    """,
    "index": """
        select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisprimary::text, i.indisvalid::text,
               coalesce(c.reloptions::text, ''), coalesce(obj_description(c.oid, 'pg_class'), '')
        from pg_index i
        join pg_class c on c.oid = i.indexrelid
        where c.relnamespace = to_regnamespace(%(schema)s)
    """,
    "policy": """
        select p.polrelid::regclass || '.' || p.polname, p.polcmd, p.polpermissive::text,
               (select string_agg(case when r = 0 then 'public' else pg_get_userbyid(r) end, ',' order by r)
                from unnest(p.polroles) r),
               coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
        from pg_policy p
        join pg_class c on c.oid = p.polrelid
        where c.relnamespace = to_regnamespace(%(schema)s)
    """,
    "grant on table": """
        select c.relname, case when g.grantee = 0 then 'public' else pg_get_userbyid(g.grantee) end,
               g.privilege_type, g.is_grantable::text
        from pg_class c
        cross join aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g
        where c.relnamespace = to_regnamespace(%(schema)s)
          and c.relkind in ('r', 'p', 'v', 'm', 'f')
    """,
    "grant on schema": """
        select n.nspname, case when g.grantee = 0 then 'public' else pg_get_userbyid(g.grantee) end,
               g.privilege_type, g.is_grantable::text
        from pg_namespace n
        cross join aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
        where n.nspname = %(schema)s
    """,
    "trigger": """
        select t.tgrelid::regclass || '.' || t.tgname, pg_get_triggerdef(t.oid), t.tgenabled
        from pg_trigger t
        join pg_class c on c.oid = t.tgrelid
        where c.relnamespace = to_regnamespace(%(schema)s)
          and not t.tgisinternal
    """,
    "function": """
        select p.oid::regprocedure::text, case when p.prokind = 'a' then '' else pg_get_functiondef(p.oid) end,
               coalesce(p.proacl::text, ''), coalesce(obj_description(p.oid, 'pg_proc'), '')
        from pg_proc p
        where p.pronamespace = to_regnamespace(%(schema)s)
    """,
    "type": """
        select t.typname, t.typtype, coalesce(obj_description(t.oid, 'pg_type'), ''),
               coalesce((select string_agg(e.enumlabel, ',' order by e.enumsortorder)
                         from pg_enum e where e.enumtypid = t.oid), '')
        from pg_type t
        where t.typnamespace = to_regnamespace(%(schema)s)
    """,
}


def facts_of(connection: psycopg.Connection, schema: str, *, without: frozenset[str] = frozenset()) -> Facts:
    """Every fact about the schema as this transaction sees it, but those whose thing is named by `without` or belongs
    to it."""
    # Names print without their schema then, in definitions as well.
    connection.execute("select set_config('search_path', %s, true)", [schema])
    return frozenset(
        (kind, *(str(value) for value in row))
        for kind, question in _QUESTIONS.items()
        for row in connection.execute(question.encode(), {"schema": schema})
        if not any(str(row[0]).strip("_[]").startswith(name) for name in without)
    )

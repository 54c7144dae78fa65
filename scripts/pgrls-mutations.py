#!/usr/bin/env python3
"""Runs pgrls (PyPI) over the mutations that edu db rls is tried on, and prints what it tells apart.

Usage: pip install pgrls==0.57.1 z3-solver 'psycopg[binary]' into a virtual environment, then
       <venv>/bin/python scripts/pgrls-mutations.py URL > table.md
URL is a superuser's, of a migrated database of this project. Each mutation runs on a clone of it. A mutation
counts as found when a rule of lint, whatever its severity, speaks of a table more often than on the clean
database, or verify proves a leak in any of its modes; a harmless one of which that is so is a false alarm.
"""
import json
import pathlib
import sys
import tempfile
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import psycopg
from pgrls import cli
from pgrls.verify import build_verification

ROOT = pathlib.Path(__file__).resolve().parent.parent
TENANT = "tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid"
USER = "user_id = NULLIF(current_setting('app.current_user', true), '')::uuid"
IDENTITY = frozenset(["tenant_id", "user_id"])
SCHEMAS = "public,edusphere_graph"
MODES = ("anon", "cross-tenant", "write", "escalation", "reachability")
# Its rules for roles that nobody trusts, told of the application's; everything else as it comes.
CONFIG = tempfile.NamedTemporaryFile("w", suffix=".toml")
CONFIG.write("""
[lint.rules.SEC042]
anon_roles = ["edusphere_app", "edusphere_login", "PUBLIC"]
[lint.rules.SEC047]
low_trust_roles = ["edusphere_app", "edusphere_login", "PUBLIC"]
[lint.rules.SEC021]
identity_columns = ["tenant_id", "user_id"]
""")
CONFIG.flush()


def of(url, database):
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))


def findings(url):
    """How often each rule speaks of each table, and every leak that verify proves."""
    # What `pgrls lint` and `pgrls verify --mode …` do after reading their arguments, in one process and with one
    # look at the catalog: as commands it is six interpreters for each mutation.
    config, schema = cli._connect_and_introspect(config_path=CONFIG.name, database_url=url, schemas_csv=SCHEMAS)
    found = Counter()
    for one in cli._run_rules(schema, config=config):
        table = ".".join((one.location or "").split(".")[:2])
        found[f"{one.rule_id} {one.severity} {table}"] += 1
    for mode in MODES:
        anon = cli._verify_anon_roles(mode, config.rule_options)
        for table in build_verification(schema, mode=mode, anon_roles=anon, identity_columns=IDENTITY).tables:
            if "leak" in str(table.verdict).lower():
                found[f"verify {mode} {table.qualified_name}"] += 1
    return found


def corpus(name, extra):
    with open(ROOT / "tests/mutations" / name, "rb") as file:
        for entry in tomllib.load(file)["mutation"]:
            more = dict(zip(extra, entry[2:]))
            yield entry[0], entry[1], more.get("undo")


def judge(url, source, at, sql, undo, baseline):
    clone = f"pgrls_{at}"
    with psycopg.connect(of(url, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {clone} TEMPLATE {source} STRATEGY file_copy")
    try:
        def run(text):
            text = text.replace("{T}", TENANT).replace("{U}", USER).replace("{D}", clone)
            with psycopg.connect(of(url, clone), autocommit=True) as session:
                session.execute(text)
        run(sql)
        try:
            return bool(findings(of(url, clone)) - baseline)  # what is there more often than before
        finally:
            if undo:
                run(undo)
    finally:
        with psycopg.connect(of(url, "postgres"), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {clone} WITH (FORCE)")


def main():
    url = sys.argv[1]
    source = urlsplit(url).path.lstrip("/")
    baseline = findings(url)
    print(f"of the clean database: {sum(baseline.values())} findings", file=sys.stderr)
    lists = [("hand-written", "harmful.toml", ("undo",)), ("allowed doors", "doors.toml", ("access", "undo")),
             ("harmless", "harmless.toml", ("access",))]
    at = 0
    print("| mutations | all | pgrls |\n|---|---|---|", flush=True)
    missed, alarmed = [], []
    for name, file, extra in lists:
        entries = list(corpus(file, extra))
        alone = lambda entry: bool(entry[2]) or " ROLE " in entry[1]
        work = [(index + at, *entry) for index, entry in enumerate(entries)]
        at += len(entries)
        verdicts = {}

        def one(item):
            number, label, sql, undo = item
            try:
                verdicts[label] = judge(url, source, number, sql, undo, baseline)
                print(f"{label}: {verdicts[label]}", file=sys.stderr, flush=True)
            except Exception as error:
                verdicts[label] = None
                print(f"{label}: {error}", file=sys.stderr)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, [item for item in work if not alone(item[1:])]))
        for item in work:
            if alone(item[1:]):
                one(item)
        found = sum(1 for verdict in verdicts.values() if verdict)
        unable = sum(1 for verdict in verdicts.values() if verdict is None)
        print(f"| {name} | {len(entries)} | {found}{f' ({unable} not judged)' if unable else ''} |", flush=True)
        if name == "harmless":
            alarmed += [label for label, verdict in verdicts.items() if verdict]
        else:
            missed += [label for label, verdict in verdicts.items() if verdict is False]
    print("\nNot found: " + ", ".join(missed) + ".\nAlarmed about: " + ", ".join(alarmed) + ".")


main()

#!/usr/bin/env python3
"""Runs pgrls (PyPI) over the mutations that edu db rls is tried on, and prints what it tells apart.

Usage: pip install pgrls into a virtual environment, then
       <venv>/bin/python scripts/pgrls-mutations.py URL > table.md
URL is a superuser's, of a migrated database of this project. Each mutation runs on a clone of it. A mutation
counts as found when lint or verify (cross-tenant, write) say anything that they do not say of the clean
database; a harmless one that they say something new about is a false alarm.
"""
import json
import pathlib
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = pathlib.Path(__file__).resolve().parent.parent
TENANT = "tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid"
USER = "user_id = NULLIF(current_setting('app.current_user', true), '')::uuid"
PGRLS = pathlib.Path(sys.executable).parent / "pgrls"
SCHEMAS = "public,edusphere_graph"


def of(url, database):
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))


def flat(value, found, path=()):
    """Every leaf of a report that is no count, time or id."""
    if isinstance(value, dict):
        for key, inner in sorted(value.items()):
            if key not in ("summary", "database", "generated_at", "duration_ms", "fingerprint"):
                flat(inner, found, path + (key,))
    elif isinstance(value, list):
        for inner in value:
            found.add(json.dumps(inner, sort_keys=True))
    else:
        found.add(json.dumps([path, value]))


def findings(url):
    found = set()
    lint = subprocess.run([PGRLS, "lint", "--database-url", url, "--schemas", SCHEMAS, "--format", "json"],
                          capture_output=True, text=True, timeout=120)
    for one in json.loads(lint.stdout or "{}").get("violations", []):
        found.add("lint " + json.dumps([one.get(k) for k in ("rule_id", "rule", "severity", "schema", "table", "object", "policy", "name", "message")]))
    for mode in ("cross-tenant", "write"):
        run = subprocess.run([PGRLS, "verify", "--mode", mode, "--database-url", url, "--schemas", SCHEMAS, "--format", "json"],
                             capture_output=True, text=True, timeout=120)
        leaks = set()
        flat(json.loads(run.stdout or "{}"), leaks)
        found |= {f"{mode} {one}" for one in leaks if "LEAK" in one.upper()}
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
            return bool(findings(of(url, clone)) - baseline)
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
    print(f"of the clean database: {len(baseline)} findings", file=sys.stderr)
    lists = [("hand-written", "harmful.toml", ("undo",)), ("allowed doors", "doors.toml", ("access", "undo")),
             ("harmless", "harmless.toml", ("access",))]
    at = 0
    print("| mutations | all | pgrls |\n|---|---|---|")
    missed = []
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
            except Exception as error:
                verdicts[label] = None
                print(f"{label}: {error}", file=sys.stderr)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, [item for item in work if not alone(item[1:])]))
        for item in work:
            if alone(item[1:]):
                one(item)
        found = sum(1 for verdict in verdicts.values() if verdict)
        unable = sum(1 for verdict in verdicts.values() if verdict is None)
        print(f"| {name} | {len(entries)} | {found}{f' ({unable} not judged)' if unable else ''} |", flush=True)
        if name != "harmless":
            missed += [label for label, verdict in verdicts.items() if verdict is False]
    print("\nNot found: " + ", ".join(missed) + ".")


main()

"""The same read and the same list of Tenon and of Directus, in one run: `make bench PEERS=1`. Installs Directus from npm, on demand.

Both keep 10 000 companies in SQLite with an index on the name, log errors only, have no limits, and answer one caller with a token. Directus
is one Node process, as it starts by itself; Tenon is one process with a thread for each processor.
"""

import json
import os
import pathlib
import sqlite3
import subprocess

import bench

DIRECTUS = "directus@11.3.5"  # the newest that runs on Node 20
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "tenon-bench" / DIRECTUS
ROWS = 10_000
TOKEN = "bench-token-of-the-administrator"
FIELDS = ["name", "country", "website", "headquarters", "products"]


def peers(options, scratch):
    rows = []
    with bench.Tenon(options.tenon, scratch / "peer-tenon") as tenon:
        tenants, _ = bench.prepare(tenon, 1)
        token = tenants[0].token
        tenon.call("POST", "/api/v1/crm/companies:import", token, bench.many_companies(ROWS), "text/csv")
        page = tenon.call("GET", "/api/v1/crm/companies?limit=200&sort=name", token)
        ours = measured(options, scratch, tenon, token, [f"/api/v1/crm/companies/{item['id']}" for item in page["items"]], "/api/v1/crm/companies?sort=name&limit=50")
    with Directus(install(), scratch / "peer-directus") as directus:
        ids = directus.fill()
        theirs = measured(options, scratch, directus, TOKEN, [f"/items/companies/{id}" for id in ids], "/items/companies?sort=name&limit=50")
    for what, own, other in zip(("GET one record", f"list 50 of {ROWS:,} by name".replace(",", " ")), ours, theirs):
        rows.append(bench.Row(f"{what}, one tenant, 32 connections: Tenon", str(own)))
        rows.append(bench.Row(f"{what}: {DIRECTUS.replace('@', ' ')}", str(other)))
        rows.append(bench.Row("Tenon answers", f"{own.rate / other.rate:.0f} x as many, with {other.cpu / own.cpu:.0f} x less CPU each"))
    return rows


def measured(options, scratch, server, token, records, page):
    one = bench.load(server, bench.get_file(scratch, [(path, token) for path in records]), "get.lua", 32, options.seconds)
    some = bench.load(server, bench.get_file(scratch, [(page, token)]), "get.lua", 32, options.seconds)
    return one, some


def install():
    """Where Directus is installed; its packages are kept for the next time."""
    if not (CACHE / "node_modules" / ".bin" / "directus").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        print(f"installing {DIRECTUS} into {CACHE}", flush=True)
        (CACHE / "package.json").write_text('{"private": true}')
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", DIRECTUS], cwd=CACHE, check=True)
    return CACHE


class Directus(bench.Server):
    def __init__(self, installed, data):
        data.mkdir()
        self.database, port = data / "data.db", bench.free_port()
        environment = {
            "DB_CLIENT": "sqlite3", "DB_FILENAME": str(self.database), "HOST": "127.0.0.1", "PORT": str(port), "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "KEY": "bench", "SECRET": "bench-secret-of-the-bench", "ADMIN_EMAIL": "admin@example.com", "ADMIN_PASSWORD": bench.PASSWORD, "ADMIN_TOKEN": TOKEN,
            "LOG_LEVEL": "error", "TELEMETRY": "false", "CACHE_ENABLED": "false", "RATE_LIMITER_ENABLED": "false", "STORAGE_LOCAL_ROOT": str(data),
            "NODE_ENV": "production",
        }
        cli = ["node", str(installed / "node_modules" / "directus" / "cli.js")]
        subprocess.run([*cli, "bootstrap"], env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
        super().__init__([*cli, "start"], port, environment, "/server/ping", 120)

    def send(self, method, path, body):
        answer = self.ask(method, path, TOKEN, json.dumps(body))
        if answer.status >= 300:
            raise SystemExit(f"Directus: {method} {path}: {answer.status} {answer.content.decode()}")
        return json.loads(answer.content or b"null")

    def fill(self):
        """The companies, and the ids of two hundred of them."""
        fields = [{"field": "id", "type": "integer", "schema": {"is_primary_key": True, "has_auto_increment": True}}]
        fields += [{"field": name, "type": "string", "schema": {}} for name in FIELDS]
        self.send("POST", "/collections", {"collection": "companies", "schema": {}, "meta": {}, "fields": fields})
        lines = bench.many_companies(ROWS).decode().splitlines()[1:]
        for at in range(0, ROWS, 500):
            self.send("POST", "/items/companies", [dict(zip(FIELDS, line.split(","))) for line in lines[at : at + 500]])
        with sqlite3.connect(self.database) as database:
            database.execute("CREATE INDEX companies_name ON companies (name)")
        database.close()
        answer = json.loads(self.ask("GET", "/items/companies?limit=200&sort=name", TOKEN).content)
        return [item["id"] for item in answer["data"]]

"""Measures Tenon beside an axum "hello" on the same machine in the same run. Python's standard library and wrk, nothing else.

    bench/bench.py --tenon BINARY --hello BINARY [--results FILE] [--seconds N] [--tenants N] [--many N] [--only PART ..]

Parts are sqlite, many, crowd; postgres, with TENON_TEST_POSTGRES (see scripts/postgres.sh); peers, with PEERS=1; and leak, with
LEAK=1, which takes LEAK_MINUTES (20).
"""

import argparse
import csv
import datetime
import http.client
import io
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PASSWORD = "a long walk by the sea"
EMAIL = "ada@bench.example"
RECORDS = 20  # of each tenant that the random reads choose from
TICK = os.sysconf("SC_CLK_TCK")
DEV_FACTOR = 100  # by which --dev raises the limits
LISTS = [
    ("by name", "/api/v1/crm/companies?sort=name&limit=50", 5_000),
    ("filtered and sorted by an index", "/api/v1/crm/deals?filter=stage%20%3D%3D%20%22lead%22&sort=closes&limit=50", 5_000),
    ("one in a hundred by a field without an index", "/api/v1/crm/companies?filter=products%20%3D%3D%20%22Product%205%22&sort=name&limit=50", 800),
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tenon", required=True)
    parser.add_argument("--hello", required=True)
    parser.add_argument("--results")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--many", type=int, default=10_000, help="tenants on the disk, in the part of this name")
    parser.add_argument("--only", nargs="*", choices=list(PARTS))
    options = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="tenon-bench."))
    try:
        rows = []
        for name, part in PARTS.items():
            if name in options.only if options.only else name not in WANTED or os.environ.get(WANTED[name]):
                rows += part(options, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    text = report(rows, options)
    print(text)
    if options.results:
        pathlib.Path(options.results).write_text(text)


def on_sqlite(options, scratch):
    rows = []
    with Hello(options.hello) as hello, Tenon(options.tenon, scratch / "sqlite") as tenon:
        tenants, made = prepare(tenon, options.tenants)
        hello_before = load(hello, get_file(scratch, [("/", "")]), "get.lua", 32, options.seconds)
        read = load(tenon, get_file(scratch, every_record(tenants)), "get.lua", 32, options.seconds)
        hello_after = load(hello, get_file(scratch, [("/", "")]), "get.lua", 32, options.seconds)
        hello_cpu = (hello_before.cpu + hello_after.cpu) / 2
        rows.append(Row("hello, 32 connections", f"{(hello_before.rate + hello_after.rate) / 2:,.0f} req/s, {hello_cpu:.1f} µs CPU"))
        what = f"GET one record, {options.tenants} warm tenants at random, 32 connections"
        rows.append(Row(what, str(read), "30 000 req/s", read.rate >= 30_000))
        rows.append(Row("its CPU beside hello", f"{read.cpu / hello_cpu:.2f} x", "3.5 x", read.cpu <= 3.5 * hello_cpu))
        one = create(tenon, scratch, tenants[:1], 64, options.seconds)
        rows.append(Row("create one record durably, one tenant, 64 connections", str(one), "8 000/s", one.rate >= 8_000))
        spread_out = create(tenon, scratch, tenants[1:65], 64, options.seconds)
        rows.append(Row("the same over 64 tenants", str(spread_out), "5 000/s", spread_out.rate >= 5_000))
        big = tenants[-1]
        tenon.call("POST", "/api/v1/crm/companies:import", big.token, many_companies(10_000), "text/csv")
        tenon.call("POST", "/api/v1/crm/deals:import", big.token, many_deals(10_000), "text/csv")
        for what, path, must in LISTS:
            page = load(tenon, get_file(scratch, [(path, big.token)]), "get.lua", 32, options.seconds)
            rows.append(Row(f"list 50 of 10 000, {what}, 32 connections", str(page), f"{spaced(must)} req/s", page.rate >= must))
        rows.append(Row("new tenant ready", spread(made.tenants), "50 ms", statistics.median(made.tenants) <= 50))
        rows.append(Row("CRM installed", spread(made.installs), "100 ms", statistics.median(made.installs) <= 100))
        rows.append(Row("companies.csv imported (1 837 rows)", f"{made.import_seconds:.2f} s", "1 s", made.import_seconds <= 1))
        before = tenon.resident_mib()
        with Watch(tenon) as watch:
            _, took = timed(lambda: whole_import(tenon, tenants[1], many_companies(100_000)))
        grown = watch.most - before
        rows.append(Row("100 000 rows imported", f"{took / 1000:.1f} s, memory + {grown:.0f} MiB", "20 s, + 64 MiB", took <= 20_000 and grown <= 64))
    starts, resident = [], 0
    for _ in range(5):
        with Tenon(options.tenon, scratch / "sqlite") as tenon:
            starts.append(tenon.start_ms)
            time.sleep(2)
            resident = max(resident, tenon.resident_mib())
    rows.append(Row(f"cold start with {options.tenants} tenants", spread(starts), "200 ms", statistics.median(starts) <= 200))
    rows.append(Row("memory when idle (RSS)", f"{resident:.0f} MiB", "60 MiB", resident <= 60))
    size = os.path.getsize(options.tenon) / 1e6
    rows.append(Row("size of the binary, console included", f"{size:.0f} MB", "45 MB", size <= 45))
    return rows


def on_postgres(options, scratch):
    with Tenon(options.tenon, scratch / "postgres", os.environ["TENON_TEST_POSTGRES"]) as tenon:
        tenants, made = prepare(tenon, options.tenants)
        read = load(tenon, get_file(scratch, every_record(tenants)), "get.lua", 32, options.seconds)
        one = create(tenon, scratch, tenants[:1], 64, options.seconds)
    return [
        Row(f"PostgreSQL: GET one record, {options.tenants} tenants, 32 connections", str(read), "4 000 req/s", read.rate >= 4_000),
        Row("PostgreSQL: create one record durably, one tenant, 64 connections", str(one), "1 500/s", one.rate >= 1_500),
        Row("PostgreSQL: new tenant ready", spread(made.tenants)),
        Row("PostgreSQL: CRM installed", spread(made.installs)),
    ]


def many(options, scratch):
    """Many tenants on the disk: what each takes there, starting beside them, opening one of them, and work that comes due in some."""
    data = scratch / "many"
    warm = max(1, options.many // 10)
    write_pack(data, 1)
    # Tokens are good for one address; they are used again after the restart.
    port = free_port()
    with Tenon(options.tenon, data, port=port) as tenon:
        began = time.perf_counter()
        tenants = crowd_of(tenon, options.many)
        made = time.perf_counter()
        per_tenant = (made - began) / options.many * 1000
        for tenant in tenants[:warm]:
            tenant.token = sign_in(tenon, tenant.slug, tenant.email)
            tenon.call("POST", "/api/v1/modules/crm/install", tenant.token)
            tenant.ids = [tenon.call("POST", "/api/v1/crm/companies", tenant.token, {"name": "One", "country": "Germany"})["id"]]
        read = load(tenon, get_file(scratch, every_record(tenants[:warm])), "get.lua", 32, options.seconds)
    sizes = sorted((data / "silos").glob("*.db"), key=lambda path: path.stat().st_size)
    empty, with_crm = (statistics.median(on_disk(path) for path in some) for some in (sizes[: options.many // 2], sizes[-warm // 2 :]))
    with Tenon(options.tenon, data, port=port) as tenon:
        # Half a minute after a company was made, somebody looks whether all of it is there: that is other work.
        time.sleep(max(2, made + 45 - time.perf_counter()))
        resident = tenon.resident_mib()
        cold = sorted(timed(lambda: tenon.read(f"/api/v1/crm/companies/{tenant.ids[0]}", tenant.token))[1] for tenant in tenants[:warm])
        cpu, late = due_work(tenon, tenants[:warm], options.seconds)
        start = tenon.start_ms
        listed = operators_lists(tenon, options)
        install_everywhere(tenon, tenants, "notes")
    write_pack(data, 2)
    with Tenon(options.tenon, data, port=port) as tenon:
        seconds, worst, calm = while_migrating(tenon, options, scratch, every_record(tenants[:warm]))
    first = at(cold, 0.99)
    return [
        Row(f"GET one record, {spaced(warm)} tenants, all open, 32 connections", str(read), "20 000 req/s", read.rate >= 20_000),
        Row(f"{spaced(options.many)} tenants made, each", f"{per_tenant:.0f} ms"),
        Row("empty tenant on disk / with the CRM", f"{empty:.0f} / {with_crm:.0f} KB", "120 / 200 KB", empty <= 120 and with_crm <= 200),
        Row(f"{spaced(options.many)} tenants on disk: ready after start", f"{start:.0f} ms", "2 s", start <= 2_000),
        Row("its memory when idle (RSS)", f"{resident:.0f} MiB", "100 MiB", resident <= 100),
        Row("first request of a cold tenant, 99 %", f"{first:.1f} ms, median {at(cold, 0.5):.1f} ms", "60 ms", first <= 60),
        Row("an import due in some tenant twice a second: CPU / from asked to done, 99 %", f"{cpu:.1f} % / {at(late, 0.99):.0f} ms", "2 % / 200 ms", cpu <= 2 and at(late, 0.99) <= 200),
        Row("an operator's page of them, at the start, in the middle and by its name, 99 %", f"{at(listed, 0.99):.1f} ms", "500 ms", at(listed, 0.99) <= 500),
        Row(f"{spaced(options.many)} databases brought to a new version beside 6 000 requests a second", f"{seconds:.0f} s", "10 min for 10 000", seconds <= 600),
        Row("99 % of those requests, beside the same without it", f"{worst.p99_ms / calm.p99_ms:.2f} x, 0 errors", "1.5 x", worst.p99_ms <= 1.5 * calm.p99_ms),
    ]


def crowd(options, scratch):
    """One tenant asks for ten times of what it may; then everybody together for more than there is."""
    limit = 500
    environment = {
        "TENON_LIMITS__ENABLED": "true", "TENON_LIMITS__PER_COMPANY": f"{limit // DEV_FACTOR}/1s", "TENON_LIMITS__BURST_PER_USER": "10000/1s",
        "TENON_LIMITS__AUTH_PER_IP": "10000/15m", "TENON_LIMITS__REGISTER_PER_IP": "10000/1h",
    }
    with Tenon(options.tenon, scratch / "crowd", more=environment) as tenon:
        tenants, _ = prepare(tenon, 51)
        noisy, quiet = tenants[0], tenants[1:]
        calm = every_record(quiet)
        # 32 connections, each with a pause of 4 ms: some 6 000 a second, 120 of each tenant.
        alone = load(tenon, get_file(scratch, calm, "quiet"), "get.lua", 32, options.seconds, pause=4)
        lists = [(path, noisy.token) for _, path, _ in LISTS] + every_record([noisy])[:3]
        with Background(tenon, get_file(scratch, lists, "noisy"), "get.lua", 50, options.seconds + 4, pause=50 * 1000 // (10 * limit)) as noise:
            beside = load(tenon, get_file(scratch, calm, "quiet"), "get.lua", 32, options.seconds, pause=4)
    rows = [
        Row("50 quiet tenants alone", str(alone)),
        Row(f"beside one that asks for {10 * limit} a second and may ask for {limit}", f"{beside}; {noise.result()}"),
        Row("their 99 % beside it", f"{beside.p99_ms / alone.p99_ms:.2f} x, 0 errors", "1.5 x", beside.p99_ms <= 1.5 * alone.p99_ms),
    ]
    environment["TENON_LIMITS__PER_COMPANY"] = "10000/1s"
    environment["TENON_LIMITS__AT_ONCE_PER_COMPANY"] = "10000"
    with Tenon(options.tenon, scratch / "crowd", more=environment) as tenon:
        for tenant in tenants:
            tenant.token = sign_in(tenon, tenant.slug)
        page = get_file(scratch, [("/api/v1/crm/companies?limit=20", tenant.token) for tenant in tenants])
        peak = load(tenon, page, "get.lua", 64, options.seconds)
        before = tenon.resident_mib()
        with Background(tenon, page, "get.lua", 2_000, options.seconds + 4) as flood:
            time.sleep(3)
            health = sorted(timed(lambda: tenon.read("/health"))[1] for _ in range(50))
            _, sign_in_ms = timed(lambda: sign_in(tenon, tenants[0].slug))
            grown = tenon.resident_mib() - before
        answered = flood.rate()
    rows += [
        Row("lists of 20, 64 connections: the peak", str(peak)),
        Row("the same from 2 000 connections at once", f"{flood.result()}, memory + {grown:.0f} MiB"),
        Row("what is answered of it, beside the peak", f"{100 * answered / peak.rate:.0f} %", "80 %", answered >= 0.8 * peak.rate),
        Row("meanwhile, health 99 % / signing in", f"{at(health, 0.99):.0f} / {sign_in_ms:.0f} ms", "alive", True),
    ]
    return rows


def leak(options, scratch):
    """A third of what it can do, for long: memory and open files must stay where they are once everything is warm."""
    minutes = float(os.environ.get("LEAK_MINUTES", "20"))
    with Tenon(options.tenon, scratch / "leak") as tenon:
        tenants, _ = prepare(tenon, 50)
        lists = [(f"/api/v1/crm/companies?sort=name&limit=20&filter=country%20%3D%3D%20%22Germany%22", tenant.token) for tenant in tenants]
        seen, ends = [], time.perf_counter() + minutes * 60
        while time.perf_counter() < ends:
            # Tokens last for a quarter of an hour; each round signs in anew, on connections of its own.
            for tenant in tenants:
                tenant.token = sign_in(tenon, tenant.slug)
                tenon.call("PATCH", f"/api/v1/crm/companies/{tenant.ids[0]}", tenant.token, {"notes": str(time.time())})
            lists = [(path, tenant.token) for (path, _), tenant in zip(lists, tenants)]
            with Background(tenon, get_file(scratch, every_record(tenants) * 3 + lists), "get.lua", 32, 30, pause=2):
                pass
            seen.append((time.perf_counter(), tenon.resident_mib(), tenon.open_files()))
    warm = seen[len(seen) // 3 :]
    slope = statistics.linear_regression([at for at, _, _ in warm], [mib for _, mib, _ in warm]).slope * 3600
    part = 100 * slope / statistics.mean(mib for _, mib, _ in warm)
    # Readers are closed when they were idle for a while, so how many files are open goes up and down.
    files = [files for _, _, files in warm]
    before, after = (max(some) for some in (files[: len(files) // 2], files[len(files) // 2 :]))
    what = f"memory after {minutes:.0f} minutes of reads, lists, changes and sign-ins; its growth"
    return [
        Row(what, f"{warm[-1][1]:.0f} MiB; {slope:+.1f} MiB an hour, {part:+.1f} %", "1 % an hour", part <= 1),
        Row("open files at most, in the second third of the time and in the last", f"{before} and {after}", "the same", after <= before + 8),
    ]


class Server:
    """A process that listens; ended with the block it is used in."""

    def __init__(self, command, port, environment, ready, patience=30):
        self.port = port
        began = time.perf_counter()
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
        while True:
            try:
                if self.ask("GET", ready).status == 200:
                    break
            except OSError:
                pass
            if self.process.poll() is not None or time.perf_counter() - began > patience:
                raise SystemExit(f"{command[0]} did not start")
            time.sleep(0.001)
        self.start_ms = (time.perf_counter() - began) * 1000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            # Whoever was started with SIGINT ignored, as in a shell's background, hands that on.
            self.process.kill()
            self.process.wait()

    def read(self, path, token=None):
        """A GET on a connection that stays."""
        if not hasattr(self, "connection"):
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"GET {path}: {answer.status} {content.decode()}")

    def ask(self, method, path, token=None, body=None, kind="application/json", accept=None, more={}):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Content-Type": kind, **more} if body is not None else dict(more)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if accept:
            headers["Accept"] = accept
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        return answer

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


class Hello(Server):
    def __init__(self, binary):
        port = free_port()
        super().__init__([binary, f"127.0.0.1:{port}"], port, {}, "/")


class Tenon(Server):
    def __init__(self, binary, data, silos="", more={}, port=None):
        port, self.data = port or free_port(), data
        environment = {"TENON_LIMITS__ENABLED": "false", "TENON_LOG__LEVEL": "error", "TENON_SILOS": silos, "TENON_STORAGE__SHARED": "true", **more}
        super().__init__([binary, "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}", "--dev"], port, environment, "/ready")

    def call(self, method, path, token=None, body=None, kind="application/json", more={}):
        if not isinstance(body, (str, bytes, type(None))):
            body = json.dumps(body)
        answer = self.ask(method, path, token, body, kind, more=more)
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {answer.content.decode()}")
        return json.loads(answer.content or b"null")

    def link_token(self, to):
        for _ in range(1000):
            mails = json.loads(self.ask("GET", "/dev/mail", accept="application/json").content)
            for link in (link for mail in mails if to in mail["to"] for link in mail["links"]):
                return link.split("#token=")[1]
            time.sleep(0.01)
        raise SystemExit("no mail came")


class Tenant:
    def __init__(self, slug, token=None, email=EMAIL):
        self.slug, self.token, self.email, self.ids = slug, token, email, []


class Made:
    """How long things took while the tenants were made: milliseconds, and seconds of the one import."""

    def __init__(self):
        self.tenants, self.installs, self.import_seconds = [], [], 0.0


def prepare(tenon, count):
    """Tenants of one person, each with the CRM and some of the sample's companies; the first has all of them."""
    made = Made()
    whole = (ROOT / "packs/crm/sample/companies.csv").read_text()
    slugs = [sign_up(tenon, "Bench 0", EMAIL)]
    first = sign_in(tenon, slugs[0])
    for n in range(1, count):
        slug, took = timed(lambda: tenon.call("POST", "/api/v1/account/companies", first, {"name": f"Bench {n}"})["slug"])
        slugs.append(slug)
        made.tenants.append(took)
    tenants = [Tenant(slug, sign_in(tenon, slug)) for slug in slugs]
    few = some_rows(whole, 3 * RECORDS)
    for tenant in tenants:
        _, took = timed(lambda: tenon.call("POST", "/api/v1/modules/crm/install", tenant.token))
        made.installs.append(took)
        text = whole if tenant is tenants[0] else few
        _, took = timed(lambda: tenon.call("POST", "/api/v1/crm/companies:import?key=name", tenant.token, text.encode(), "text/csv"))
        if tenant is tenants[0]:
            made.import_seconds = took / 1000
        page = tenon.call("GET", f"/api/v1/crm/companies?limit={RECORDS}", tenant.token)
        tenant.ids = [item["id"] for item in page["items"]]
    return tenants, made


def sign_up(tenon, company, email):
    tenon.call("POST", "/api/v1/auth/register", None, {"company": company, "name": "Ada", "email": email, "password": PASSWORD})
    return tenon.call("POST", "/api/v1/auth/verify", None, {"token": tenon.link_token(email)})["tenant"]["slug"]


def sign_in(tenon, slug, email=EMAIL):
    return tenon.call("POST", "/api/v1/auth/token", None, {"email": email, "password": PASSWORD, "tenant": slug})["access_token"]


def crowd_of(tenon, count):
    """Empty tenants, a hundred of each person."""
    tenants = []
    for first in range(0, count, 100):
        email = f"ada{first}@bench.example"
        tenants.append(Tenant(sign_up(tenon, f"Bench {first}", email), email=email))
        token = sign_in(tenon, tenants[-1].slug, email)
        for n in range(first + 1, min(first + 100, count)):
            tenants.append(Tenant(tenon.call("POST", "/api/v1/account/companies", token, {"name": f"Bench {n}"})["slug"], email=email))
    return tenants


def due_work(tenon, tenants, seconds):
    """Twice a second some tenant has an import to do. Gives the CPU in percent, asking included, and how long each took from then on."""
    jobs, before, began = [], tenon.cpu_seconds(), time.perf_counter()
    for n in range(2 * seconds):
        tenant = tenants[n * 7919 % len(tenants)]
        answer = tenon.call("POST", "/api/v1/crm/companies:import?key=name", tenant.token, b"name\nOne\n", "text/csv", {"Prefer": "respond-async"})
        jobs.append((tenant, answer["job"]["id"]))
        time.sleep(max(0, began + (n + 1) / 2 - time.perf_counter()))
    cpu = (tenon.cpu_seconds() - before) / (time.perf_counter() - began) * 100
    done = [tenon.call("GET", f"/api/v1/jobs/{job}", tenant.token) for tenant, job in jobs]
    moment = lambda job, name: datetime.datetime.fromisoformat(job[name].replace("Z", "+00:00"))
    return cpu, sorted((moment(job, "finished_at") - moment(job, "created_at")).total_seconds() * 1000 for job in done)


def write_pack(data, version):
    """A product of data alone; its second version has one more field, and an index for it."""
    folder = data / "packs/notes"
    (folder / "resources").mkdir(parents=True, exist_ok=True)
    fields = {"name": {"type": "text", "required": True, "max": 200}, "body": {"type": "text"}}
    if version > 1:
        fields["kind"] = {"type": "choice", "options": ["call", "visit"]}
    manifest = {
        "name": "notes", "title": "Notes", "description": "Notes.", "version": f"0.{version}.0", "min_platform": "0.1.0", "icon": "note",
        "resources": ["notes"], "nav": [{"resource": "notes"}],
    }
    resource = {"name": "note", "plural": "notes", "icon": "note", "title": "{name}", "fields": fields, "views": {"list": ["name"]}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "resources/notes.json").write_text(json.dumps(resource))


def operators_lists(tenon, options):
    """How long the pages take on which an operator finds a tenant, in milliseconds."""
    command = [options.tenon, "operator", "create", "--email", "op@bench.example", "--name", "Olga", "--json"]
    made = subprocess.run(command, env={**os.environ, "TENON_DATA": str(tenon.data)}, capture_output=True, check=True).stdout
    proof = {"email": "op@bench.example", "password": json.loads(made)["password"], "tenant": "hub"}
    token = tenon.call("POST", "/api/v1/auth/token", None, proof)["access_token"]
    return sorted(timed(lambda: tenon.read(f"/api/v1/hub/tenants?{query}", token))[1] for query in ["limit=50", "after=bench-5", "q=bench-77"] * 20)


def install_everywhere(tenon, tenants, module):
    """In a browser's session, which goes from one company to the next without a password."""
    cookies, origin, email = {}, {"Origin": f"http://127.0.0.1:{tenon.port}"}, None

    def send(path, body=None):
        more = {**origin, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        answer = tenon.ask("POST", path, None, json.dumps(body or {}), more=more)
        if answer.status >= 300:
            raise SystemExit(f"POST {path}: {answer.status} {answer.content.decode()}")
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            cookies[name] = value

    for tenant in tenants:
        if tenant.email != email:
            email = tenant.email
            cookies.clear()
            send("/api/v1/auth/sign-in", {"email": email, "password": PASSWORD})
        send("/api/v1/auth/switch", {"tenant": tenant.slug})
        send(f"/api/v1/modules/{module}/install")


def while_migrating(tenon, options, scratch, requests):
    """How long all databases take to come to this version, and requests at a pace meanwhile and afterwards."""
    began, file = time.perf_counter(), get_file(scratch, requests)
    seconds, worst = None, None
    while seconds is None:
        beside = load(tenon, file, "get.lua", 32, 5, pause=4)
        command = [options.tenon, "migrate", "--status", "--json"]
        status = json.loads(subprocess.run(command, env={**os.environ, "TENON_DATA": str(tenon.data)}, capture_output=True, check=True).stdout)
        if status["failed"]:
            raise SystemExit(f"{status['failed']} databases could not be migrated")
        if status["migrated"] == status["tenants"]:
            seconds = time.perf_counter() - began
        # Of the first and the last the migration may have had only a part.
        if worst is None or (seconds is None and beside.p99_ms > worst.p99_ms):
            worst = beside
    return seconds, worst, load(tenon, file, "get.lua", 32, 5, pause=4)


def whole_import(tenon, tenant, body):
    answer = tenon.call("POST", "/api/v1/crm/companies:import", tenant.token, body, "text/csv")
    while "job" in answer or answer.get("status") in ("ready", "running"):
        time.sleep(0.1)
        answer = tenon.call("GET", f"/api/v1/jobs/{answer.get('job', answer)['id']}", tenant.token)
    return answer


def timed(work):
    began = time.perf_counter()
    return work(), (time.perf_counter() - began) * 1000


def some_rows(text, count):
    rows = list(csv.reader(io.StringIO(text)))
    out = io.StringIO()
    csv.writer(out).writerows(rows[: count + 1])
    return out.getvalue()


def many_companies(count):
    line = lambda n: f"Company {n * 7919 % count:05},Germany,https://example.com/{n},{n * 31 % 997} Main Street,Product {n % 100}\n"
    return ("name,country,website,headquarters,products\n" + "".join(map(line, range(count)))).encode()


def many_deals(count):
    line = lambda n: f"Deal {n:05},{('lead', 'qualified', 'proposal')[n % 3]},{2026 + n % 5}-{n % 12 + 1:02}-{n % 28 + 1:02}\n"
    return ("name,stage,closes\n" + "".join(map(line, range(count)))).encode()


def every_record(tenants):
    return [(f"/api/v1/crm/companies/{id}", tenant.token) for tenant in tenants for id in tenant.ids]


def get_file(scratch, requests, name="requests"):
    path = scratch / name
    path.write_text("".join(f"{path}\t{token}\n" for path, token in requests))
    return [str(path)]


def create(tenon, scratch, tenants, connections, seconds):
    path = scratch / "tokens"
    path.write_text("".join(f"{tenant.token}\n" for tenant in tenants))
    return load(tenon, [str(path), "/api/v1/crm/companies"], "create.lua", connections, seconds)


class Load:
    def __init__(self, out, requests, cpu):
        self.rate, self.cpu = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), cpu / requests * 1e6
        self.p99 = re.search(r"^\s+99%\s+(\S+)", out, re.M)[1]
        number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", self.p99).groups()
        self.p99_ms = float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]

    def __str__(self):
        return f"{self.rate:,.0f} req/s, {self.cpu:.1f} µs CPU, 99 % within {self.p99}"


def wrk(server, arguments, script, connections, seconds, pause=0):
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "30s", "--latency", "-s", str(ROOT / "bench" / script)]
    command += [f"http://127.0.0.1:{server.port}", "--", *arguments, str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def load(server, arguments, script, connections, seconds, pause=0):
    """One run of wrk after a short one that warms up. Any refused or broken request ends the bench."""
    wrk(server, arguments, script, connections, 2, pause).communicate()
    before = server.cpu_seconds()
    out, _ = wrk(server, arguments, script, connections, seconds, pause).communicate()
    used = server.cpu_seconds() - before
    if not re.search(r"^refused 0$", out, re.M) or "Socket errors" in out:
        raise SystemExit(f"{script}: not every request was answered with success\n{out}")
    return Load(out, int(re.search(r"(\d+) requests in", out)[1]), used)


class Background:
    """A load beside what is measured; here requests may be refused."""

    def __init__(self, *arguments, **more):
        self.process = wrk(*arguments, **more)

    def __enter__(self):
        time.sleep(1)
        return self

    def __exit__(self, *_):
        self.out, _ = self.process.communicate()
        self.all = int(re.search(r"(\d+) requests in", self.out)[1])
        self.refused = int(re.search(r"^refused (\d+)$", self.out, re.M)[1])
        self.seconds = float(re.search(r"requests in ([\d.]+)s", self.out)[1])

    def rate(self):
        return (self.all - self.refused) / self.seconds

    def result(self):
        return f"{self.rate():,.0f} a second answered, {self.refused / self.seconds:,.0f} refused"


class Watch:
    """The most memory that a server takes while this is open, in MiB."""

    def __init__(self, server):
        self.server, self.most, self.over = server, 0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.over.wait(0.05):
            self.most = max(self.most, self.server.resident_mib())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Row:
    def __init__(self, what, figure, must="", holds=None):
        self.what, self.figure, self.must, self.holds = what, figure, must, holds


def spaced(number):
    return f"{number:,}".replace(",", " ")


def at(ordered, part):
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def on_disk(path):
    """What a silo takes on the disk, in KB, with the files beside it."""
    return sum(file.stat().st_blocks * 512 for file in path.parent.glob(path.name + "*")) / 1000


def spread(times):
    return f"{statistics.median(times):.0f} ms, at most {max(times):.0f} ms"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def report(rows, options):
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 2**20
    kernel = platform.release().split("-")[0]
    machine = f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {kernel}"
    lines = [
        "# Figures",
        "",
        f"Taken on {datetime.date.today().isoformat()} by `make bench`: {machine}. The load (wrk, 1 thread, {options.seconds} s each) runs on the same",
        "machine and takes its share of it. CPU is of the server alone, per request. Every request was answered with success; writes",
        "are on the disk before they are answered. Limits are off, except where they are what is measured; the log is at `error`.",
        "",
        "| what | figure | must | |",
        "|---|---|---|---|",
    ]
    verdict = {None: "", True: "holds", False: "**misses**"}
    lines += [f"| {row.what} | {row.figure} | {row.must} | {verdict[row.holds]} |" for row in rows]
    return "\n".join(lines) + "\n"


def beside_peers(options, scratch):
    import peers

    return peers.peers(options, scratch)


PARTS = {"sqlite": on_sqlite, "many": many, "crowd": crowd, "postgres": on_postgres, "peers": beside_peers, "leak": leak}
# What a part needs before it runs without being named.
WANTED = {"postgres": "TENON_TEST_POSTGRES", "peers": "PEERS", "leak": "LEAK"}

if __name__ == "__main__":
    main()

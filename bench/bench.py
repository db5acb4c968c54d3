"""Measures Tenon beside an axum "hello" on the same machine in the same run. Python's standard library and wrk, nothing else.

    bench/bench.py --tenon BINARY --hello BINARY [--results FILE] [--seconds N] [--tenants N]

With TENON_TEST_POSTGRES (see scripts/postgres.sh) the first two figures are taken on PostgreSQL too.
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
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PASSWORD = "a long walk by the sea"
EMAIL = "ada@bench.example"
RECORDS = 20  # of each tenant that the random reads choose from
TICK = os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tenon", required=True)
    parser.add_argument("--hello", required=True)
    parser.add_argument("--results")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--tenants", type=int, default=100)
    options = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="tenon-bench."))
    try:
        rows = on_sqlite(options, scratch)
        if "TENON_TEST_POSTGRES" in os.environ:
            rows += on_postgres(options, scratch)
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
        rows.append(Row(f"GET one record, {options.tenants} warm tenants at random, 32 connections", str(read), "25 000 req/s", read.rate >= 25_000))
        rows.append(Row("its CPU beside hello", f"{read.cpu / hello_cpu:.1f} x", "4 x", read.cpu <= 4 * hello_cpu))
        one = create(tenon, scratch, tenants[:1], 64, options.seconds)
        rows.append(Row("create one record durably, one tenant, 64 connections", str(one), "5 000/s", one.rate >= 5_000))
        rows.append(Row("the same over 64 tenants", str(create(tenon, scratch, tenants[1:65], 64, options.seconds))))
        big = tenants[-1]
        tenon.call("POST", "/api/v1/crm/companies:import", big.token, many_companies(10_000), "text/csv")
        page = [("/api/v1/crm/companies?sort=name&limit=50", big.token)]
        rows.append(Row("list 50 of 10 000 by name, 32 connections", str(load(tenon, get_file(scratch, page), "get.lua", 32, options.seconds))))
        rows.append(Row("new tenant ready", spread(made.tenants), "100 ms", statistics.median(made.tenants) <= 100))
        rows.append(Row("CRM installed", spread(made.installs), "200 ms", statistics.median(made.installs) <= 200))
        rows.append(Row("companies.csv imported (1 837 rows)", f"{made.import_seconds:.2f} s", "2 s", made.import_seconds <= 2))
    starts, resident = [], 0
    for _ in range(5):
        with Tenon(options.tenon, scratch / "sqlite") as tenon:
            starts.append(tenon.start_ms)
            time.sleep(2)
            resident = max(resident, tenon.resident_mib())
    rows.append(Row(f"cold start with {options.tenants} tenants", spread(starts), "300 ms", statistics.median(starts) <= 300))
    rows.append(Row("memory when idle (RSS)", f"{resident:.0f} MiB", "80 MiB", resident <= 80))
    rows.append(Row("size of the binary, console included", f"{os.path.getsize(options.tenon) / 2**20:.0f} MiB"))
    return rows


def on_postgres(options, scratch):
    with Tenon(options.tenon, scratch / "postgres", os.environ["TENON_TEST_POSTGRES"]) as tenon:
        tenants, made = prepare(tenon, options.tenants)
        read = load(tenon, get_file(scratch, every_record(tenants)), "get.lua", 32, options.seconds)
        one = create(tenon, scratch, tenants[:1], 64, options.seconds)
    return [
        Row("PostgreSQL: GET one record, 32 connections", str(read)),
        Row("PostgreSQL: create one record durably, one tenant, 64 connections", str(one)),
        Row("PostgreSQL: new tenant ready", spread(made.tenants)),
        Row("PostgreSQL: CRM installed", spread(made.installs)),
    ]


class Server:
    """A process that listens; ended with the block it is used in."""

    def __init__(self, command, port, environment, ready):
        self.port = port
        began = time.perf_counter()
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
        while True:
            try:
                if self.ask("GET", ready).status == 200:
                    break
            except OSError:
                pass
            if self.process.poll() is not None or time.perf_counter() - began > 30:
                raise SystemExit(f"{command[0]} did not start")
            time.sleep(0.001)
        self.start_ms = (time.perf_counter() - began) * 1000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def ask(self, method, path, token=None, body=None, kind="application/json", accept=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Content-Type": kind} if body is not None else {}
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

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


class Hello(Server):
    def __init__(self, binary):
        port = free_port()
        super().__init__([binary, f"127.0.0.1:{port}"], port, {}, "/")


class Tenon(Server):
    def __init__(self, binary, data, silos=""):
        port = free_port()
        environment = {"TENON_LIMITS__ENABLED": "false", "TENON_LOG__LEVEL": "warn", "TENON_SILOS": silos, "TENON_STORAGE__SHARED": "true"}
        super().__init__([binary, "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}", "--dev"], port, environment, "/ready")

    def call(self, method, path, token=None, body=None, kind="application/json"):
        if not isinstance(body, (str, bytes, type(None))):
            body = json.dumps(body)
        answer = self.ask(method, path, token, body, kind)
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {answer.content.decode()}")
        return json.loads(answer.content or b"null")

    def link_token(self):
        for _ in range(100):
            mails = json.loads(self.ask("GET", "/dev/mail", accept="application/json").content)
            for link in (link for mail in mails for link in mail["links"]):
                return link.split("#token=")[1]
            time.sleep(0.1)
        raise SystemExit("no mail came")


class Tenant:
    def __init__(self, slug, token):
        self.slug, self.token, self.ids = slug, token, []


class Made:
    """How long things took while the tenants were made: milliseconds, and seconds of the one import."""

    def __init__(self):
        self.tenants, self.installs, self.import_seconds = [], [], 0.0


def prepare(tenon, count):
    """Tenants of one person, each with the CRM and some of the sample's companies; the first has all of them."""
    made = Made()
    whole = (ROOT / "packs/crm/sample/companies.csv").read_text()
    tenon.call("POST", "/api/v1/auth/register", None, {"company": "Bench 0", "name": "Ada", "email": EMAIL, "password": PASSWORD})
    slugs = [tenon.call("POST", "/api/v1/auth/verify", None, {"token": tenon.link_token()})["tenant"]["slug"]]
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


def sign_in(tenon, slug):
    return tenon.call("POST", "/api/v1/auth/token", None, {"email": EMAIL, "password": PASSWORD, "tenant": slug})["access_token"]


def timed(work):
    began = time.perf_counter()
    return work(), (time.perf_counter() - began) * 1000


def some_rows(text, count):
    rows = list(csv.reader(io.StringIO(text)))
    out = io.StringIO()
    csv.writer(out).writerows(rows[: count + 1])
    return out.getvalue()


def many_companies(count):
    return ("name,country,website\n" + "".join(f"Company {n * 7919 % count:05},Germany,https://example.com/{n}\n" for n in range(count))).encode()


def every_record(tenants):
    return [(f"/api/v1/crm/companies/{id}", tenant.token) for tenant in tenants for id in tenant.ids]


def get_file(scratch, requests):
    path = scratch / "requests"
    path.write_text("".join(f"{path}\t{token}\n" for path, token in requests))
    return [str(path)]


def create(tenon, scratch, tenants, connections, seconds):
    path = scratch / "tokens"
    path.write_text("".join(f"{tenant.token}\n" for tenant in tenants))
    return load(tenon, [str(path), "/api/v1/crm/companies"], "create.lua", connections, seconds)


class Load:
    def __init__(self, rate, cpu, p99):
        self.rate, self.cpu, self.p99 = rate, cpu, p99

    def __str__(self):
        return f"{self.rate:,.0f} req/s, {self.cpu:.1f} µs CPU, 99 % within {self.p99}"


def load(server, arguments, script, connections, seconds):
    """One run of wrk after a short one that warms up. Any refused or broken request ends the bench."""
    url = f"http://127.0.0.1:{server.port}"
    command = ["wrk", "-t", "1", "-c", str(connections), "--latency", "-s", str(ROOT / "bench" / script), url]
    wrk = lambda duration: subprocess.run(
        [*command[:-1], "-d", f"{duration}s", command[-1], "--", *arguments], capture_output=True, text=True, check=True
    ).stdout
    wrk(2)
    before = server.cpu_seconds()
    out = wrk(seconds)
    used = server.cpu_seconds() - before
    requests = int(re.search(r"(\d+) requests in", out)[1])
    if not re.search(r"^refused 0$", out, re.M) or "Socket errors" in out:
        raise SystemExit(f"{script}: not every request was answered with success\n{out}")
    return Load(float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), used / requests * 1e6, re.search(r"99%\s+(\S+)", out)[1])


class Row:
    def __init__(self, what, figure, must="", holds=None):
        self.what, self.figure, self.must, self.holds = what, figure, must, holds


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
        "are on the disk before they are answered. Limits are off, the log is at `warn`.",
        "",
        "| what | figure | must | |",
        "|---|---|---|---|",
    ]
    verdict = {None: "", True: "holds", False: "**misses**"}
    lines += [f"| {row.what} | {row.figure} | {row.must} | {verdict[row.holds]} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

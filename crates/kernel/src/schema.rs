//! The tables of the platform itself, in the portable SQL that both engines read (see `silo`).
//!
//! Every silo has [`SILO`]; the hub silo has [`HUB`] as well, and those tables exist nowhere else. Columns are only ever
//! added, nullable or with a default, so that the previous binary can go on using a newer schema.

/// What every tenant's database holds before any module is installed.
pub static SILO: silo::Schema = silo::Schema { name: "silo-1", ddl: SILO_DDL, search: true };

/// The operator's database: a silo like any other, and beside it the rows by which people and companies are found.
pub static HUB: silo::Schema = silo::Schema { name: "hub-1", ddl: HUB_DDL, search: true };

macro_rules! silo_tables {
    () => {
        r#"
CREATE TABLE "meta" ("one" BIGINT PRIMARY KEY, "tenant" TEXT NOT NULL, "origin" TEXT NOT NULL, "epoch" BIGINT NOT NULL, "schema" BIGINT NOT NULL,
  "currency" TEXT NOT NULL, "time_zone" TEXT NOT NULL, "seq" BIGINT NOT NULL, "hash" BLOB NOT NULL, "seal" BLOB);
CREATE TABLE "members" ("id" TEXT PRIMARY KEY, "user" TEXT NOT NULL, "email" TEXT NOT NULL, "name" TEXT NOT NULL, "status" TEXT NOT NULL,
  "joined_at" BIGINT NOT NULL, "seen_at" BIGINT);
CREATE UNIQUE INDEX "members_user" ON "members" ("user");
CREATE TABLE "roles" ("name" TEXT PRIMARY KEY, "title" TEXT NOT NULL, "created_at" BIGINT NOT NULL);
CREATE TABLE "member_roles" ("member" TEXT NOT NULL, "role" TEXT NOT NULL, PRIMARY KEY ("member", "role"));
CREATE TABLE "grants" ("role" TEXT NOT NULL, "permission" TEXT NOT NULL, "condition" TEXT, PRIMARY KEY ("role", "permission"));
CREATE TABLE "modules" ("name" TEXT PRIMARY KEY, "version" TEXT NOT NULL, "status" TEXT NOT NULL, "shape" TEXT NOT NULL, "installed_at" BIGINT NOT NULL);
CREATE TABLE "events" ("seq" BIGINT PRIMARY KEY, "id" TEXT NOT NULL, "type" TEXT NOT NULL, "subject" TEXT NOT NULL, "actor" TEXT NOT NULL,
  "on_behalf_of" TEXT, "at" BIGINT NOT NULL, "data" TEXT, "salt" BLOB, "data_hash" BLOB NOT NULL, "request_id" TEXT, "cause" TEXT, "hash" BLOB NOT NULL);
CREATE INDEX "events_subject" ON "events" ("subject", "seq");
CREATE INDEX "events_type" ON "events" ("type", "seq");
CREATE INDEX "events_actor" ON "events" ("actor", "seq");
CREATE TABLE "consumers" ("name" TEXT PRIMARY KEY, "seq" BIGINT NOT NULL);
CREATE TABLE "jobs" ("id" TEXT PRIMARY KEY, "kind" TEXT NOT NULL, "key" TEXT, "dedupe" TEXT, "priority" BIGINT NOT NULL, "args" TEXT NOT NULL,
  "status" TEXT NOT NULL, "run_at" BIGINT NOT NULL, "attempt" BIGINT NOT NULL, "lease_until" BIGINT, "progress" BIGINT NOT NULL, "note" TEXT,
  "result" TEXT, "error" TEXT, "member" TEXT, "actor" TEXT NOT NULL, "scopes" TEXT, "request_id" TEXT, "cancel" BOOLEAN NOT NULL, "created_at" BIGINT NOT NULL,
  "finished_at" BIGINT);
CREATE INDEX "jobs_waiting" ON "jobs" ("status", "run_at", "id");
CREATE INDEX "jobs_key" ON "jobs" ("key", "id");
CREATE UNIQUE INDEX "jobs_dedupe" ON "jobs" ("dedupe");
CREATE TABLE "idempotency" ("key" BLOB PRIMARY KEY, "body" BLOB NOT NULL, "status" BIGINT NOT NULL, "etag" BIGINT, "answer" BLOB NOT NULL, "expires_at" BIGINT NOT NULL);
CREATE INDEX "idempotency_expires" ON "idempotency" ("expires_at");
"#
    };
}

const SILO_DDL: &str = silo_tables!();

/// What the hub got after its first version: by which version's declarations each tenant's database was brought up to date, and which could
/// not be.
macro_rules! hub_stamps {
    () => {
        r#"
ALTER TABLE "hub_tenants" ADD COLUMN "stamp" TEXT NOT NULL DEFAULT '';
CREATE INDEX "hub_tenants_stamp" ON "hub_tenants" ("stamp", "id");
CREATE TABLE "migration_failures" ("tenant" TEXT PRIMARY KEY, "stamp" TEXT NOT NULL, "problem" TEXT NOT NULL, "tries" BIGINT NOT NULL,
  "since" BIGINT NOT NULL, "at" BIGINT NOT NULL, "again_at" BIGINT NOT NULL);
CREATE INDEX "migration_failures_again" ON "migration_failures" ("again_at");
"#
    };
}

/// To be run on a hub whose `hub_tenants` has no column `stamp`.
pub(crate) const HUB_STAMPS: &str = hub_stamps!();

const HUB_DDL: &str = concat!(
    silo_tables!(),
    r#"
CREATE TABLE "users" ("id" TEXT PRIMARY KEY, "email" TEXT NOT NULL, "email_key" TEXT NOT NULL, "name" TEXT NOT NULL, "password" TEXT NOT NULL,
  "status" TEXT NOT NULL, "locale" TEXT, "created_at" BIGINT NOT NULL, "verified_at" BIGINT, "signed_in_at" BIGINT);
CREATE UNIQUE INDEX "users_email" ON "users" ("email_key");
CREATE TABLE "signups" ("id" TEXT PRIMARY KEY, "company" TEXT NOT NULL, "name" TEXT NOT NULL, "email" TEXT NOT NULL, "email_key" TEXT NOT NULL,
  "password" TEXT NOT NULL, "status" TEXT NOT NULL, "created_at" BIGINT NOT NULL);
CREATE INDEX "signups_email" ON "signups" ("email_key", "id");
CREATE TABLE "sessions" ("hash" BLOB PRIMARY KEY, "id" TEXT NOT NULL, "user" TEXT NOT NULL, "tenant" TEXT, "member" TEXT, "created_at" BIGINT NOT NULL,
  "seen_at" BIGINT NOT NULL, "expires_at" BIGINT NOT NULL, "ip" TEXT, "agent" TEXT);
CREATE INDEX "sessions_user" ON "sessions" ("user", "id");
CREATE UNIQUE INDEX "sessions_id" ON "sessions" ("id");
CREATE TABLE "refresh_families" ("id" TEXT PRIMARY KEY, "user" TEXT NOT NULL, "tenant" TEXT NOT NULL, "member" TEXT NOT NULL, "status" TEXT NOT NULL,
  "current" BLOB NOT NULL, "previous" BLOB, "successor" BLOB, "rotated_at" BIGINT NOT NULL, "created_at" BIGINT NOT NULL, "seen_at" BIGINT NOT NULL,
  "expires_at" BIGINT NOT NULL, "ip" TEXT, "agent" TEXT);
CREATE INDEX "refresh_families_user" ON "refresh_families" ("user", "id");
CREATE TABLE "keys" ("id" TEXT PRIMARY KEY, "hash" BLOB NOT NULL, "tenant" TEXT NOT NULL, "member" TEXT NOT NULL, "user" TEXT NOT NULL, "name" TEXT NOT NULL,
  "scopes" TEXT NOT NULL, "status" TEXT NOT NULL, "created_at" BIGINT NOT NULL, "expires_at" BIGINT NOT NULL, "seen_at" BIGINT);
CREATE INDEX "keys_tenant" ON "keys" ("tenant", "id");
CREATE INDEX "keys_user" ON "keys" ("user", "id");
CREATE TABLE "links" ("id" TEXT PRIMARY KEY, "hash" BLOB NOT NULL, "kind" TEXT NOT NULL, "status" TEXT NOT NULL, "email" TEXT NOT NULL, "email_key" TEXT NOT NULL,
  "user" TEXT, "tenant" TEXT, "signup" TEXT, "role" TEXT, "created_by" TEXT, "created_at" BIGINT NOT NULL, "expires_at" BIGINT NOT NULL, "used_at" BIGINT);
CREATE UNIQUE INDEX "links_hash" ON "links" ("hash");
CREATE INDEX "links_tenant" ON "links" ("tenant", "kind", "id");
CREATE INDEX "links_email" ON "links" ("email_key", "kind", "id");
CREATE TABLE "hub_tenants" ("id" TEXT PRIMARY KEY, "slug" TEXT NOT NULL, "name" TEXT NOT NULL, "status" TEXT NOT NULL, "placement" TEXT NOT NULL,
  "plan" TEXT, "region" TEXT, "onboarding" TEXT, "key" BLOB, "created_at" BIGINT NOT NULL, "updated_at" BIGINT NOT NULL);
CREATE UNIQUE INDEX "hub_tenants_slug" ON "hub_tenants" ("slug");
CREATE TABLE "user_tenants" ("user" TEXT NOT NULL, "tenant" TEXT NOT NULL, "member" TEXT NOT NULL, "status" TEXT NOT NULL, "roles" TEXT NOT NULL,
  "used_at" BIGINT NOT NULL, PRIMARY KEY ("user", "tenant"));
CREATE INDEX "user_tenants_tenant" ON "user_tenants" ("tenant", "user");
CREATE TABLE "due" ("tenant" TEXT PRIMARY KEY, "at" BIGINT NOT NULL, "stamp" BIGINT NOT NULL, "lease_until" BIGINT, "node" TEXT);
CREATE INDEX "due_at" ON "due" ("at");
CREATE TABLE "checkpoints" ("tenant" TEXT NOT NULL, "seq" BIGINT NOT NULL, "hash" BLOB NOT NULL, "at" BIGINT NOT NULL, PRIMARY KEY ("tenant", "seq"));
"#,
    hub_stamps!()
);

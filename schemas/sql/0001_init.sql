-- The coordinator's rows. Times are Unix milliseconds; ids of runs and jobs are ULIDs, whose text order is their age.
-- A state changes by compare-and-set alone. Pages and queues go by index, never by OFFSET.

-- Webhook deliveries. A redelivery has the id of the first; `pending` until its effects are committed with it.
CREATE TABLE deliveries (
  seq         INTEGER PRIMARY KEY,   -- order of arrival
  id          TEXT NOT NULL UNIQUE,  -- X-GitHub-Delivery
  event       TEXT NOT NULL,
  received_ms INTEGER NOT NULL,
  payload     BLOB,                  -- zstd; dropped once done
  state       TEXT NOT NULL CHECK (state IN ('pending', 'done')),
  outcome     TEXT NOT NULL DEFAULT '',
  run         TEXT,
  done_ms     INTEGER
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (seq) WHERE state = 'pending';

CREATE TABLE repositories (
  full_name      TEXT PRIMARY KEY,
  clone_url      TEXT NOT NULL,
  default_branch TEXT NOT NULL,
  installation   INTEGER,
  created_ms     INTEGER NOT NULL,
  updated_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Newest known head of each branch, by the time that the payload gives.
CREATE TABLE branches (
  repository TEXT NOT NULL,
  name       TEXT NOT NULL,
  head_sha   TEXT NOT NULL,
  before_sha TEXT NOT NULL,
  pushed_ms  INTEGER NOT NULL,
  PRIMARY KEY (repository, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE pull_requests (
  repository      TEXT NOT NULL,
  number          INTEGER NOT NULL,
  head_repository TEXT NOT NULL,
  head_branch     TEXT NOT NULL,
  head_sha        TEXT NOT NULL,
  previous_sha    TEXT NOT NULL,  -- the head before; '' where not known
  base_branch     TEXT NOT NULL,
  base_sha        TEXT NOT NULL,
  open            INTEGER NOT NULL CHECK (open IN (0, 1)),
  updated_ms      INTEGER NOT NULL,
  PRIMARY KEY (repository, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX pull_requests_by_branch ON pull_requests (head_repository, head_branch) WHERE open = 1;

-- What is the same for many rows, once: gate files, policies, stages. Digest: sha256 of the text, hex.
CREATE TABLE texts (
  digest TEXT PRIMARY KEY,
  text   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id               TEXT PRIMARY KEY,
  repository       TEXT NOT NULL,
  head_sha         TEXT NOT NULL,
  base_sha         TEXT NOT NULL,  -- as the webhook said; '' where it said none
  base_rule        TEXT NOT NULL CHECK (base_rule IN ('exact', 'merge_base', 'none')),
  branch           TEXT NOT NULL,
  ref              TEXT NOT NULL,
  pull_request     INTEGER,
  state            TEXT NOT NULL CHECK (state IN ('fetching', 'running', 'deciding', 'done', 'held', 'cancelled')),
  verdict          TEXT CHECK (verdict IN ('pass', 'fail', 'inconclusive')),
  first_cause      TEXT NOT NULL DEFAULT '',
  reason           TEXT NOT NULL DEFAULT '',
  bootstrap        INTEGER NOT NULL DEFAULT 0,
  policy_sha       TEXT NOT NULL DEFAULT '',
  head_gate_digest TEXT NOT NULL DEFAULT '',
  base_gate_digest TEXT NOT NULL DEFAULT '',
  policy_digest    TEXT NOT NULL DEFAULT '',
  required_json    TEXT NOT NULL DEFAULT '[]',
  fetch_attempts   INTEGER NOT NULL DEFAULT 0,
  next_fetch_ms    INTEGER NOT NULL DEFAULT 0,
  created_ms       INTEGER NOT NULL,
  updated_ms       INTEGER NOT NULL,
  ended_ms         INTEGER,
  UNIQUE (repository, head_sha, base_sha),
  CHECK ((state = 'done') = (verdict IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_fetching ON runs (next_fetch_ms, id) WHERE state = 'fetching';
CREATE INDEX runs_deciding ON runs (id) WHERE state = 'deciding';
CREATE INDEX runs_open ON runs (state) WHERE state IN ('fetching', 'running', 'deciding', 'held');
CREATE INDEX runs_by_repository ON runs (repository, id);
CREATE INDEX runs_by_branch ON runs (repository, branch, id);
CREATE INDEX runs_by_commit ON runs (head_sha, id);
CREATE INDEX runs_by_verdict ON runs (verdict, id);

-- Why a run is wanted, a webhook a row. A run lives as long as one of its triggers is active.
CREATE TABLE run_triggers (
  run          TEXT NOT NULL REFERENCES runs (id),
  delivery     TEXT NOT NULL,
  repository   TEXT NOT NULL,
  event        TEXT NOT NULL,
  ref          TEXT NOT NULL,
  pull_request INTEGER,
  head_sha     TEXT NOT NULL,
  active       INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  created_ms   INTEGER NOT NULL,
  PRIMARY KEY (run, delivery)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_triggers_by_ref ON run_triggers (repository, ref, run) WHERE active = 1;

CREATE TABLE jobs (
  id               TEXT PRIMARY KEY,
  run              TEXT NOT NULL REFERENCES runs (id),
  arch             TEXT NOT NULL,
  state            TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'reported', 'done', 'cancelled')),
  attempt          INTEGER NOT NULL DEFAULT 0,
  attempt_cap      INTEGER NOT NULL,
  lease            TEXT,               -- token; NULL where no runner holds the job
  lease_expires_ms INTEGER,            -- NULL with the token
  deadline_ms      INTEGER,            -- of the attempt, whatever its runner says
  ended_lease      TEXT,               -- token of the attempt that ended last
  runner           TEXT NOT NULL DEFAULT '',
  next_seq         INTEGER NOT NULL DEFAULT 0,
  stages_digest    TEXT NOT NULL,
  adapter          TEXT,
  queued_ms        INTEGER NOT NULL,
  ready_ms         INTEGER NOT NULL,   -- not before; later than queued_ms after a failed attempt
  started_ms       INTEGER,
  ended_ms         INTEGER,
  outcome          TEXT,
  outcome_text     TEXT NOT NULL DEFAULT '',
  emulated         INTEGER NOT NULL DEFAULT 0,
  verdict          TEXT CHECK (verdict IN ('pass', 'fail', 'inconclusive')),
  first_cause      TEXT NOT NULL DEFAULT '',
  reason           TEXT NOT NULL DEFAULT '',
  log_bytes        INTEGER NOT NULL DEFAULT 0,
  event_bytes      INTEGER NOT NULL DEFAULT 0,
  events_cut       INTEGER NOT NULL DEFAULT 0,
  initial_loss     REAL,
  final_loss       REAL,
  steps            INTEGER,
  UNIQUE (run, arch),
  CHECK ((state = 'done') = (verdict IS NOT NULL)),
  CHECK ((lease IS NULL) = (lease_expires_ms IS NULL)),
  CHECK (state != 'leased' OR lease IS NOT NULL),
  CHECK (lease IS NULL OR state IN ('leased', 'cancelled'))
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_queued ON jobs (arch, queued_ms, id) WHERE state = 'queued';
CREATE INDEX jobs_reported ON jobs (id) WHERE state = 'reported';
CREATE INDEX jobs_leased ON jobs (lease_expires_ms) WHERE lease IS NOT NULL;
CREATE INDEX jobs_deadline ON jobs (deadline_ms) WHERE lease IS NOT NULL;
CREATE INDEX jobs_held ON jobs (runner) WHERE lease IS NOT NULL;

CREATE TABLE job_stages (
  job         TEXT NOT NULL REFERENCES jobs (id),
  attempt     INTEGER NOT NULL,
  position    INTEGER NOT NULL,  -- in the order they began
  name        TEXT NOT NULL,
  outcome     TEXT,              -- NULL while it runs
  exit_code   INTEGER NOT NULL DEFAULT 0,
  signal      INTEGER NOT NULL DEFAULT 0,
  duration_ms INTEGER NOT NULL DEFAULT 0,
  began_ms    INTEGER NOT NULL,
  PRIMARY KEY (job, attempt, position),
  UNIQUE (job, attempt, name)
) STRICT, WITHOUT ROWID;

-- Facts and report of a judged job: apart, so that lists of jobs stay small.
CREATE TABLE job_reports (
  job    TEXT PRIMARY KEY REFERENCES jobs (id),
  facts  BLOB NOT NULL,  -- JSON, zstd
  report BLOB NOT NULL   -- JSON by report.schema.json, zstd
) STRICT, WITHOUT ROWID;

CREATE TABLE event_chunks (
  job     TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  file    TEXT NOT NULL,
  size    INTEGER NOT NULL,  -- bytes unpacked
  data    BLOB NOT NULL,     -- zstd
  PRIMARY KEY (job, attempt, seq)
) STRICT;

CREATE TABLE log_chunks (
  job      TEXT NOT NULL,
  attempt  INTEGER NOT NULL,
  offset   INTEGER NOT NULL,  -- of its first byte in the attempt's log
  size     INTEGER NOT NULL,  -- bytes unpacked
  stage    TEXT NOT NULL,
  at_ms    INTEGER NOT NULL,
  data     BLOB NOT NULL,     -- zstd
  PRIMARY KEY (job, attempt, offset)
) STRICT;

CREATE TABLE curve_chunks (
  job        TEXT NOT NULL,
  attempt    INTEGER NOT NULL,
  first      INTEGER NOT NULL,  -- number of its first point, from 0
  count      INTEGER NOT NULL,
  first_step INTEGER NOT NULL,
  data       BLOB NOT NULL,     -- packed points, little-endian; see server/store/curves.hpp
  PRIMARY KEY (job, attempt, first)
) STRICT;

CREATE TABLE runners (
  name         TEXT PRIMARY KEY,
  arch         TEXT NOT NULL,
  token_sha256 TEXT NOT NULL UNIQUE,
  created_ms   INTEGER NOT NULL,
  revoked      INTEGER NOT NULL DEFAULT 0,
  draining     INTEGER NOT NULL DEFAULT 0,
  last_seen_ms INTEGER,
  host         TEXT,
  version      TEXT,
  device_name  TEXT,
  device_bytes INTEGER,
  unified      INTEGER,
  emulated     INTEGER,
  slots        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What the coordinator itself has to remember, by name.
CREATE TABLE server_state (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

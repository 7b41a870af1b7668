-- What people decide about runs, and what was true before they did. A re-run is another series of the same run: the
-- verdict that it replaces is kept, so that it can be said that the same commit has passed, or failed, before.

CREATE TABLE actions (
  seq   INTEGER PRIMARY KEY,
  run   TEXT NOT NULL REFERENCES runs (id),
  arch  TEXT NOT NULL DEFAULT '',  -- of a re-run of one job
  kind  TEXT NOT NULL CHECK (kind IN ('rerun', 'cancel', 'approve')),
  actor TEXT NOT NULL,             -- a GitHub login, or whoever the API knows
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX actions_by_run ON actions (run, seq);

-- Verdicts that a re-run replaced, the oldest with series 1.
CREATE TABLE run_history (
  run         TEXT NOT NULL REFERENCES runs (id),
  series      INTEGER NOT NULL,
  verdict     TEXT NOT NULL CHECK (verdict IN ('pass', 'fail', 'inconclusive')),
  first_cause TEXT NOT NULL,
  reason      TEXT NOT NULL,
  ended_ms    INTEGER NOT NULL,
  PRIMARY KEY (run, series)
) STRICT, WITHOUT ROWID;

-- The same of jobs, by the attempt that was judged: its events, log and curve stay where they are, under that attempt.
CREATE TABLE job_history (
  job          TEXT NOT NULL REFERENCES jobs (id),
  attempt      INTEGER NOT NULL,
  verdict      TEXT NOT NULL CHECK (verdict IN ('pass', 'fail', 'inconclusive')),
  first_cause  TEXT NOT NULL,
  reason       TEXT NOT NULL,
  runner       TEXT NOT NULL,
  emulated     INTEGER NOT NULL,
  ended_ms     INTEGER,
  initial_loss REAL,
  final_loss   REAL,
  steps        INTEGER,
  report       BLOB,             -- JSON by report.schema.json, zstd; NULL where its attempts were exhausted
  PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;

-- Heads of forks that a maintainer has let run. Void once the pull request has another head.
CREATE TABLE approvals (
  repository   TEXT NOT NULL,
  pull_request INTEGER NOT NULL,
  head_sha     TEXT NOT NULL,
  actor        TEXT NOT NULL,
  at_ms        INTEGER NOT NULL,
  void         INTEGER NOT NULL DEFAULT 0 CHECK (void IN (0, 1)),
  PRIMARY KEY (repository, pull_request, head_sha)
) STRICT, WITHOUT ROWID;

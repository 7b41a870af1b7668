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

-- A merge group's checks are asked for, and it is gone for good: whichever comes first, the end stays the end.
CREATE TABLE merge_groups (
  repository TEXT NOT NULL,
  head_sha   TEXT NOT NULL,
  ref        TEXT NOT NULL,
  open       INTEGER NOT NULL CHECK (open IN (0, 1)),
  PRIMARY KEY (repository, head_sha)
) STRICT, WITHOUT ROWID;

-- Commits whose checks are to be written anew. Marked by the database itself, in the transaction of whatever changed:
-- no stage can forget it. The reporter takes the oldest, renders, and deletes the mark with what it wrote.
CREATE TABLE check_marks (
  seq        INTEGER PRIMARY KEY,
  repository TEXT NOT NULL,
  head_sha   TEXT NOT NULL,
  UNIQUE (repository, head_sha)
) STRICT;
CREATE TRIGGER mark_new_run AFTER INSERT ON runs BEGIN
  INSERT OR IGNORE INTO check_marks (repository, head_sha) VALUES (new.repository, new.head_sha);
END;
CREATE TRIGGER mark_run AFTER UPDATE OF state, verdict ON runs BEGIN
  INSERT OR IGNORE INTO check_marks (repository, head_sha) VALUES (new.repository, new.head_sha);
END;
CREATE TRIGGER mark_job AFTER UPDATE OF state ON jobs BEGIN
  INSERT OR IGNORE INTO check_marks (repository, head_sha) SELECT repository, head_sha FROM runs WHERE id = new.run;
END;
CREATE TRIGGER mark_named AFTER INSERT ON run_triggers BEGIN
  INSERT OR IGNORE INTO check_marks (repository, head_sha) VALUES (new.repository, new.head_sha);
END;
CREATE TRIGGER mark_withdrawn AFTER UPDATE OF active ON run_triggers BEGIN
  INSERT OR IGNORE INTO check_marks (repository, head_sha) VALUES (new.repository, new.head_sha);
END;

-- `/smgate explain`: answered by the reporter with a comment, once a delivery.
CREATE TABLE explanations (
  delivery     TEXT PRIMARY KEY,
  repository   TEXT NOT NULL,
  pull_request INTEGER NOT NULL,
  head_sha     TEXT NOT NULL,
  actor        TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What a failing run says about its base and its own past; JSON by the API's description.
CREATE TABLE run_blame (
  run  TEXT PRIMARY KEY REFERENCES runs (id),
  json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the reporter wrote last about each check, so that nothing is written twice: a check that was completed and opens
-- again is another generation, and with it another check run on GitHub.
CREATE TABLE reported_checks (
  repository TEXT NOT NULL,
  head_sha   TEXT NOT NULL,
  name       TEXT NOT NULL,
  generation INTEGER NOT NULL,
  completed  INTEGER NOT NULL CHECK (completed IN (0, 1)),
  annotated  INTEGER NOT NULL CHECK (annotated IN (0, 1)),
  digest     TEXT NOT NULL,
  PRIMARY KEY (repository, head_sha, name)
) STRICT, WITHOUT ROWID;

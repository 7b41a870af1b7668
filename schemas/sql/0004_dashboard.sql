-- What people and programs look at: the board, trends, the kernel cache of a run, what changed, and who asked for it.

-- The newest run of each branch: the board's rows, kept by the database itself whoever writes a run.
CREATE TABLE branch_runs (
  repository TEXT NOT NULL,
  branch     TEXT NOT NULL,
  run        TEXT NOT NULL,
  PRIMARY KEY (repository, branch)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX branch_runs_by_run ON branch_runs (run);
CREATE INDEX branch_runs_by_repository ON branch_runs (repository, run);
INSERT INTO branch_runs (repository, branch, run) SELECT repository, branch, max(id) FROM runs GROUP BY 1, 2;
CREATE TRIGGER runs_to_board AFTER INSERT ON runs BEGIN
  INSERT INTO branch_runs (repository, branch, run) VALUES (NEW.repository, NEW.branch, NEW.id)
    ON CONFLICT (repository, branch) DO UPDATE SET run = excluded.run WHERE excluded.run > run;
END;
CREATE INDEX jobs_waiting ON jobs (queued_ms, id) WHERE state = 'queued';
CREATE INDEX runs_ended_by_branch ON runs (repository, branch, id) WHERE state = 'done';

-- What live events are made of: that something changed, in the order of commits. What it changed to is read from its row.
CREATE TABLE changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL,
  job TEXT NOT NULL DEFAULT ''  -- '': the run itself
) STRICT;
CREATE TRIGGER runs_made AFTER INSERT ON runs BEGIN
  INSERT INTO changes (run) VALUES (NEW.id);
END;
CREATE TRIGGER runs_changed AFTER UPDATE ON runs WHEN NEW.state != OLD.state OR NEW.verdict IS NOT OLD.verdict BEGIN
  INSERT INTO changes (run) VALUES (NEW.id);
END;
CREATE TRIGGER jobs_made AFTER INSERT ON jobs BEGIN
  INSERT INTO changes (run, job) VALUES (NEW.run, NEW.id);
END;
CREATE TRIGGER jobs_changed AFTER UPDATE ON jobs WHEN NEW.state != OLD.state OR NEW.attempt != OLD.attempt BEGIN
  INSERT INTO changes (run, job) VALUES (NEW.run, NEW.id);
END;
-- A listener that was away for longer reads everything anew.
CREATE TRIGGER changes_trimmed AFTER INSERT ON changes BEGIN
  DELETE FROM changes WHERE seq <= NEW.seq - 100000;
END;

-- What a judged job measured, small, for lists and trends.
CREATE TABLE job_stats (
  job           TEXT PRIMARY KEY REFERENCES jobs (id),
  run           TEXT NOT NULL,
  repository    TEXT NOT NULL,
  branch        TEXT NOT NULL,
  arch          TEXT NOT NULL,
  guilty_key    TEXT NOT NULL,  -- '': the first cause is about none
  tokens_per_s  REAL,
  prewarm_ms    REAL,
  cache_bytes   INTEGER NOT NULL,
  warmed        INTEGER NOT NULL,
  used          INTEGER NOT NULL,
  missing       INTEGER NOT NULL,
  drifted       INTEGER NOT NULL,
  collided      INTEGER NOT NULL,
  skipped       INTEGER NOT NULL,
  unused        INTEGER NOT NULL,
  late_compiles INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX job_stats_by_branch ON job_stats (repository, branch, run);

-- Its kernel cache, a key an entry, and the time line.
CREATE TABLE job_coverage (
  job  TEXT PRIMARY KEY REFERENCES jobs (id),
  data BLOB NOT NULL  -- JSON, zstd; see server/store/job_views.hpp
) STRICT, WITHOUT ROWID;

CREATE TABLE api_tokens (
  name         TEXT PRIMARY KEY,
  token_sha256 TEXT NOT NULL UNIQUE,
  scopes       TEXT NOT NULL,  -- with commas between them
  created_ms   INTEGER NOT NULL,
  revoked      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms  INTEGER NOT NULL,
  token  TEXT NOT NULL,    -- name of the API token
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  done   INTEGER NOT NULL, -- 0: refused
  text   TEXT NOT NULL
) STRICT;

-- Somebody drained it: it is given no new job, whatever it says of itself.
ALTER TABLE runners ADD COLUMN drained INTEGER NOT NULL DEFAULT 0;

-- What compares runs: a run's own report, the signs of its failing jobs, and which part of a job wrote an events file.

-- Events of before came from a job's own run.
ALTER TABLE event_chunks ADD COLUMN part TEXT NOT NULL DEFAULT 'main';  -- main, again, control:NAME

-- Of the facts of all its architectures together. A run that had no jobs has none.
CREATE TABLE run_reports (
  run    TEXT PRIMARY KEY REFERENCES runs (id),
  report BLOB NOT NULL  -- JSON by report.schema.json, zstd
) STRICT, WITHOUT ROWID;

-- The newest green run of a branch is what a speed is held against.
CREATE INDEX runs_green ON runs (repository, ref, id) WHERE verdict = 'pass';

-- How a failing job looked: what is alike along a branch, on one architecture.
CREATE TABLE failure_signs (
  job             TEXT PRIMARY KEY REFERENCES jobs (id),
  repository      TEXT NOT NULL,
  head_repository TEXT NOT NULL,  -- a fork's branch is another one, whatever its name
  branch          TEXT NOT NULL,
  arch            TEXT NOT NULL,
  signature       TEXT NOT NULL,  -- of its error text; '' where it named none
  missing_digest  TEXT NOT NULL   -- of the keys that it missed; '' where it missed none
) STRICT, WITHOUT ROWID;
CREATE INDEX failure_signs_by_branch ON failure_signs (repository, head_repository, branch, arch, job);

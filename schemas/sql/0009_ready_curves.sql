-- The curve of a judged job as answers have it, thinned out to as many points as a page draws: made with its verdict, as
-- its text takes longer to make than to read. At most 2,000 points, some 140 KB.
CREATE TABLE ready_curves (
  job     TEXT PRIMARY KEY REFERENCES jobs (id),
  attempt INTEGER NOT NULL,
  total   INTEGER NOT NULL,  -- points, before they were thinned out
  points  TEXT NOT NULL      -- JSON; see server/curves/curve_text.hpp
) STRICT;

-- Long rows do not lie in an index: a search in it compares whole rows, and reads each of them for that.
CREATE TABLE job_reports_by_row (
  job    TEXT PRIMARY KEY REFERENCES jobs (id),
  facts  BLOB NOT NULL,  -- JSON, zstd
  report BLOB NOT NULL   -- JSON by report.schema.json, zstd
) STRICT;
INSERT INTO job_reports_by_row SELECT job, facts, report FROM job_reports;
DROP TABLE job_reports;
ALTER TABLE job_reports_by_row RENAME TO job_reports;

CREATE TABLE job_coverage_by_row (
  job  TEXT PRIMARY KEY REFERENCES jobs (id),
  data BLOB NOT NULL  -- JSON, zstd; see server/store/job_views.hpp
) STRICT;
INSERT INTO job_coverage_by_row SELECT job, data FROM job_coverage;
DROP TABLE job_coverage;
ALTER TABLE job_coverage_by_row RENAME TO job_coverage;

CREATE TABLE run_reports_by_row (
  run    TEXT PRIMARY KEY REFERENCES runs (id),
  report BLOB NOT NULL  -- JSON by report.schema.json, zstd
) STRICT;
INSERT INTO run_reports_by_row SELECT run, report FROM run_reports;
DROP TABLE run_reports;
ALTER TABLE run_reports_by_row RENAME TO run_reports;

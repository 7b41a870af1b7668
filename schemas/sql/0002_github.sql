-- Calls to GitHub, each written in the transaction of the decision that caused it. Calls of one lane are sent strictly
-- in order; lanes do not wait for each other.
CREATE TABLE github_calls (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of the decisions
  lane        TEXT NOT NULL,
  kind        TEXT NOT NULL
    CHECK (kind IN ('set_check', 'add_annotations', 'create_comment', 'create_reaction', 'redeliver')),
  repository  TEXT NOT NULL,             -- '' for what belongs to the App itself
  body        TEXT NOT NULL,             -- JSON; '' once it is sent or superseded
  external_id TEXT NOT NULL,
  run         TEXT,
  job         TEXT,
  state       TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'superseded', 'dead')),
  attempts    INTEGER NOT NULL DEFAULT 0,
  unsure      INTEGER NOT NULL DEFAULT 0,  -- it was begun, and how it ended is not known: look before sending again
  cut         INTEGER NOT NULL DEFAULT 0,  -- 0 whole, 1 output cut down, 2 the bare conclusion
  next_ms     INTEGER NOT NULL,
  last_error  TEXT NOT NULL DEFAULT '',
  created_ms  INTEGER NOT NULL,
  ended_ms    INTEGER
) STRICT;
CREATE INDEX github_calls_due ON github_calls (next_ms, seq) WHERE state = 'pending';
CREATE INDEX github_calls_lane ON github_calls (lane, seq) WHERE state = 'pending';
CREATE INDEX github_calls_dead ON github_calls (seq) WHERE state = 'dead';
CREATE INDEX github_calls_ended ON github_calls (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX github_calls_by_run ON github_calls (run, seq);

-- A check as GitHub has it: the newest check run of each name on each commit.
CREATE TABLE checks (
  repository   TEXT NOT NULL,
  head_sha     TEXT NOT NULL,
  name         TEXT NOT NULL,
  external_id  TEXT NOT NULL,     -- another one is another check run
  check_run_id INTEGER NOT NULL,  -- 0 for a commit status, which has none that counts
  status       TEXT NOT NULL,
  conclusion   TEXT NOT NULL,     -- '' until it is completed
  annotations  INTEGER NOT NULL DEFAULT 0,  -- that GitHub has of it
  updated_ms   INTEGER NOT NULL,
  PRIMARY KEY (repository, head_sha, name)
) STRICT, WITHOUT ROWID;

-- Another kind of call: `ask_permission`, whether a person may write. SQLite changes no CHECK in place.
CREATE TABLE github_calls_0010 (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of the decisions
  lane        TEXT NOT NULL,
  kind        TEXT NOT NULL
    CHECK (kind IN ('set_check', 'add_annotations', 'create_comment', 'ask_permission', 'redeliver')),
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
INSERT INTO github_calls_0010 SELECT seq, lane, kind, repository, body, external_id, run, job, state, attempts, unsure, cut,
  next_ms, last_error, created_ms, ended_ms FROM github_calls WHERE kind <> 'create_reaction';  -- which nobody ever wrote
DROP TABLE github_calls;
ALTER TABLE github_calls_0010 RENAME TO github_calls;
CREATE INDEX github_calls_due ON github_calls (next_ms, seq) WHERE state = 'pending';
CREATE INDEX github_calls_lane ON github_calls (lane, seq) WHERE state = 'pending';
CREATE INDEX github_calls_dead ON github_calls (seq) WHERE state = 'dead';
CREATE INDEX github_calls_ended ON github_calls (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX github_calls_by_run ON github_calls (run, seq);

-- What the recovery knows between two looks at GitHub.

-- How far it has looked: `deliveries`, by GitHub's clock, and `pulls OWNER/NAME`, by ours.
CREATE TABLE recovery_marks (
  name  TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Webhooks that GitHub could not deliver, and that have not come since. GitHub keeps an id for each attempt; all
-- attempts of one delivery share its guid, which is X-GitHub-Delivery.
CREATE TABLE lost_deliveries (
  guid          TEXT PRIMARY KEY,
  event         TEXT NOT NULL,
  attempt       INTEGER NOT NULL,  -- the newest failed one
  failed_ms     INTEGER NOT NULL,  -- by GitHub's clock
  asked_attempt INTEGER NOT NULL,  -- the one that was asked for again last; 0: none
  asked         INTEGER NOT NULL   -- how often
) STRICT, WITHOUT ROWID;
CREATE INDEX lost_deliveries_by_time ON lost_deliveries (failed_ms);

-- Events and logs of a job are dropped some time after its end; what was made of them stays.
ALTER TABLE jobs ADD COLUMN raw_dropped_ms INTEGER;  -- NULL: never; a job that ran again since has some again
CREATE INDEX jobs_with_raw ON jobs (ended_ms) WHERE ended_ms > coalesce(raw_dropped_ms, 0);

-- Private repositories are read by a token of the App, which is never in a row: only that there was none, and why.
ALTER TABLE repositories ADD COLUMN private INTEGER;  -- 0 or 1; NULL until a webhook has said
ALTER TABLE repositories ADD COLUMN access_error TEXT NOT NULL DEFAULT '';     -- why there is no token; '' for nothing wrong
ALTER TABLE repositories ADD COLUMN access_tries INTEGER NOT NULL DEFAULT 0;   -- since there was one
ALTER TABLE repositories ADD COLUMN access_retry_ms INTEGER NOT NULL DEFAULT 0;  -- its runs and jobs wait until then

-- Version 2: what was seen and called, the evidence of a verdict, what a person said, and every act on a job.

ALTER TABLE launches ADD COLUMN seen TEXT NOT NULL DEFAULT '';      -- of the record, right before the intent
ALTER TABLE launches ADD COLUMN begun REAL;                         -- the machine's monotonic clock at the intent
ALTER TABLE launches ADD COLUMN argv TEXT NOT NULL DEFAULT '';      -- of the call, as JSON; holds no secret
ALTER TABLE launches ADD COLUMN pid INTEGER;                        -- of sudo; for people, nothing goes by it
ALTER TABLE launches ADD COLUMN pid_started INTEGER;                -- when, in clock ticks since boot
ALTER TABLE launches ADD COLUMN evidence TEXT NOT NULL DEFAULT '';  -- of the outcome, as JSON
ALTER TABLE launches ADD COLUMN told TEXT NOT NULL DEFAULT '';      -- what a person said: launched or failed
ALTER TABLE launches ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;   -- 1: the engine began it and it came to nothing
UPDATE launches SET told = 'launched' WHERE settled IS NULL AND job_id IS NOT NULL;

ALTER TABLE acts RENAME TO acts_1;
CREATE TABLE acts (
    id INTEGER PRIMARY KEY,
    oozie TEXT NOT NULL,               -- base URL
    job_id TEXT NOT NULL,
    act TEXT NOT NULL,                 -- kill, resume or rerun
    run INTEGER NOT NULL,              -- the job's run number before it
    accession INTEGER,                 -- for which run; NULL: not known to version 1
    account TEXT NOT NULL DEFAULT '',  -- name of the profile
    unix_user TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL,             -- ISO 8601, UTC; before it is done
    outcome TEXT NOT NULL DEFAULT '',  -- what the job said afterwards, or what went wrong
    over TEXT                          -- when the record moved past it; NULL: it still counts
);
INSERT INTO acts (oozie, job_id, act, run, created) SELECT oozie, job_id, act, run, created FROM acts_1;
DROP TABLE acts_1;
CREATE UNIQUE INDEX one_act_that_counts ON acts (oozie, job_id) WHERE over IS NULL;

-- The journal, version 1 (PRAGMA user_version). A change is a file of its own, schema_N.sql, applied once, in order.

CREATE TABLE launches (
    id INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL,          -- one engine call, of one or more runs
    web_service TEXT NOT NULL,      -- base URL; an accession means nothing without it
    accession INTEGER NOT NULL,
    owner TEXT NOT NULL,            -- login that the run belonged to
    host TEXT NOT NULL,             -- what the run was scheduled for
    oozie TEXT NOT NULL,            -- base URL of the account's Oozie then
    account TEXT NOT NULL,          -- name of the profile
    unix_user TEXT NOT NULL,
    verb TEXT NOT NULL,
    engine_family TEXT NOT NULL,
    transcript TEXT NOT NULL,       -- file name
    boot_id TEXT NOT NULL,
    created TEXT NOT NULL,          -- ISO 8601, UTC
    started INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT '',  -- '' while the call may live
    reason TEXT NOT NULL DEFAULT '',
    job_id TEXT,
    none_since REAL,                -- when Oozie first said that it has no job, seconds since the epoch
    settled TEXT                    -- ISO 8601, UTC; NULL: nobody may launch the run, cancel it or retry it
);

-- The fence: at most one unsettled attempt a run, whatever an account is called and whoever owns the run by now.
CREATE UNIQUE INDEX one_unsettled_attempt ON launches (web_service, accession) WHERE settled IS NULL;
CREATE INDEX launches_of_a_run ON launches (web_service, accession);
CREATE INDEX launches_of_a_call ON launches (call_id);

CREATE TABLE acts (
    oozie TEXT NOT NULL,            -- base URL
    job_id TEXT NOT NULL,
    act TEXT NOT NULL,              -- kill, resume or rerun
    run INTEGER NOT NULL,           -- the job's run number before it
    created TEXT NOT NULL,
    PRIMARY KEY (oozie, job_id)
);

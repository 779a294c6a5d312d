-- Version 3: what accounts in shadow mode would have done, and what was done by others.

CREATE TABLE shadows (
    id INTEGER PRIMARY KEY,
    web_service TEXT NOT NULL,         -- base URL
    accession INTEGER NOT NULL,
    account TEXT NOT NULL,             -- name of the profile
    owner TEXT NOT NULL,
    host TEXT NOT NULL,
    kind TEXT NOT NULL,                -- launch or status
    basis TEXT NOT NULL,               -- the status from which it was decided
    wanted TEXT NOT NULL,              -- what we would have done: launched, or the statuses that we would have written
    decided TEXT,                      -- ISO 8601, UTC; NULL: others were first, we never saw the run waiting
    came TEXT NOT NULL DEFAULT '',     -- what became of it
    came_at TEXT,                      -- when we saw that; NULL: it has not come yet
    agreement TEXT                     -- agreed, differs, withdrawn or unseen
);
CREATE UNIQUE INDEX one_open_shadow ON shadows (web_service, accession, kind) WHERE came_at IS NULL;
CREATE INDEX shadows_by_run ON shadows (web_service, accession);

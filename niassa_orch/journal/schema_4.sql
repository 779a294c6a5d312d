-- Version 4: what operators ordered, until it is lifted; and what of shadow mode is not kept any more, in numbers.

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                -- pause, pause-launching, stop-launching or urgent
    account TEXT NOT NULL,             -- name of the profile; '': all accounts
    accession INTEGER,                 -- of the run that is urgent
    reason TEXT NOT NULL,
    by_uid INTEGER NOT NULL,           -- of the Unix user who gave it
    by_name TEXT NOT NULL,
    since TEXT NOT NULL,               -- ISO 8601, UTC
    until TEXT,                        -- NULL: until it is lifted
    lifted TEXT,                       -- when; NULL: it holds, unless its time is over
    lifted_by TEXT NOT NULL DEFAULT '' -- a person's name, or service
);
CREATE UNIQUE INDEX one_standing_order ON orders (kind, account, coalesce(accession, 0)) WHERE lifted IS NULL;

CREATE TABLE dropped_shadows (
    account TEXT PRIMARY KEY,          -- name of the profile
    decisions INTEGER NOT NULL,        -- so many were removed
    unanswered INTEGER NOT NULL,       -- of so many of them nothing had come
    newest TEXT NOT NULL               -- when the newest of them came, or was decided; ISO 8601, UTC
);

CREATE TABLE runs (
    id         TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL, -- all times: milliseconds since 1970, UTC
    account    INTEGER NOT NULL,
    command    TEXT NOT NULL,
    ended_at   INTEGER,          -- NULL: still running, or killed
    status     TEXT,
    report     TEXT              -- JSON
) STRICT;
CREATE INDEX runs_by_start ON runs (started_at);

CREATE TABLE sync_runs (
    run      TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    sync     TEXT NOT NULL,
    status   TEXT NOT NULL,
    report   TEXT NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (run, sync)
) STRICT, WITHOUT ROWID;
CREATE INDEX sync_runs_by_sync ON sync_runs (sync, ended_at);

CREATE TABLE issues (
    sync           TEXT NOT NULL,
    key            TEXT NOT NULL,
    run            TEXT NOT NULL, -- the last run that met it
    outcome        TEXT NOT NULL,
    property       TEXT,
    value          TEXT,
    reason         TEXT NOT NULL,
    category       TEXT,
    correlation_id TEXT,
    attempts       INTEGER NOT NULL,
    since          INTEGER NOT NULL,
    PRIMARY KEY (sync, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    run     TEXT NOT NULL,
    sync    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    ms      INTEGER NOT NULL,
    method  TEXT NOT NULL,
    path    TEXT NOT NULL,
    status  INTEGER NOT NULL,    -- 0: no answer
    attempt INTEGER NOT NULL,
    failed  INTEGER NOT NULL,
    bytes   INTEGER NOT NULL     -- of both bodies
) STRICT;
CREATE INDEX requests_by_run ON requests (run);
CREATE INDEX requests_failed ON requests (seq) WHERE failed;

CREATE TABLE request_bodies (
    seq      INTEGER PRIMARY KEY,
    request  BLOB NOT NULL,
    response BLOB NOT NULL
) STRICT;

CREATE TABLE request_rows (
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_rows_by_seq ON request_rows (seq);

CREATE TABLE metadata (
    account INTEGER NOT NULL,
    key     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

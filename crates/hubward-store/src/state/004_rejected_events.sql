-- Events that a mapping could not carry out, kept whole so that they can be sent again.
CREATE TABLE rejected_events (
    mapping     TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    source      TEXT NOT NULL,
    order_key   TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    rejected_at INTEGER NOT NULL,
    payload     BLOB NOT NULL,
    PRIMARY KEY (mapping, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rejected_events_by_time ON rejected_events (rejected_at);

-- The keys of the rows that a request carried, together as a JSON array: a run logs hundreds of them with every request, and
-- a person asks for one now and then.
CREATE TABLE request_keys (
    seq  INTEGER PRIMARY KEY,
    keys TEXT NOT NULL
) STRICT;
INSERT INTO request_keys SELECT seq, json_group_array(key) FROM request_rows GROUP BY seq;
DROP TABLE request_rows;

-- Long bodies are kept as LZ4 blocks, each behind its length (4 bytes, little-endian).
ALTER TABLE request_bodies ADD COLUMN packed INTEGER NOT NULL DEFAULT 0;

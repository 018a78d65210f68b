-- +goose Up
-- What a file was before it was brought to the ledger: looked at, and not yet
-- confirmed. The rest of its way it goes as a capture.
CREATE TABLE tr_imports (
	id      TEXT PRIMARY KEY, -- sorts by time
	msp     TEXT NOT NULL,
	login   TEXT NOT NULL,
	party   TEXT NOT NULL,
	kind    TEXT NOT NULL,    -- "lots", "shipments", …, or "epcis"
	name    TEXT NOT NULL,    -- of the file
	zone    TEXT NOT NULL,    -- in which its times were meant
	created TIMESTAMP NOT NULL,
	file    TEXT NOT NULL     -- in base64
);
CREATE INDEX tr_imports_party ON tr_imports (party, id);
ALTER TABLE tr_captures ADD COLUMN kind TEXT NOT NULL DEFAULT ''; -- of the import it came by
ALTER TABLE tr_captures ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE tr_capture_events ADD COLUMN command TEXT NOT NULL DEFAULT ''; -- "" is the capture of an event
ALTER TABLE tr_capture_events ADD COLUMN tolerance TEXT NOT NULL DEFAULT '';
ALTER TABLE tr_capture_events ADD COLUMN origin TEXT NOT NULL DEFAULT ''; -- rows of the sheet
ALTER TABLE tr_capture_events ADD COLUMN said TEXT NOT NULL DEFAULT ''; -- what it does, in words
ALTER TABLE tr_capture_events ADD COLUMN said_zh TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE tr_capture_events DROP COLUMN said_zh;
ALTER TABLE tr_capture_events DROP COLUMN said;
ALTER TABLE tr_capture_events DROP COLUMN origin;
ALTER TABLE tr_capture_events DROP COLUMN tolerance;
ALTER TABLE tr_capture_events DROP COLUMN command;
ALTER TABLE tr_captures DROP COLUMN name;
ALTER TABLE tr_captures DROP COLUMN kind;
DROP TABLE tr_imports;

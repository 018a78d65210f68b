-- +goose Up
-- Documents that came by POST /epcis/v2/capture, until long after they are done:
-- their senders ask what became of each event.
CREATE TABLE tr_captures (
	id        TEXT PRIMARY KEY, -- sorts by time
	msp       TEXT NOT NULL,
	login     TEXT NOT NULL,
	party     TEXT NOT NULL,
	behaviour TEXT NOT NULL,    -- "rollback" or "proceed"
	sharing   TEXT NOT NULL,
	readers   TEXT NOT NULL,    -- of restricted events, joined by spaces
	created   TIMESTAMP NOT NULL,
	finished  TIMESTAMP
);
CREATE INDEX tr_captures_party ON tr_captures (party, id);
CREATE TABLE tr_capture_events (
	capture  TEXT NOT NULL REFERENCES tr_captures (id),
	position BIGINT NOT NULL,
	event    TEXT NOT NULL,     -- the body; emptied with the answer, for it may be private
	status   TEXT NOT NULL,     -- "" while it waits
	answer   TEXT NOT NULL,     -- what its sender is told, as JSON
	PRIMARY KEY (capture, position)
);

-- +goose Down
DROP TABLE tr_capture_events;
DROP TABLE tr_captures;

-- +goose Up
-- Who is told, and how it goes with them.
CREATE TABLE wh_targets (
	id        TEXT PRIMARY KEY,
	url       TEXT NOT NULL,
	secret    TEXT NOT NULL,
	state     TEXT NOT NULL,      -- "active", "paused" or "dead"
	error     TEXT NOT NULL,      -- why the last attempt failed
	failures  BIGINT NOT NULL,    -- in a row
	failing   TIMESTAMP,          -- since when
	due       TIMESTAMP NOT NULL, -- not to be tried before
	succeeded TIMESTAMP,
	leased_by TEXT NOT NULL,      -- the host that delivers now
	leased_to TIMESTAMP
);
CREATE INDEX wh_targets_due ON wh_targets (state, due);
CREATE TABLE wh_deliveries (
	id       TEXT PRIMARY KEY,    -- sorts by time; told to the receiver
	target   TEXT NOT NULL,
	kind     TEXT NOT NULL,       -- Content-Type
	body     TEXT NOT NULL,       -- emptied when it is done
	size     BIGINT NOT NULL,
	created  TIMESTAMP NOT NULL,
	attempts BIGINT NOT NULL,
	status   BIGINT NOT NULL,     -- of the last answer; 0: none
	error    TEXT NOT NULL,
	done     TIMESTAMP
);
CREATE INDEX wh_deliveries_target ON wh_deliveries (target, id);
CREATE INDEX wh_deliveries_open ON wh_deliveries (target, id) WHERE done IS NULL;

-- +goose Down
DROP TABLE wh_deliveries;
DROP TABLE wh_targets;

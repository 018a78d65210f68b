-- +goose Up
-- Subscriptions of /epcis/v2/queries/…/subscriptions. Where each one stands is
-- told by the last event it has looked at; the receiver is a webhook of the same id.
CREATE TABLE tr_subscriptions (
	id           TEXT PRIMARY KEY,
	owner        TEXT NOT NULL,      -- as in tr_queries
	query        TEXT NOT NULL,
	msp          TEXT NOT NULL,
	login        TEXT NOT NULL,      -- in whose name events are read
	dest         TEXT NOT NULL,
	epc_format   TEXT NOT NULL,
	stream       BOOLEAN NOT NULL,
	schedule     TEXT NOT NULL,      -- as JSON; empty for a stream
	report_empty BOOLEAN NOT NULL,
	since        TIMESTAMP,          -- initialRecordTime
	created      TIMESTAMP NOT NULL,
	due          TIMESTAMP,          -- when the schedule comes round next
	block        BIGINT NOT NULL,    -- of the last event looked at
	hash         TEXT NOT NULL,      -- that event; empty where all of the block was
	paused       BOOLEAN NOT NULL,
	problem      TEXT NOT NULL       -- why it cannot go on, as a rule's code
);
CREATE INDEX tr_subscriptions_query ON tr_subscriptions (owner, query, id);

-- +goose Down
DROP TABLE tr_subscriptions;

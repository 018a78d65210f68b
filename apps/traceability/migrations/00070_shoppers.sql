-- +goose Up
-- How often packs are looked at: counts only, for as long as anybody asks.
CREATE TABLE tr_scan_days (
	day   TEXT NOT NULL, -- UTC
	gtin  TEXT NOT NULL,
	place TEXT NOT NULL, -- a city or a country of scans.Places; "" where nobody said
	count BIGINT NOT NULL,
	PRIMARY KEY (day, gtin, place)
);
CREATE INDEX tr_scan_days_gtin ON tr_scan_days (gtin, day);

-- Looks whose visitor said where, for some weeks: evidence of alarms. Nothing in
-- them tells who looked.
CREATE TABLE tr_scan_places (
	id      TEXT PRIMARY KEY,
	thing   TEXT NOT NULL,      -- a single thing, or the lot
	lot     TEXT NOT NULL,
	at      TIMESTAMP NOT NULL, -- to a quarter of an hour
	lat     TEXT NOT NULL,      -- the middle of a square of about 5 km; "" where only a country is known
	lon     TEXT NOT NULL,
	country TEXT NOT NULL,
	shop    TEXT NOT NULL       -- the company whose user looked
);
CREATE INDEX tr_scan_places_thing ON tr_scan_places (thing, at);
CREATE INDEX tr_scan_places_lot ON tr_scan_places (lot, at);
CREATE INDEX tr_scan_places_at ON tr_scan_places (at);

-- What package scans remembers of a thing or a lot.
CREATE TABLE tr_scan_memory (
	thing  TEXT PRIMARY KEY,
	memory TEXT NOT NULL,       -- JSON
	at     TIMESTAMP NOT NULL   -- of the latest look
);
CREATE INDEX tr_scan_memory_at ON tr_scan_memory (at);

CREATE TABLE tr_alarms (
	id       TEXT PRIMARY KEY,   -- sorts by time
	thing    TEXT NOT NULL,      -- a single thing, or a lot
	lot      TEXT NOT NULL,
	gtin     TEXT NOT NULL,
	brand    TEXT NOT NULL,      -- the company that it is for
	state    TEXT NOT NULL,      -- "open", "confirmed" or "dismissed"
	score    BIGINT NOT NULL,
	signs    TEXT NOT NULL,      -- JSON
	first    TIMESTAMP NOT NULL,
	latest   TIMESTAMP NOT NULL,
	reason   TEXT NOT NULL,      -- why it was confirmed or dismissed
	note     TEXT NOT NULL,
	judge    TEXT NOT NULL,      -- login name
	judged   TIMESTAMP,
	revision BIGINT NOT NULL     -- grows with every change of any alarm
);
CREATE INDEX tr_alarms_brand ON tr_alarms (brand, state, id);
CREATE INDEX tr_alarms_thing ON tr_alarms (thing, id);
CREATE INDEX tr_alarms_revision ON tr_alarms (revision);

-- What shoppers report. Nobody has to say who they are.
CREATE TABLE tr_reports (
	id      TEXT PRIMARY KEY,   -- sorts by time
	at      TIMESTAMP NOT NULL,
	gtin    TEXT NOT NULL,
	lot     TEXT NOT NULL,
	serial  TEXT NOT NULL,
	brand   TEXT NOT NULL,      -- the company that it is for
	kind    TEXT NOT NULL,
	safety  BOOLEAN NOT NULL,   -- the regulator reads it too
	text    TEXT NOT NULL,
	bought  TEXT NOT NULL,
	contact TEXT NOT NULL,      -- emptied when the report is closed
	lang    TEXT NOT NULL,
	state   TEXT NOT NULL,      -- "new", "working", "closed" or "spam"
	note    TEXT NOT NULL,
	editor  TEXT NOT NULL,      -- login name
	edited  TIMESTAMP
);
CREATE INDEX tr_reports_brand ON tr_reports (brand, id);
CREATE INDEX tr_reports_safety ON tr_reports (safety, id);
CREATE INDEX tr_reports_lot ON tr_reports (gtin, lot, at);

-- +goose Down
DROP TABLE tr_reports;
DROP TABLE tr_alarms;
DROP TABLE tr_scan_memory;
DROP TABLE tr_scan_places;
DROP TABLE tr_scan_days;

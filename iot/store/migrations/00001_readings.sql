-- +goose Up
-- The readings themselves stand in iot_readings, which store.go makes: where a
-- table is clustered by its key, engines say it in different words.
CREATE TABLE iot_devices (
	id    BIGINT PRIMARY KEY,
	party TEXT NOT NULL,
	name  TEXT NOT NULL,
	UNIQUE (party, name)
);
CREATE TABLE iot_series (
	id      BIGINT PRIMARY KEY,
	device  BIGINT NOT NULL,
	channel TEXT NOT NULL,
	UNIQUE (device, channel)
);
-- Spans of a device's readings. One that is closed has a root and never changes;
-- what comes later is the next part of it.
CREATE TABLE iot_windows (
	device  BIGINT NOT NULL,
	starts  BIGINT NOT NULL, -- microseconds
	part    BIGINT NOT NULL,
	ends    BIGINT NOT NULL,
	count   BIGINT NOT NULL,
	root    TEXT NOT NULL,   -- "": open
	block   BIGINT NOT NULL, -- of the ledger that holds the root; 0: none yet
	tx      TEXT NOT NULL,
	thinned BOOLEAN NOT NULL,
	PRIMARY KEY (device, starts, part)
);
CREATE INDEX iot_windows_waiting ON iot_windows (device, starts) WHERE block = 0;
-- What a closed span holds of a series, for long charts.
CREATE TABLE iot_rollups (
	series BIGINT NOT NULL,
	starts BIGINT NOT NULL,
	count  BIGINT NOT NULL,
	low    DOUBLE PRECISION NOT NULL,
	high   DOUBLE PRECISION NOT NULL,
	total  DOUBLE PRECISION NOT NULL,
	first  BIGINT NOT NULL,  -- microseconds
	last   BIGINT NOT NULL,
	PRIMARY KEY (series, starts)
);
-- What proves a reading of a span that has been thinned.
CREATE TABLE iot_paths (
	series BIGINT NOT NULL,
	at     BIGINT NOT NULL,
	leaf   BIGINT NOT NULL,  -- its number in the span's tree
	path   TEXT NOT NULL,    -- hashes, hexadecimal, from the leaf up
	PRIMARY KEY (series, at)
);
CREATE TABLE iot_refused (
	id      BIGINT PRIMARY KEY,
	first   TIMESTAMP NOT NULL,
	last    TIMESTAMP NOT NULL,
	repeats BIGINT NOT NULL,
	party   TEXT NOT NULL,
	device  TEXT NOT NULL,   -- name
	sender  TEXT NOT NULL,   -- who signed in
	topic   TEXT NOT NULL,
	code    TEXT NOT NULL,
	field   TEXT NOT NULL,
	format  TEXT NOT NULL,   -- the case, with %s for each fact
	facts   TEXT NOT NULL,   -- JSON
	payload TEXT NOT NULL    -- its beginning, as Go quotes it
);
CREATE INDEX iot_refused_party ON iot_refused (party, id);

-- +goose Down
DROP TABLE iot_refused;
DROP TABLE iot_paths;
DROP TABLE iot_rollups;
DROP TABLE iot_windows;
DROP TABLE iot_series;
DROP TABLE iot_devices;

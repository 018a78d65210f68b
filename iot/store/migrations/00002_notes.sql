-- +goose Up
-- What the watch over the readings must know after a restart.
CREATE TABLE iot_notes (
	name TEXT PRIMARY KEY,
	note TEXT NOT NULL
);

-- +goose Down
DROP TABLE iot_notes;

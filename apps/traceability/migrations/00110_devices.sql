-- +goose Up
-- Passwords of devices: random and long, so that one round of a hash is enough.
CREATE TABLE tr_device_secrets (
	party   TEXT NOT NULL,
	name    TEXT NOT NULL,
	salt    TEXT NOT NULL, -- hexadecimal
	hash    TEXT NOT NULL, -- SHA-256 of salt and password, hexadecimal
	made    TIMESTAMP NOT NULL,
	made_by TEXT NOT NULL,
	PRIMARY KEY (party, name)
);

-- +goose Down
DROP TABLE tr_device_secrets;

-- +goose Up
-- Photos that were uploaded here: the files lie among the blobs, by their hashes.
-- That they were registered, the ledger tells.
CREATE TABLE tr_photo_files (
	sha256 TEXT PRIMARY KEY, -- of the original, and its name
	small  TEXT NOT NULL,    -- name of a small copy
	shown  BOOLEAN NOT NULL, -- to all on the chain of the lot that it is about
	at     TIMESTAMP NOT NULL
);
CREATE INDEX tr_photo_files_small ON tr_photo_files (small);

-- +goose Down
DROP TABLE tr_photo_files;

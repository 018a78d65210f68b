-- +goose Up
-- Files of documents that were uploaded here: they lie among the blobs, by their
-- hashes. What is on record of the documents, the ledger tells.
CREATE TABLE tr_document_files (
	id     TEXT PRIMARY KEY, -- of the document
	sha256 TEXT NOT NULL,    -- name of the file
	at     TIMESTAMP NOT NULL
);
CREATE INDEX tr_document_files_sha256 ON tr_document_files (sha256);

-- +goose Down
DROP TABLE tr_document_files;

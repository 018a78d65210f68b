-- +goose Up
-- Named queries of POST /epcis/v2/queries. A name is its company's: two
-- companies may use the same one, and neither learns of the other's.
CREATE TABLE tr_queries (
	owner   TEXT NOT NULL,      -- the company, or who asks for none
	name    TEXT NOT NULL,
	body    TEXT NOT NULL,      -- the query, as it was sent
	login   TEXT NOT NULL,
	created TIMESTAMP NOT NULL,
	PRIMARY KEY (owner, name)
);
-- What seals page tokens, the same for all hosts; and the tokens that were
-- given back before they ran out.
CREATE TABLE tr_page_seal (
	id     BIGINT PRIMARY KEY,
	secret TEXT NOT NULL
);
CREATE TABLE tr_page_released (
	token   TEXT PRIMARY KEY,
	expires TIMESTAMP NOT NULL
);

-- +goose Down
DROP TABLE tr_page_released;
DROP TABLE tr_page_seal;
DROP TABLE tr_queries;

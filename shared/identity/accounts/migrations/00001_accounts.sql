-- +goose Up
-- Times are microseconds since 1970 in UTC; 0 is never.
CREATE TABLE accounts (
    login    TEXT PRIMARY KEY, -- the name in lower case
    name     TEXT NOT NULL,
    display  TEXT NOT NULL,
    msp      TEXT NOT NULL,
    language TEXT NOT NULL,
    state    TEXT NOT NULL,
    password TEXT NOT NULL,    -- PHC string
    created  BIGINT NOT NULL
);
CREATE TABLE account_failures (
    subject  TEXT PRIMARY KEY, -- a hash of the login or of the address
    failures BIGINT NOT NULL,
    last     BIGINT NOT NULL,
    until    BIGINT NOT NULL
);
CREATE TABLE account_sessions (
    id      TEXT PRIMARY KEY,  -- SHA-256 of the session's secret
    login   TEXT NOT NULL REFERENCES accounts (login),
    created BIGINT NOT NULL,
    seen    BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    address TEXT NOT NULL,
    agent   TEXT NOT NULL
);
CREATE INDEX account_sessions_login ON account_sessions (login);
CREATE TABLE account_tokens (
    id      TEXT PRIMARY KEY,
    hash    TEXT NOT NULL UNIQUE, -- SHA-256 of the token
    login   TEXT NOT NULL REFERENCES accounts (login),
    label   TEXT NOT NULL,
    scopes  TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used    BIGINT NOT NULL,
    revoked BIGINT NOT NULL
);
CREATE INDEX account_tokens_login ON account_tokens (login);

-- +goose Down
DROP TABLE account_tokens;
DROP TABLE account_sessions;
DROP TABLE account_failures;
DROP TABLE accounts;

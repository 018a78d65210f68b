-- +goose Up
-- Traceability plans (21 CFR 1.1315). A plan that was changed is kept: two years
-- are asked for (section 1.1315(b)).
CREATE TABLE tr_plans (
	party   TEXT NOT NULL,
	version BIGINT NOT NULL,
	records TEXT NOT NULL, -- how records are kept
	foods   TEXT NOT NULL, -- how foods on the list are told from others
	codes   TEXT NOT NULL, -- how traceability lot codes are assigned
	contact TEXT NOT NULL, -- who answers questions
	phone   TEXT NOT NULL,
	farm    TEXT NOT NULL, -- where the farm's map is, for who grows
	login   TEXT NOT NULL,
	at      TIMESTAMP NOT NULL,
	PRIMARY KEY (party, version)
);

-- +goose Down
DROP TABLE tr_plans;

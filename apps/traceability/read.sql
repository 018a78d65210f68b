-- Derived from the ledger's events; dropped and replayed when this text changes.
-- Amounts are exact (gs1.Amount as text), in the unit of their lot.

CREATE TABLE tr_members (
	id        TEXT PRIMARY KEY,
	name      TEXT NOT NULL,
	authority BOOLEAN NOT NULL
);

CREATE TABLE tr_parties (
	id       TEXT PRIMARY KEY,
	member   TEXT NOT NULL,
	name     TEXT NOT NULL,
	name_zh  TEXT NOT NULL,
	kinds    TEXT NOT NULL,  -- joined by spaces
	prefixes TEXT NOT NULL,  -- joined by spaces
	gln      TEXT NOT NULL,  -- the main one
	standing TEXT NOT NULL,
	reason   TEXT NOT NULL
);

CREATE TABLE tr_places (
	gln     TEXT PRIMARY KEY,
	name    TEXT NOT NULL,
	name_zh TEXT NOT NULL,
	city    TEXT NOT NULL,
	city_zh TEXT NOT NULL,
	country TEXT NOT NULL,
	owner   TEXT NOT NULL
);

CREATE TABLE tr_products (
	gtin       TEXT PRIMARY KEY,
	name       TEXT NOT NULL,
	name_zh    TEXT NOT NULL,
	unit       TEXT NOT NULL,
	shelf_life BIGINT NOT NULL,
	storage    TEXT NOT NULL,
	owner      TEXT NOT NULL
);
CREATE INDEX tr_products_owner ON tr_products (owner);

CREATE TABLE tr_lots (
	id      TEXT PRIMARY KEY, -- "01/<gtin>/10/<lot>"
	gtin    TEXT NOT NULL,
	number  TEXT NOT NULL,
	serial  TEXT NOT NULL,
	batch   TEXT NOT NULL,    -- the lot of a single thing
	maker   TEXT NOT NULL,
	unit    TEXT NOT NULL,
	made    TEXT NOT NULL,
	at      TIMESTAMP NOT NULL,
	expiry  TEXT NOT NULL,
	origin  TEXT NOT NULL,    -- hash of its first event
	flags   TEXT NOT NULL,
	blocked TEXT NOT NULL,    -- "", "hold" or "recall": the gravest open case
	block   BIGINT NOT NULL
);
CREATE INDEX tr_lots_gtin ON tr_lots (gtin, number);
CREATE INDEX tr_lots_product ON tr_lots (gtin, id);
CREATE INDEX tr_lots_at ON tr_lots (at, id);
CREATE INDEX tr_lots_number ON tr_lots (number, id);
CREATE INDEX tr_lots_expiry ON tr_lots (expiry, id);
CREATE INDEX tr_lots_batch ON tr_lots (batch);
CREATE INDEX tr_lots_maker ON tr_lots (maker, at);
CREATE INDEX tr_lots_block ON tr_lots (block);

CREATE TABLE tr_accounts (
	lot       TEXT NOT NULL,
	party     TEXT NOT NULL,
	held      TEXT NOT NULL,
	packed    TEXT NOT NULL,
	sent      TEXT NOT NULL,
	used      TEXT NOT NULL,
	sold      TEXT NOT NULL,
	destroyed TEXT NOT NULL,
	gone      TEXT NOT NULL, -- shipped out of the network
	lost      TEXT NOT NULL,
	in_stock  BOOLEAN NOT NULL,
	PRIMARY KEY (lot, party)
);
CREATE INDEX tr_accounts_party ON tr_accounts (party, in_stock, lot);

CREATE TABLE tr_events (
	hash        TEXT PRIMARY KEY,
	event_id    TEXT NOT NULL,      -- its sender's, of public and linked events
	type        TEXT NOT NULL,
	author      TEXT NOT NULL,
	by_user     TEXT NOT NULL,
	at          TIMESTAMP NOT NULL, -- when it happened
	zone        TEXT NOT NULL,      -- offset where it happened
	captured    TIMESTAMP NOT NULL,
	action      TEXT NOT NULL,
	biz_step    TEXT NOT NULL,
	disposition TEXT NOT NULL,
	read_point  TEXT NOT NULL,
	place       TEXT NOT NULL,
	sharing     TEXT NOT NULL,
	flags       TEXT NOT NULL,
	shipment    TEXT NOT NULL,
	error       TEXT NOT NULL,      -- reason of its error declaration
	corrective  TEXT NOT NULL,      -- hashes of the events in its place, joined by spaces
	error_at    TIMESTAMP,
	error_block BIGINT,             -- where that stands
	block       BIGINT NOT NULL,
	tx          TEXT NOT NULL,
	body        TEXT NOT NULL       -- of public and linked events; last, for it can be long and SQLite reads a row up to the column it needs
);
CREATE INDEX tr_events_id ON tr_events (event_id) WHERE event_id <> '';
CREATE INDEX tr_events_author ON tr_events (author, at);
CREATE INDEX tr_events_shipment ON tr_events (shipment);
CREATE INDEX tr_events_block ON tr_events (block, hash);
CREATE INDEX tr_events_error ON tr_events (error) WHERE error <> '';

CREATE TABLE tr_named (
	thing TEXT NOT NULL,
	hash  TEXT NOT NULL,
	role  TEXT NOT NULL,
	block BIGINT NOT NULL, -- of the event
	PRIMARY KEY (thing, hash, role)
);
CREATE INDEX tr_named_hash ON tr_named (hash);

CREATE TABLE tr_process_lines (
	process TEXT NOT NULL,
	side    TEXT NOT NULL, -- "in" or "out"
	lot     TEXT NOT NULL,
	amount  TEXT NOT NULL,
	unit    TEXT NOT NULL,
	block   BIGINT NOT NULL,
	PRIMARY KEY (process, side, lot)
);
CREATE INDEX tr_process_lines_lot ON tr_process_lines (lot);
CREATE INDEX tr_process_lines_block ON tr_process_lines (block);

CREATE TABLE tr_contents (
	pack   TEXT NOT NULL,
	child  TEXT NOT NULL, -- a lot, or an inner pack
	inner_pack BOOLEAN NOT NULL,
	amount TEXT NOT NULL,
	unit   TEXT NOT NULL,
	PRIMARY KEY (pack, child)
);
CREATE INDEX tr_contents_child ON tr_contents (child);

CREATE TABLE tr_packs (
	pack     TEXT PRIMARY KEY,
	holder   TEXT NOT NULL, -- of an outermost pack
	parent   TEXT NOT NULL, -- the pack around it
	shipment TEXT NOT NULL  -- on its way
);
CREATE INDEX tr_packs_holder ON tr_packs (holder);

CREATE TABLE tr_shipments (
	id        TEXT PRIMARY KEY,
	sender    TEXT NOT NULL,
	receiver  TEXT NOT NULL,
	carrier   TEXT NOT NULL,
	state     TEXT NOT NULL,
	at        TIMESTAMP NOT NULL,
	event     TEXT NOT NULL,
	answer    TEXT NOT NULL, -- hash of the receiving event
	answered  TIMESTAMP,
	reason    TEXT NOT NULL,
	documents TEXT NOT NULL, -- joined by spaces
	mismatch  TEXT NOT NULL, -- "", "open" or "settled"
	said      TEXT NOT NULL, -- what the two sides say became of what is missing, as JSON
	block     BIGINT NOT NULL
);
CREATE INDEX tr_shipments_receiver ON tr_shipments (receiver, state, at);
CREATE INDEX tr_shipments_sender ON tr_shipments (sender, state, at);

CREATE TABLE tr_shipment_lines (
	shipment TEXT NOT NULL,
	lot      TEXT NOT NULL,
	pack     TEXT NOT NULL, -- "packed" for what is in packs, else ""
	amount   TEXT NOT NULL,
	unit     TEXT NOT NULL,
	received TEXT NOT NULL, -- where it differs from what was shipped
	PRIMARY KEY (shipment, lot, pack)
);
CREATE INDEX tr_shipment_lines_lot ON tr_shipment_lines (lot);

CREATE TABLE tr_shipment_packs (
	shipment TEXT NOT NULL,
	pack     TEXT NOT NULL,
	missing  BOOLEAN NOT NULL,
	PRIMARY KEY (shipment, pack)
);

CREATE TABLE tr_cases (
	id        TEXT PRIMARY KEY,
	kind      TEXT NOT NULL, -- "recall", "hold" or "mock"
	reason    TEXT NOT NULL,
	code      TEXT NOT NULL,
	author    TEXT NOT NULL,
	authority BOOLEAN NOT NULL,
	at        TIMESTAMP NOT NULL,
	state     TEXT NOT NULL,
	marked    BIGINT NOT NULL,
	done      BOOLEAN NOT NULL,
	closed    TIMESTAMP,
	closed_by TEXT NOT NULL,
	closing   TEXT NOT NULL,
	closed_block BIGINT,
	block     BIGINT NOT NULL,
	tx        TEXT NOT NULL
);

CREATE TABLE tr_case_lots (
	kase TEXT NOT NULL,
	lot  TEXT NOT NULL,
	named BOOLEAN NOT NULL, -- by the case itself; else derived
	block BIGINT NOT NULL,
	PRIMARY KEY (kase, lot)
);
CREATE INDEX tr_case_lots_lot ON tr_case_lots (lot);

CREATE TABLE tr_acknowledgements (
	kase  TEXT NOT NULL,
	party TEXT NOT NULL,
	at    TIMESTAMP NOT NULL,
	found TEXT NOT NULL, -- lines, as JSON
	PRIMARY KEY (kase, party)
);

CREATE TABLE tr_photos (
	sha256     TEXT PRIMARY KEY,
	perceptual TEXT NOT NULL, -- PDQ as it lies, hexadecimal
	quality    BIGINT NOT NULL,
	type       TEXT NOT NULL,
	width      BIGINT NOT NULL,
	height     BIGINT NOT NULL,
	size       BIGINT NOT NULL,
	about      TEXT NOT NULL, -- a lot
	msp        TEXT NOT NULL,
	party      TEXT NOT NULL,
	by_user    TEXT NOT NULL,
	at         TIMESTAMP NOT NULL,
	block      BIGINT NOT NULL,
	tx         TEXT NOT NULL
);
CREATE INDEX tr_photos_user ON tr_photos (msp, by_user, at);
CREATE INDEX tr_photos_party ON tr_photos (party, at);
CREATE INDEX tr_photos_about ON tr_photos (about, at);
CREATE INDEX tr_photos_block ON tr_photos (block);

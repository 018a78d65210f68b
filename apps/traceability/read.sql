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
	owner   TEXT NOT NULL,
	latitude  TEXT NOT NULL, -- decimal degrees, or ""
	longitude TEXT NOT NULL
);
CREATE INDEX tr_places_owner ON tr_places (owner);

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
	block   BIGINT NOT NULL,
	told    BOOLEAN NOT NULL  -- there are rows of tr_readings or tr_certificates
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
	round BIGINT NOT NULL,  -- in which it was marked last
	block BIGINT NOT NULL,  -- and in which block
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

CREATE TABLE tr_demands (
	party   TEXT PRIMARY KEY,
	profile TEXT NOT NULL -- as JSON
);

-- The repository's query language (query.go of shared/epcis/query) narrows by these.
CREATE INDEX tr_events_at ON tr_events (at, hash);
CREATE INDEX tr_events_captured ON tr_events (captured, hash);
CREATE INDEX tr_events_type ON tr_events (type, block, hash);
CREATE INDEX tr_events_biz_step ON tr_events (biz_step, block, hash);
CREATE INDEX tr_events_disposition ON tr_events (disposition, block, hash);
CREATE INDEX tr_events_read_point ON tr_events (read_point, block, hash);
CREATE INDEX tr_events_place ON tr_events (place, block, hash);
CREATE INDEX tr_events_hidden ON tr_events (sharing, author) WHERE sharing IN ('restricted', 'private');

CREATE TABLE tr_event_facts (
	fact  TEXT NOT NULL, -- what kind: "readPoint", "bizTransaction", "sensor", …
	value TEXT NOT NULL, -- in one spelling
	hash  TEXT NOT NULL, -- of an event; what only its body says, of public and linked ones
	PRIMARY KEY (fact, value, hash)
);
-- What records under FSMA 204 tell of a product and a place beside their names.
CREATE TABLE tr_product_facts (
	gtin      TEXT PRIMARY KEY,
	list      TEXT NOT NULL, -- category on the Food Traceability List
	kill_step BOOLEAN NOT NULL,
	brand     TEXT NOT NULL,
	commodity TEXT NOT NULL,
	variety   TEXT NOT NULL,
	packaging TEXT NOT NULL
);
CREATE TABLE tr_place_facts (
	gln      TEXT PRIMARY KEY,
	phone    TEXT NOT NULL,
	street   TEXT NOT NULL,
	region   TEXT NOT NULL,
	postcode TEXT NOT NULL
);

-- What events with a body tell of foods on the list, one row a food. Other
-- events' bodies are asked for when somebody reads.
CREATE TABLE tr_fsma (
	hash  TEXT NOT NULL,
	n     BIGINT NOT NULL,
	cte   TEXT NOT NULL,
	side  TEXT NOT NULL, -- "", "in" or "out"
	lot   TEXT NOT NULL,
	gtin  TEXT NOT NULL,
	place TEXT NOT NULL,
	at    TIMESTAMP NOT NULL,
	line  TEXT NOT NULL, -- fsma.Line as JSON
	PRIMARY KEY (hash, n)
);
CREATE INDEX tr_fsma_cte ON tr_fsma (cte, at, hash, n);
CREATE INDEX tr_fsma_lot ON tr_fsma (lot, cte);
CREATE INDEX tr_fsma_gtin ON tr_fsma (gtin);
CREATE INDEX tr_events_kept ON tr_events (at) WHERE sharing IN ('restricted', 'private');

-- Temperatures that events with a body tell of a lot, in °C. One that was taken
-- at a moment has no end.
CREATE TABLE tr_readings (
	lot   TEXT NOT NULL,
	hash  TEXT NOT NULL,
	n     BIGINT NOT NULL,
	at    TIMESTAMP NOT NULL,
	until TIMESTAMP,
	low   DOUBLE PRECISION NOT NULL,
	high  DOUBLE PRECISION NOT NULL,
	PRIMARY KEY (lot, hash, n)
);
CREATE INDEX tr_shipments_at ON tr_shipments (at, id);
CREATE INDEX tr_process_lines_side ON tr_process_lines (side, lot, process);
CREATE TABLE tr_warnings (
	thing  TEXT PRIMARY KEY,
	reason TEXT NOT NULL,
	author TEXT NOT NULL,
	at     TIMESTAMP NOT NULL,
	block  BIGINT NOT NULL
);

CREATE TABLE tr_certificates (
	thing TEXT NOT NULL,
	hash  TEXT NOT NULL, -- of a public or linked event
	text  TEXT NOT NULL, -- an address, or what the master data say
	PRIMARY KEY (thing, hash, text)
);
CREATE TABLE tr_links (
	thing     TEXT NOT NULL, -- a GS1 key: "01/09506000134352/10/L1"
	id        TEXT NOT NULL,
	type      TEXT NOT NULL, -- URI of the link type
	href      TEXT NOT NULL,
	title     TEXT NOT NULL,
	title_zh  TEXT NOT NULL,
	lang      TEXT NOT NULL,
	media     TEXT NOT NULL,
	preferred BOOLEAN NOT NULL, -- taken where nothing else is asked for
	owner     TEXT NOT NULL,
	block     BIGINT NOT NULL,
	PRIMARY KEY (thing, id)
);
CREATE INDEX tr_links_owner ON tr_links (owner, thing);
-- What the ledger knew at a time: each row as it stood from "since" on, which
-- is the time of the transaction that wrote it, until the next one of its key.

CREATE TABLE tr_lots_then (
	id     TEXT NOT NULL,
	since  TIMESTAMP NOT NULL,
	maker  TEXT NOT NULL,
	unit   TEXT NOT NULL,
	made   TEXT NOT NULL,
	expiry TEXT NOT NULL,
	flags  TEXT NOT NULL,
	PRIMARY KEY (id, since)
);

CREATE TABLE tr_accounts_then (
	lot       TEXT NOT NULL,
	party     TEXT NOT NULL,
	since     TIMESTAMP NOT NULL,
	held      TEXT NOT NULL,
	packed    TEXT NOT NULL,
	sent      TEXT NOT NULL,
	used      TEXT NOT NULL,
	sold      TEXT NOT NULL,
	destroyed TEXT NOT NULL,
	gone      TEXT NOT NULL,
	lost      TEXT NOT NULL,
	PRIMARY KEY (lot, party, since)
);

CREATE TABLE tr_process_lines_then (
	process TEXT NOT NULL,
	since   TIMESTAMP NOT NULL,
	side    TEXT NOT NULL, -- "in", "out", or "" for the version itself, which may have no lines
	lot     TEXT NOT NULL,
	amount  TEXT NOT NULL,
	unit    TEXT NOT NULL,
	block   BIGINT NOT NULL,
	PRIMARY KEY (process, since, side, lot)
);
CREATE INDEX tr_process_lines_then_lot ON tr_process_lines_then (lot);
CREATE INDEX tr_process_lines_then_block ON tr_process_lines_then (block);

CREATE TABLE tr_shipments_then (
	id       TEXT NOT NULL,
	since    TIMESTAMP NOT NULL,
	state    TEXT NOT NULL,
	answer   TEXT NOT NULL,
	answered TIMESTAMP,
	reason   TEXT NOT NULL,
	mismatch TEXT NOT NULL,
	PRIMARY KEY (id, since)
);

CREATE TABLE tr_packs_then (
	pack     TEXT NOT NULL,
	since    TIMESTAMP NOT NULL,
	holder   TEXT NOT NULL,
	parent   TEXT NOT NULL,
	shipment TEXT NOT NULL,
	PRIMARY KEY (pack, since)
);

CREATE TABLE tr_contents_then (
	pack   TEXT NOT NULL,
	child  TEXT NOT NULL,
	since  TIMESTAMP NOT NULL,
	amount TEXT NOT NULL, -- "" is out
	unit   TEXT NOT NULL,
	PRIMARY KEY (pack, child, since)
);
CREATE INDEX tr_contents_then_child ON tr_contents_then (child);

CREATE TABLE tr_retractions (
	hash  TEXT PRIMARY KEY,
	since TIMESTAMP NOT NULL -- when the ledger learnt of the error
);

CREATE TABLE tr_case_lots_then (
	kase  TEXT NOT NULL,
	lot   TEXT NOT NULL,
	since TIMESTAMP NOT NULL,
	until TIMESTAMP, -- taken out of the case again
	PRIMARY KEY (kase, lot)
);
CREATE INDEX tr_case_lots_then_lot ON tr_case_lots_then (lot);

CREATE TABLE tr_associations (
	parent TEXT NOT NULL,
	child  TEXT NOT NULL,
	event  TEXT NOT NULL,      -- hash of the attaching event
	party  TEXT NOT NULL,
	amount TEXT NOT NULL,      -- of a class of things
	unit   TEXT NOT NULL,
	since  TIMESTAMP NOT NULL, -- when it happened
	until  TIMESTAMP,
	ended  TEXT NOT NULL,      -- hash of the detaching event
	noted  TIMESTAMP NOT NULL, -- when the ledger learnt of it
	noted_end TIMESTAMP,       -- of its end, or of its error
	undone BOOLEAN NOT NULL,   -- its attaching was declared an error
	PRIMARY KEY (parent, child, event)
);
CREATE INDEX tr_associations_child ON tr_associations (child);
-- What a case's notice says, and how it stands.
CREATE TABLE tr_case_terms (
	kase      TEXT PRIMARY KEY,
	class     TEXT NOT NULL,
	depth     TEXT NOT NULL,
	hours     BIGINT NOT NULL,
	level     TEXT NOT NULL,
	share     BIGINT NOT NULL,
	reason_zh TEXT NOT NULL,
	advice    TEXT NOT NULL,
	advice_zh TEXT NOT NULL,
	contact   TEXT NOT NULL,
	upgraded  TIMESTAMP,         -- when a hold became a recall
	unreconciled TEXT NOT NULL,  -- why it was closed before all was accounted for
	by_org    TEXT NOT NULL,     -- who opened it, with which key
	by_user   TEXT NOT NULL
);

CREATE TABLE tr_notices (
	kase      TEXT NOT NULL,
	party     TEXT NOT NULL,
	lots      BIGINT NOT NULL,
	at        TIMESTAMP NOT NULL,
	due       TIMESTAMP NOT NULL,
	times     BIGINT NOT NULL,
	last      TIMESTAMP NOT NULL,
	method    TEXT NOT NULL,     -- of the check, "" without one
	contacted BOOLEAN NOT NULL,
	result    TEXT NOT NULL,
	checked   TIMESTAMP,
	PRIMARY KEY (kase, party)
);
CREATE INDEX tr_notices_party ON tr_notices (party, kase);

CREATE TABLE tr_bookings (
	kase        TEXT NOT NULL,
	party       TEXT NOT NULL,
	lot         TEXT NOT NULL,
	unit        TEXT NOT NULL,
	had         TEXT NOT NULL,
	quarantined TEXT NOT NULL,
	destroyed   TEXT NOT NULL,
	returned    TEXT NOT NULL,
	recovered   TEXT NOT NULL,
	beyond      TEXT NOT NULL,
	outstanding TEXT NOT NULL,
	at          TIMESTAMP NOT NULL,
	PRIMARY KEY (kase, party, lot)
);

-- What was done about a case, in order.
CREATE TABLE tr_case_log (
	kase  TEXT NOT NULL,
	block BIGINT NOT NULL,
	tx    TEXT NOT NULL,
	seq   BIGINT NOT NULL,
	at    TIMESTAMP NOT NULL,
	kind  TEXT NOT NULL, -- of the event: "widened", "reminded", ...
	party TEXT NOT NULL, -- who did it
	about TEXT NOT NULL, -- a company, or lots joined by spaces
	said  TEXT NOT NULL, -- a reason or a result
	PRIMARY KEY (kase, block, tx, seq)
);

-- How much of recalled lots companies have given back.
CREATE TABLE tr_returned (
	lot    TEXT NOT NULL,
	party  TEXT NOT NULL,
	amount TEXT NOT NULL,
	PRIMARY KEY (lot, party)
);

CREATE TABLE tr_mismatches (
	shipment  TEXT PRIMARY KEY,
	sender    TEXT NOT NULL,
	receiver  TEXT NOT NULL,
	state     TEXT NOT NULL,
	at        TIMESTAMP NOT NULL,
	due       TIMESTAMP NOT NULL,
	escalated TEXT NOT NULL,     -- who asked the regulator in
	escalated_at TIMESTAMP,
	settled   TIMESTAMP,
	block     BIGINT NOT NULL,
	tx        TEXT NOT NULL
);
CREATE INDEX tr_mismatches_sender ON tr_mismatches (sender, state);
CREATE INDEX tr_mismatches_receiver ON tr_mismatches (receiver, state);

-- What the sides of a mismatch said, in order.
CREATE TABLE tr_statements (
	shipment TEXT NOT NULL,
	block    BIGINT NOT NULL,
	tx       TEXT NOT NULL,
	seq      BIGINT NOT NULL,
	at       TIMESTAMP NOT NULL,
	party    TEXT NOT NULL,
	item     TEXT NOT NULL,      -- lot or pack; "" is all that was open
	amount   TEXT NOT NULL,
	unit     TEXT NOT NULL,
	outcome  TEXT NOT NULL,
	agreed   BOOLEAN NOT NULL,
	PRIMARY KEY (shipment, block, tx, seq)
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

-- Documents on record. What is said of a restricted or private one is not here:
-- the contract tells it to those who may read it.
CREATE TABLE tr_documents (
	id          TEXT PRIMARY KEY,
	about       TEXT NOT NULL, -- a lot, a product or a place
	owner       TEXT NOT NULL,
	sharing     TEXT NOT NULL,
	keepers     TEXT NOT NULL, -- members with a private copy, each between spaces
	kind        TEXT NOT NULL,
	scheme      TEXT NOT NULL,
	number      TEXT NOT NULL,
	issuer      TEXT NOT NULL,
	title       TEXT NOT NULL,
	title_zh    TEXT NOT NULL,
	valid_from  TEXT NOT NULL,
	valid_until TEXT NOT NULL,
	sha256      TEXT NOT NULL,
	type        TEXT NOT NULL,
	size        BIGINT NOT NULL,
	at          TIMESTAMP NOT NULL,
	withdrawn   TIMESTAMP,
	block       BIGINT NOT NULL,
	tx          TEXT NOT NULL
);
CREATE INDEX tr_documents_about ON tr_documents (about, sharing);
CREATE INDEX tr_documents_block ON tr_documents (block, id);
CREATE INDEX tr_documents_owner ON tr_documents (owner, block);

-- Devices that companies stand for.
CREATE TABLE tr_devices (
	owner        TEXT NOT NULL,
	name         TEXT NOT NULL,
	title        TEXT NOT NULL,
	title_zh     TEXT NOT NULL,
	type         TEXT NOT NULL,
	model        TEXT NOT NULL,
	serial       TEXT NOT NULL,
	class        TEXT NOT NULL, -- of EN 12830
	thing        TEXT NOT NULL, -- what EPCIS events call it
	via          TEXT NOT NULL, -- the device that may speak for it
	interval_s   BIGINT NOT NULL,
	channels     TEXT NOT NULL, -- JSON, as on the ledger
	mapping      TEXT NOT NULL, -- JSON, or ""
	fence        TEXT NOT NULL, -- JSON, as on the ledger
	still_s      BIGINT NOT NULL,
	since        TIMESTAMP NOT NULL,
	changed      TIMESTAMP NOT NULL,
	cal_number   TEXT NOT NULL,
	cal_issuer   TEXT NOT NULL,
	cal_on       TEXT NOT NULL,
	cal_until    TEXT NOT NULL, -- the last day
	cal_document TEXT NOT NULL,
	ended        TIMESTAMP,
	reason       TEXT NOT NULL,
	block        BIGINT NOT NULL,
	tx           TEXT NOT NULL,
	PRIMARY KEY (owner, name)
);
CREATE INDEX tr_devices_thing ON tr_devices (thing);
-- Windows of readings whose roots stand on the ledger.
CREATE TABLE tr_seals (
	owner  TEXT NOT NULL,
	device TEXT NOT NULL,
	starts TIMESTAMP NOT NULL,
	ends   TIMESTAMP NOT NULL,
	part   BIGINT NOT NULL,
	count  BIGINT NOT NULL,
	root   TEXT NOT NULL,
	block  BIGINT NOT NULL,
	tx     TEXT NOT NULL,
	PRIMARY KEY (owner, device, starts, part)
);
-- Alarms of sensors, each with the event that reported it first.
CREATE TABLE tr_excursions (
	hash    TEXT PRIMARY KEY,
	author  TEXT NOT NULL,
	thing   TEXT NOT NULL,      -- the device, as events call it
	rule    TEXT NOT NULL,      -- what was broken
	type    TEXT NOT NULL,      -- what was measured
	unit    TEXT NOT NULL,
	since   TIMESTAMP NOT NULL,
	until   TIMESTAMP,          -- of one that is over
	low     TEXT NOT NULL,
	high    TEXT NOT NULL,
	mean    TEXT NOT NULL,
	noted   TIMESTAMP NOT NULL,
	closed  TEXT NOT NULL,      -- hash of the event that told of its end
	error   BOOLEAN NOT NULL,   -- declared an error
	cause   TEXT NOT NULL,
	measure TEXT NOT NULL,
	explained TIMESTAMP,
	block   BIGINT NOT NULL,
	tx      TEXT NOT NULL
);
CREATE INDEX tr_excursions_author ON tr_excursions (author, block);
CREATE INDEX tr_excursions_thing ON tr_excursions (thing, since);

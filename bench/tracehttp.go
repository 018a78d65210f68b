package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// The trace over HTTP: /api/trace of a host whose tables hold the generated
// chain, read by a signed-in regulator, beside a bare handler that asks
// PostgreSQL's recursive query and answers with the same lots, steps and edges.

// overHTTP measures traces of one lot on the smaller graphs: the tables of the
// largest take longer to write than the row takes to run.
func overHTTP(ctx context.Context, o options, pg string, worlds []*world) ([]result, error) {
	var all []result
	for _, w := range worlds {
		if w.edges > 1_000_000 && o.size != full {
			continue
		}
		results, err := w.overHTTP(ctx, o, pg)
		all = append(all, results...)
		if err != nil {
			return all, fmt.Errorf("%d edges over HTTP: %w", w.edges, err)
		}
	}
	return all, nil
}

func (w *world) overHTTP(ctx context.Context, o options, pg string) ([]result, error) {
	dir, err := os.MkdirTemp(o.raw, "trace-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	h, token, err := w.host(ctx, filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	defer h.Close()
	bare, stop, err := w.bareTrace(ctx, pg)
	if err != nil {
		return nil, err
	}
	defer stop()
	var all []result
	for _, q := range questions {
		if q.seeds != 1 {
			continue
		}
		ours, theirs := q.paths(w, h, token), q.paths(w, nil, "")
		if err := sameTraces(ctx, h.Address(), token, ours, "http://"+bare, theirs); err != nil {
			return all, err
		}
		ask := func(address, token string, paths []string) side {
			return func(ctx context.Context) (float64, error) {
				l := signedVisits(address, token, 4, func(n uint64) string { return paths[n%uint64(len(paths))] })
				return l.crowd(ctx, o.spell())
			}
		}
		figures, err := inTurns(ctx, o.rounds, ask(strings.TrimPrefix(h.Address(), "http://"), token, ours), ask(bare, "", theirs))
		if err != nil {
			return all, err
		}
		all = append(all, result{Job: fmt.Sprintf("%s over HTTP, 10^%d edges, 4 connections", q.name, magnitude(w.edges)), Beside: "bare handler over PostgreSQL's recursive CTE, same answer",
			Unit: "x", Figures: ratios(figures[0], figures[1]), AtLeast: 5, Sides: map[string][]float64{"ours, a second": figures[0], "postgres, a second": figures[1]}})
	}
	return all, nil
}

// paths are the addresses of a question's walks.
func (q question) paths(w *world, h *host.Host, _ string) (all []string) {
	way := map[lineage.Direction]string{lineage.Back: "back", lineage.Forward: "forward"}[q.d]
	for i := range q.walks {
		lot := w.lot(q.layer, (i*7919)%w.width)
		if h != nil {
			all = append(all, "/api/trace/"+lot+"?direction="+way)
		} else {
			all = append(all, "/?direction="+way+"&lot="+url.QueryEscape(lot))
		}
	}
	return all
}

// wireTrace is what both sides answer.
type wireTrace struct {
	Lot   string     `json:"lot"`
	Nodes []wireNode `json:"nodes"`
	Edges []wireEdge `json:"edges"`
	Cut   bool       `json:"cut"`
}

type wireNode struct {
	Lot     string `json:"lot"`
	Depth   int    `json:"depth"`
	Maker   string `json:"maker,omitempty"`
	Blocked string `json:"blocked,omitempty"`
}

type wireEdge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func (t *wireTrace) sort() {
	slices.SortFunc(t.Nodes, func(a, b wireNode) int { return strings.Compare(a.Lot, b.Lot) })
	slices.SortFunc(t.Edges, func(a, b wireEdge) int { return strings.Compare(a.From+" "+a.To, b.From+" "+b.To) })
}

// sameTraces fails unless both sides answer every address alike; it warms both.
func sameTraces(ctx context.Context, ours, token string, ourPaths []string, theirs string, theirPaths []string) error {
	for i := range ourPaths {
		var pair [2]wireTrace
		for k, ask := range []struct{ url, token string }{{ours + ourPaths[i], token}, {theirs + theirPaths[i], ""}} {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, ask.url, nil)
			if err != nil {
				return err
			}
			request.Header.Set("Authorization", "Bearer "+ask.token)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			err = json.NewDecoder(response.Body).Decode(&pair[k])
			if err = errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
				return fmt.Errorf("GET %s: %s: %w", ask.url, response.Status, err)
			}
			pair[k].sort()
		}
		if !slices.Equal(pair[0].Nodes, pair[1].Nodes) || !slices.Equal(pair[0].Edges, pair[1].Edges) {
			return fmt.Errorf("%s: %d lots and %d edges, PostgreSQL %d and %d", ourPaths[i], len(pair[0].Nodes), len(pair[0].Edges), len(pair[1].Nodes), len(pair[1].Edges))
		}
	}
	return nil
}

// signedVisits are visits with a bearer token, for JSON.
func signedVisits(address, token string, connections int, path func(n uint64) string) load {
	return load{connections, func(ctx context.Context) (func(uint64) error, func() error, error) {
		c, err := dial(ctx, address)
		if err != nil {
			return nil, nil, err
		}
		return func(n uint64) error {
			return c.getWith(path(n), "Accept: application/json\r\nAuthorization: Bearer "+token+"\r\n")
		}, c.Close, nil
	}}
}

// host is one whose tables hold the world: written straight into them, for the
// ledger would take hours.
func (w *world) host(ctx context.Context, dir string) (*host.Host, string, error) {
	p, token := suite(), ""
	p.Found = func(ctx context.Context, h *host.Host) (err error) {
		token, err = foundRegulator(ctx, h)
		return err
	}
	h, err := p.Start(ctx, hostConfig(dir), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, "", err
	}
	for h.Follower.Await(ctx, h.Ledger.Head().Block) != nil && ctx.Err() == nil {
	}
	if err := w.fill(ctx, h.DB); err != nil {
		return nil, "", errors.Join(err, h.Close())
	}
	return h, token, nil
}

// foundRegulator founds a network of one member with an authority, who reads
// everything.
func foundRegulator(ctx context.Context, h *host.Host) (token string, err error) {
	const name, password = "food-safety", "lantern-orchid-gravel-teapot"
	ca, err := h.Wallet.CACert(benchOrg)
	if err != nil {
		return "", err
	}
	for _, e := range []identity.Enrolment{{MSP: benchOrg, User: "secretary", Roles: []string{party.Admin}}, {MSP: benchOrg, User: name, Party: name, Roles: []string{party.Regulator}}} {
		if _, err := h.Wallet.Issue(e); err != nil {
			return "", err
		}
	}
	for _, c := range []any{
		party.Found{Members: []party.Member{{ID: benchOrg, Name: "Bench", CA: string(ca), Since: h.Now(), Authority: true}}},
		party.Register{ID: name, Profile: party.Profile{Name: name, Kinds: []string{party.KindRegulator}, Field: "food"}},
	} {
		if _, _, err := host.Do[json.RawMessage](ctx, h, host.Actor{MSP: benchOrg, User: "secretary"}, c); err != nil {
			return "", err
		}
	}
	if _, err := h.Accounts.Create(ctx, accounts.Registration{Name: name, Display: name, MSP: benchOrg, Language: "en", Password: password}); err != nil {
		return "", err
	}
	token, _, err = h.Accounts.CreateToken(ctx, name, "bench", []accounts.Scope{accounts.Read}, 0)
	return token, err
}

// fill writes lots, and a process a lot with its lines, some thousand rows a
// transaction.
func (w *world) fill(ctx context.Context, db *readmodel.DB) error {
	lots, lines := newRows(ctx, db, "tr_lots (id, gtin, number, serial, batch, maker, unit, made, at, expiry, origin, flags, blocked, block, told)", 15),
		newRows(ctx, db, "tr_process_lines (process, side, lot, amount, unit, block)", 6)
	for layer := range layers {
		for i := range w.width {
			id := w.lot(layer, i)
			if err := lots.add(id, strings.Split(id, "/")[1], "L", "", "", "dairy", "KGM", "100", time.Unix(1.7e9, 0).UTC(), "", "", "", "", 1, false); err != nil {
				return err
			}
		}
	}
	seen := map[lineage.Edge]bool{}
	last := ""
	for e := range w.all() {
		if e.To != last { // a lot's edges follow each other
			clear(seen)
			if err := lines.add("p "+e.To, "out", e.To, "100", "KGM", 1); err != nil {
				return err
			}
		}
		if last = e.To; seen[e] {
			continue
		}
		seen[e] = true
		if err := lines.add("p "+e.To, "in", e.From, "30", "KGM", 1); err != nil {
			return err
		}
	}
	return errors.Join(lots.flush(), lines.flush())
}

// rows gathers rows into statements of many, and those into transactions.
type tableRows struct {
	ctx     context.Context
	db      *readmodel.DB
	into    string
	columns int
	args    []any
}

func newRows(ctx context.Context, db *readmodel.DB, into string, columns int) *tableRows {
	return &tableRows{ctx: ctx, db: db, into: into, columns: columns}
}

// rowsAWrite fits the number of parameters that both engines take.
const rowsAWrite = 2000

func (r *tableRows) add(values ...any) error {
	r.args = append(r.args, values...)
	if len(r.args) >= rowsAWrite*r.columns {
		return r.flush()
	}
	return nil
}

func (r *tableRows) flush() error {
	if len(r.args) == 0 {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "INSERT INTO %s VALUES ", r.into)
	for i := range r.args {
		switch i % r.columns {
		case 0:
			if i > 0 {
				b.WriteString("), ")
			}
			b.WriteString("(")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	b.WriteString(")")
	err := r.db.InTx(r.ctx, func(tx *readmodel.Tx) error {
		_, err := tx.ExecContext(r.ctx, b.String(), r.args...)
		return err
	})
	r.args = r.args[:0]
	return err
}

// bareTrace serves the same answer out of PostgreSQL: one statement for the lots
// with their depth, one for the edges between them, both prepared.
func (w *world) bareTrace(ctx context.Context, pg string) (address string, stop func(), err error) {
	pool, err := pgxpool.New(ctx, pg)
	if err != nil {
		return "", nil, err
	}
	table := w.table + "_lots"
	if _, err := pool.Exec(ctx, "CREATE TABLE "+table+" (lot text NOT NULL, maker text NOT NULL, blocked text NOT NULL)"); err != nil {
		pool.Close()
		return "", nil, err
	}
	n := -1
	_, err = pool.CopyFrom(ctx, pgx.Identifier{table}, []string{"lot", "maker", "blocked"}, pgx.CopyFromFunc(func() ([]any, error) {
		if n++; n == layers*w.width {
			return nil, nil
		}
		return []any{w.lot(n/w.width, n%w.width), "dairy", ""}, nil
	}))
	if err != nil {
		pool.Close()
		return "", nil, err
	}
	for _, statement := range []string{
		"CREATE UNIQUE INDEX ON " + table + " (lot) INCLUDE (maker, blocked)", "VACUUM ANALYZE " + table,
	} {
		if _, err := pool.Exec(ctx, statement); err != nil {
			pool.Close()
			return "", nil, err
		}
	}
	address, stopServing, err := serve(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		t, err := w.traceOf(in.Context(), pool, table, in.URL.Query().Get("lot"), in.URL.Query().Get("direction"))
		if err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		out.Header().Set("Content-Type", "application/json")
		buffered := bufio.NewWriter(out)
		if json.NewEncoder(buffered).Encode(t) == nil {
			buffered.Flush()
		}
	}))
	return address, func() { stopServing(); pool.Close() }, err
}

func (w *world) traceOf(ctx context.Context, pool *pgxpool.Pool, table, lot, direction string) (*wireTrace, error) {
	near, far, sign := "source", "target", 1
	if direction == "back" {
		near, far, sign = far, near, -1
	}
	t := &wireTrace{Lot: lot}
	walk := fmt.Sprintf(`WITH RECURSIVE reached(lot, depth) AS (SELECT $1::text, 0 UNION SELECT e.%s, r.depth + 1 FROM reached r JOIN %s e ON e.%s = r.lot)`, far, w.table, near)
	rows, err := pool.Query(ctx, walk+fmt.Sprintf(` SELECT l.lot, MIN(r.depth) * %d, l.maker, l.blocked FROM reached r JOIN %s l ON l.lot = r.lot GROUP BY 1, 3, 4`, sign, table), lot)
	if err == nil {
		t.Nodes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[wireNode])
	}
	if err != nil {
		return nil, err
	}
	var lots []string
	for _, n := range t.Nodes {
		lots = append(lots, n.Lot)
	}
	rows, err = pool.Query(ctx, fmt.Sprintf(`SELECT DISTINCT source, target FROM %s WHERE %s = ANY($1)`, w.table, near), lots)
	if err == nil {
		t.Edges, err = pgx.CollectRows(rows, pgx.RowToStructByPos[wireEdge])
	}
	return t, err
}

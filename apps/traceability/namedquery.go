package traceability

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/epcis/query"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// This file is /queries (EPCIS 2.0, section 12.7): queries that a company keeps
// under a name. A name is the company's own: others may use the same one, and
// neither see nor delete it. What a query finds, it finds for who asks.

var (
	errNoQuery = chaincode.Rule{Code: "epcis/no-query", Kind: chaincode.NotFound,
		Text: "There is no query of this name.", Remedy: "List your company's queries with GET " + epcisBase + "/queries."}
	errQueryName = chaincode.Rule{Code: "epcis/query-name", Kind: chaincode.Malformed,
		Text: "A query has a name of 1 to 100 letters, digits, dots, hyphens and underscores.", Remedy: `Send {"name": "shipped-today", "query": {"EQ_bizStep": ["shipping"]}}.`}
	errQueryTaken = chaincode.Rule{Code: "epcis/query-exists", Kind: chaincode.Conflict,
		Text: "Your company has a query of this name.", Remedy: "Choose another name, or delete that query first: queries are not changed."}
	errQueries = chaincode.Rule{Code: "epcis/too-many-queries", Kind: chaincode.Malformed,
		Text: "Your company keeps as many queries as it may.", Remedy: "Delete one that is not needed."}
)

// mostQueries is how many queries a company keeps.
const mostQueries = 500

// namedQuery is a query as it is kept.
type namedQuery struct {
	Owner   string    `db:"owner" json:"-"`
	Name    string    `db:"name" json:"name"`
	Body    string    `db:"body" json:"-"`
	Login   string    `db:"login" json:"-"`
	Created time.Time `db:"created" json:"createdAt"`
}

// view is what the binding shows of it.
type queryView struct {
	Name    string          `json:"name"`
	Query   json.RawMessage `json:"query"`
	Created time.Time       `json:"createdAt"`
}

func (q namedQuery) view() queryView { return queryView{q.Name, json.RawMessage(q.Body), q.Created} }

func (a *app) queryRoutes() []web.Route {
	read, write := web.AnyUser.Owned(), web.AnyUser.Owned()
	return append(append(
		epcisResource("/queries", "queries", "GET, POST",
			web.Route{Method: "GET", Access: read, Handler: a.listQueries},
			web.Route{Method: "POST", Access: write, Handler: a.postQuery}),
		epcisResource("/queries/:name", "query", "GET, DELETE",
			web.Route{Method: "GET", Access: read, Handler: a.showQuery},
			web.Route{Method: "DELETE", Access: write, Handler: a.deleteQuery})...),
		epcisResource("/queries/:name/events", "queryEvents", "GET",
			web.Route{Method: "GET", Access: read, Handler: a.orSocket(a.eventsOfQuery), Sockets: true})...)
}

// ownerOf is whose queries somebody asks for: their company's.
func ownerOf(u *web.User) string {
	if u.Party != "" {
		return u.Party
	}
	return u.MSP + "/" + u.ID
}

// findQuery reads a query of an owner by its name.
func (a *app) findQuery(ctx context.Context, owner, name string) (namedQuery, *query.Query, error) {
	found, err := readmodel.All[namedQuery](ctx, a.db, `SELECT owner, name, body, login, created FROM tr_queries WHERE owner = $1 AND name = $2`, owner, name)
	if err != nil {
		return namedQuery{}, nil, err
	}
	if len(found) == 0 {
		return namedQuery{}, nil, errNoQuery.Refuse("%s", name)
	}
	q, err := query.ParseJSON([]byte(found[0].Body))
	return found[0], q, err
}

func (a *app) listQueries(c *web.Ctx) error {
	p, err := a.asks(c)
	if err == nil {
		err = p.none()
	}
	if err != nil {
		return err
	}
	found, err := readmodel.All[namedQuery](c.Context(), a.db, `SELECT owner, name, body, login, created FROM tr_queries WHERE owner = $1 AND name > $2 ORDER BY name LIMIT $3`,
		ownerOf(c.User()), p.from.Name, p.size+1)
	if err != nil {
		return err
	}
	if len(found) > p.size {
		found = found[:p.size]
		if err := p.next(bookmark{Name: found[p.size-1].Name}); err != nil {
			return err
		}
	}
	views := []queryView{}
	for _, q := range found {
		views = append(views, q.view())
	}
	return c.JSON(http.StatusOK, views)
}

func (a *app) showQuery(c *web.Ctx) error {
	q, _, err := a.findQuery(c.Context(), ownerOf(c.User()), c.Param("name"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, q.view())
}

// postQuery keeps a query under a name.
func (a *app) postQuery(c *web.Ctx) error {
	name, body, err := readQuery(c)
	if err != nil {
		return err
	}
	if _, err := query.ParseJSON(body); err != nil {
		return err
	}
	u := c.User()
	err = a.db.InTx(c.Context(), func(tx *readmodel.Tx) error {
		names, err := readmodel.All[string](c.Context(), tx, `SELECT name FROM tr_queries WHERE owner = $1`, ownerOf(u))
		if err != nil {
			return err
		}
		if len(names) >= mostQueries {
			return errQueries.Refuse("%s", mostQueries)
		}
		done, err := tx.ExecContext(c.Context(), `INSERT INTO tr_queries (owner, name, body, login, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			ownerOf(u), name, string(body), u.ID, a.host.Now())
		if err != nil {
			return fmt.Errorf("keep a query: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errQueryTaken.Refuse("%s", name).On("name"))
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", epcisBase+"/queries/"+name)
	return c.NoContent(http.StatusCreated)
}

func readQuery(c *web.Ctx) (name string, body []byte, err error) {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/ld+json" {
		return "", nil, errMediaType.Refuse("%s", c.Request().Header.Get("Content-Type"))
	}
	b, err := io.ReadAll(http.MaxBytesReader(c.Response().Writer, c.Request().Body, 2*query.MaxBytes))
	if err != nil {
		return "", nil, errLimit.Refuse("at most %s bytes", query.MaxBytes)
	}
	var sent struct {
		Name  string          `json:"name"`
		Query json.RawMessage `json:"query"`
	}
	if err := json.Unmarshal(b, &sent); err != nil {
		return "", nil, errDocument.Refuse("")
	}
	if !isQueryName(sent.Name) {
		return "", nil, errQueryName.Refuse("%s", sent.Name).On("name")
	}
	return sent.Name, sent.Query, nil
}

func isQueryName(s string) bool {
	return s != "" && len(s) <= 100 && s != "." && s != ".." &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}

// deleteQuery removes a query, and with it who subscribed to it.
func (a *app) deleteQuery(c *web.Ctx) error {
	owner, name := ownerOf(c.User()), c.Param("name")
	if _, _, err := a.findQuery(c.Context(), owner, name); err != nil {
		return err
	}
	err := a.db.InTx(c.Context(), func(tx *readmodel.Tx) error {
		if a.queryGone != nil {
			if err := a.queryGone(c.Context(), tx, owner, name); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(c.Context(), `DELETE FROM tr_queries WHERE owner = $1 AND name = $2`, owner, name)
		return err
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// eventsOfQuery answers with a query's events, for the reader. Parameters in
// the address narrow it further.
func (a *app) eventsOfQuery(c *web.Ctx) error {
	named, q, err := a.findQuery(c.Context(), ownerOf(c.User()), c.Param("name"))
	if err != nil {
		return err
	}
	p, err := a.asks(c, named.Body) // another query of the same name goes on with no token of this one
	if err != nil {
		return err
	}
	more, err := query.Parse(p.params, prefixesOf(c))
	if err == nil {
		q, err = q.And(more)
	}
	if err != nil {
		return err
	}
	return a.answerQuery(p, q, named.Name)
}

package traceability

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// This file cuts answers into pages (EPCIS 2.0, section 12.6). A token says
// where the next page begins; it is sealed, for one reader and one question, so
// that nobody can move it to another.

// tokenLife is how long a page token is good for.
const tokenLife = 24 * time.Hour

var errToken = chaincode.Rule{Code: "epcis/next-page-token", Kind: chaincode.Malformed,
	Text: "This nextPageToken does not continue this query.", Remedy: "Follow the Link header as it stands, with the same parameters and headers, within a day; or begin again without a token."}

// bookmark is where a page begins: behind the record that it names.
type bookmark struct {
	Block int64     `json:"b,omitempty"`
	At    time.Time `json:"t,omitzero"`
	Name  string    `json:"n,omitempty"` // a hash, or the last member of a collection
	Given int       `json:"g,omitempty"` // how many were given on the pages before
}

// sealed is what stands in a token.
type sealed struct {
	bookmark
	Question string `json:"q"`
	Expires  int64  `json:"e"`
}

// pager seals and opens page tokens.
type pager struct {
	db     *readmodel.DB
	secret []byte
	now    func() time.Time
}

func openPager(ctx context.Context, db *readmodel.DB, now func() time.Time) (*pager, error) {
	fresh := make([]byte, 32)
	rand.Read(fresh) // never fails: the runtime stops the program first
	if _, err := db.ExecContext(ctx, `INSERT INTO tr_page_seal (id, secret) VALUES ($1, $2) ON CONFLICT DO NOTHING`, 1, hex.EncodeToString(fresh)); err != nil {
		return nil, err
	}
	text, err := readmodel.One[string](ctx, db, `SELECT secret FROM tr_page_seal WHERE id = $1`, 1)
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(text)
	return &pager{db, secret, now}, err
}

func (p *pager) sum(body []byte, reader string) []byte {
	mac := hmac.New(sha256.New, p.secret)
	mac.Write([]byte(reader + "\x00"))
	mac.Write(body)
	return mac.Sum(nil)[:16]
}

func (p *pager) seal(s sealed, reader string) (string, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(p.sum(body, reader), body...)), nil
}

func (p *pager) open(token, reader string) (sealed, error) {
	var s sealed
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < 16 || !hmac.Equal(b[:16], p.sum(b[16:], reader)) || json.Unmarshal(b[16:], &s) != nil {
		return s, errToken.Refuse("").On("nextPageToken")
	}
	if p.now().Unix() > s.Expires {
		return s, errToken.Refuse("it has expired").On("nextPageToken")
	}
	return s, nil
}

// asking is a request for a page.
type asking struct {
	app      *app
	c        *web.Ctx
	size     int
	params   url.Values // all but those of the page
	from     bookmark
	first    bool
	question string
}

// longestQuery bounds the parameters of an address; longer queries are named
// queries.
const longestQuery = 16 << 10

var errLongAddress = chaincode.Rule{Code: "epcis/address-too-long", Kind: chaincode.Malformed,
	Text: "The address is longer than this repository takes.", Remedy: "Store the query with POST " + epcisBase + "/queries and read its events."}

// asks reads which page is asked for. A token goes on with the same address and
// the same rest of the question only.
func (a *app) asks(c *web.Ctx, rest ...string) (*asking, error) {
	u := c.Request().URL
	if len(u.RawQuery) > longestQuery {
		return nil, errLongAddress.Refuse("at most %s bytes", longestQuery)
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errParameter.Refuse("")
	}
	p := &asking{app: a, c: c, size: 30, params: params, first: true}
	token := ""
	for _, name := range []string{"perPage", "nextPageToken"} {
		values, given := params[name]
		delete(params, name)
		switch {
		case !given:
		case len(values) != 1:
			return nil, errParameter.Refuse("%s", name).On(name)
		case name == "perPage":
			n, err := strconv.Atoi(values[0])
			if err != nil || n < 1 {
				return nil, errParameter.Refuse("%s=%s", name, values[0]).On(name)
			}
			p.size = min(n, web.MaxLimit)
		default:
			token = values[0]
		}
	}
	sum := sha256.Sum256([]byte(u.EscapedPath() + "?" + params.Encode() + "\n" + strings.Join(append(rest, c.Request().Header.Values("GS1-Extensions")...), "\n")))
	p.question = hex.EncodeToString(sum[:12])
	if token == "" {
		return p, nil
	}
	return p, p.resume(token)
}

func (p *asking) resume(token string) error {
	s, err := p.app.pager.open(token, p.c.User().ID)
	if err != nil {
		return err
	}
	if s.Question != p.question {
		return errToken.Refuse("it belongs to another query").On("nextPageToken")
	}
	n, err := readmodel.One[int](p.c.Context(), p.app.db, `SELECT COUNT(*) FROM tr_page_released WHERE token = $1`, token)
	if err != nil {
		return err
	}
	if n > 0 {
		return errToken.Refuse("it was given back").On("nextPageToken")
	}
	p.from, p.first = s.bookmark, false
	return nil
}

// none refuses parameters other than those of the page.
func (p *asking) none() error {
	for name := range p.params {
		return errParameter.Refuse("%s", name).On(name)
	}
	return nil
}

// next tells where the next page is.
func (p *asking) next(at bookmark) error {
	expires := p.app.pager.now().Add(tokenLife)
	token, err := p.app.pager.seal(sealed{at, p.question, expires.Unix()}, p.c.User().ID)
	if err != nil {
		return err
	}
	q := url.Values{"perPage": {strconv.Itoa(p.size)}, "nextPageToken": {token}}
	for name, values := range p.params {
		q[name] = values
	}
	h := p.c.Response().Header()
	h.Set("Link", "<"+p.c.Request().URL.EscapedPath()+"?"+q.Encode()+`>; rel="next"`)
	h.Set("GS1-Next-Page-Token-Expires", expires.UTC().Format(time.RFC3339))
	return nil
}

// releaseToken gives a page token back before it runs out (EPCIS 2.0, section
// 12.6). Nothing is held for it but its name, until then.
func (a *app) releaseToken(c *web.Ctx) error {
	token := c.Param("token")
	s, err := a.pager.open(token, c.User().ID)
	if err != nil {
		return err
	}
	err = a.db.InTx(c.Context(), func(tx *readmodel.Tx) error {
		if _, err := tx.ExecContext(c.Context(), `DELETE FROM tr_page_released WHERE expires < $1`, a.pager.now()); err != nil {
			return err
		}
		_, err := tx.ExecContext(c.Context(), `INSERT INTO tr_page_released (token, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING`, token, time.Unix(s.Expires, 0))
		return err
	})
	if err != nil {
		return fmt.Errorf("release a page token: %w", err)
	}
	return c.NoContent(http.StatusNoContent)
}

package traceability

import (
	"time"

	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// excursionNeeds are the alarms that need a company now: of its own devices those
// that go on or wait for an explanation, of others' those that name goods it has.
func (a *app) excursionNeeds(c *web.Ctx, n *names, own string) ([]web.Need, error) {
	if own == "" {
		return nil, nil
	}
	since := a.host.Now().AddDate(0, 0, -30).UTC()
	rows, err := readmodel.All[excursionRow](c.Context(), a.db, `SELECT `+excursionColumns+` FROM `+excursionTables+` WHERE NOT x.error AND x.since > $1
		AND (x.author = $2 AND (x.until IS NULL OR x.explained IS NULL)
			OR x.author <> $3 AND x.until IS NULL AND EXISTS (SELECT 1 FROM tr_named m JOIN tr_accounts g ON g.lot = m.thing WHERE m.hash = x.hash AND g.party = $4
				AND (g.held <> '0' OR g.packed <> '0' OR g.sent <> '0'))) ORDER BY CASE WHEN x.until IS NULL THEN 0 ELSE 1 END, x.since DESC LIMIT 5`, since, own, own, own)
	var needs []web.Need
	for _, x := range rows {
		need := web.Need{Text: x.title(c.Lang()) + ": " + x.what(c), Detail: x.extremes(n) + " · " + c.T("since %s", x.Since.In(c.Zone()).Format("01-02 15:04")), Tone: x.state().Tone,
			Href: "/traceability/devices/" + x.Author + "/" + x.Name + "?at=" + x.Since.UTC().Format(time.RFC3339) + "#excursions"}
		if x.Author != own {
			need.Text, need.Href = c.T("Your goods with %s: %s", n.Party(x.Author), x.what(c)), eventHref(x.Event)
		}
		needs = append(needs, need)
	}
	return needs, err
}

package traceability

import (
	"context"
	"strings"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// foodHints warns on a form, before anything is recorded, of what the records of
// a company with foods on the Food Traceability List will lack whatever is
// entered: its own place's description. It is nil where nothing is amiss.
func (a *app) foodHints(c *web.Ctx, own events.Company, cte fsma.CTE) (*web.Banner, error) {
	listed, err := readmodel.All[string](c.Context(), a.db, `SELECT f.gtin FROM tr_product_facts f WHERE f.list <> '' AND NOT f.kill_step AND
		(EXISTS (SELECT 1 FROM tr_products p WHERE p.gtin = f.gtin AND p.owner = $1)
		OR EXISTS (SELECT 1 FROM tr_accounts a JOIN tr_lots l ON l.id = a.lot WHERE a.party = $2 AND a.in_stock AND l.gtin = f.gtin)) LIMIT 1`, own.ID, own.ID)
	if err != nil || len(listed) == 0 || own.GLN == "" {
		return nil, err
	}
	b := newBook(&recordQuery{app: a})
	if err := b.fetchPlaces(c.Context(), []string{own.GLN}); err != nil {
		return nil, err
	}
	line := fsma.Line{At: a.host.Now(), Place: own.GLN, Step: fsma.Make}
	if cte == fsma.Shipping {
		line.Step, line.Source = fsma.Ship, own.GLN
	}
	var said []string
	for _, g := range fsma.Complete(cte, line, fsma.Line{}, b, b).Gaps {
		if g.Place == own.GLN {
			said = append(said, gapText(c, g)+" (21 CFR "+g.Clause+")")
		}
	}
	if len(said) == 0 {
		return nil, nil
	}
	return &web.Banner{Tone: web.Warn, Title: "Records of foods on the Food Traceability List will lack something.", Text: strings.Join(said, "; "),
		Href: "/traceability/places/edit?gln=" + own.GLN}, nil
}

// withoutDocument says, once something was recorded, that a food on the list has
// no reference document; "" where it has one, or is on no list.
func (a *app) withoutDocument(c *web.Ctx, document string, lots ...string) string {
	if strings.TrimSpace(document) != "" || !a.anyListed(c.Context(), lots) {
		return ""
	}
	return c.T("It is on the Food Traceability List, and its record lacks a reference document.")
}

// anyListed reports whether a lot is of a food on the list. What it cannot read
// it does not warn of.
func (a *app) anyListed(ctx context.Context, lots []string) bool {
	var gtins []string
	for _, lot := range lots {
		if key, err := gs1.Parse(lot); err == nil {
			gtins = append(gtins, key.GTIN())
		}
	}
	listed, err := categories(ctx, a.db, gtins)
	return err == nil && len(listed) > 0
}

package traceability

import (
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// mostKept is how many waiting shipments a phone keeps the pages of, those that
// were sent first.
const mostKept = 20

// keptPages are the forms that a phone keeps for a day without a network, each
// with the lists that it needs, and the shipments that wait to be accepted.
func (a *app) keptPages(c *web.Ctx) ([]string, error) {
	if !operators.Allows(c.User()) {
		return nil, nil
	}
	pages := []string{"/traceability/lots/new", "/traceability/ship", "/traceability/transform", "/traceability/dispose", "/traceability/shipments"}
	waiting, err := readmodel.All[string](c.Context(), a.db, `SELECT id FROM tr_shipments WHERE receiver = $1 AND state = $2 ORDER BY at, id LIMIT $3`,
		c.User().Party, trace.Offered, mostKept)
	for _, id := range waiting {
		pages = append(pages, "/traceability/shipments/"+id)
	}
	return pages, err
}

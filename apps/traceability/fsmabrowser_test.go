package traceability

import (
	"testing"

	"github.com/tallyway/tallyway/shared/web/webtest"
)

// The pages of records and insights fit a phone and a desktop, in both languages,
// and complain of nothing.
func TestRecordsAndInsightsFitTheirScreens(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.do("harbour-foods", soft)
	b := webtest.NewBrowser(t, webtest.Phone)
	b.Login(w.Address(), "harbour-foods", password)
	b.Problems()
	for _, v := range []webtest.Viewport{webtest.Phone, webtest.Desktop} {
		b.View(v)
		for name, address := range map[string]string{"fsma": "/traceability/fsma", "plan": "/traceability/fsma/plan/edit", "insights": "/traceability/insights",
			"yield": "/traceability/insights?view=yield", "lanes": "/traceability/insights?view=deliveries"} {
			b.Open(w.Address() + address)
			if cut := b.Overflow(); cut > 0 {
				t.Errorf("%s on a %s is %d pixels too wide", name, v.Name, cut)
			}
			b.Screenshot(name + "-" + v.Name)
		}
	}
	b.Open(w.Address() + "/traceability/fsma?cte=transformation")
	b.See("tr.warn")
	b.Quiet()
}

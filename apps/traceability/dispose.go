package traceability

import (
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/web"
)

// disposeForm takes goods out of circulation.
type disposeForm struct {
	How   string     `form:"how,required"`
	At    time.Time  `form:"at"`
	Lines []lotEntry `form:"lines,required"`
	Share audience   `form:"share"`
}

type disposeView struct {
	Form  *web.Form[disposeForm]
	Ways  []web.Option
	Stock []web.Option
	Units []web.Option
	Share shareView
}

const (
	waySold      = "sold"
	wayDestroyed = "destroyed"
)

var ways = []web.Option{{Value: waySold, Text: "Sold at retail"}, {Value: wayDestroyed, Text: "Destroyed"}}

// dispose books what was sold over the counter or destroyed.
func (a *app) dispose(c *web.Ctx) error {
	own, err := a.own(c)
	if err != nil {
		return err
	}
	start := disposeForm{How: waySold}
	if c.QueryParam("how") == wayDestroyed {
		start.How = wayDestroyed
	}
	if lot := lotID(c.QueryParam("lot")); lot != "" {
		start.Lines = []lotEntry{{Lot: lot}}
	}
	show := func(f *web.Form[disposeForm]) error {
		stock, err := a.stock(c.Context(), own.ID)
		if err != nil {
			return err
		}
		share, err := a.shareView(c, f.Field("share.mode", "Readers"), f.Value.Share)
		if err != nil {
			return err
		}
		return c.Render("dispose.html", disposeView{f, ways, a.names(c).choices(c, free(stock)), units(c), share})
	}
	return web.Post(c, start, show, func(f *web.Form[disposeForm]) (string, error) {
		if err := a.disposed(c, own, f); err != nil {
			return "", blame(f, err, "lines", map[string]string{trace.ErrFuture.Code: "at", trace.ErrReason.Code: "how"})
		}
		if f.Value.How == waySold {
			c.Flash("The sale is booked.")
		} else {
			c.Flash("The destruction is booked.")
		}
		return "/traceability", nil
	})
}

func (a *app) disposed(c *web.Ctx, own events.Company, f *web.Form[disposeForm]) error {
	all, err := a.goods(c.Context(), f.Value.Lines)
	if err != nil {
		return err
	}
	at := a.when(f.Value.At, f.Field("at.zone", ""))
	switch f.Value.How {
	case waySold:
		_, err = a.submit(c, events.Sold(own, at, all), f.Value.Share)
	case wayDestroyed:
		_, err = a.submit(c, events.Destroyed(own, at, all), f.Value.Share)
	default:
		err = web.ErrField.Refuse("").On("how")
	}
	return err
}

package traceability

import (
	"slices"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/web"
)

// audience is the part of a form that says who reads the event.
type audience struct {
	Mode string   `form:"mode"`
	With []string `form:"with"` // companies; of a restricted event only
}

// everyMode are the choices with what each means, the default first.
var everyMode = []web.Option{{Value: trace.Linked, Text: "The chain of these goods"},
	{Value: trace.Public, Text: "Everybody in this network"}, {Value: trace.Restricted, Text: "Named companies, and regulators"},
	{Value: trace.Private, Text: "Only our company, and regulators"}}

// ErrAudience keeps a restricted event from being a private one by oversight.
var ErrAudience = chaincode.Rule{Code: "traceability/audience", Kind: chaincode.Malformed,
	Text: "No company is named that may read this.", Remedy: "Tick the companies, or choose that only your own reads it."}

// sharing is the choice as the command takes it. Companies that were ticked
// before another choice was made are not meant.
func (a audience) sharing() (sharing, error) {
	if a.Mode != trace.Restricted {
		return sharing{Sharing: a.Mode}, nil
	}
	if len(a.With) == 0 {
		return sharing{}, ErrAudience.Refuse("").On("share.mode")
	}
	return sharing{Sharing: a.Mode, Readers: strings.Join(a.With, " ")}, nil
}

// shareView is the choice on a page.
type shareView struct {
	Mode  web.Field
	Among []web.Option // companies
	named []string
}

// Named reports whether a company is ticked.
func (v shareView) Named(company string) bool { return slices.Contains(v.named, company) }

// shareView offers the choice on a form of one of the app's pages.
func (a *app) shareView(c *web.Ctx, mode web.Field, chosen audience) (shareView, error) {
	if mode.Value == "" {
		mode.Value = trace.Linked
	}
	v := shareView{Mode: mode.Among(everyMode).Required(), named: chosen.With}
	others, err := a.others(c.Context(), c.User().Party)
	n := a.names(c)
	for _, p := range others {
		v.Among = append(v.Among, web.Option{Value: p.ID, Text: n.Party(p.ID)})
	}
	return v, err
}

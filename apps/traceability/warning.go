package traceability

import (
	"context"
	"fmt"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// What a brand says publicly of a serial number (trace.Warn), on every host.

func projectWarnings(p *readmodel.Projection) {
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.Warned) error {
		w := e.Warning
		return run(ctx, tx, `INSERT INTO tr_warnings (thing, reason, author, at, block) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (thing) DO UPDATE SET reason = excluded.reason, author = excluded.author, at = excluded.at, block = excluded.block`,
			w.Thing, w.Reason, w.By, w.At, int64(m.Block))
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.WarningLifted) error {
		return run(ctx, tx, `DELETE FROM tr_warnings WHERE thing = $1`, e.Thing)
	})
}

// warning is a row of tr_warnings.
type warning struct {
	Reason string    `db:"reason"`
	Author string    `db:"author"`
	At     time.Time `db:"at"`
	Block  int64     `db:"block"`
}

// aboutWarning tells what the brand says of a serial number. A recall says more
// urgently not to use it, and stays what the page begins with.
func (a *app) aboutWarning(ctx context.Context, n *names, thing string, v *shopperView) error {
	all, err := readmodel.All[warning](ctx, a.db, `SELECT reason, author, at, block FROM tr_warnings WHERE thing = $1`, thing)
	if err != nil {
		return fmt.Errorf("read the warning of %s: %w", thing, err)
	}
	if len(all) == 0 {
		return nil
	}
	w := all[0]
	v.Warning, v.Maker = w.Reason, orElse(v.Maker, n.Party(w.Author))
	if v.Verdict != recalled {
		v.Verdict, v.By, v.Since = warned, n.Party(w.Author), w.At.UTC().Format(time.DateOnly)
		v.Block, v.Entered = max(v.Block, w.Block), w.At
	}
	return nil
}

// warningTexts say what a reason of trace.Warn means to who holds the pack.
var warningTexts = map[string]string{
	"counterfeit": "The brand has confirmed that packs with this serial number are not genuine.",
	"stolen":      "The brand has reported goods with this serial number as stolen.",
	"diverted":    "The brand did not send goods with this serial number to where they were sold.",
}

// warning is the verdict on a serial number that its brand warns of.
func (w *pageWriter) warning(v *shopperView) {
	w.heading("The brand warns of this serial number").paragraph(warningTexts[v.Warning]).raw(`<p class="do">`).
		say("If yours bears it, do not use it. Ask the shop or the brand, and keep the receipt.").raw("</p>")
	w.since("Published by %s on %s.", v)
}

// notice is said on the page of a serial number that is looked into. It accuses
// nobody: most of these numbers are on genuine packs, beside copies of them.
func (w *pageWriter) notice(v *shopperView) {
	switch {
	case v.Warning != "" && v.Verdict == recalled:
		w.raw(`<section class="card notice">`).heading("The brand warns of this serial number").paragraph(warningTexts[v.Warning]).raw("</section>\n")
	case v.Warning == "" && v.Unusual:
		w.raw(`<section class="card notice">`).heading("This number was looked at in unusual ways").
			paragraph("The number on a genuine pack can be copied. Compare seal and print with other packs, and if in doubt ask the shop or tell the brand.").raw("</section>\n")
	}
}

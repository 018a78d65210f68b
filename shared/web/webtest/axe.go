package webtest

import (
	_ "embed"
	"strings"
	"time"
)

// axeCore stands here as its makers publish it on npm (axe-core 4.10.2,
// MPL-2.0), and is part of no program.
//
//go:embed axe.min.js
var axeCore string

// Axe runs the accessibility rules of axe-core, or some of them, in the page
// that is open and gives what is serious or critical.
func (b *Browser) Axe(rules ...string) []string {
	b.t.Helper()
	if !Eval[bool](b, `typeof axe === "object"`) {
		Eval[bool](b, axeCore+"; true")
	}
	only := ""
	if len(rules) > 0 {
		only = `, runOnly: ["` + strings.Join(rules, `", "`) + `"]`
	}
	Eval[bool](b, `window.axeFound = null, axe.run(document, {resultTypes: ["violations"]`+only+`}).then(r => { window.axeFound = r.violations
		.filter(v => v.impact === "serious" || v.impact === "critical").flatMap(v => v.nodes.map(n => v.id + ": " + n.target.join(" ") + " " + (n.any[0] || n.all[0] || n.none[0] || {message: ""}).message)); }), true`)
	for range 400 {
		if Eval[bool](b, `window.axeFound !== null`) {
			return Eval[[]string](b, `window.axeFound`)
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatal("axe did not end")
	return nil
}

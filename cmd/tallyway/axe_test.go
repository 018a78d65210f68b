package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/web/webtest"
)

// records are the pages of one record that the traceability app has: where a
// link to one stands, and which.
var records = [][3]string{
	{"shipment", "/traceability/shipments", `table a.row-link`},
	{"case", "/traceability/cases", `table a.row-link`},
	{"mismatch", "/traceability/mismatches", `main a[href*="/mismatches/"]`},
	{"product", "/traceability/products", `table a.row-link`},
	{"place", "/traceability/products", `main a[href*="/places/edit?"]`},
	{"lot", "/traceability/lots", `table a.row-link`},
	{"event", "lot", `main a[href*="/event/"]`},
	{"trace", "lot", `main a[href*="/trace/"]`},
	{"dispose", "lot", `main a[href*="/dispose?"]`},
	{"progress", "case", `main a[href$="/progress"]`},
	{"reconcile", "case", `main a[href$="/reconcile"]`},
	{"scope", "case", `main a[href$="/scope"]`},
	{"pack", "lot", `main a[href*="/packs/"]`},
	{"photo", "/photos", `main a[href^="/photos/"]`},
	{"document", "/traceability/documents", `main a[href^="/documents/"]`},
	{"alarm", "/traceability/alarms", `main a[href*="/alarms/"]`},
	{"report", "/traceability/reports", `main a[href*="/reports/"]`},
}

// fixed are pages that stand in no navigation.
var fixed = []string{"/traceability/lots/new", "/traceability/ship", "/traceability/transform", "/traceability/pack", "/traceability/dispose",
	"/traceability/import", "/traceability/import/epcis", "/traceability/import/jobs", "/traceability/labels", "/traceability/links", "/traceability/documents",
	"/traceability/products/edit", "/traceability/places/edit", "/traceability/demands", "/traceability/demands/edit", "/traceability/subscriptions",
	"/traceability/subscriptions/new", "/traceability/companies/new", "/traceability/alarms", "/traceability/reports", "/traceability/fsma/plan",
	"/traceability/fsma/plan/edit", "/traceability/cases/new?kind=recall", "/traceability/cases/new?kind=mock"}

// pagesOf are signed-in pages of the traceability app, by name: its navigation,
// in the long form what stands behind it, and the first record of each kind.
func (s *story) pagesOf() map[string]string {
	s.t.Helper()
	pages := map[string]string{}
	s.open("/traceability")
	behind := fixed
	if os.Getenv("TALLYWAY_TORTURE") == "" {
		behind = nil
	}
	for _, href := range append(webtest.Eval[[]string](s.desk, `[...document.querySelectorAll("nav a[href^='/traceability'], nav a[href='/photos']")].map(a => a.getAttribute("href"))`), behind...) {
		pages[href] = href
	}
	for _, r := range records {
		at := r[1]
		if !strings.HasPrefix(at, "/") {
			at = pages[at]
		}
		if at == "" {
			continue
		}
		s.open(at)
		if href := webtest.Eval[string](s.desk, `document.querySelector(`+quoted(r[2])+`)?.getAttribute("href") ?? ""`); href != "" {
			pages[r[0]] = href
		}
	}
	return pages
}

func quoted(text string) string { return "`" + text + "`" }

// TestEveryPageIsAccessible walks the navigation of the traceability app and a
// record of each kind, as a maker, in Chinese in the dark on a phone: nothing is
// serious or critical to axe-core, and nothing is cut. With TALLYWAY_TORTURE it
// walks all pages, as an authority too, and in English on a light desktop.
func TestEveryPageIsAccessible(t *testing.T) {
	s := furnished(t)
	s.screen, s.desk = webtest.Phone, webtest.NewBrowser(t, webtest.Phone)
	s.desk.Dark(true)
	users := []string{"harbour-foods"}
	if os.Getenv("TALLYWAY_TORTURE") != "" {
		users = append(users, "food-safety")
	}
	for _, user := range users {
		s.as(user)
		s.open("/traceability?lang=zh")
		pages := s.pagesOf()
		for _, name := range slices.Sorted(maps.Keys(pages)) {
			s.examine(user, name, pages[name])
		}
		if os.Getenv("TALLYWAY_TORTURE") != "" {
			s.desk.View(webtest.Desktop)
			s.desk.Dark(false)
			s.open("/traceability?lang=en")
			for _, name := range slices.Sorted(maps.Keys(pages)) {
				s.examine(user+"-desktop", name, pages[name])
			}
			s.desk.View(webtest.Phone)
			s.desk.Dark(true)
		}
		t.Logf("%s: %d pages: %s", user, len(pages), strings.Join(slices.Sorted(maps.Keys(pages)), " "))
	}
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// examine finds nothing to mend in a page.
func (s *story) examine(user, name, path string) {
	s.t.Helper()
	s.open(path)
	found := s.desk.Axe()
	if os.Getenv("WEBTEST_SHOTS") != "" {
		s.desk.Screenshot("page-" + user + notInNames.ReplaceAllString("-"+name, "-"))
	}
	if len(found) > 0 {
		s.t.Errorf("%s at %s (%s):\n%s", user, path, name, strings.Join(found, "\n"))
	}
}

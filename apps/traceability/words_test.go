package traceability

import (
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/apps/traceability/intake"
	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// TestEverythingIsTranslated covers the app's pages, what its Go files say,
// every rule that its host explains, and the formats of the nouns' refusals.
func TestEverythingIsTranslated(t *testing.T) {
	h := startMachines(t)
	webtest.Translated(t, h.Web.Words(), h.Web.Rules(), topOnly{os.DirFS(".")}, os.DirFS("pages"), os.DirFS("shopper"),
		os.DirFS("../../chaincode/trace"), os.DirFS("../../chaincode/party"))
}

// topOnly hides the folders below.
type topOnly struct{ fs.FS }

func (f topOnly) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(f.FS, name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool { return e.IsDir() }), err
}

// TestSheetsAreTranslated covers what sheets are called and how they are filled
// in, which stands in tables rather than in calls.
func TestSheetsAreTranslated(t *testing.T) {
	h := startMachines(t)
	say := func(text string) {
		if text != "" {
			h.Web.Words().T("zh", text)
		}
	}
	for _, k := range intake.Kinds {
		say(k.Title)
		say(k.Text)
		for _, c := range k.Columns {
			say(c.Note)
		}
	}
	if missing := h.Web.Words().Missing(); len(missing) > 0 {
		t.Errorf("not translated: %q", missing)
	}
}

// TestExcursionsAreTranslated covers what the watch may find.
func TestExcursionsAreTranslated(t *testing.T) {
	words := startMachines(t).Web.Words()
	for _, kinds := range []map[watch.Kind]string{ruleWords, lowRuleWords} {
		for _, text := range kinds {
			words.T("zh", text)
		}
	}
	for _, text := range gapWords {
		words.T("zh", text)
	}
	if missing := words.Missing(); len(missing) > 0 {
		t.Errorf("not translated: %q", missing)
	}
}

// TestTheRegulationIsTranslated covers what package fsma says.
func TestTheRegulationIsTranslated(t *testing.T) {
	say := startMachines(t).Web.Words().T
	var texts []string
	for _, cte := range fsma.CTEs {
		texts = append(texts, cte.Title())
		for _, e := range fsma.Elements[cte] {
			texts = append(texts, e.Name, e.Who, e.How)
		}
	}
	for _, c := range fsma.List {
		texts = append(texts, c.Name)
	}
	for _, text := range append(texts, "name", "phone number", "address", "city", "country", "state", "postcode") {
		if say("zh", text) == text {
			t.Errorf("not translated: %s", text)
		}
	}
}

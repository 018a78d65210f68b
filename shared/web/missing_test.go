package web_test

import (
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/web"
)

// TestEverythingIsTranslated covers the face's own pages, its rules, the
// kernel's rules and every format that they refuse with.
func TestEverythingIsTranslated(t *testing.T) {
	h := start(t, nil)
	own, err := web.OwnTexts()
	if err != nil {
		t.Fatal(err)
	}
	demo, err := web.TemplateTexts(os.DirFS("testdata/pages"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".", "../../chaincode"} {
		texts, err := web.GoTexts(topOnly{os.DirFS(dir)})
		if err != nil {
			t.Fatal(err)
		}
		own = append(own, texts...)
	}
	rules := append(chaincode.New().Rules(), web.Rules...)
	for _, missing := range h.Web.Words().MissingTranslations(rules, append(own, demo...)...) {
		t.Error("not translated: " + missing)
	}
}

// topOnly hides the folders below: the nouns translate their own words.
type topOnly struct{ fs.FS }

func (f topOnly) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(f.FS, name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool { return e.IsDir() }), err
}

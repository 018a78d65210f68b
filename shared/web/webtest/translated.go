package webtest

import (
	"io/fs"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/web"
)

// Translated fails the test for every rule, and every text of the pages and Go
// files in the folders, that a Chinese reader would see in English.
func Translated(t testing.TB, words *web.Catalogue, rules []chaincode.Rule, folders ...fs.FS) {
	t.Helper()
	var texts []string
	for _, folder := range folders {
		for _, read := range []func(web.FS) ([]string, error){web.TemplateTexts, web.GoTexts} {
			found, err := read(folder)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, found...)
		}
	}
	for _, missing := range words.MissingTranslations(rules, texts...) {
		t.Error("not translated: " + missing)
	}
}

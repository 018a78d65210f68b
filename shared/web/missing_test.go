package web_test

import (
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/web"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// TestEverythingIsTranslated covers the face's own pages, its rules, the
// kernel's rules and every format that they refuse with.
func TestEverythingIsTranslated(t *testing.T) {
	h := start(t, nil)
	rules := append(chaincode.New().Rules(), web.Rules...)
	webtest.Translated(t, h.Web.Words(), rules, topOnly{os.DirFS(".")}, os.DirFS("pages"), os.DirFS("testdata/pages"), topOnly{os.DirFS("../../chaincode")})
}

// topOnly hides the folders below: the nouns translate their own words.
type topOnly struct{ fs.FS }

func (f topOnly) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(f.FS, name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool { return e.IsDir() }), err
}

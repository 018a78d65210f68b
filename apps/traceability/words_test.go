package traceability

import (
	"io/fs"
	"os"
	"slices"
	"testing"

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

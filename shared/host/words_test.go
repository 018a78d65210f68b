package host

import (
	"os"
	"testing"

	"github.com/tallyway/tallyway/shared/web"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// TestEverythingIsTranslated covers the host's own pages, and the rules of
// identities and accounts with the formats they refuse in.
func TestEverythingIsTranslated(t *testing.T) {
	face := web.New(web.Config{Auth: webtest.NewUsers()})
	face.Mount((&Host{}).ownPages())
	webtest.Translated(t, face.Words(), identityRules(), os.DirFS("."), os.DirFS("../identity"))
}

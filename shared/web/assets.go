package web

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
)

// assets are static files under addresses that name their content, so that a
// browser may keep them for ever.
type assets struct {
	byName map[string]string // "tallyway.css" -> "/assets/tallyway.3f2a….css"
	files  map[string]asset  // "tallyway.3f2a….css"
}

type asset struct {
	body []byte
	kind string
	hash string
}

func newAssets() *assets { return &assets{byName: map[string]string{}, files: map[string]asset{}} }

// sub opens a folder of an embedded file system, which is there for certain.
func sub(fsys fs.FS, dir string) fs.FS {
	f, err := fs.Sub(fsys, dir)
	if err != nil {
		panic(err)
	}
	return f
}

// Assets adds an app's static files (charts, pictures); pages name them with
// {{asset "name"}}.
func (s *Server) Assets(fsys fs.FS) { s.assets.add(fsys) }

func (a *assets) add(fsys fs.FS) {
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		hash, ext := hex.EncodeToString(sum[:8]), path.Ext(name)
		hashed := strings.TrimSuffix(name, ext) + "." + hash + ext
		a.byName[name] = "/assets/" + hashed
		a.files[hashed] = asset{body, mime.TypeByExtension(ext), hash}
		return nil
	})
	if err != nil {
		panic(err)
	}
}

// address of an asset; a name that is not there is a mistake of the program.
func (a *assets) address(name string) string {
	to, ok := a.byName[name]
	if !ok {
		panic("web: there is no asset " + name)
	}
	return to
}

func (a *assets) serve(c *Ctx) error {
	return a.send(c, c.Param("*"), "public, max-age=31536000, immutable")
}

func (a *assets) icon(c *Ctx) error {
	return a.send(c, strings.TrimPrefix(a.byName["icon.svg"], "/assets/"), "public, max-age=86400")
}

func (a *assets) send(c *Ctx, name, cache string) error {
	f, ok := a.files[name]
	if !ok {
		return ErrNoPage.Refuse("")
	}
	h := c.Response().Header()
	h.Set("ETag", `"`+f.hash+`"`)
	h.Set(echo.HeaderCacheControl, cache)
	if c.Request().Header.Get("If-None-Match") == `"`+f.hash+`"` {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, f.kind, f.body)
}

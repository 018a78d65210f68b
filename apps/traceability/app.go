// Package traceability is the app of those who make, move, sell and watch over
// goods: lots, shipments, processes and packs on forms that build EPCIS events;
// the trace of a lot; recalls; the EPCIS endpoints for machines and the page
// behind the QR code for shoppers.
//
// What is allowed, the contracts in chaincode/trace decide. This package turns
// forms into events, events into tables (project.go, read.sql) and tables into
// pages, sheets and labels.
package traceability

import (
	"context"
	"embed"
	"io/fs"
	"slices"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

//go:embed pages/*.html
var pages embed.FS

//go:embed assets
var assets embed.FS

//go:embed i18n/zh.json
var translations embed.FS

// App is the table of contents.
func App() host.App {
	return host.App{Name: "traceability", Projection: projection(), Open: open}
}

// Rules are those that the app refuses by before any contract is asked;
// /problems explains them too.
var Rules = []chaincode.Rule{
	ErrGTIN,
	ErrLotNumber,
	ErrBestBefore,
	ErrSSCC,
	ErrNothing,
	ErrNothingArrived,
	ErrAudience,
	errNotAcceptable,
	errMediaType,
	errDocument,
	errLimit,
	errOneEvent,
	errBehaviour,
	errDuplicate,
	errParameter,
	errNoCapture,
	errDirection,
	errNoTransaction,
	errPhotoFile,
	errNoOriginal,
}

// app is the app over an open host.
type app struct {
	host      *host.Host
	db        *readmodel.DB
	lineage   *lineageCache
	chains    *chains
	directory *directory
	shelf     *shelf
	captures  *captures
	photos    *photoStore
}

func open(ctx context.Context, h *host.Host) (web.App, error) {
	a := &app{host: h, db: h.DB, lineage: newLineageCache(h.DB, h.Follower)}
	a.chains = &chains{db: h.DB, follower: h.Follower, lineage: a.lineage}
	a.directory, a.shelf = newDirectory(h.DB, h.Follower), newShelf(h.Web.Words().T)
	h.Web.Assets(sub(assets, "assets"))
	if err := a.openCaptures(ctx); err != nil {
		return web.App{}, err
	}
	a.openPhotos(ctx)
	return web.App{
		Name: "traceability", Title: "Traceability", Home: "/traceability", Icon: "truck",
		Nav: []web.NavItem{
			{Title: "Home", Href: "/traceability", Icon: "home"},
			{Title: "Lots", Href: "/traceability/lots", Icon: "box", Under: under("lot", "trace", "event", "transform", "pack", "dispose")},
			{Title: "Shipments", Href: "/traceability/shipments", Icon: "truck", Under: under("ship")},
			{Title: "Recalls", Href: "/traceability/cases", Icon: "recall"},
			{Title: "Products", Href: "/traceability/products", Icon: "list", Under: under("places")},
			{Title: "Companies", Href: "/traceability/companies", Icon: "bank"},
			{Title: "Photos", Href: "/photos", Icon: "scan", Guest: true},
		},
		Pages: sub(pages, "pages"), Words: sub(translations, "i18n"),
		Routes: slices.Concat(
			a.homeRoutes(),
			a.lotRoutes(),
			a.formRoutes(),
			a.shipmentRoutes(),
			a.caseRoutes(),
			a.productRoutes(),
			a.companyRoutes(),
			a.eventRoutes(),
			a.photoRoutes(),
			a.shopperRoutes(),
			a.epcisRoutes(),
			a.apiRoutes(),
		),
		Rules: Rules,
	}, nil
}

// under are the addresses of pages that no list's own address leads.
func under(names ...string) (all []string) {
	for _, name := range names {
		all = append(all, "/traceability/"+name)
	}
	return all
}

func sub(files embed.FS, dir string) fs.FS {
	below, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return below
}

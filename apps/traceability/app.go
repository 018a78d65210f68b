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
	"fmt"
	"io/fs"
	"slices"

	"github.com/tallyway/tallyway/apps/traceability/intake"
	"github.com/tallyway/tallyway/apps/traceability/station"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/plain"
	"github.com/tallyway/tallyway/iot/senml"
	"github.com/tallyway/tallyway/iot/sparkplug"
	"github.com/tallyway/tallyway/iot/store"
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
	return host.App{Name: "traceability", Projection: projection(), Open: open, Verify: station.Verify}
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
	ErrPlan,
	errNotAcceptable,
	errWordFormat,
	errSubscription,
	errDestination,
	errNoSubscription,
	errSubscriptions,
	errQueueFull,
	errMediaType,
	errDocument,
	errLimit,
	errOneEvent,
	errBehaviour,
	errDuplicate,
	errParameter,
	errToken,
	errLongAddress,
	errTooLarge,
	errTooComplex,
	errEPCFormat,
	errNoResource,
	errNoQuery,
	errQueryName,
	errQueryTaken,
	errQueries,
	errNoCapture,
	errDirection,
	errKnownAt,
	errNoTransaction,
	errNoDraft,
	errNotReady,
	errPlace,
	errReport,
	errNoReport,
	errNoAlarm,
	errJudgement,
	ErrLabels,
	errUnknownKey,
	errNoLinkType,
	identifierRules["gs1/check-digit"],
	identifierRules["gs1/length"],
	identifierRules["gs1/character"],
	identifierRules["gs1/value"],
	identifierRules["gs1/syntax"],
	identifierRules["gs1/unknown-key"],
	identifierRules["gs1/order"],
	errPhotoFile,
	errNoOriginal,
	errDocumentFile,
	errFileGone,
	errFileDamaged,
	errChannelKind,
	errAttachTo,
	errSpan,
	errNoStation,
}

// sensorRules are those by which messages of devices are refused, and proofs.
var sensorRules = []chaincode.Rule{iot.ErrTopic, iot.ErrNotYourTopic, iot.ErrSignIn, iot.ErrNoDevice, iot.ErrPayload, iot.ErrPayloadSize, iot.ErrClock, iot.ErrChannel, iot.ErrUnit, iot.ErrValue,
	iot.ErrContradiction, senml.ErrVersion, senml.ErrMustUnderstand, senml.ErrName, senml.ErrOneValue, sparkplug.ErrNotBorn, sparkplug.ErrBirth, sparkplug.ErrNotInBirth, sparkplug.ErrSeq, plain.ErrMapping, store.ErrNoReading, store.ErrNotSealed}

// app is the app over an open host.
type app struct {
	host      *host.Host
	db        *readmodel.DB
	lineage   *lineageCache
	chains    *chains
	directory *directory
	shelf     *shelf
	captures  *captures
	scans     *scanDesk
	forms     limiter // of shoppers
	pager     *pager
	feed      *feed
	bytewise  string // see there

	// queryGone ends the subscriptions of a named query that is deleted.
	queryGone func(ctx context.Context, tx *readmodel.Tx, owner, name string) error
	photos    *photoStore
	documents *documentStore
	station   *station.Station
}

func open(ctx context.Context, h *host.Host) (web.App, error) {
	a, err := openApp(ctx, h)
	if err != nil {
		return web.App{}, err
	}
	return a.face(), nil
}

func openApp(ctx context.Context, h *host.Host) (*app, error) {
	a := &app{host: h, db: h.DB, lineage: newLineageCache(h.DB, h.Follower)}
	a.chains = &chains{db: h.DB, follower: h.Follower, lineage: a.lineage}
	a.directory, a.shelf = newDirectory(h.DB, h.Follower), newShelf(h.Web.Words().T)
	h.Web.Assets(sub(assets, "assets"))
	h.Go(func() { a.keepMarking(ctx) })
	if err := a.openCaptures(ctx); err != nil {
		return nil, err
	}
	a.openFiles(ctx)
	var err error
	if a.pager, err = openPager(ctx, h.DB, h.Now); err != nil {
		return nil, fmt.Errorf("open the seal of page tokens: %w", err)
	}
	if a.bytewise, err = bytewise(ctx, h.DB); err != nil {
		return nil, fmt.Errorf("ask how texts compare: %w", err)
	}
	a.openFeed(ctx)
	if a.station, err = station.Open(ctx, h, a.surroundings); err != nil {
		return nil, err
	}
	return a, a.openScans(ctx)
}

func (a *app) face() web.App {
	return web.App{
		Name: "traceability", Title: "Traceability", Home: "/traceability", Icon: "truck",
		Nav: []web.NavItem{
			{Title: "Home", Href: "/traceability", Icon: "home"},
			{Title: "Lots", Href: "/traceability/lots", Icon: "box", Under: under("lot", "trace", "event", "transform", "pack", "packs", "labels", "dispose", "import")},
			{Title: "Shipments", Href: "/traceability/shipments", Icon: "truck", Under: under("ship")},
			{Title: "Recalls", Href: "/traceability/cases", Icon: "recall"},
			{Title: "Sensors", Href: "/traceability/devices", Icon: "chart", Under: under("excursions", "refused")},
			{Title: "Mismatches", Href: "/traceability/mismatches", Icon: "warn"},
			{Title: "Insights", Href: "/traceability/insights", Icon: "chart"},
			{Title: "Records", Href: "/traceability/fsma", Icon: "shield"},
			{Title: "Products", Href: "/traceability/products", Icon: "list", Under: under("places", "links", "documents")},
			{Title: "Companies", Href: "/traceability/companies", Icon: "bank", Under: under("demands", "subscriptions")},
			{Title: "Shoppers", Href: "/traceability/scans", Icon: "scan", Under: under("alarms", "reports")},
			{Title: "Photos", Href: "/photos", Icon: "camera", Guest: true},
		},
		Pages: sub(pages, "pages"), Words: sub(translations, "i18n"),
		Routes: slices.Concat(
			a.homeRoutes(),
			a.lotRoutes(),
			a.formRoutes(),
			a.shipmentRoutes(),
			a.caseRoutes(),
			a.mismatchRoutes(),
			a.publicRoutes(),
			a.productRoutes(),
			a.companyRoutes(),
			a.demandRoutes(),
			a.eventRoutes(),
			a.fsmaRoutes(),
			a.insightRoutes(),
			a.scanRoutes(),
			a.alarmRoutes(),
			a.reportRoutes(),
			a.resolverRoutes(),
			a.linkRoutes(),
			a.packRoutes(),
			a.labelRoutes(),
			a.photoRoutes(),
			a.documentRoutes(),
			a.deviceRoutes(),
			a.deviceFormRoutes(),
			a.epcisRoutes(),
			a.collectionRoutes(),
			a.queryRoutes(),
			a.subscriptionRoutes(),
			a.subscriptionPageRoutes(),
			a.apiRoutes(),
			a.importRoutes(),
			a.apiCaseRoutes(),
		),
		Offline: a.keptPages,
		Rules:   slices.Concat(Rules, intake.Rules, sensorRules),
	}
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

package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/labstack/echo/v4"
)

// qrRow is the shopper's page behind a QR code beside a bare echo handler and
// http.FileServer that answer with the same bytes.
func qrRow(ctx context.Context, o options) ([]result, error) {
	n := o.pick(500, 100_000, 1_000_000)
	dir, err := lots(ctx, o, n)
	if err != nil {
		return nil, err
	}
	h, err := suite().Start(ctx, hostConfig(dir), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer h.Close()
	page, err := body(ctx, h.Address()+"/"+lotAddress(0))
	if err != nil {
		return nil, err
	}
	echoAddress, stopEcho, err := serveEcho(page)
	if err != nil {
		return nil, err
	}
	defer stopEcho()
	fileAddress, stopFiles, err := serveFile(page, o.raw)
	if err != nil {
		return nil, err
	}
	defer stopFiles()
	q := qr{n: n, ours: strings.TrimPrefix(h.Address(), "http://"), echo: echoAddress, files: fileAddress, popular: popularLots(n)}
	var all []result
	for _, connections := range []int{32, 256} {
		results, err := q.measure(ctx, o, connections)
		all = append(all, results...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

type qr struct {
	n                 int // lots
	ours, echo, files string
	popular           []string // as shoppers ask for them
	cold              uint64   // addresses that were asked for cold
}

// zipf is how unequal the lots are: a few are scanned all the time.
const zipf = 1.1

// popularLots is a long list of addresses as shoppers ask for them; the seed is
// pinned.
func popularLots(n int) []string {
	r := rand.New(rand.NewSource(3))
	z := rand.NewZipf(r, zipf, 1, uint64(n-1))
	list := make([]string, 1<<18)
	for i := range list {
		list[i] = "/" + lotAddress(int(z.Uint64()*stride%uint64(n)))
	}
	return list
}

// stride scatters neighbours; it is a prime, so every lot comes once.
const stride = 7_368_787

// warm stays among the addresses that were all asked for before the clock ran,
// some thousands of different ones; mixed goes on through the long list, where
// rare lots come for the first time or have given way to others.
func (q *qr) warm(n uint64) string  { return q.popular[n%warmVisits] }
func (q *qr) mixed(n uint64) string { return q.popular[n%uint64(len(q.popular))] }

const warmVisits = 1 << 14

func (q *qr) measure(ctx context.Context, o options, connections int) ([]result, error) {
	visit := func(address string, path func(uint64) string) side {
		return func(ctx context.Context) (float64, error) {
			return visits(address, connections, path).crowd(ctx, o.spell())
		}
	}
	onlyFile := func(uint64) string { return "/page.html" }
	if err := visits(q.ours, connections, q.warm).tour(ctx, warmVisits); err != nil {
		return nil, err
	}
	warm, err := inTurns(ctx, o.rounds, visit(q.ours, q.warm), visit(q.echo, q.warm), visit(q.files, onlyFile))
	if err != nil {
		return nil, err
	}
	// A steady half of what the slower of the two can do.
	rate := min(quantile(warm[0], 0.5), quantile(warm[1], 0.5)) / 2
	steady := func(address string) side {
		return func(ctx context.Context) (float64, error) {
			return visits(address, connections, q.warm).stream(ctx, o.spell(), rate)
		}
	}
	late, err := inTurns(ctx, o.rounds, steady(q.ours), steady(q.echo))
	if err != nil {
		return nil, err
	}
	mixed, err := inTurns(ctx, o.rounds, visit(q.ours, q.mixed), visit(q.echo, q.mixed))
	if err != nil {
		return nil, err
	}
	cold, err := inTurns(ctx, o.rounds, q.coldSide(o, connections), visit(q.echo, q.warm))
	if err != nil {
		return nil, err
	}
	job := fmt.Sprintf("QR page, %d lots, %d connections, ", q.n, connections)
	rates := map[string][]float64{"ours": warm[0], "echo": warm[1], "files": warm[2], "mixed ours": mixed[0], "mixed echo": mixed[1], "cold ours": cold[0], "cold echo": cold[1],
		"p99 ours, s": late[0], "p99 echo, s": late[1]}
	return []result{
		{Job: job + "warm", Beside: "bare echo handler, same body", Unit: "x", Figures: ratios(warm[0], warm[1]), AtLeast: 0.85, Sides: rates},
		{Job: job + "warm", Beside: "http.FileServer, same body", Unit: "x", Figures: ratios(warm[0], warm[2]), AtLeast: 1},
		{Job: job + "Zipf over all lots", Beside: "bare echo handler, same body", Unit: "x", Figures: ratios(mixed[0], mixed[1])},
		{Job: job + "cold", Beside: "bare echo handler, same body", Unit: "x", Figures: ratios(cold[0], cold[1]), AtLeast: 0.3},
		{Job: job + fmt.Sprintf("p99 at %.0f a second", rate), Beside: "bare echo handler, same body", Unit: "x", Figures: ratios(late[0], late[1]), AtMost: 1.25},
	}, nil
}

// coldSide asks for every lot once before it asks for any of them again.
func (q *qr) coldSide(o options, connections int) side {
	return func(ctx context.Context) (float64, error) {
		from := q.cold
		s := visits(q.ours, connections, func(n uint64) string {
			return "/" + lotAddress(int((from+n+1)*stride%uint64(q.n)))
		})
		rate, err := s.crowd(ctx, o.spell())
		q.cold += uint64(rate * 2 * o.spell().Seconds())
		return rate, err
	}
}

func serveEcho(page []byte) (address string, stop func(), err error) {
	e := echo.New()
	e.GET("/01/:gtin/10/:lot", func(c echo.Context) error { return c.HTMLBlob(http.StatusOK, page) })
	return serve(e)
}

func serveFile(page []byte, raw string) (address string, stop func(), err error) {
	dir, err := os.MkdirTemp(raw, "files-")
	if err != nil {
		return "", nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "page.html"), page, 0o644); err != nil {
		return "", nil, err
	}
	address, stopServing, err := serve(http.FileServer(http.Dir(dir)))
	return address, func() { stopServing(); os.RemoveAll(dir) }, err
}

func serve(handler http.Handler) (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	return listener.Addr().String(), func() { server.Close() }, nil
}

func getOnce(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}

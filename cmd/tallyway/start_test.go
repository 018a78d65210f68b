package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/web"
)

// asProgram in the environment makes the test's binary the program itself, so
// that what is killed and restarted is what was tested.
const asProgram = "TALLYWAY_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The network that these tests start with. Every company has users of each
// role that a company gives.
const (
	producers  = "ProducerMSP"
	taxMSP     = "TaxMSP"
	bankMSP    = "BankMSP"
	regulators = "RegulatorMSP"

	dairy   = "greenfield-dairy" // "own" in the tables below
	harbour = "harbour-foods"    // "another's"
	market  = "city-market"
	spare   = "spare-foods" // is suspended and reinstated
	food    = "food-safety"
	taxes   = "tax-office"
	bank    = "first-bank"

	milk  = "09506000134352"
	gouda = "09521234560029"

	passphrase = "lantern-orchid-gravel-teapot"
)

var companies = []struct {
	msp string
	party.Register
}{
	{producers, company(dairy, party.KindManufacturer, "9506000134", "9506000134352")},
	{producers, company(harbour, party.KindProcessor, "9521234560", "9521234560012")},
	{producers, company(market, party.KindRetailer, "9521234582", "9521234582014")},
	{producers, company(spare, party.KindProcessor, "", "")},
	{regulators, company(food, party.KindRegulator, "", "")},
	{taxMSP, company(taxes, party.KindTaxAuthority, "", "")},
	{bankMSP, company(bank, party.KindBank, "", "")},
}

func company(id, kind, prefix, gln string) party.Register {
	r := party.Register{ID: id, Profile: party.Profile{Name: id, Kinds: []string{kind}}}
	if prefix != "" {
		r.Prefixes, r.GLNs = []string{prefix}, []string{gln}
	}
	if kind == party.KindRegulator {
		r.Field = "food"
	}
	return r
}

// place is a company as events name it.
func place(id string) events.Company {
	for _, c := range companies {
		if c.ID == id {
			gln := ""
			if len(c.GLNs) > 0 {
				gln = c.GLNs[0]
			}
			return events.Company{ID: id, Name: id, GLN: gln}
		}
	}
	panic("there is no company " + id)
}

// person is a user of the network; its login is its name.
type person struct {
	name, msp, party string
	roles            []string
}

func (p person) actor() host.Actor { return host.Actor{MSP: p.msp, User: p.name} }

// The people that stand in the matrix, and those whose records are another's.
var (
	viewer    = person{"viewer", producers, dairy, []string{party.Viewer}}
	operator  = person{"operator", producers, dairy, []string{party.Operator}}
	admin     = person{"admin", producers, dairy, []string{party.Admin}}
	member    = person{"member", producers, "", []string{party.Admin}}
	regulator = person{"regulator", regulators, food, []string{party.Regulator}}
	officer   = person{"officer", taxMSP, taxes, []string{party.TaxOfficer}}
	banker    = person{"banker", bankMSP, bank, []string{party.Banker}}

	stranger = person{"stranger", producers, harbour, []string{party.Operator}}
	shop     = person{"shop", producers, market, []string{party.Operator}}
	helper   = person{"helper", producers, dairy, []string{party.Viewer}}
)

var (
	inMatrix = []person{viewer, operator, admin, member, regulator, officer, banker}
	others   = []person{stranger, shop, helper}
)

// roomy limits let a test ask as often as it likes.
var roomy = web.Limits{PerAddress: web.Rate{PerSecond: 1e6, Burst: 1e6}, PerUser: web.Rate{PerSecond: 1e6, Burst: 1e6}, LivePerUser: 1000}

// open starts the real program on a data folder, with the test's network in
// place of the demo's.
func open(t testing.TB, config host.Config) *host.Host {
	t.Helper()
	return openWith(t, config, slog.New(slog.DiscardHandler))
}

func openWith(t testing.TB, config host.Config, log *slog.Logger) *host.Host {
	t.Helper()
	if config.Clock == nil {
		config.Clock = time.Now
	}
	config.Listen, config.Limits = "127.0.0.1:0", roomy
	p := program(config)
	p.Members, p.Found = []string{producers, taxMSP, bankMSP, regulators}, foundNetwork
	h, err := p.Start(context.Background(), config, log)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func foundNetwork(ctx context.Context, h *host.Host) error {
	var found party.Found
	for _, msp := range []string{producers, taxMSP, bankMSP, regulators} {
		if _, err := h.Wallet.Issue(identity.Enrolment{MSP: msp, User: "secretary", Roles: []string{party.Admin}}); err != nil {
			return err
		}
		ca, err := h.Wallet.CACert(msp)
		if err != nil {
			return err
		}
		found.Members = append(found.Members, party.Member{ID: msp, Name: msp, CA: string(ca), Authority: msp == taxMSP || msp == regulators, Since: h.Now()})
	}
	if _, _, err := host.Do[any](ctx, h, host.Actor{MSP: producers, User: "secretary"}, found); err != nil {
		return err
	}
	for _, c := range companies {
		if _, _, err := host.Do[any](ctx, h, host.Actor{MSP: c.msp, User: "secretary"}, c.Register); err != nil {
			return err
		}
	}
	for _, p := range append(append([]person{}, inMatrix...), others...) {
		if err := enter(ctx, h, p); err != nil {
			return err
		}
	}
	return nil
}

// enter gives a person a certificate and a login.
func enter(ctx context.Context, h *host.Host, p person) error {
	if _, err := h.Wallet.Issue(identity.Enrolment{MSP: p.msp, User: p.name, Party: p.party, Roles: p.roles}); err != nil {
		return err
	}
	_, err := h.Accounts.Create(ctx, accounts.Registration{Name: p.name, Display: p.name, MSP: p.msp, Password: passphrase})
	return err
}

func shut(t testing.TB, h *host.Host) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func apiToken(t testing.TB, h *host.Host, p person, validFor time.Duration, scopes ...accounts.Scope) string {
	t.Helper()
	secret, _, err := h.Accounts.CreateToken(context.Background(), p.name, "test", scopes, validFor)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func lotID(gtin, number string) string { return "01/" + gtin + "/10/" + number }

func kilos(lot string, n int64) events.Goods {
	return events.Goods{Lot: lot, Amount: gs1.Whole(n), Unit: "KGM"}
}

// document is an EPCIS document of one event, as a machine sends it.
func document(t testing.TB, e epcis.Event) []byte {
	t.Helper()
	b, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// capture brings an event to the ledger as a person.
func capture(t testing.TB, h *host.Host, by person, e epcis.Event) trace.Outcome {
	t.Helper()
	command, err := events.Capture(e, gs1.Amount{})
	if err != nil {
		t.Fatal(err)
	}
	outcome, _, err := host.Do[trace.Outcome](context.Background(), h, by.actor(), command)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// code is the rule of a refusal, or "".
func (a answer) code() string { return a.problem().Code }

func (a answer) problem() (p web.Problem) {
	json.Unmarshal(a.body, &p)
	return p
}

func (a answer) String() string {
	return fmt.Sprintf("%d %s", a.status, strings.TrimSpace(string(a.body[:min(len(a.body), 300)])))
}

// plain follows no redirect: where a page sends its visitor is part of its answer.
var plain = &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport: &http.Transport{MaxIdleConnsPerHost: 8}}

func send(t testing.TB, r *http.Request) answer {
	t.Helper()
	response, err := plain.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return answer{response.StatusCode, response.Header, nil} // it has no end
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// tallyway runs a command of the program to its end.
func tallyway(t testing.TB, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], args...)
	c.Env = append(os.Environ(), asProgram+"=1")
	out, err := c.CombinedOutput()
	return string(out), err
}

// server is the program as a process of its own.
type server struct {
	address string
	process *exec.Cmd
	log     *log
	ended   chan error // the process's end, once
}

// log is what a process says, to be read while it speaks.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// launch starts `tallyway serve` without waiting for it.
func launch(t testing.TB, data string, args ...string) *server {
	t.Helper()
	s := &server{log: &log{}, ended: make(chan error, 1)}
	s.process = exec.Command(os.Args[0], append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--mqtt", "embedded://127.0.0.1:0"}, args...)...)
	s.process.Env = append(os.Environ(), asProgram+"=1")
	s.process.Stdout, s.process.Stderr = s.log, s.log
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.process.Wait(); close(s.ended) }()
	return s
}

// serving starts `tallyway serve` and waits until it answers.
func serving(t testing.TB, data string, args ...string) *server {
	t.Helper()
	s := launch(t, data, args...)
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		_, rest, ok := strings.Cut(s.log.String(), "Tallyway serves on ")
		if address, _, whole := strings.Cut(rest, "\n"); ok && whole {
			s.address = address
			return s
		}
		select {
		case err := <-s.ended:
			t.Fatalf("the server ended before it served: %v\n%s", err, s.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
	s.kill()
	t.Fatalf("the server did not come up:\n%s", s.log)
	return nil
}

// kill ends the process as a power cut would.
func (s *server) kill() {
	s.process.Process.Kill()
	<-s.ended
}

// stop asks the process to end.
func (s *server) stop(t testing.TB) {
	t.Helper()
	s.process.Process.Signal(syscall.SIGTERM)
	if err := <-s.ended; err != nil {
		t.Errorf("the server ended with %v:\n%s", err, s.log)
	}
}

// founded is a data folder of the test's network, with no server on it.
func founded(t testing.TB, fill func(*host.Host)) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	h := open(t, host.Config{Data: data})
	if fill != nil {
		fill(h)
	}
	shut(t, h)
	return data
}

package traceability

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/web"
)

// machineWorld is a running host with four companies and a token for each.
type machineWorld struct {
	*host.Host
	tokens map[string]string
	folder string
	start  time.Time // of its clock

	mu    sync.Mutex
	ticks int
}

// machineParties make, process, sell and supervise; the stranger has nothing to
// do with the others' goods.
var machineParties = []party.Register{
	{ID: "greenfield-dairy", Profile: party.Profile{Name: "Greenfield Dairy", Kinds: []string{party.KindManufacturer},
		Prefixes: []string{"9506000134"}, GLNs: []string{"9506000134352"}}},
	{ID: "city-market", Profile: party.Profile{Name: "City Market", Kinds: []string{party.KindRetailer}, GLNs: []string{"9521234000006"}}},
	{ID: "stranger", Profile: party.Profile{Name: "Stranger", Kinds: []string{party.KindRetailer}}},
	{ID: "food-safety", Profile: party.Profile{Name: "Food Safety", Kinds: []string{party.KindRegulator}, Field: "food"}},
}

const machineSecret = "tally sticks are split in two halves"

// machineStart begins in the events' own time.
var machineStart = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func startMachines(t testing.TB) *machineWorld {
	t.Helper()
	return startMachinesAt(t, machineStart)
}

func startMachinesAt(t testing.TB, start time.Time) *machineWorld {
	t.Helper()
	w := &machineWorld{tokens: map[string]string{}, folder: t.TempDir(), start: start}
	w.open(t)
	t.Cleanup(func() { w.Close() })
	return w
}

// open starts the host on the world's folder, again after a Close.
func (w *machineWorld) open(t testing.TB) {
	t.Helper()
	program := host.Program{Contracts: all.Contracts(), Apps: []host.App{App()}, Members: []string{"FoodMSP", "StateMSP"}, Found: w.found}
	eager := web.Rate{PerSecond: 1e6, Burst: 1e6}
	h, err := program.Start(context.Background(), host.Config{Data: w.folder, Listen: "127.0.0.1:0", Clock: w.clock, Secret: machineSecret,
		Limits: web.Limits{PerAddress: eager, PerUser: eager}}, slog.New(slog.NewTextHandler(machineLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	w.Host = h
}

type machineLog struct{ t testing.TB }

func (l machineLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// clock moves a millisecond with each look.
func (w *machineWorld) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ticks++
	return w.start.Add(time.Duration(w.ticks) * time.Millisecond)
}

func (w *machineWorld) found(ctx context.Context, h *host.Host) error {
	var founders []party.Member
	for _, msp := range []string{"FoodMSP", "StateMSP"} {
		ca, err := h.Wallet.CACert(msp)
		if err != nil {
			return err
		}
		founders = append(founders, party.Member{ID: msp, Name: msp, CA: string(ca), Authority: msp == "StateMSP"})
		if _, err := h.Wallet.Issue(identity.Enrolment{MSP: msp, User: "admin", Roles: []string{party.Admin}}); err != nil {
			return err
		}
	}
	if _, _, err := host.Do[party.Admission](ctx, h, host.Actor{MSP: "FoodMSP", User: "admin"}, party.Found{Members: founders}); err != nil {
		return err
	}
	for _, p := range machineParties {
		if err := w.enrol(ctx, h, p); err != nil {
			return fmt.Errorf("%s: %w", p.ID, err)
		}
	}
	return nil
}

// enrol registers a company with one user of the same name, and a token.
func (w *machineWorld) enrol(ctx context.Context, h *host.Host, p party.Register) error {
	msp, role := "FoodMSP", party.Operator
	if p.Kinds[0] == party.KindRegulator {
		msp, role = "StateMSP", party.Regulator
	}
	if _, _, err := host.Do[party.Standing](ctx, h, host.Actor{MSP: msp, User: "admin"}, p); err != nil {
		return err
	}
	if _, err := h.Wallet.Issue(identity.Enrolment{MSP: msp, User: p.ID, Party: p.ID, Roles: []string{role}}); err != nil {
		return err
	}
	if _, err := h.Accounts.Create(ctx, accounts.Registration{Name: p.ID, Display: p.Name, MSP: msp, Language: "en", Password: machineSecret}); err != nil {
		return err
	}
	token, _, err := h.Accounts.CreateToken(ctx, p.ID, "test", []accounts.Scope{accounts.Write, accounts.Capture}, 0)
	w.tokens[p.ID] = token
	return err
}

// machineAnswer is a response with its body read.
type machineAnswer struct {
	*http.Response
	body []byte
}

// call sends one request as a company's program; "" is nobody.
func (w *machineWorld) call(t testing.TB, by, method, path string, body []byte, header ...string) machineAnswer {
	t.Helper()
	request, err := http.NewRequest(method, w.Address()+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if by != "" {
		request.Header.Set("Authorization", "Bearer "+w.tokens[by])
	}
	if method == "POST" {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", fmt.Sprint(w.clock().UnixNano()))
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return machineAnswer{response, b}
}

// want fails the test when the status is another.
func (r machineAnswer) want(t testing.TB, status int) machineAnswer {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("%s %s: %d, want %d: %s", r.Request.Method, r.Request.URL.Path, r.StatusCode, status, r.body)
	}
	return r
}

// into reads the body as JSON.
func (r machineAnswer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		t.Fatalf("%s %s: %v: %s", r.Request.Method, r.Request.URL.Path, err, r.body)
	}
}

// refusal is the problem document, whose code and type must be these.
func (r machineAnswer) refusal(t testing.TB, status int, code, exception string) epcisProblem {
	t.Helper()
	var p epcisProblem
	r.want(t, status).into(t, &p)
	if p.Code != code || p.Type != "epcisException:"+exception || p.Status != status || p.Title == "" || p.Remedy == "" {
		t.Fatalf("%s %s: want %s of %s with a title and a remedy, got %s", r.Request.Method, r.Request.URL.Path, code, exception, r.body)
	}
	return p
}

// captured posts a document and waits for its job to end.
func (w *machineWorld) captured(t testing.TB, by string, document []byte, header ...string) captureView {
	t.Helper()
	at := w.call(t, by, "POST", "/epcis/v2/capture", document, header...).want(t, 202).Header.Get("Location")
	for range 600 {
		var job captureView
		w.call(t, by, "GET", at, nil).want(t, 200).into(t, &job)
		if !job.Running {
			return job
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the job %s does not end", at)
	return captureView{}
}

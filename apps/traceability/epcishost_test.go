package traceability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
)

// machineFirms make, sell and supervise; the stranger has nothing to do with
// the others' goods.
var machineFirms = []party.Register{
	{ID: "greenfield-dairy", Profile: party.Profile{Name: "Greenfield Dairy", Kinds: []string{party.KindManufacturer},
		Prefixes: []string{"9506000134"}, GLNs: []string{"9506000134352"}}},
	{ID: "city-market", Profile: party.Profile{Name: "City Market", Kinds: []string{party.KindRetailer}, GLNs: []string{"9521234000006"}}},
	{ID: "stranger", Profile: party.Profile{Name: "Stranger", Kinds: []string{party.KindRetailer}}},
	{ID: "food-safety", Profile: party.Profile{Name: "Food Safety", Kinds: []string{party.KindRegulator}, Field: "food"}},
}

// machineWorld is a world that programs talk to.
type machineWorld struct{ *world }

// startMachines begins in the events' own time.
func startMachines(t testing.TB) *machineWorld {
	t.Helper()
	return startMachinesAt(t, time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
}

func startMachinesAt(t testing.TB, now time.Time) *machineWorld {
	t.Helper()
	return &machineWorld{start(t, now, machineFirms, nil)}
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

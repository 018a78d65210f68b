//go:build conformance

package scenario

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
)

// Every published event is captured, or refused by a rule of custody; none is
// refused as an event, and none is a fault. Captured again it is a duplicate.
func TestConformancePublishedEvents(t *testing.T) {
	root := os.Getenv("CONFORMANCE_DATA")
	if root == "" {
		t.Fatal("CONFORMANCE_DATA is not set: it names the folder with the published documents (it holds epcis/)")
	}
	answers := map[string]int{}
	for _, folder := range []string{"gs1-epcis/JSON", "openepcis-fsma204"} {
		err := filepath.WalkDir(filepath.Join(root, "epcis", folder), func(file string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (strings.HasSuffix(file, ".jsonld") || strings.HasSuffix(file, ".json")) && !strings.Contains(file, "chema") {
				published(t, file, answers)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%v", answers)
	if answers["captured"] < 20 {
		t.Errorf("only %d events were captured", answers["captured"])
	}
}

func published(t *testing.T, file string, answers map[string]int) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := epcis.DecodeJSON(b)
	if err != nil {
		t.Logf("%s: %v", file, err)
		return
	}
	s, m := world(t)
	s.line("", "as dairy")
	for i := range doc.Events {
		if problems := doc.Events[i].Validate(); len(problems) > 0 {
			answers["not valid EPCIS"]++
			continue
		}
		event, err := doc.Events[i].JSON()
		if err != nil {
			t.Fatal(err)
		}
		body, _ := json.Marshal(trace.Capture{Event: event})
		call := s.next()
		call.Name, call.Body = "trace.Capture", body
		reply, _, err := m.Submit(call)
		var refusal *chaincode.Refusal
		switch {
		case errors.As(err, &refusal):
			answers[refusal.Code]++
			if refusal.Code == trace.ErrEvent.Code {
				t.Errorf("%s, event %d: %v", file, i, err)
			}
			continue
		case err != nil:
			t.Fatalf("%s, event %d: %v", file, i, err)
		}
		answers["captured"]++
		if again, _, err := m.Submit(call); err != nil || !strings.Contains(string(again), "duplicate") {
			t.Errorf("%s, event %d: %s then %s, %v", file, i, reply, again, err)
		}
	}
}

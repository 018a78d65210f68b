//go:build conformance

package traceability

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
)

// TestPublishedDocuments captures every document that GS1 and OpenEPCIS
// publish, each on a ledger of its own, and then once more.
func TestPublishedDocuments(t *testing.T) {
	root := os.Getenv("CONFORMANCE_DATA")
	if root == "" {
		t.Fatal("CONFORMANCE_DATA is not set: it names the folder with the published documents (it holds epcis/)")
	}
	var files []string
	for _, pattern := range []string{"gs1-epcis/JSON/*.jsonld", "gs1-epcis/JSON/*/*.jsonld", "openepcis-fsma204/fsma204/epcis/*.jsonld"} {
		found, err := filepath.Glob(filepath.Join(root, "epcis", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) != 54 {
		t.Fatalf("%d documents, want 47 and 7", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { capturePublished(t, file) })
	}
}

func capturePublished(t *testing.T, file string) {
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := startMachinesAt(t, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) // after the latest of their events
	want := published[filepath.Base(file)]
	if r := w.call(t, "greenfield-dairy", "POST", "/epcis/v2/capture", body, "GS1-Capture-Error-Behaviour", "proceed"); r.StatusCode != 202 {
		var p epcisProblem
		r.into(t, &p)
		if got := strconv.Itoa(p.Status) + " " + p.Code; !slices.Equal(want, []string{got}) {
			t.Errorf("the document is refused: %s", r.body)
		}
		return
	}
	jobs := []captureView{w.captured(t, "greenfield-dairy", body, "GS1-Capture-Error-Behaviour", "proceed")}
	var first []captureView // the job of the first request, which the second one followed
	w.call(t, "greenfield-dairy", "GET", "/epcis/v2/capture", nil).want(t, 200).into(t, &first)
	var told captureView
	w.call(t, "greenfield-dairy", "GET", "/epcis/v2/capture/"+first[1].ID, nil).want(t, 200).into(t, &told)
	if got := answersTold(told); !slices.Equal(got, want) {
		t.Errorf("\n\t%q: {%s},", filepath.Base(file), `"`+strings.Join(got, `", "`)+`"`)
	}
	for i, e := range jobs[0].Events {
		if was := told.Events[i].Status; was != statusRefused && e.Status != statusDuplicate {
			t.Errorf("event %d was %s, then %s", i, was, e.Status)
		}
	}
}

// answersTold is a word for each event: its status, then its flags or the code
// of the rule that refused it.
func answersTold(job captureView) (all []string) {
	for _, e := range job.Events {
		words := append([]string{e.Status}, e.Flags...)
		for _, p := range e.Problems {
			words = append(words, p.Code)
			if p.Code == trace.ErrEvent.Code {
				words = append(words, p.Text)
			}
		}
		all = append(all, strings.Join(words, " "))
	}
	return all
}

// published is what each document is answered with, event by event. Missing
// history is flagged; a refusal has its reason beside it.
var published = map[string][]string{
	// A member stands twice, so two readers could take it for two different events.
	"AssociationEvent-h.jsonld": {"400 epcis/duplicate"},
}

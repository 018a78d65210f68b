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

// TestConformancePublishedDocuments captures every document that GS1 and OpenEPCIS
// publish, each on a ledger of its own, and then once more.
func TestConformancePublishedDocuments(t *testing.T) {
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
	// A member stands twice, so that two readers could take it for two different events.
	"AssociationEvent-h.jsonld":                                          {"400 epcis/duplicate"},
	"EPCISQueryDocument.jsonld":                                          {"captured origin-unknown left-the-network", "captured hand-over-missing"},
	"Example-TransactionEvents-2020_07_03y.jsonld":                       {"captured class-level", "captured"},
	"Example-Type-sourceOrDestination,measurement,bizTransaction.jsonld": {"captured"},
	"Example_9.6.1-ObjectEvent-with-pseudo-SBDH-headers.jsonld":          {"captured origin-unknown left-the-network", "captured hand-over-missing"},
	"Example_9.6.1-ObjectEvent.jsonld":                                   {"captured origin-unknown left-the-network", "captured hand-over-missing"},
	"Example_9.6.1-with-comment.jsonld":                                  {"captured origin-unknown left-the-network", "captured hand-over-missing"},
	"Example_9.6.2-ObjectEvent.jsonld":                                   {"captured origin-unknown"},
	"Example_9.6.3-AggregationEvent.jsonld":                              {"captured class-level pack-unknown"},
	"Example_9.6.4-TransformationEvent.jsonld":                           {"captured class-level origin-unknown prefix-unregistered balance-not-comparable"},
	"PersistentDisposition-example.jsonld":                               {"captured origin-unknown", "captured"},
	"AssociationEvent-a.jsonld":                                          {"captured"},
	"AssociationEvent-b.jsonld":                                          {"captured class-level"},
	"AssociationEvent-c.jsonld":                                          {"captured not-attached"},
	"AssociationEvent-d.jsonld":                                          {"captured"},
	"AssociationEvent-e.jsonld":                                          {"captured"},
	"AssociationEvent-f.jsonld":                                          {"captured"},
	// An error declaration of an event that nobody captured: there is nothing to take back.
	"AssociationEvent-g.jsonld":                               {"refused trace/no-event"},
	"Example_9.6.1-ObjectEventWithDigitalLink.jsonld":         {"captured origin-unknown left-the-network", "captured hand-over-missing"},
	"Example_9.6.2-ObjectEventWithDigitalLink.jsonld":         {"captured origin-unknown"},
	"Example_9.6.3-AggregationEventWithDigitalLink.jsonld":    {"captured class-level pack-unknown"},
	"Example_9.6.4-TransformationEventWithDigitalLink.jsonld": {"captured class-level origin-unknown prefix-unregistered balance-not-comparable"},
	// The same; the corrective event beside it stands.
	"ErrorDeclarationAndCorrectiveEvent.jsonld": {"refused trace/no-event", "captured class-level origin-unknown prefix-unregistered balance-not-comparable"},
	// The same.
	"Example_9.6.1-ObjectEvent-with-error-declaration.jsonld": {"refused trace/no-event", "captured origin-unknown"},
	// The five "all possible fields" repeat fields of sensorMetadata in the report, while EPCIS
	// 2.0, section 7.3.7, has each in one of the two places: they show spelling, not events.
	"aggregation_event_all_possible_fields.jsonld":    {"refused epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline"},
	"association_event_all_possible_fields.jsonld":    {"refused epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline"},
	"object_event_all_possible_fields.jsonld":         {"refused epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline"},
	"transaction_event_all_possible_fields.jsonld":    {"refused epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline"},
	"transformation_event_all_possible_fields.jsonld": {"refused epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline epcis/sensor-inline"},
	"SensorDataExample1.jsonld":                       {"captured unknown-thing"},
	"SensorDataExample10.jsonld":                      {"captured unknown-thing"},
	"SensorDataExample11.jsonld":                      {"captured"},
	// The same.
	"SensorDataExample12.jsonld":           {"refused trace/no-event"},
	"SensorDataExample13.jsonld":           {"captured unknown-thing"},
	"SensorDataExample14.jsonld":           {"captured unknown-thing"},
	"SensorDataExample15.jsonld":           {"captured unknown-thing"},
	"SensorDataExample16.jsonld":           {"captured unknown-thing"},
	"SensorDataExample17.jsonld":           {"captured unknown-thing"},
	"SensorDataExample1b.jsonld":           {"captured"},
	"SensorDataExample2.jsonld":            {"captured unknown-thing"},
	"SensorDataExample3.jsonld":            {"captured"},
	"SensorDataExample4.jsonld":            {"captured unknown-thing"},
	"SensorDataExample5.jsonld":            {"captured unknown-thing"},
	"SensorDataExample6.jsonld":            {"captured unknown-thing"},
	"SensorDataExample7.jsonld":            {"captured unknown-thing"},
	"SensorDataExample8.jsonld":            {"captured origin-unknown"},
	"SensorDataExample9.jsonld":            {"captured unknown-thing alarm"},
	"cooling-cte.jsonld":                   {"captured origin-unknown", "captured", "captured"},
	"first-land-based-receiver-cte.jsonld": {"captured prefix-unregistered"},
	"harvest-cte.jsonld":                   {"captured prefix-unregistered", "captured"},
	"initial-packing-cte.jsonld":           {"captured prefix-unregistered", "captured", "captured internal", "captured", "captured prefix-unregistered balance-not-comparable"},
	"receiving-cte.jsonld":                 {"captured origin-unknown prefix-unregistered balance-not-comparable", "captured pack-unknown"},
	"shipping-cte.jsonld":                  {"captured origin-unknown prefix-unregistered balance-not-comparable", "captured origin-unknown", "captured left-the-network"},
	// Cases of two products become cases of a third: pieces of different products cannot be counted against each other.
	"transformation-cte.jsonld": {"captured origin-unknown prefix-unregistered balance-not-comparable"},
}

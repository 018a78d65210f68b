//go:build conformance

package sparkplug

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// held tells which test holds an assertion of Sparkplug's TCK that a reader of
// payloads and sequences has to keep.
var held = map[string]string{
	"case-sensitivity-metric-names": "TestChannels", // told apart in births; folded only where a channel is named

	"payloads-timestamp-in-":        "TestHistoricalValuesKeepTheirTime",
	"payloads-metric-timestamp-in-": "TestHistoricalValuesKeepTheirTime",

	"payloads-name-requirement":            "TestBirthsThatSayTooLittle",
	"payloads-name-birth-data-requirement": "TestBirthsThatSayTooLittle",
	"payloads-alias-uniqueness":            "TestBirthsThatSayTooLittle",
	"payloads-alias-birth-requirement":     "TestABirthTellsWhatDataMean",
	"payloads-alias-data-cmd-requirement":  "TestABirthTellsWhatDataMean",
	"payloads-metric-datatype-req":         "TestBirthsThatSayTooLittle",
	"payloads-metric-datatype-not-req":     "TestABirthTellsWhatDataMean",
	"payloads-metric-datatype-value":       "TestNumbers",
	"payloads-metric-datatype-value-type":  "TestNumbers",

	"payloads-sequence-num-always-included": "TestTheSequenceTellsWhatGotLost",
	"payloads-sequence-num-incrementing":    "TestTheSequenceTellsWhatGotLost",
	"payloads-sequence-num-req-nbirth":      "TestBirthsThatSayTooLittle",
	"payloads-nbirth-seq":                   "TestBirthsThatSayTooLittle",
	"payloads-ndata-seq":                    "TestTheSequenceTellsWhatGotLost",
	"payloads-ndata-seq-inc":                "TestTheSequenceTellsWhatGotLost",
	"payloads-ddata-seq":                    "TestTheSequenceTellsWhatGotLost",
	"payloads-ddata-seq-inc":                "TestTheSequenceTellsWhatGotLost",
	"payloads-dbirth-seq":                   "TestTheSequenceTellsWhatGotLost",
	"payloads-dbirth-seq-inc":               "TestTheSequenceTellsWhatGotLost",
	"payloads-ddeath-seq":                   "TestDeathsEndWhatWasBorn",
	"payloads-ddeath-seq-inc":               "TestDeathsEndWhatWasBorn",
	"payloads-ddeath-seq-number":            "TestDeathsEndWhatWasBorn",
	"payloads-ndeath-seq":                   "TestDeathsEndWhatWasBorn",
	"topics-nbirth-seq-num":                 "TestBirthsThatSayTooLittle",
	"topics-ndata-seq-num":                  "TestTheSequenceTellsWhatGotLost",
	"topics-ddata-seq-num":                  "TestTheSequenceTellsWhatGotLost",
	"topics-dbirth-seq":                     "TestTheSequenceTellsWhatGotLost",
	"topics-ddeath-seq-num":                 "TestDeathsEndWhatWasBorn",
	"topics-ndeath-seq":                     "TestDeathsEndWhatWasBorn",

	"payloads-nbirth-bdseq":        "TestBirthsThatSayTooLittle",
	"payloads-nbirth-bdseq-repeat": "TestDeathsEndWhatWasBorn",
	"payloads-ndeath-bdseq":        "TestDeathsEndWhatWasBorn",
	"topics-nbirth-bdseq-included": "TestBirthsThatSayTooLittle",
	"topics-nbirth-bdseq-matching": "TestDeathsEndWhatWasBorn",
	"topics-ndeath-payload":        "TestDeathsEndWhatWasBorn",

	"payloads-dbirth-order":               "TestDataBeforeABirthAreRefused",
	"payloads-ndata-order":                "TestDataBeforeABirthAreRefused",
	"payloads-ddata-order":                "TestDataBeforeABirthAreRefused",
	"principles-birth-certificates-order": "TestDataBeforeABirthAreRefused",
	"topics-nbirth-metric-reqs":           "TestDataBeforeABirthAreRefused",
	"topics-nbirth-metrics":               "TestDataBeforeABirthAreRefused",
	"topics-dbirth-metric-reqs":           "TestDataBeforeABirthAreRefused",
	"topics-dbirth-metrics":               "TestDataBeforeABirthAreRefused",
	"topics-ndata-payload":                "TestDataBeforeABirthAreRefused",
	"topics-ddata-payload":                "TestDataBeforeABirthAreRefused",

	"operational-behavior-data-publish-nbirth":        "TestDataBeforeABirthAreRefused",
	"operational-behavior-data-publish-dbirth":        "TestDataBeforeABirthAreRefused",
	"operational-behavior-data-publish-nbirth-values": "TestABirthTellsWhatDataMean",
	"operational-behavior-data-publish-dbirth-values": "TestABirthTellsWhatDataMean",
	"operational-behavior-device-ddeath":              "TestDeathsEndWhatWasBorn",
	"operational-behavior-host-reordering-rebirth":    "TestTheSequenceTellsWhatGotLost",

	"operational-behavior-edge-node-termination-host-action-ddeath-devices-offline":    "TestDeathsEndWhatWasBorn",
	"operational-behavior-edge-node-termination-host-action-ddeath-devices-tags-stale": "TestDeathsEndWhatWasBorn",
	"operational-behavior-edge-node-termination-host-action-ndeath-devices-offline":    "TestDeathsEndWhatWasBorn",
	"operational-behavior-edge-node-termination-host-action-ndeath-devices-tags-stale": "TestDeathsEndWhatWasBorn",
	"operational-behavior-edge-node-termination-host-action-ndeath-node-offline":       "TestDeathsEndWhatWasBorn",
	"operational-behavior-edge-node-termination-host-action-ndeath-node-tags-stale":    "TestDeathsEndWhatWasBorn",

	"operational-behavior-data-commands-ncmd-rebirth-name":  "TestARebirthIsAskedForPatiently",
	"operational-behavior-data-commands-ncmd-rebirth-value": "TestARebirthIsAskedForPatiently",
	"operational-behavior-data-commands-ncmd-rebirth-verb":  "TestARebirthIsAskedForPatiently",
	"operational-behavior-data-commands-ncmd-metric-name":   "TestARebirthIsAskedForPatiently",
	"operational-behavior-data-commands-ncmd-metric-value":  "TestARebirthIsAskedForPatiently",
	"operational-behavior-data-commands-ncmd-verb":          "TestARebirthIsAskedForPatiently",
	"payloads-name-cmd-requirement":                         "TestARebirthIsAskedForPatiently",
	"payloads-ncmd-timestamp":                               "TestARebirthIsAskedForPatiently",
	"payloads-ncmd-seq":                                     "TestARebirthIsAskedForPatiently",
	"topics-ncmd-payload":                                   "TestARebirthIsAskedForPatiently",
	"topics-ncmd-timestamp":                                 "TestARebirthIsAskedForPatiently",
	"topics-ncmd-topic":                                     "TestARebirthIsAskedForPatiently",

	"topic-structure-namespace-a": "iot.TestTopics",
	"topic-structure":             "iot.TestTopics",
	"topic-structure-namespace-device-id-associated-message-types":     "iot.TestTopics",
	"topic-structure-namespace-device-id-non-associated-message-types": "iot.TestTopics",
	"topic-structure-namespace-valid-device-id":                        "iot.TestTopics",
	"topic-structure-namespace-valid-edge-node-id":                     "iot.TestTopics",
	"topic-structure-namespace-valid-group-id":                         "iot.TestTopics",
	"topics-nbirth-topic":                                              "iot.TestTopics", "topics-dbirth-topic": "iot.TestTopics", "topics-ndata-topic": "iot.TestTopics",
	"topics-ddata-topic": "iot.TestTopics", "topics-ndeath-topic": "iot.TestTopics", "topics-ddeath-topic": "iot.TestTopics", "topics-dcmd-topic": "iot.TestTopics",
}

// others tells, by how an assertion begins or by what it holds, why it is not
// kept here. The first that fits counts.
var others = []struct{ part, reason string }{
	{"host-topic-phid", "of a primary host: it announces itself under STATE; we hear edge nodes, and none waits for us"},
	{"host-application", "of a primary host: it announces itself under STATE; we hear edge nodes, and none waits for us"},
	{"sparkplug-host-state", "of a primary host: it announces itself under STATE"},
	{"payloads-state", "of a primary host: it announces itself under STATE"},
	{"message-flow-phid", "of a primary host: it announces itself under STATE"},
	{"message-flow-hid", "of a primary host: it announces itself under STATE"},
	{"components-ph-state", "of a primary host: it announces itself under STATE"},
	{"conformance-primary-host", "of a primary host: it announces itself under STATE"},
	{"primary-application-state", "of an edge node that waits for a primary host"},
	{"termination-host-offline", "of an edge node that waits for a primary host"},
	{"conformance-mqtt", "of the broker"},
	{"host-reordering", "of a host that waits for late messages: we wait for none, and ask at once"},
	{"dcmd", "of a host that writes to devices: we only read"},
	{"payloads-template", "templates are no measurements: they are passed over"},
	{"topics-nbirth-templates", "templates are no measurements: they are passed over"},
	{"payloads-dataset", "data sets are no measurements: they are passed over"},
	{"propertyset", "properties of metrics are passed over"},
	{"propertyvalue", "properties of metrics are passed over"},
	{"-qos", "of the message's flags, which its publisher sets and the broker carries"},
	{"-retain", "of the message's flags, which its publisher sets and the broker carries"},
	{"-mqtt", "of the message's flags, which its publisher sets and the broker carries"},
	{"will-message", "of an edge node's connection"},
	{"clean-session", "of an edge node's connection"},
	{"intentional-disconnect", "of an edge node's connection"},
	{"message-flow-", "of an edge node: what it does when it connects"},
	{"rebirth-action", "of an edge node: what it does when it is asked"},
	{"data-commands-rebirth", "of an edge node: the metric that it listens to"},
	{"rebirth-metric", "of an edge node: one that takes no command is heard all the same"},
	{"nbirth-rebirth-req", "of an edge node: one that takes no command is heard all the same"},
	{"birth-change", "of an edge node: when it sends a new birth; any is taken"},
	{"birth-sequence-wait", "of an edge node: when it sends its births"},
	{"nbirth-order", "of an edge node: what it sends first; other orders are refused as data before a birth"},
	{"dbirth-order", "of an edge node: what it sends first; other orders are refused as data before a birth"},
	{"bdseq-increment", "of an edge node: how it counts its connections; only equality counts here"},
	{"-timestamp", "of a publisher; a payload without a time is of when it came"},
	{"rbe-recommended", "of an edge node: how often it tells a value"},
	{"intro-", "of who gives names: they are registered, small letters, digits and hyphens"},
	{"case-sensitivity-sparkplug-ids", "of who gives names: they are registered, small letters, digits and hyphens"},
	{"unique", "of who gives names: the registry has each once"},
	{"duplicate-device-id", "of who gives names: the registry has each once"},
	{"edge-node-descriptor", "of who gives names: the registry has each once"},
}

// TestConformanceSparkplug has an answer for every assertion of the TCK.
func TestConformanceSparkplug(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(os.Getenv("CONFORMANCE_DATA"), "epcis", "sparkplug-tck", "assertion_ids.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	if err := json.Unmarshal(data, &ids); err != nil || len(ids) == 0 {
		t.Fatalf("%d assertions, %v", len(ids), err)
	}
	tests := sources(t)
	known, kept := map[string]bool{}, 0
	for _, id := range ids {
		id = strings.TrimPrefix(id, "tck-id-")
		known[id] = true
		if test := held[id]; test != "" {
			kept++
			if !strings.Contains(tests, "func "+strings.TrimPrefix(test, "iot.")+"(t *testing.T)") {
				t.Errorf("%s: there is no %s", id, test)
			}
		} else if why(id) == "" {
			t.Errorf("%s is neither held nor given a reason", id)
		}
	}
	for id := range held {
		if !known[id] {
			t.Errorf("%s is no assertion", id)
		}
	}
	t.Logf("%d of %d assertions are held", kept, len(ids))
}

func why(id string) string {
	for _, o := range others {
		if strings.Contains(id, o.part) {
			return o.reason
		}
	}
	return ""
}

func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, file := range []string{"payload_test.go", "session_test.go", "../iot_test.go"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

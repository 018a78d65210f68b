package traceability

import (
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/epcis"
)

// Mutated inputs: what arrives broken, cut, doubled or shuffled is answered,
// never a fault. `make test` asks a few thousand, seeded; TALLYWAY_TORTURE=1 a
// hundred thousand.

const oldXML = `<?xml version="1.0"?><epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1" xmlns:d="https://dairy.example/" schemaVersion="1.2" creationDate="2026-03-01T00:00:00Z"><EPCISBody><EventList>
<ObjectEvent><eventTime>2026-03-01T06:00:01Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset><baseExtension><eventID>urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8</eventID></baseExtension>
<epcList/><action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep><extension><quantityList><quantityElement><epcClass>` + milkLot + `L1</epcClass><quantity>480</quantity><uom>KGM</uom></quantityElement></quantityList>
<ilmd><d:lot d:no="1">7</d:lot></ilmd></extension></ObjectEvent></EventList></EPCISBody></epcis:EPCISDocument>`

// tortured are the inputs to mutate, with their media types.
func tortured(t *testing.T) [][2]string {
	whole := string(documentOf(milking("L1", 480, 1), shippingMilk("L1", 10, 3)))
	doc, err := epcis.DecodeJSON([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	xml, err := doc.XML()
	if err != nil {
		t.Fatal(err)
	}
	return [][2]string{{whole, "application/json"}, {milking("L2", 5, 2), "application/ld+json"}, {string(xml), "application/xml"}, {oldXML, "text/xml"}}
}

// mutations is what mutations put in.
var mutations = []string{"", "\x00", "\xff", "{", "}", "[", "]", "\"", "<", ">", "&", "&a;", "null", "1e999", "-0", "true", "{}", "[]", "]]>", "<!--", "<![CDATA[",
	"<!DOCTYPE x [<!ENTITY a \"b\">]>", "\\u0000", "\\ud800", "\u202e", strings.Repeat("[", 70), strings.Repeat("<a>", 70), strings.Repeat("9", 400), "urn:epc:id:sgtin:1.2.3", "2026-13-45T99:99:99Z", "+99:99", "xsi:nil=\"true\""}

// mutated is an input with one to four things wrong.
func mutated(r *rand.Rand, text string) string {
	b := []byte(text)
	for range 1 + r.IntN(4) {
		if len(b) == 0 {
			return ""
		}
		i := r.IntN(len(b))
		j := min(len(b), i+1+r.IntN(40))
		switch r.IntN(6) {
		case 0:
			b[i] ^= 1 << r.IntN(8)
		case 1:
			b = append(b[:i:i], b[j:]...)
		case 2:
			b = append(append(append([]byte{}, b[:j]...), b[i:j]...), b[j:]...)
		case 3:
			b = append(append(append([]byte{}, b[:i]...), mutations[r.IntN(len(mutations))]...), b[j:]...)
		case 4:
			b = b[:i]
		default:
			k := r.IntN(len(b))
			b[i], b[k] = b[k], b[i]
		}
	}
	return string(b)
}

// TestMutatedInput asks of the decoders that they tell what is wrong, and of
// the addresses that they answer 2xx or 4xx; memory stays within bounds.
func TestMutatedInput(t *testing.T) {
	decoded, sent := 3000, 300
	if os.Getenv("TALLYWAY_TORTURE") != "" {
		decoded, sent = 90_000, 10_000
	}
	r := rand.New(rand.NewPCG(20, 26))
	inputs, taken := tortured(t), 0
	for n := range decoded {
		in := inputs[n%len(inputs)]
		text := mutated(r, in[0])
		decode := epcis.DecodeJSON
		if strings.HasSuffix(in[1], "xml") {
			decode = epcis.DecodeXML
		}
		doc, err := decode([]byte(text))
		var found epcis.Problems
		if err != nil {
			if !errors.As(err, &found) || found[0].Code == "" || found[0].Remedy == "" {
				t.Fatalf("%v\n%q", err, text)
			}
			continue
		}
		if len(doc.Validate()) == 0 {
			taken++
			if _, err := doc.XML(); err != nil {
				t.Fatalf("%v\n%q", err, text)
			}
		}
	}
	w := startMachines(t)
	answers := map[int]int{}
	for n := range sent {
		in := inputs[n%len(inputs)]
		text, path := mutated(r, in[0]), []string{"/epcis/v2/capture", "/epcis/v2/events"}[n/len(inputs)%2]
		answer := w.call(t, "greenfield-dairy", "POST", path, []byte(text), "Content-Type", in[1])
		if answers[answer.StatusCode]++; answer.StatusCode >= 500 || answer.StatusCode < 200 {
			t.Fatalf("%d: %s\n%q", answer.StatusCode, answer.body, text)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 512<<20 {
		t.Errorf("%d MiB are held", m.HeapAlloc>>20)
	}
	t.Logf("%d decoded, of which %d were valid; sent %v; %d MiB held, %d MiB of the system", decoded, taken, answers, m.HeapAlloc>>20, m.Sys>>20)
}

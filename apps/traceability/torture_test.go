package traceability

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
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

// tortures is how many inputs a test mutates: few, or with TALLYWAY_TORTURE=1 a
// hundred thousand, or as many as it says.
func tortures(few int) int {
	text := os.Getenv("TALLYWAY_TORTURE")
	if n, err := strconv.Atoi(text); err == nil && n > 1 {
		return n
	}
	if text != "" {
		return 100_000
	}
	return few
}

// TestMutatedInput asks of the decoders that they tell what is wrong.
func TestMutatedInput(t *testing.T) {
	decoded := tortures(3000)
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
	t.Logf("%d decoded, of which %d were valid", decoded, taken)
}

// TestMutatedRequests sends mutated documents of each kind, and mutated
// workbooks, to a running host: each is answered 2xx, 3xx or 4xx, and what is
// held afterwards stays within bounds.
func TestMutatedRequests(t *testing.T) {
	for name, send := range map[string]func(*testing.T, *machineWorld) func(*rand.Rand, int) *http.Request{
		"JSON": mutatedDocuments("json"), "XML": mutatedDocuments("xml"), "XLSX": mutatedBooks,
	} {
		t.Run(name, func(t *testing.T) {
			w := startMachines(t)
			next, r, answers := send(t, w), rand.New(rand.NewPCG(20, 26)), map[int]int{}
			before, most := held(), uint64(0)
			for n := range tortures(120) {
				q := next(r, n)
				q.RemoteAddr = "127.0.0.1:50000"
				answer := httptest.NewRecorder()
				w.Web.ServeHTTP(answer, q)
				if answers[answer.Code]++; answer.Code >= 500 || answer.Code < 200 || answer.Code == http.StatusForbidden || answer.Code == http.StatusUnauthorized {
					t.Fatalf("%d, %s: %d %s", n, q.URL, answer.Code, answer.Body)
				}
				if n%500 == 499 {
					most = max(most, held())
				}
			}
			if most = max(most, held()); most > before+256<<20 {
				t.Errorf("%d MiB were held, %d before", most>>20, before>>20)
			}
			t.Logf("answers %v; %d MiB held at most, %d before", answers, most>>20, before>>20)
		})
	}
}

// held is what the program keeps in memory.
func held() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// mutatedDocuments sends EPCIS documents to the capture interface.
func mutatedDocuments(form string) func(*testing.T, *machineWorld) func(*rand.Rand, int) *http.Request {
	return func(t *testing.T, w *machineWorld) func(*rand.Rand, int) *http.Request {
		inputs := slices.DeleteFunc(tortured(t), func(in [2]string) bool { return strings.HasSuffix(in[1], "xml") != (form == "xml") })
		return func(r *rand.Rand, n int) *http.Request {
			in := inputs[n%len(inputs)]
			path := []string{"/epcis/v2/capture", "/epcis/v2/events"}[n/len(inputs)%2]
			q := httptest.NewRequest("POST", path, strings.NewReader(mutated(r, in[0])))
			q.Header.Set("Authorization", "Bearer "+w.tokens["greenfield-dairy"])
			q.Header.Set("Content-Type", in[1])
			q.Header.Set("Idempotency-Key", fmt.Sprint("torture-", n))
			return q
		}
	}
}

// mutatedBooks uploads workbooks: the template of each kind, filled in with its
// example, mutated as a zip or in one of its parts.
func mutatedBooks(t *testing.T, w *machineWorld) func(*rand.Rand, int) *http.Request {
	v := visit(t, w.Host, "greenfield-dairy").open("/traceability/import")
	base, err := url.Parse(v.base)
	if err != nil {
		t.Fatal(err)
	}
	tokens := hidden.FindAllStringSubmatch(v.page, -1)
	kinds := []string{"lots", "packs", "shipments", "received", "processes", "disposals"}
	var books []string
	for _, kind := range kinds {
		books = append(books, v.open("/traceability/import/template/"+kind+".xlsx").page)
	}
	return func(r *rand.Rand, n int) *http.Request {
		book := books[n%len(books)]
		if n/len(books)%2 == 0 {
			book = mutated(r, book)
		} else {
			book = mutatedParts(t, r, book)
		}
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for _, m := range tokens {
			value := html.UnescapeString(m[2])
			if m[1] == "once" {
				value = fmt.Sprint("torture-", n)
			}
			form.WriteField(m[1], value)
		}
		form.WriteField("kind", kinds[n%len(kinds)])
		file, _ := form.CreateFormFile("file", "book.xlsx")
		io.WriteString(file, book)
		form.Close()
		q := httptest.NewRequest("POST", v.base+"/traceability/import", &body)
		q.Header.Set("Content-Type", form.FormDataContentType())
		for _, c := range v.client.Jar.Cookies(base) {
			q.AddCookie(c)
		}
		return q
	}
}

// mutatedParts is a workbook of which some parts have things wrong.
func mutatedParts(t *testing.T, r *rand.Rand, book string) string {
	in, err := zip.NewReader(strings.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range in.File {
		part, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), "EXAMPLE", "X") // else the row is left out
		if r.IntN(3) == 0 {
			text = mutated(r, text)
		}
		to, err := z.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(to, text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

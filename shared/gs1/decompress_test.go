package gs1

import (
	"errors"
	"strings"
	"testing"
)

// The examples are those of the standard and of the toolkits that GS1 and Trust
// Codes publish.
func TestDecompress(t *testing.T) {
	for packed, want := range map[string]string{
		"ARHKVAdpQg":                            "01/09780345418913",
		"AQnYUc1gmiERBhQ0ytiyZuAGOLc1TXgpNWCv1": "01/05412345000013/10/ABC%26%2B123?7003=1903061658&k1=v1",
		"ABeRcNWtKMPA":                          "00/106141412345678908",
		"QUCO_anbfA":                            "414/0614141123452",
		"JAaasHt_dNNt4ADESMALumsUfMAm34":        "8003/09421012301014f9804dbf?240=qwe390023",
	} {
		path, query, err := Decompress(packed)
		if query != "" {
			path += "?" + query
		}
		if err != nil || path != want {
			t.Errorf("%s is %q (%v), want %q", packed, path, err, want)
		}
	}
}

func TestDecompressRefusesWhatIsNone(t *testing.T) {
	for _, packed := range []string{"", "A", "products", "ARHKVAdpQQ", "ARHKVAdpQ", "____", "01/09506000134352/10/L1", "ARHKVAdpQg==", strings.Repeat("_", 3000)} {
		if path, _, err := Decompress(packed); err == nil || !errors.As(err, new(*Error)) {
			t.Errorf("%s is %q (%v), want a refusal", packed, path, err)
		}
	}
}

// FuzzDecompress says that whatever is unpacked is a sound key, and that nothing
// makes it fail otherwise than by an *Error.
func FuzzDecompress(f *testing.F) {
	for _, s := range []string{"ARHKVAdpQg", "AQnYUc1gmiERBhQ0ytiyZuAGOLc1TXgpNWCv1", "ABeRcNWtKMPA", "QUCO_anbfA", "JAaasHt_dNNt4ADESMALumsUfMAm34", "01/09506000134352/EHg", "__"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path, _, err := Decompress(s)
		if err != nil {
			if !errors.As(err, new(*Error)) {
				t.Fatal(err)
			}
			return
		}
		if id, err := Parse(path); err != nil || id.Path() != path {
			t.Errorf("%q holds %q: %v", s, path, err)
		}
	})
}

func TestLevels(t *testing.T) {
	id, err := Parse("01/09506000134352/22/V/10/L/21/S")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, level := range id.Levels() {
		got = append(got, strings.TrimPrefix(level.Path(), "01/09506000134352"))
	}
	if want := "/22/V/10/L/21/S /10/L/21/S /22/V/21/S /21/S /22/V/10/L /10/L /22/V "; strings.Join(got, " ") != want {
		t.Errorf("levels %q", got)
	}
}

func TestLinkType(t *testing.T) {
	for name, want := range map[string]string{"gs1:pip": WebVocabulary + "pip", "https://gs1.org/voc/pip": WebVocabulary + "pip", "https://dairy.example/voc/farm": "https://dairy.example/voc/farm",
		"gs1:nonsense": "", "gs1:defaultLink": "", "pip": "", "http://dairy.example/x": ""} {
		if uri, known := LinkType(name); known != (want != "") || known && uri != want {
			t.Errorf("%s is %q, %v", name, uri, known)
		}
	}
}

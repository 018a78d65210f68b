package documents

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"testing"
)

func pictures(t testing.TB) (asPNG, asJPEG []byte) {
	t.Helper()
	var p, j bytes.Buffer
	m := image.NewGray(image.Rect(0, 0, 8, 8))
	if err := errors.Join(png.Encode(&p, m), jpeg.Encode(&j, m, nil)); err != nil {
		t.Fatal(err)
	}
	return p.Bytes(), j.Bytes()
}

func TestAFileIsWhatItHolds(t *testing.T) {
	asPNG, asJPEG := pictures(t)
	pdf := []byte("%PDF-1.7\n1 0 obj\nendobj\ntrailer\n%%EOF\n")
	for _, c := range []struct {
		name string
		file []byte
		kind string
		err  error
	}{
		{"a PDF", pdf, PDF, nil},
		{"a PDF of the second edition", bytes.Replace(pdf, []byte("1.7"), []byte("2.0"), 1), PDF, nil},
		{"a PNG", asPNG, PNG, nil},
		{"a JPEG", asJPEG, JPEG, nil},
		{"nothing", nil, "", ErrEmpty},
		{"a page", []byte("<html><script>alert(1)</script>%PDF-1.7 %%EOF"), "", ErrType},
		{"a picture of another kind", []byte("GIF89a............"), "", ErrType},
		{"a drawing with scripts", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "", ErrType},
		{"a program", []byte("MZ\x90\x00"), "", ErrType},
		{"a PDF cut off", pdf[:20], PDF, ErrCut},
		{"a PNG cut off", asPNG[:20], PNG, ErrCut},
		{"a PNG without its end", asPNG[:len(asPNG)-8], PNG, ErrCut},
		{"a JPEG cut off", asJPEG[:len(asJPEG)-2], JPEG, ErrCut},
		{"too much", append(bytes.Clone(pdf), make([]byte, MaxBytes)...), "", ErrLarge},
	} {
		if kind, err := Sniff(c.file); !errors.Is(err, c.err) || err == nil && kind != c.kind {
			t.Errorf("%s: %q, %v", c.name, kind, err)
		}
	}
}

func TestTheLastDayCounts(t *testing.T) {
	for _, c := range []struct {
		today, from, until string
		want               Validity
	}{
		{"2026-11-28", "2026-01-01", "2026-11-28", Valid},
		{"2026-11-29", "2026-01-01", "2026-11-28", Expired},
		{"2026-11-28", "2026-11-28", "", Valid},
		{"2026-11-27", "2026-11-28", "", Early},
		{"2026-11-28", "", "", Valid},
	} {
		if got := On(c.today, c.from, c.until); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// Whatever is sent, it is one of three types with the head of that type, or
// refused.
func FuzzSniff(f *testing.F) {
	asPNG, asJPEG := pictures(f)
	for _, seed := range [][]byte{nil, asPNG, asJPEG, asPNG[:30], []byte("%PDF-1.4\n%%EOF"), []byte("%PDF-3.0"), []byte("\xff\xd8\xff\xd9"), []byte("<svg/>")} {
		f.Add(seed)
	}
	heads := map[string]string{PDF: "%PDF-", PNG: "\x89PNG", JPEG: "\xff\xd8\xff"}
	f.Fuzz(func(t *testing.T, file []byte) {
		kind, err := Sniff(file)
		if head, known := heads[kind]; err == nil && (!known || !bytes.HasPrefix(file, []byte(head))) {
			t.Errorf("%q is taken for %q", file[:min(len(file), 16)], kind)
		}
	})
}

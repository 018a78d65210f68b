package manifest

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/identity"
)

var made = time.Date(2026, 11, 28, 4, 0, 0, 0, time.UTC)

// sign makes a package of two files, and gives the authority that vouches for it.
func sign(t testing.TB, change func(*Manifest)) (path string, authority []byte) {
	t.Helper()
	w, err := identity.Open(t.TempDir(), []byte("a secret for tests, of no other use"), func() time.Time { return made })
	if err != nil {
		t.Fatal(err)
	}
	if err := w.CreateMember("FoodMSP"); err != nil {
		t.Fatal(err)
	}
	by, err := w.Issue(identity.Enrolment{MSP: "FoodMSP", User: "dora", Party: "dairy", Roles: []string{"operator"}})
	if err != nil {
		t.Fatal(err)
	}
	if authority, err = w.CACert("FoodMSP"); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "records.zip")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(file)
	entry := func(name string) io.Writer {
		e, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	m := Manifest{Title: "Records", Made: made, Member: "FoodMSP", Party: "dairy", User: "dora"}
	for name, text := range map[string]string{"a.txt": "milk", "b.txt": strings.Repeat("cheese ", 1000)} {
		if err := m.Add(entry(name), name, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&m)
	}
	text, jws, err := m.Sign(by, authority)
	if err != nil {
		t.Fatal(err)
	}
	entry(Name).Write(text)
	entry(Signature).Write(jws)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return path, authority
}

func TestASignedPackage(t *testing.T) {
	path, authority := sign(t, nil)
	for _, trusted := range [][]byte{nil, authority} {
		c, err := CheckFile(path, trusted)
		if err != nil {
			t.Fatal(err)
		}
		if c.User != "dora" || len(c.Files) != 2 || c.Trusted != (trusted != nil) || len(Fingerprint(c.Authority)) != 64 {
			t.Errorf("%+v", c)
		}
	}
	_, stranger := sign(t, nil)
	if _, err := CheckFile(path, stranger); err == nil || !strings.Contains(err.Error(), "not of the authority") {
		t.Errorf("another authority: %v", err)
	}
}

// A list that does not tell what lies there is told apart, whoever signed it.
func TestAListThatLies(t *testing.T) {
	for want, change := range map[string]func(*Manifest){
		"differs from what was signed": func(m *Manifest) { m.Files[0].SHA256 = strings.Repeat("0", 64) },
		"is listed but not there":      func(m *Manifest) { m.Files[0].Name = "c.txt" },
		"the certificate is of":        func(m *Manifest) { m.Party = "somebody" },
	} {
		path, _ := sign(t, change)
		if _, err := CheckFile(path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Of a package on a disk, every bit counts.
func TestAChangedManifest(t *testing.T) {
	path, _ := sign(t, nil)
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(dir, Name)
	if _, err := CheckFile(name, nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(text), "Records", "records", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CheckFile(name, nil); err == nil || !strings.Contains(err.Error(), "does not fit the manifest") {
		t.Errorf("a changed letter: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte("{}"), []byte("e30..AA"))
	f.Add([]byte("{}"), []byte("eyJhbGciOiJFUzI1NiIsIng1YyI6WyIiLCIiXX0..AA"))
	f.Fuzz(func(t *testing.T, text, jws []byte) {
		if _, err := Check(text, jws, nil); err == nil {
			t.Error("something that nobody signed is signed")
		}
	})
}

package blobs

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open("file://" + filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestABlobIsWhatItsNameSays(t *testing.T) {
	s := open(t)
	name, err := s.Put(t.Context(), []byte("milk"))
	if err != nil || name != Name([]byte("milk")) {
		t.Fatal(name, err)
	}
	if got, err := s.Get(t.Context(), name); err != nil || string(got) != "milk" {
		t.Errorf("%s, %v", got, err)
	}
	if err := os.WriteFile(s.place.(folder).path(name), []byte("whey"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), name); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged file is read: %v", err)
	}
	if err := errors.Join(s.Delete(t.Context(), name), s.Delete(t.Context(), name), s.Delete(t.Context(), "../x")); err != nil {
		t.Error(err)
	}
	for _, gone := range []string{name, "", "..", "../../etc/passwd", name[1:], "ABCD" + name[4:]} {
		if _, err := s.Get(t.Context(), gone); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", gone, err)
		}
	}
}

func TestManyWriteOne(t *testing.T) {
	s := open(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := s.Put(t.Context(), []byte("same")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	entries, err := os.ReadDir(filepath.Dir(s.place.(folder).path(Name([]byte("same")))))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files, %v", len(entries), err)
	}
}

func TestSweepTakesWhatNobodyWants(t *testing.T) {
	s := open(t)
	keep, _ := s.Put(t.Context(), []byte("keep"))
	drop, _ := s.Put(t.Context(), []byte("drop"))
	young, _ := s.Put(t.Context(), []byte("young"))
	half := filepath.Join(filepath.Dir(s.place.(folder).path(keep)), ".new-123")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{s.place.(folder).path(keep), s.place.(folder).path(drop), half} {
		if err := os.Chtimes(old, time.Time{}, time.Now().Add(-48*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	err := s.Sweep(t.Context(), time.Now().Add(-24*time.Hour), func(name string) (bool, error) { return name == keep, nil })
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{keep: true, drop: false, young: true} {
		if _, err := s.Get(t.Context(), name); (err == nil) != want {
			t.Errorf("%s is there: %v", name, err == nil)
		}
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("half a write stays")
	}
}

func TestAnAddressIsAFolder(t *testing.T) {
	for _, bad := range []string{"", "relative", "file://relative", "ftp://x", "file://%zz"} {
		if _, err := Open(bad); err == nil {
			t.Errorf("%q opens", bad)
		}
	}
}

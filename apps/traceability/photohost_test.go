package traceability

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/blobs"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/picture"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// snap is a photo of waves, one for each seed.
func snap(seed float64, w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			light := 128 + 60*math.Sin(seed*7*u+3*v+seed) + 60*math.Sin(5*v*seed-4*u) + 20*u
			if (u-0.3)*(u-0.3)+(v-0.4)*(v-0.4) < 0.03*seed || int(9*u+seed)%3 == 0 && int(7*v)%2 == 0 {
				light = 255 - light // edges, as things have
			}
			c := uint8(max(0, min(255, light)))
			m.SetRGBA(x, y, color.RGBA{c, c / 2, 255 - c, 255})
		}
	}
	return m
}

func jpegOf(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// guest opens a public account with a token.
func (w *viewsWorld) guest(name string) string {
	w.t.Helper()
	if _, err := w.Wallet.Issue(identity.Enrolment{MSP: "FoodMSP", User: name, Roles: []string{party.Public}}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Accounts.Create(w.t.Context(), accounts.Registration{Name: name, Display: name, MSP: "FoodMSP", Password: password}); err != nil {
		w.t.Fatal(err)
	}
	token, _, err := w.Accounts.CreateToken(w.t.Context(), name, "test", []accounts.Scope{accounts.Write, accounts.Capture}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// sendPhoto posts a file to the API.
func (w *viewsWorld) sendPhoto(token, path string, file []byte, into any) int {
	w.t.Helper()
	r, err := http.NewRequest("POST", w.Address()+path, bytes.NewReader(file))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Idempotency-Key", rand.Text())
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	if into != nil && json.Unmarshal(b, into) != nil {
		w.t.Fatalf("%s: %d %s", path, res.StatusCode, b)
	}
	return res.StatusCode
}

func TestAPhotoOnRecordIsFoundAgain(t *testing.T) {
	w := viewsHost(t)
	dairy := w.tokens["greenfield-dairy"]
	m := snap(1.3, 700, 500)
	file := jpegOf(t, m, 92)
	var first committed[trace.PhotoState]
	if status := w.sendPhoto(dairy, "/api/photos", file, &first); status != 201 || first.Block == 0 || first.Reply.Status != "registered" {
		t.Fatalf("%d %+v", status, first)
	}
	w.sendPhoto(dairy, "/api/photos", jpegOf(t, snap(2.9, 700, 500), 92), nil)
	var v photoVerdict
	if w.sendPhoto("", "/api/photos/verify", file, &v); v.Exact == nil || v.Exact.Party != "greenfield-dairy" || len(v.Similar) != 0 {
		t.Errorf("the file itself: %+v", v)
	}
	turned := image.NewRGBA(image.Rect(0, 0, 500, 700))
	for y := range 500 {
		for x := range 700 {
			turned.Set(499-y, x, m.At(x, y))
		}
	}
	for name, c := range map[string]struct {
		file   []byte
		turned bool
	}{"compressed": {jpegOf(t, m, 30), false}, "turned": {jpegOf(t, turned, 90), true}} {
		var v photoVerdict
		if w.sendPhoto("", "/api/photos/verify", c.file, &v); v.Exact != nil || len(v.Similar) != 1 || v.Similar[0].Name != blobs.Name(file) || v.Similar[0].Turned != c.turned {
			t.Errorf("%s: %+v", name, v)
		}
	}
	var plain photoVerdict
	if w.sendPhoto("", "/api/photos/verify", jpegOf(t, image.NewGray(image.Rect(0, 0, 100, 100)), 90), &plain); !plain.Plain || plain.Exact != nil || len(plain.Similar) > 0 {
		t.Errorf("a plain photo: %+v", plain)
	}
	var again committed[trace.PhotoState]
	if w.sendPhoto(dairy, "/api/photos", file, &again); again.Reply.Status != "known" || again.Block != first.Block {
		t.Errorf("again: %+v", again)
	}
	if status := w.sendPhoto(w.tokens["harbour-foods"], "/api/photos", file, nil); status != 409 {
		t.Errorf("another's photo is taken: %d", status)
	}
	if _, err := w.Blobs.Get(t.Context(), blobs.Name(file)); err != nil {
		t.Errorf("another's refusal took the file: %v", err)
	}
}

// A public account has three a day, however many come at once; what is refused
// takes none and leaves no file.
func TestThreePhotosADay(t *testing.T) {
	w := viewsHost(t)
	shopper := w.guest("shopper")
	if status := w.sendPhoto(shopper, "/api/photos", []byte("no photo"), nil); status != 422 && status != 400 {
		t.Errorf("no photo is answered %d", status)
	}
	var files [10][]byte
	for i := range files {
		files[i] = jpegOf(t, snap(1+float64(i)/3, 200, 200), 90)
	}
	var all sync.WaitGroup
	var statuses [10]int
	for i := range files {
		all.Go(func() { statuses[i] = w.sendPhoto(shopper, "/api/photos", files[i], nil) })
	}
	all.Wait()
	taken := 0
	for i, status := range statuses {
		_, err := w.Blobs.Get(t.Context(), blobs.Name(files[i]))
		switch {
		case status == 201 && err == nil:
			taken++
		case status != 409 || err == nil:
			t.Errorf("photo %d: %d, its file: %v", i, status, err)
		}
	}
	if taken != trace.PhotosADay {
		t.Errorf("%d photos were taken: %v", taken, statuses)
	}
	w.sleep(24 * time.Hour)
	shopper = w.again("shopper")
	if status := w.sendPhoto(shopper, "/api/photos", jpegOf(t, snap(9, 200, 200), 90), nil); status != 201 {
		t.Errorf("the next day: %d", status)
	}
}

func (w *viewsWorld) again(name string) string {
	token, _, err := w.Accounts.CreateToken(w.t.Context(), name, "again", []accounts.Scope{accounts.Write}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// The photo is shown to its owner, to supervisors, and, where its owner wants
// it, to the lot's chain; the record to everybody.
func TestWhoSeesAPhoto(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	w.ship("greenfield-dairy", "harbour-foods", m1, "10")
	w.receive("harbour-foods", m1, "10")
	mine, shown := jpegOf(t, snap(1.1, 300, 200), 90), jpegOf(t, snap(2.2, 300, 200), 90)
	for query, file := range map[string][]byte{"?about=" + m1: mine, "?shown=true&about=" + m1: shown} {
		if status := w.sendPhoto(w.tokens["greenfield-dairy"], "/api/photos"+query, file, nil); status != 201 {
			t.Fatal(status)
		}
	}
	if status := w.sendPhoto(w.tokens["far-shop"], "/api/photos?about="+m1, jpegOf(t, snap(3.3, 300, 200), 90), nil); status != 404 {
		t.Errorf("a stranger's photo is about the lot: %d", status)
	}
	for reader, sees := range map[string][3]bool{ // mine, shown, the lot's name
		"greenfield-dairy": {true, true, true}, "food-safety": {true, true, true}, "harbour-foods": {false, true, true}, "far-shop": {false, false, false}, "": {false, false, false},
	} {
		v := w.stranger()
		if reader != "" {
			v = w.signedIn(reader)
		}
		for i, file := range [][]byte{mine, shown} {
			for _, size := range []string{"", "?size=original"} {
				res, body := v.get("/photos/" + blobs.Name(file) + "/image" + size)
				if got := strings.HasPrefix(res.Header.Get("Content-Type"), "image/"); got != sees[i] || got && size != "" && body != string(file) {
					t.Errorf("%q sees photo %d%s: %d", reader, i, size, res.StatusCode)
				}
			}
			res, page := v.get("/photos/" + blobs.Name(file))
			if res.StatusCode != 200 || !strings.Contains(page, "Greenfield Dairy") || strings.Contains(page, "Fresh milk") != sees[2] {
				t.Errorf("%q reads the record of photo %d: %d, the lot: %v", reader, i, res.StatusCode, !sees[2])
			}
			_, pdf := v.get("/photos/" + blobs.Name(file) + ".pdf")
			if strings.Contains(pdf, "/DCTDecode") != sees[i] {
				t.Errorf("%q: the certificate shows photo %d: %v", reader, i, !sees[i])
			}
		}
	}
}

// Files of uploads that came to nothing go; files on record stay.
func TestLeftFilesGo(t *testing.T) {
	w := viewsHost(t)
	kept, left := jpegOf(t, snap(1.1, 200, 200), 90), jpegOf(t, snap(2.2, 200, 200), 90)
	w.sendPhoto(w.tokens["greenfield-dairy"], "/api/photos", kept, nil)
	s := newPhotoStore(&fileKeeper{host: w.Host, db: w.DB})
	e, err := s.examine(t.Context(), left)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.keepPhoto(t.Context(), e, false); err != nil { // and there the host stops
		t.Fatal(err)
	}
	if err := s.sweep(t.Context(), w.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Blobs.Get(t.Context(), blobs.Name(kept)); err != nil {
		t.Errorf("a file on record is gone: %v", err)
	}
	if _, err := w.Blobs.Get(t.Context(), blobs.Name(left)); err == nil {
		t.Error("a file of nothing stays")
	}
}

// A photo of twelve megapixels is on record within three seconds.
func TestALargePhotoIsQuick(t *testing.T) {
	w := viewsHost(t)
	small := snap(1.7, 1000, 750)
	large := image.NewRGBA(image.Rect(0, 0, 4000, 3000))
	for y := range 3000 {
		for x := range 4000 {
			large.SetRGBA(x, y, small.RGBAAt(x/4, y/4))
		}
	}
	file := jpegOf(t, large, 85)
	began := time.Now()
	if status := w.sendPhoto(w.tokens["greenfield-dairy"], "/api/photos", file, nil); status != 201 {
		t.Fatal(status)
	}
	took := time.Since(began)
	t.Logf("%d bytes: on record after %v", len(file), took)
	if took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Somebody without an account opens one, puts a photo on record, sees its
// record and its certificate, verifies it, and deletes the file.
func TestPhotosInABrowser(t *testing.T) {
	w := viewsHost(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "milk.jpg")
	if err := os.WriteFile(file, jpegOf(t, snap(1.3, 900, 600), 85), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Config.PublicAccounts = true
	b := webtest.NewBrowser(t, webtest.Phone)
	b.Open(w.Address() + "/photos")
	b.Click(`a[href="/signup"]`)
	b.Type(`[name=name]`, "shopper-li")
	b.Type(`[name=display]`, "Li Wei")
	b.Type(`[name=password]`, password)
	b.Click("[data-send]")
	b.See("main form [name=next], main form #f-password")
	b.Login(w.Address(), "shopper-li", password)
	b.Open(w.Address() + "/photos")
	b.Upload("#f-photo", file)
	b.Click(`form[action="/photos"] [data-send]`)
	b.See(".flash, [role=status]")
	b.See("img.photo")
	if cut := b.Overflow(); cut > 0 {
		t.Errorf("the record is %d pixels too wide", cut)
	}
	b.Screenshot("photo-record")
	b.Open(w.Address() + "/photos")
	b.Upload("#f-verify", file)
	b.Click(`form[action="/photos/verify"] [data-send]`)
	b.See("#verdict .banner.good")
	for _, lang := range []string{"en", "zh-CN"} {
		b.Speak(lang)
		for _, v := range []webtest.Viewport{webtest.Phone, webtest.Desktop} {
			b.View(v)
			b.Open(w.Address() + "/photos")
			if cut := b.Overflow(); cut > 0 {
				t.Errorf("%s, %s: the page is %d pixels too wide", lang, v.Name, cut)
			}
			b.Screenshot("photos-" + lang + "-" + v.Name)
		}
	}
	b.Quiet()
}

func FuzzUpload(f *testing.F) {
	f.Add(jpegOf(f, snap(1, 80, 80), 50))
	var p bytes.Buffer
	png.Encode(&p, snap(2, 70, 70))
	f.Add(p.Bytes())
	s := &photoStore{reading: make(chan struct{}, 1)}
	f.Fuzz(func(t *testing.T, file []byte) {
		e, err := s.examine(t.Context(), file)
		if err == nil && (len(e.Perceptual) != picture.Orientations || e.Width*e.Height == 0) {
			t.Errorf("%+v", e.RegisterPhoto)
		}
	})
}

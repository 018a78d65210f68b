package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"
)

// scene is a picture with structure: blotches of light on a slope.
func scene(seed uint64, w, h int) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	type blotch struct{ x, y, size, light float64 }
	var blotches []blotch
	for range 14 {
		blotches = append(blotches, blotch{r.Float64(), r.Float64(), 0.05 + r.Float64()/5, r.Float64()*255 - 100})
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			light := 60 + 80*u
			for _, b := range blotches {
				if d := (u-b.x)*(u-b.x) + (v-b.y)*(v-b.y); d < b.size*b.size {
					light += b.light
				}
			}
			c := uint8(max(0, min(255, light)))
			m.Set(x, y, color.RGBA{c, uint8(int(c) * 3 / 4), 255 - c, 255})
		}
	}
	return m
}

func asJPEG(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func hashes(t testing.TB, file []byte) [Orientations]PDQ {
	t.Helper()
	p, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	all, _ := p.Hashes()
	return all
}

// turn is a picture after a quarter turn, mirrored or not.
func turn(m *image.RGBA, mirrored bool) *image.RGBA {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	t := image.NewRGBA(image.Rect(0, 0, h, w))
	for y := range h {
		for x := range w {
			to := h - 1 - y
			if mirrored {
				to = y
			}
			t.Set(to, x, m.At(x, y))
		}
	}
	return t
}

func nearest(a PDQ, all [Orientations]PDQ) int {
	best := 256
	for _, b := range all {
		best = min(best, a.Distance(b))
	}
	return best
}

func TestAPhotoIsFoundAgain(t *testing.T) {
	m := scene(7, 450, 350)
	original := hashes(t, asJPEG(t, m, 95))
	small, err := Decode(asJPEG(t, m, 95))
	if err != nil {
		t.Fatal(err)
	}
	var thumb bytes.Buffer
	if err := small.Small(&thumb, 240); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"compressed": asJPEG(t, m, 20), "scaled": thumb.Bytes(),
		"turned": asJPEG(t, turn(m, false), 90), "mirrored": asJPEG(t, turn(m, true), 90),
		"turned twice": asJPEG(t, turn(turn(m, false), false), 90),
	} {
		if d := nearest(hashes(t, file)[0], original); d > 20 {
			t.Errorf("%s: %d bits", name, d)
		}
	}
	for seed := range uint64(20) {
		if d := nearest(hashes(t, asJPEG(t, scene(100+seed, 300, 300), 90))[0], original); d <= Near {
			t.Errorf("another picture (%d) is %d bits from it", seed, d)
		}
	}
}

func TestOrientationsAreAllOfThem(t *testing.T) {
	all := hashes(t, asJPEG(t, scene(3, 512, 512), 95))
	for i := range all {
		for j := range i {
			if all[i].Distance(all[j]) < 40 {
				t.Errorf("orientations %d and %d are %d bits apart", i, j, all[i].Distance(all[j]))
			}
		}
	}
}

func TestAFlatPhotoHasNoQuality(t *testing.T) {
	flat := image.NewGray(image.Rect(0, 0, 200, 200))
	p, err := Decode(asJPEG(t, flat, 90))
	if err != nil {
		t.Fatal(err)
	}
	if _, quality := p.Hashes(); quality > 5 {
		t.Errorf("quality %d", quality)
	}
	p, _ = Decode(asJPEG(t, scene(1, 600, 600), 90))
	if _, quality := p.Hashes(); quality < 50 {
		t.Errorf("a scene has quality %d", quality)
	}
}

func TestWhatIsNoPhotoIsRefused(t *testing.T) {
	good := asJPEG(t, scene(1, 300, 300), 90)
	var bomb bytes.Buffer
	if err := png.Encode(&bomb, image.NewGray(image.Rect(0, 0, 9000, 9000))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"nothing": {nil, ErrFormat}, "text": {[]byte("no photo"), ErrFormat}, "half a photo": {good[:len(good)/2], ErrBroken},
		"tiny": {asJPEG(t, scene(1, 30, 300), 90), ErrPixels}, "a bomb": {bomb.Bytes(), ErrPixels}, "too large": {make([]byte, MaxBytes+1), ErrTooLarge},
	} {
		if _, err := Decode(c.file); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPDQIsRead(t *testing.T) {
	const text = "d8f8f0cce0f4a84f0e370a22028f67f0b36e2ed596623e1d33e6b39c4e9c9b22"
	a, err := ParsePDQ(text)
	if err != nil || a.String() != text {
		t.Errorf("%s, %v", a, err)
	}
	for _, bad := range []string{"", text[1:], text[1:] + "g", text + "00"} {
		if _, err := ParsePDQ(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(asJPEG(f, scene(1, 80, 80), 50))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPVP8 "))
	f.Fuzz(func(t *testing.T, file []byte) {
		if p, err := Decode(file); err == nil && p.Width*p.Height < 1<<20 {
			p.Hashes()
		}
	})
}

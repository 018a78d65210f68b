// Package picture reads photos that anybody may send: within bounds, and never
// trusting what a file says of itself. It makes small copies to show, and
// perceptual hashes by which a photo is found again after it was scaled,
// brightened, compressed or turned.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png" // a format that is read
	"io"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // a format that is read
)

// The bounds of a photo.
const (
	MaxBytes  = 20 << 20
	MaxPixels = 60_000_000
	MinSide   = 64 // pixels; smaller ones all look alike
)

// What is wrong with a file.
var (
	ErrTooLarge = errors.New("the file is larger than a photo may be")
	ErrFormat   = errors.New("the file is no photo in JPEG, PNG or WebP")
	ErrPixels   = errors.New("the photo has too many pixels, or too few")
	ErrBroken   = errors.New("the photo is damaged")
)

// Photo is a photo that could be read.
type Photo struct {
	Type          string // "image/jpeg", "image/png", "image/webp"
	Width, Height int
	image         image.Image
}

// Decode reads a photo. The error wraps one of the package's.
func Decode(file []byte) (*Photo, error) {
	if len(file) > MaxBytes {
		return nil, ErrTooLarge
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	w, h := config.Width, config.Height
	if w < MinSide || h < MinSide || w > MaxPixels/h {
		return nil, fmt.Errorf("%w: %d x %d", ErrPixels, w, h)
	}
	m, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if b := m.Bounds(); b.Dx() != w || b.Dy() != h {
		return nil, ErrBroken
	}
	return &Photo{Type: "image/" + format, Width: w, Height: h, image: m}, nil
}

// Small writes a copy as JPEG whose longer side has at most so many pixels.
// Nothing of the file goes with it but the picture: no place, no camera.
func (p *Photo) Small(w io.Writer, side int) error {
	return jpeg.Encode(w, p.scaled(side), &jpeg.Options{Quality: 82})
}

// scaled is the photo within a square, never larger than it was.
func (p *Photo) scaled(side int) *image.RGBA {
	w, h := p.Width, p.Height
	switch {
	case w >= h && w > side:
		w, h = side, max(1, h*side/w)
	case h > w && h > side:
		w, h = max(1, w*side/h), side
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src) // what is transparent is shown on white
	draw.ApproxBiLinear.Scale(small, small.Bounds(), p.image, p.image.Bounds(), draw.Over, nil)
	return small
}

package export

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/datamatrix"
	"github.com/boombuler/barcode/qr"
)

// quiet is the white margin that a reader needs around a code, in modules
// (ISO/IEC 18004, 6.3.8).
const quiet = 4

// code is a QR code: its dark modules as horizontal bars, without the margin.
type code struct {
	size int // modules a side
	bars []bar
}

type bar struct{ x, y, length int }

// newCode encodes an address as QR code at error correction level M, which bears a
// scratch or a drop of water (15 %), or what begins with U+001D as GS1 DataMatrix
// (ISO/IEC 16022, ECC 200), whose U+001D become FNC1.
func newCode(symbol string) (*code, error) {
	elements, matrix := strings.CutPrefix(symbol, "\x1d")
	if matrix {
		image, err := datamatrix.Encode(strings.ReplaceAll(symbol, "\x1d", string([]byte{datamatrix.FNC1})))
		if err != nil {
			return nil, fmt.Errorf("DataMatrix of %q: %w", elements, err)
		}
		return barsOf(image), nil
	}
	image, err := qr.Encode(symbol, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("QR code of %q: %w", symbol, err)
	}
	return barsOf(image), nil
}

func barsOf(image barcode.Barcode) *code {
	c := &code{size: image.Bounds().Dx()}
	for y := range c.size {
		for x := 0; x < c.size; x++ {
			from := x
			for x < c.size && dark(image.At(x, y)) {
				x++
			}
			if x > from {
				c.bars = append(c.bars, bar{from, y, x - from})
			}
		}
	}
	return c
}

func dark(c interface{ RGBA() (r, g, b, a uint32) }) bool {
	r, _, _, _ := c.RGBA()
	return r < 1<<15
}

// pdfPath draws the code on a PDF page in one stroke of the pen, with its lower
// left corner at the origin and modules of the size one.
func (c *code) pdfPath() string {
	var path []byte
	for _, b := range c.bars {
		for _, n := range [...]int{b.x, c.size - 1 - b.y, b.length} {
			path = append(strconv.AppendInt(path, int64(n), 10), ' ')
		}
		path = append(path, "1 re "...)
	}
	return string(append(path, 'f'))
}

// newCodes encodes many addresses on all processors: choosing a code's mask
// takes longer than all the rest of its label.
func newCodes(addresses []string) (map[string]*code, error) {
	codes := make([]*code, len(addresses))
	errs := make([]error, len(addresses))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(addresses)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(addresses)); i = next.Add(1) - 1 {
				codes[i], errs[i] = newCode(addresses[i])
			}
		})
	}
	workers.Wait()
	byAddress := make(map[string]*code, len(addresses))
	for i, address := range addresses {
		if errs[i] != nil {
			return nil, errs[i]
		}
		byAddress[address] = codes[i]
	}
	return byAddress, nil
}

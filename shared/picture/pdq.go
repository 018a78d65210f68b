package picture

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"image"
	"math"
	"math/bits"
	"slices"
)

// PDQ is a perceptual hash of 256 bits, as Meta published it ("The TMK+PDQF
// video-hashing algorithm and the PDQ image-hashing algorithm", 2019): the signs
// of the lowest frequencies of a photo's brightness.
type PDQ [4]uint64 // the first word holds the highest bits

// Near is the distance up to which two photos count as the same picture, of 256
// bits: what the algorithm's authors recommend.
const Near = 31

// Distance is the number of bits in which two hashes differ.
func (a PDQ) Distance(b PDQ) int {
	n := 0
	for i := range a {
		n += bits.OnesCount64(a[i] ^ b[i])
	}
	return n
}

// String is the hash as it is usually written: 64 hexadecimal digits.
func (a PDQ) String() string {
	var b [32]byte
	for i, word := range a {
		binary.BigEndian.PutUint64(b[8*i:], word)
	}
	return hex.EncodeToString(b[:])
}

// ParsePDQ reads what String writes.
func ParsePDQ(text string) (a PDQ, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		return a, errors.New("a perceptual hash has 64 hexadecimal digits")
	}
	for i := range a {
		a[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return a, nil
}

// Orientations is how many ways there are to turn and mirror a photo.
const Orientations = 8

const (
	grid     = 64  // the photo is brought to so many points a side
	waves    = 16  // and to so many frequencies
	hashSide = 512 // pixels of the copy that the grid is made from
)

// Hashes are the photo's in all its orientations, the one as it lies first, and
// its quality from 0 to 100: a photo of next to nothing (fog, a wall) has a low
// one, and hashes that say little.
func (p *Photo) Hashes() (all [Orientations]PDQ, quality int) {
	g := points(p.scaled(hashSide))
	for i := range all {
		all[i] = hash(g.turned(i))
	}
	return all, g.quality()
}

// plane is brightness at the points of the grid, from 0 to 255.
type plane [grid][grid]float64

// points smooths the brightness of a picture and takes it at the grid's points.
func points(m *image.RGBA) *plane {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	luma := make([]float64, w*h)
	for y := range h {
		for x := range w {
			c := m.Pix[y*m.Stride+4*x:]
			luma[y*w+x] = 0.299*float64(c[0]) + 0.587*float64(c[1]) + 0.114*float64(c[2])
		}
	}
	smooth(luma, w, h)
	g := &plane{}
	for i := range grid {
		for j := range grid {
			g[i][j] = luma[(2*i+1)*h/(2*grid)*w+(2*j+1)*w/(2*grid)]
		}
	}
	return g
}

// smooth is two rounds of box filters, which come close to a tent (Jarosz).
func smooth(luma []float64, w, h int) {
	other := make([]float64, len(luma))
	for range 2 {
		for y := range h {
			box(luma[y*w:], other[y*w:], w, 1, window(w))
		}
		for x := range w {
			box(other[x:], luma[x:], h, w, window(h))
		}
	}
}

func window(side int) int { return (side + 2*grid - 1) / (2 * grid) }

// box is the running mean over a window of n values that lie a stride apart.
func box(from, to []float64, n, stride, window int) {
	sum, count, right := 0.0, 0, 0
	before := (window + 2) / 2
	for ; right < min(before, n); right++ {
		sum, count = sum+from[right*stride], count+1
	}
	for i := range n {
		to[i*stride] = sum / float64(count)
		if right < n {
			sum, count = sum+from[right*stride], count+1
			right++
		}
		if left := i + before - window; left >= 0 {
			sum, count = sum-from[left*stride], count-1
		}
	}
}

// quality sums up the steps between neighbours.
func (g *plane) quality() int {
	sum := 0
	for i := range grid {
		for j := range grid {
			if i+1 < grid {
				sum += step(g[i][j], g[i+1][j])
			}
			if j+1 < grid {
				sum += step(g[i][j], g[i][j+1])
			}
		}
	}
	return min(100, sum/90)
}

func step(a, b float64) int { return int(math.Abs(a-b) * 100 / 255) }

// turned is the plane in one of its orientations: bit 0 mirrors left and right,
// bit 1 top and bottom, bit 2 swaps the axes.
func (g *plane) turned(orientation int) *plane {
	t := &plane{}
	for i := range grid {
		for j := range grid {
			y, x := i, j
			if orientation&4 != 0 {
				y, x = x, y
			}
			if orientation&2 != 0 {
				y = grid - 1 - y
			}
			if orientation&1 != 0 {
				x = grid - 1 - x
			}
			t[i][j] = g[y][x]
		}
	}
	return t
}

// cosines are the rows 1 to 16 of the discrete cosine transform.
var cosines = func() (d [waves][grid]float64) {
	for i := range waves {
		for j := range grid {
			d[i][j] = math.Sqrt(2.0/grid) * math.Cos(math.Pi/(2*grid)*float64((i+1)*(2*j+1)))
		}
	}
	return d
}()

// hash sets a bit for each frequency above the median.
func hash(g *plane) (a PDQ) {
	var rows [waves][grid]float64
	for i := range waves {
		for k := range grid {
			for j := range grid {
				rows[i][j] += cosines[i][k] * g[k][j]
			}
		}
	}
	all := make([]float64, 0, waves*waves)
	for i := range waves {
		for j := range waves {
			sum := 0.0
			for k := range grid {
				sum += rows[i][k] * cosines[j][k]
			}
			all = append(all, sum)
		}
	}
	sorted := slices.Sorted(slices.Values(all))
	median := sorted[(len(sorted)-1)/2]
	for bit, v := range all {
		if v > median {
			a[3-bit/64] |= 1 << (bit % 64)
		}
	}
	return a
}

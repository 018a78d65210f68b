package export

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/jung-kurt/gofpdf"
)

// Texts are set in DejaVu Sans Condensed where it has the character, and in
// Droid Sans Fallback, which has Chinese, where it has not. Only the characters
// that a document uses go into its file. The program carries the fonts packed.
var (
	//go:embed fonts/DejaVuSansCondensed.ttf.gz
	packedRegular []byte
	//go:embed fonts/DejaVuSansCondensed-Bold.ttf.gz
	packedBold []byte
	//go:embed fonts/DroidSansFallbackFull.ttf.gz
	packedChinese []byte

	latinRegular = unpackedOnce(packedRegular)
	latinBold    = unpackedOnce(packedBold)
	chinese      = unpackedOnce(packedChinese)
)

func unpackedOnce(packed []byte) func() []byte {
	return sync.OnceValue(func() []byte {
		font := make([]byte, binary.LittleEndian.Uint32(packed[len(packed)-4:])) // RFC 1952, ISIZE
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err == nil {
			_, err = io.ReadFull(r, font)
		}
		if err != nil {
			panic(fmt.Errorf("export: unpack a font of the program: %w", err))
		}
		return font
	})
}

const (
	latinFamily   = "latin"
	chineseFamily = "chinese"
)

// glyphs tells which characters the fonts have, read once.
var glyphs = sync.OnceValue(func() *covered {
	return &covered{coverageOf(latinRegular()), coverageOf(chinese())}
})

type covered struct{ latin, chinese coverage }

// coverage is one bit for each character of the basic plane, which is all that
// gofpdf sets.
type coverage [1 << 16 / 8]byte

func (c *coverage) has(r rune) bool { return r >= 0 && r < 1<<16 && c[r/8]&(1<<(r%8)) != 0 }

// coverageOf reads the font's table "cmap", subtable format 4 (OpenType 1.9,
// cmap): segments of characters, all of which have glyphs in these fonts unless
// the glyph's number is 0.
func coverageOf(font []byte) (c coverage) {
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(font[at:])) }
	u32 := func(at int) int { return int(binary.BigEndian.Uint32(font[at:])) }
	for i := range u16(4) { // the directory of tables
		if entry := 12 + 16*i; string(font[entry:entry+4]) == "cmap" {
			cmap := u32(entry + 8)
			for j := range u16(cmap + 2) {
				if at := cmap + u32(cmap+4+8*j+4); u16(at) == 4 {
					c.segments(at, u16)
				}
			}
		}
	}
	return c
}

func (c *coverage) segments(at int, u16 func(int) int) {
	length := u16(at + 6) // of each array, in bytes
	ends, starts := at+14, at+16+length
	deltas, offsets := starts+length, starts+2*length
	for s := 0; s < length; s += 2 {
		for r := u16(starts + s); r <= u16(ends+s) && r != 0xffff; r++ {
			glyph := r + u16(deltas+s)
			if offset := u16(offsets + s); offset != 0 {
				glyph = u16(offsets + s + offset + 2*(r-u16(starts+s)))
			}
			if glyph&0xffff != 0 {
				c[r/8] |= 1 << (r % 8)
			}
		}
	}
}

// pen sets text of any language on a PDF page, in points of size and
// millimetres of place.
type pen struct {
	*gofpdf.Fpdf
	widths map[stroke]float64 // of single characters, in thousandths of the size
}

type stroke struct {
	char rune
	bold bool
}

func newPen(pdf *gofpdf.Fpdf) *pen { return &pen{Fpdf: pdf, widths: map[stroke]float64{}} }

// run is a stretch of text in one font.
type run struct {
	text    string
	chinese bool
}

// runs cuts a text by the fonts that have its characters.
func runs(text string) []run {
	var all []run
	var at []byte
	inChinese := false
	for _, r := range text {
		r, chinese, either := glyph(r)
		if r < 0 {
			continue
		}
		if len(at) > 0 && chinese != inChinese && !either {
			all = append(all, run{string(at), inChinese})
			at = at[:0]
		}
		if len(at) == 0 {
			inChinese = chinese
		}
		at = utf8.AppendRune(at, r)
	}
	if len(at) > 0 {
		all = append(all, run{string(at), inChinese})
	}
	return all
}

// glyph is what is set for a character, and in which font; a space is in
// either. A character that neither has becomes a white square, so that the
// reader sees something is missing; -1 stands for none at all.
func glyph(r rune) (set rune, inChinese, either bool) {
	g := glyphs()
	switch {
	case r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u00a0':
		return ' ', false, true
	case r < ' ' || r == 0x7f || r == utf8.RuneError:
		return -1, false, false
	case g.latin.has(r):
		return r, false, false
	case g.chinese.has(r):
		return r, true, false
	}
	return '□', false, false
}

// use selects a font. The fonts are read at first use: most documents need no
// Chinese, which is the larger.
func (p *pen) use(chineseRun, bold bool, size float64) {
	switch {
	case chineseRun:
		p.AddUTF8FontFromBytes(chineseFamily, "", chinese())
		p.SetFont(chineseFamily, "", size)
	case bold:
		p.AddUTF8FontFromBytes(latinFamily, "B", latinBold())
		p.SetFont(latinFamily, "B", size)
	default:
		p.AddUTF8FontFromBytes(latinFamily, "", latinRegular())
		p.SetFont(latinFamily, "", size)
	}
}

// say sets a text with its baseline at y and returns where it ends.
func (p *pen) say(x, y, size float64, bold bool, text string) float64 {
	for _, r := range runs(text) {
		p.use(r.chinese, bold, size)
		if r.chinese && bold {
			p.thick(x, y, size, r.text)
		} else {
			p.Text(x, y, r.text)
		}
		x += p.GetStringWidth(r.text)
	}
	return x
}

// thick stands in for a bold Chinese font, which would be another four
// megabytes: the outlines are drawn as well as filled.
func (p *pen) thick(x, y, size float64, text string) {
	width := p.GetLineWidth()
	p.SetLineWidth(size * 0.008)
	r, g, b := p.GetTextColor()
	p.SetDrawColor(r, g, b)
	p.SetTextRenderingMode(2)
	p.Text(x, y, text)
	p.SetTextRenderingMode(0)
	p.SetLineWidth(width)
}

// width is how far a text runs, in millimetres.
func (p *pen) width(size float64, bold bool, text string) float64 {
	sum := 0.0
	for _, r := range text {
		r, inChinese, _ := glyph(r)
		if r < 0 {
			continue
		}
		key := stroke{r, bold}
		w, known := p.widths[key]
		if !known {
			p.use(inChinese, bold, 1000)
			w = p.GetStringWidth(string(r))
			p.widths[key] = w
		}
		sum += w
	}
	return sum * size / 1000
}

// fit shortens a text to a width, with an ellipsis where something is missing.
func (p *pen) fit(width, size float64, bold bool, text string) string {
	if p.width(size, bold, text) <= width {
		return text
	}
	chars := []rune(text)
	for len(chars) > 0 && p.width(size, bold, string(chars)+"…") > width {
		chars = chars[:len(chars)-1]
	}
	return strings.TrimRight(string(chars), " ") + "…"
}

// wrap breaks a text into at most so many lines, between words or between
// Chinese characters; the last line ends in an ellipsis if there is more.
func (p *pen) wrap(width, size float64, bold bool, text string, most int) []string {
	var lines []string
	for _, paragraph := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line := ""
		for _, word := range words(paragraph) {
			if line != "" && p.width(size, bold, strings.TrimRight(line+word, " ")) > width {
				lines, line = append(lines, strings.TrimRight(line, " ")), ""
				word = strings.TrimLeft(word, " ")
			}
			for p.width(size, bold, word) > width && len([]rune(word)) > 1 { // longer than a line
				head := p.head(width, size, bold, word)
				lines, word = append(lines, head), word[len(head):]
			}
			line += word
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	if len(lines) > most {
		rest := strings.Join(lines[most-1:], " ")
		lines = append(lines[:most-1], p.fit(width, size, bold, rest))
	}
	return lines
}

// head is as much of a word as fits, at least a character.
func (p *pen) head(width, size float64, bold bool, word string) string {
	sum := 0.0
	for i, r := range word {
		if sum += p.width(size, bold, string(r)); sum > width && i > 0 {
			return word[:i]
		}
	}
	return word
}

// words cuts a text where a line may break: before a word's leading space, and
// on both sides of a Chinese character.
func words(text string) []string {
	var all []string
	start, previous := 0, ' '
	for i, r := range text {
		if i > start && (r == ' ' && previous != ' ' || r >= 0x2e80 || previous >= 0x2e80) && !strings.ContainsRune("，。、；：！？）》”", r) {
			all = append(all, text[start:i])
			start = i
		}
		previous = r
	}
	return append(all, text[start:])
}

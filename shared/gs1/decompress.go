package gs1

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Decompress undoes the compression of a GS1 Digital Link URI (GS1 Digital
// Link: Compression 1.2): of "ARHKVAdpQg", where everything is compressed, and of
// "01/09506000134352/…", where the key was left as it is. It returns the
// path of the URI that was compressed, "01/09780345418913", and its query,
// without a question mark. An error is an *Error.
func Decompress(path string) (uncompressed, query string, err error) {
	var elements []Element
	segments := strings.Split(strings.Trim(path, "/"), "/")
	switch len(segments) {
	case 1:
	case 3:
		value, ok := percentDecode(segments[1])
		if !ok {
			return "", "", badEscape(fieldOf(aiOf(segments[0])))
		}
		elements = []Element{{aiOf(segments[0]), value}}
	default:
		return "", "", notCompressed(path)
	}
	packed, others, err := unpack(segments[len(segments)-1])
	if err != nil {
		return "", "", err
	}
	return spread(append(elements, packed...), others)
}

// Compressed reports whether a path has the form of a compressed URI: one
// segment, or a key with its value and one more segment, which is no
// uncompressed path.
func Compressed(path string) bool {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	last := segments[len(segments)-1]
	if last == "" || notIn(last, isURL64) >= 0 {
		return false
	}
	_, isKey := sequences(aiOf(segments[0]))
	return len(segments) == 1 || len(segments) == 3 && isKey
}

func notCompressed(path string) *Error {
	return &Error{codeSyntax, "identifier", fmt.Sprintf("%q is no compressed GS1 Digital Link.", path), "Scan the code again, or give the identifier uncompressed."}
}

// spread sorts elements into path and query.
func spread(elements []Element, others []string) (path, query string, err error) {
	at := slices.IndexFunc(elements, func(e Element) bool { _, isKey := sequences(e.AI); return isKey })
	if at < 0 {
		return "", "", &Error{codeUnknownKey, "identifier", "The compressed identifier holds no GS1 key.", "Scan the code again."}
	}
	key := elements[at]
	qualifiers := qualifiersOf(key.AI, elements)
	id, err := assemble(append([]Element{key}, qualifiers...), true)
	if err != nil {
		return "", "", err
	}
	var pairs []string
	for i, e := range elements {
		if i == at || slices.Contains(qualifiers, e) {
			continue
		}
		if err := Check(e.AI, e.Value); err != nil {
			return "", "", err
		}
		pairs = append(pairs, e.AI+"="+percentEncode(e.Value))
	}
	return id.Path(), strings.Join(append(pairs, others...), "&"), nil
}

// together are the elements that a code between 0A and CD stands for; the other
// codes of two digits begin an application identifier.
var together = func() map[string][]string {
	m := map[string][]string{
		"0A": {"01", "22"}, "0B": {"01", "10"}, "0C": {"01", "21"}, "0D": {"01", "17"}, "0E": {"01", "7003"}, "0F": {"01", "30"},
		"1A": {"01", "10", "21", "17"}, "1B": {"01", "15"}, "1C": {"01", "11"}, "1D": {"01", "16"}, "1E": {"01", "91"}, "1F": {"01", "10", "15"},
		"9A": {"8010", "8011"}, "9B": {"8017", "8019"}, "9C": {"8018", "8019"}, "9D": {"414", "254"},
	}
	for i := range 10 {
		m[fmt.Sprintf("A%d", i)] = []string{"01", fmt.Sprintf("392%d", i)}
		m[fmt.Sprintf("C%d", i)] = []string{"255", fmt.Sprintf("390%d", i)}
	}
	for i := range 6 {
		m[fmt.Sprintf("2%X", 10+i)] = []string{"01", fmt.Sprintf("310%d", i)}
		m[fmt.Sprintf("3%X", 10+i)] = []string{"01", fmt.Sprintf("320%d", i)}
	}
	for i := range 4 {
		m[fmt.Sprintf("C%X", 10+i)] = []string{"255", fmt.Sprintf("394%d", i)}
	}
	return m
}()

// aiLength is how many digits an AI has that begins with two digits.
var aiLength = func() map[string]int {
	m := map[string]int{}
	for ai := range byAI {
		m[ai[:2]] = len(ai)
	}
	return m
}()

// A stretch is a component of a value as compression counts them: neighbours
// of one kind are one.
type stretch struct {
	digits bool
	fixed  bool
	length int // at most, unless it is fixed
}

// stretches are the components of an AI's value.
func (e *entry) stretches() (all []stretch) {
	for _, p := range e.parts {
		s := stretch{digits: p.set != nil && p.digits(), fixed: p.min == p.max && !p.optional, length: p.max}
		last := len(all) - 1
		switch {
		case last < 0, all[last].digits != s.digits, s.digits && all[last].fixed != s.fixed:
			all = append(all, s)
		default: // characters of which only the end may vary, or digits of the same sort
			all[last].length, all[last].fixed = all[last].length+s.length, s.fixed
		}
	}
	return all
}

// digits reports whether a part takes digits only.
func (p part) digits() bool { return !p.set('A') && !p.set('a') }

// unpack reads the elements of a compressed segment, and the pairs of its query
// that are not GS1's.
func unpack(segment string) (elements []Element, others []string, err error) {
	in := &bitReader{text: segment}
	if segment == "" || len(segment) > longest || notIn(segment, isURL64) >= 0 {
		return nil, nil, notCompressed(segment)
	}
	for in.left() > 8 && !in.failed {
		code := fmt.Sprintf("%X%X", in.take(4), in.take(4))
		ais := together[code]
		switch length := aiLength[code]; {
		case code[0] == 'F':
			others = append(others, in.foreign())
			continue
		case ais == nil && length == 0:
			return nil, nil, notCompressed(segment)
		case ais == nil:
			for len(code) < length {
				code += fmt.Sprintf("%X", in.take(4))
			}
			ais = []string{code}
		}
		for _, ai := range ais {
			if byAI[ai] == nil || slices.ContainsFunc(elements, func(e Element) bool { return e.AI == ai }) {
				return nil, nil, notCompressed(segment)
			}
			elements = append(elements, Element{ai, in.value(byAI[ai])})
		}
	}
	if in.failed || in.take(in.left()) != 0 {
		return nil, nil, notCompressed(segment)
	}
	return elements, others, nil
}

// bitReader reads a base64url text, which the caller has checked, bit by bit.
type bitReader struct {
	text   string
	at     int
	failed bool // more was asked for than there is
}

func (r *bitReader) left() int { return 6*len(r.text) - r.at }

func (r *bitReader) bit() uint {
	if r.left() <= 0 {
		r.failed = true
		return 0
	}
	v := strings.IndexByte(base64URL, r.text[r.at/6])
	r.at++
	return uint(v>>(5-(r.at-1)%6)) & 1
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func (r *bitReader) take(n int) (v uint) {
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

// value reads all components of an AI's value.
func (r *bitReader) value(e *entry) string {
	var b strings.Builder
	for _, s := range e.stretches() {
		encoding := uint(0)
		if !s.digits {
			encoding = r.take(3)
		}
		length := s.length
		if !s.fixed {
			length = int(r.take(lengthBits(s.length)))
		}
		b.WriteString(r.characters(encoding, length))
	}
	return b.String()
}

// foreign reads a pair that is not GS1's.
func (r *bitReader) foreign() string {
	r.at -= 4 // the code's second digit begins the length of the key
	var key strings.Builder
	for range r.take(7) {
		key.WriteByte(base64URL[r.take(6)])
	}
	encoding := r.take(3)
	return percentEncode(key.String()) + "=" + percentEncode(r.characters(encoding, int(r.take(7))))
}

// characters reads so many in one of the encodings.
func (r *bitReader) characters(encoding uint, length int) string {
	if length*3 > r.left() {
		r.failed = true
		return ""
	}
	b := make([]byte, 0, length)
	each := func(bits int, of func(uint) byte) string {
		for range length {
			b = append(b, of(r.take(bits)))
		}
		return string(b)
	}
	switch encoding {
	case 0:
		return r.number(length)
	case 1:
		return each(4, func(v uint) byte { return "0123456789abcdef"[v] })
	case 2:
		return each(4, func(v uint) byte { return hexDigits[v] })
	case 3:
		return each(6, func(v uint) byte { return base64URL[v] })
	case 4:
		return each(7, func(v uint) byte { return byte(v) })
	}
	r.failed = true
	return ""
}

// number reads digits that stand there as one number.
func (r *bitReader) number(length int) string {
	if length == 0 {
		return ""
	}
	n := new(big.Int)
	for range valueBits(length) {
		n.SetBit(n.Lsh(n, 1), 0, r.bit())
	}
	digits := n.String()
	if len(digits) > length {
		r.failed = true
		return ""
	}
	return strings.Repeat("0", length-len(digits)) + digits
}

// lengthBits hold a length up to most.
func lengthBits(most int) int { return big.NewInt(int64(most)).BitLen() }

// valueBits hold a number of so many digits: ⌈length · log₂ 10 + 0.01⌉.
func valueBits(length int) int {
	return int((int64(length)*3_321_928_095 + 10_000_000 + 999_999_999) / 1_000_000_000)
}

func isURL64(c byte) bool { return strings.IndexByte(base64URL, c) >= 0 }

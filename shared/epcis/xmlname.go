package epcis

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSON takes any text for a name, XML does not. What XML lacks is written as _xHHHH_, the way of SQL/XML
// (ISO/IEC 9075-14, section 9.1), and read back only where no name could have held the character: names that merely
// look so keep their spelling.

// isNCName tells whether every XML processor takes s for a name without a prefix. What only some editions of XML allow
// is escaped, which loses nothing.
func isNCName(s string) bool {
	for i, c := range s {
		if !nameRune(c, i == 0) {
			return false
		}
	}
	return s != ""
}

func nameRune(c rune, first bool) bool {
	switch {
	case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return true
	case c >= '0' && c <= '9' || c == '-' || c == '.':
		return !first
	case c >= 0xC0 && c <= 0xFF:
		return c != 0xD7 && c != 0xF7
	}
	return c >= 0x4E00 && c <= 0x9FA5 // Chinese
}

func escapeName(s string) string {
	if isNCName(s) && !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i, c := range s {
		if !nameRune(c, i == 0) || c == '_' && escapedAt(s[i:]) > 0 {
			fmt.Fprintf(&b, "_x%04X_", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// escapedAt gives the length of the escape that s begins with, or 0.
func escapedAt(s string) int {
	if !strings.HasPrefix(s, "_x") {
		return 0
	}
	end := strings.IndexByte(s[2:], '_')
	if end < 4 || end > 6 {
		return 0
	}
	if _, err := strconv.ParseUint(s[2:2+end], 16, 32); err != nil {
		return 0
	}
	return 2 + end + 1
}

// unescapeName is escapeName's reverse. It leaves alone what escapeName would not have written.
func unescapeName(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if n := escapedAt(s[i:]); n > 0 {
			code, _ := strconv.ParseUint(s[i+2:i+n-1], 16, 32) // escapedAt read it
			c := rune(code)
			underscore := c == '_' && escapedAt("_"+s[i+n:]) > 0
			if utf8.ValidRune(c) && (!nameRune(c, b.Len() == 0) || underscore) && fmt.Sprintf("_x%04X_", c) == s[i:i+n] {
				b.WriteRune(c)
				i += n
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+size])
		i += size
	}
	return b.String()
}

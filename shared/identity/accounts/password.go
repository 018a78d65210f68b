package accounts

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a password, in Unicode code points. Nothing is trimmed and nothing
// normalised: a password is what was typed.
const (
	minPassword = 15
	maxPassword = 128
	// minOwn is how many characters must be left when everything that is easy
	// to guess is taken away.
	minOwn = 6
	// minDistinct is how many different characters there must be.
	minDistinct = 5
	// maxPeriod is the longest piece whose repetition counts as one.
	maxPeriod = 9
)

//go:embed common.txt
var commonText string

// common are words and phrases that lead the lists of leaked passwords, the
// longest first, as plain as plain makes them.
var common = func() []string {
	var words []string
	for line := range strings.Lines(commonText) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			words = append(words, plain(line))
		}
	}
	return longestFirst(words)
}()

// rows are neighbours that a finger or a child runs along.
var rows = []string{
	"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "!@#$%^&*()", "一二三四五六七八九十",
}

// checkPassword refuses what an attacker would try before long. Words are the
// person's and the company's own.
func (a *Accounts) checkPassword(password string, words ...string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return ErrPasswordText.Refuse("").On("password")
	case n < minPassword:
		return ErrPasswordShort.Refuse("%s characters", n).On("password")
	case n > maxPassword:
		return ErrPasswordLong.Refuse("%s characters", n).On("password")
	case guessable(password, append(words, a.config.Words...)):
		return ErrPasswordCommon.Refuse("").On("password")
	}
	return nil
}

func guessable(password string, words []string) bool {
	lower := []rune(strings.ToLower(password))
	if distinct(lower) < minDistinct || repeats(lower) {
		return true
	}
	own := slices.Concat([]string{"tallyway"}, split(words))
	return left(string(lower), own) < minOwn || left(plain(password), own) < minOwn
}

// left counts the letters and digits that remain without the words and the
// runs along a row.
func left(s string, own []string) int {
	for _, w := range slices.Concat(longestFirst(own), common) {
		s = strings.ReplaceAll(s, w, " ")
	}
	n := 0
	for _, r := range withoutRuns([]rune(s)) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// plain undoes capitals and the usual replacements of letters.
func plain(s string) string {
	return strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i").
		Replace(strings.ToLower(s))
}

// split takes names apart into words of three letters or more, each as it
// stands and plain.
func split(names []string) []string {
	var words []string
	for _, name := range names {
		notWord := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
		for _, w := range append(strings.FieldsFunc(strings.ToLower(name), notWord), strings.ToLower(name)) {
			if len(w) >= 3 {
				words = append(words, w, plain(w))
			}
		}
	}
	return words
}

func longestFirst(words []string) []string {
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	return words
}

func distinct(s []rune) int {
	sorted := slices.Sorted(slices.Values(s))
	return len(slices.Compact(sorted))
}

// repeats tells whether s is one short piece again and again.
func repeats(s []rune) bool {
	for period := 1; period <= maxPeriod; period++ {
		same := true
		for i := period; i < len(s) && same; i++ {
			same = s[i] == s[i-period]
		}
		if same {
			return true
		}
	}
	return false
}

// withoutRuns drops stretches of three or more neighbours in a row, in either
// direction, and of one character repeated.
func withoutRuns(s []rune) []rune {
	var out []rune
	for i := 0; i < len(s); {
		n := runAt(s[i:])
		if n < 3 {
			out = append(out, s[i])
			n = 1
		}
		i += n
	}
	return out
}

// runAt is the length of the run at the start of s.
func runAt(s []rune) int {
	best := 1
	for n := 2; n <= len(s); n++ {
		piece := string(s[:n])
		if !slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(row, piece) || strings.Contains(reversed(row), piece) }) &&
			strings.Trim(piece, string(s[0])) != "" {
			break
		}
		best = n
	}
	return best
}

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

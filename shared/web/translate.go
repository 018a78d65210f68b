package web

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/tallyway/tallyway/chaincode"
)

// Catalogue says English texts in Chinese. English is the key; a text that is
// not there is shown in English and remembered as missing.
type Catalogue struct {
	mu      sync.RWMutex
	texts   map[string]string
	rules   map[string]ruleWords
	missing map[string]bool
}

type ruleWords struct {
	Text   string `json:"text"`
	Remedy string `json:"remedy"`
}

// words is the form of zh.json.
type words struct {
	Texts map[string]string    `json:"texts"` // pages' texts and the formats of refusals
	Rules map[string]ruleWords `json:"rules"` // by code
}

func newCatalogue() *Catalogue {
	return &Catalogue{texts: map[string]string{}, rules: map[string]ruleWords{}, missing: map[string]bool{}}
}

// Register adds the translations of a folder with a zh.json. Two rooms may
// translate the same text, but alike: a text has one meaning.
func (c *Catalogue) Register(fsys fs.FS) error {
	b, err := fs.ReadFile(fsys, "zh.json")
	if err != nil {
		return fmt.Errorf("read a catalogue: %w", err)
	}
	var w words
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("read zh.json: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for en, zh := range w.Texts {
		if was, twice := c.texts[en]; twice && was != zh {
			return fmt.Errorf("zh.json: %q is translated twice: %q and %q", en, was, zh)
		}
		if strings.Count(en, "%s") != strings.Count(zh, "%s")+indexed(zh) {
			return fmt.Errorf("zh.json: %q and %q do not hold the same number of facts", en, zh)
		}
		c.texts[en] = zh
	}
	for code, words := range w.Rules {
		c.rules[code] = words
	}
	return nil
}

// T says a text in a language. %s takes the facts in their order; a
// translation that needs another order writes %1, %2, ...
func (c *Catalogue) T(lang, text string, facts ...any) string {
	format := c.text(lang, text)
	if len(facts) == 0 {
		return format
	}
	said := make([]string, len(facts))
	for i, f := range facts {
		said[i] = fmt.Sprint(f)
	}
	return fill(format, said)
}

func (c *Catalogue) text(lang, text string) string {
	if lang != "zh" || text == "" {
		return text
	}
	c.mu.RLock()
	zh, ok := c.texts[text]
	c.mu.RUnlock()
	if ok {
		return zh
	}
	c.mu.Lock()
	if len(c.missing) < 10_000 {
		c.missing[text] = true
	}
	c.mu.Unlock()
	return text
}

// fill puts facts into a format in one pass, so that a fact that holds a %s
// stays a fact.
func fill(format string, facts []string) string {
	var b strings.Builder
	next := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		at := -1
		switch {
		case format[i] == 's':
			at, next = next, next+1
		case format[i] >= '1' && format[i] <= '9':
			at = int(format[i] - '1')
		}
		if at < 0 || at >= len(facts) {
			b.WriteString(format[i-1 : i+1])
			continue
		}
		b.WriteString(facts[at])
	}
	return b.String()
}

// indexed counts %1, %2, ... in a format.
func indexed(format string) (n int) {
	for i := 1; i <= 9; i++ {
		n += strings.Count(format, "%"+strconv.Itoa(i))
	}
	return n
}

// Rule is a rule's sentence and remedy in a language.
func (c *Catalogue) Rule(lang string, r chaincode.Rule) (text, remedy string) {
	if lang == "zh" {
		c.mu.RLock()
		w, ok := c.rules[r.Code]
		c.mu.RUnlock()
		if ok {
			return w.Text, w.Remedy
		}
	}
	return r.Text, r.Remedy
}

// Refusal is the case of a refusal in a language, or "" when the rule's
// sentence says it all.
func (c *Catalogue) Refusal(lang string, no *chaincode.Refusal) string {
	if no.Format == "" {
		return ""
	}
	return fill(c.text(lang, no.Format), no.Facts)
}

// Missing lists the texts that were asked for in Chinese and not found.
func (c *Catalogue) Missing() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var all []string
	for text := range c.missing {
		all = append(all, text)
	}
	sort.Strings(all)
	return all
}

// negotiate picks a language by Accept-Language (RFC 9110 §12.5.4).
func negotiate(header string) string {
	best, lang := 0.0, "en"
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if q := quality(params); (primary == "zh" || primary == "en") && q > best {
			best, lang = q, primary
		}
	}
	return lang
}

// prefers reports whether an Accept header ranks one media type above another.
func prefers(header, one, other string) bool {
	return rank(header, one) > rank(header, other)
}

func rank(header, kind string) float64 {
	major, _, _ := strings.Cut(kind, "/")
	best := 0.0
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		name = strings.TrimSpace(name)
		q := quality(params)
		switch name {
		case kind:
			best = max(best, q)
		case major + "/*":
			best = max(best, q*0.9)
		case "*/*":
			best = max(best, q*0.8)
		}
	}
	return best
}

// quality reads ";q=0.8"; without it the weight is 1.
func quality(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(p), "q="); ok {
			q, err := strconv.ParseFloat(v, 64)
			if err != nil || q < 0 || q > 1 {
				return 0
			}
			return q
		}
	}
	return 1
}

// Package resolver decides where a GS1 Digital Link leads (GS1-Conformant
// resolver standard 1.2): it reads what a request asks for, chooses among links,
// and writes them as a linkset (RFC 9264). Which links there are, and who may see
// them, is left to its caller; so is HTTP, but for the fields of its headers.
package resolver

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/shared/gs1"
)

// Link is one link of a level.
type Link struct {
	Type    string // URI of the link type
	Href    string // absolute
	Title   string
	Lang    string // of the page: "en", "zh-CN"; "" for any
	Media   string // "text/html"; "" if not told
	Default bool   // taken where nothing else is asked for
}

// Level is a key, or a key with some of its qualifiers, and its links.
type Level struct {
	ID    gs1.ID
	About string // what it is, for people
	Links []Link
}

// Request is what is asked for, besides the identifier.
type Request struct {
	LinkType  string // as it was written: "gs1:pip"; "" for what is usual
	Accept    Preferences
	Languages Preferences
}

// Linkset reports whether all links are asked for.
func (r Request) Linkset() bool {
	return r.LinkType == "all" || r.LinkType == "linkset" || r.LinkType == "" && r.Accept.Names(MediaLinkset)
}

// Choose returns the links that serve a request equally well, of the finest level
// that has some: one, several to choose from, or none. Levels are given from the
// finest to the key.
func (r Request) Choose(levels []Level) []Link {
	if r.LinkType == "" {
		return r.usual(levels)
	}
	kind, _ := gs1.LinkType(r.LinkType)
	for _, level := range levels {
		if found := r.best(level.Links, kind); len(found) > 0 {
			return found
		}
	}
	return nil
}

// usual is the default link, or another of its type that suits the request better.
func (r Request) usual(levels []Level) []Link {
	for _, level := range levels {
		at := slices.IndexFunc(level.Links, func(l Link) bool { return l.Default })
		if at < 0 {
			continue
		}
		usual := level.Links[at]
		if best := r.best(level.Links, usual.Type); len(best) > 0 && !slices.Contains(best, usual) {
			return best[:1]
		}
		return []Link{usual}
	}
	return nil
}

// best are the links of a type that fit best: by language first, then by media
// type. Of several that fit alike, the default one is the best.
func (r Request) best(links []Link, kind string) []Link {
	var found []Link
	for _, l := range links {
		if l.Type == kind {
			found = append(found, l)
		}
	}
	if len(found) == 0 {
		return nil
	}
	fit := func(l Link) [2]float64 {
		return [2]float64{r.Languages.language(l.Lang), r.Accept.media(l.Media)}
	}
	order := func(a, b Link) int {
		x, y := fit(a), fit(b)
		return cmp.Or(cmp.Compare(y[0], x[0]), cmp.Compare(y[1], x[1]))
	}
	slices.SortStableFunc(found, order)
	end := 1
	for end < len(found) && order(found[0], found[end]) == 0 {
		end++
	}
	if at := slices.IndexFunc(found[:end], func(l Link) bool { return l.Default }); at >= 0 {
		return found[at : at+1]
	}
	return found[:end]
}

// Target is where a link leads, with the query of the request passed on.
func (l Link) Target(query string) string {
	if query == "" {
		return l.Href
	}
	address, fragment, marked := strings.Cut(l.Href, "#")
	switch {
	case !strings.Contains(address, "?"):
		address += "?"
	case !strings.HasSuffix(address, "?") && !strings.HasSuffix(address, "&"):
		address += "&"
	}
	if address += query; marked {
		address += "#" + fragment
	}
	return address
}

// CheckQuery verifies the attributes in a Digital Link's query: keys of digits
// are application identifiers, and their values have to be sound (GS1 Digital
// Link: URI Syntax, 4.10). All other pairs are passed on as they are.
func CheckQuery(query string) error {
	pairs, err := url.ParseQuery(query)
	if err != nil {
		return &gs1.Error{Code: "gs1/syntax", Field: "query", Text: "The query holds a % without two hexadecimal digits, or a semicolon.", Remedy: "Write % as %25 and ; as %3B."}
	}
	for key, values := range pairs {
		if key == "" || strings.Trim(key, "0123456789") != "" {
			continue
		}
		if len(values) > 1 {
			return &gs1.Error{Code: "gs1/syntax", Field: key, Text: "(" + key + ") stands there twice.", Remedy: "Give it once."}
		}
		if err := gs1.Check(key, values[0]); err != nil {
			return err
		}
	}
	return nil
}

// Uneven reports whether a path is not made of keys with their values, as where
// its last part is compressed.
func Uneven(path string) bool {
	return strings.Count(strings.TrimSuffix(path, "/"), "/")%2 == 1
}

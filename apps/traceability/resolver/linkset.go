package resolver

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tallyway/tallyway/shared/gs1"
)

// The media types of linksets.
const (
	MediaLinkset = "application/linkset+json"
	MediaContext = "application/ld+json"
)

// Addresses of what a resolver tells of itself.
const (
	DescriptionPath = "/.well-known/gs1resolver"
	ContextPath     = "/.well-known/gs1linkset.jsonld"
)

// target is a link in a linkset (RFC 9264, 4.2.2).
type target struct {
	Href     string   `json:"href"`
	Title    string   `json:"title"`
	Hreflang []string `json:"hreflang,omitempty"`
	Type     string   `json:"type,omitempty"`
}

// Linkset is the document of all levels' links, each with its key's address under
// the base as anchor. The default link stands there once more, without attributes.
// With a context it is JSON-LD as well.
func Linkset(base string, levels []Level, context bool) ([]byte, error) {
	sets := []map[string]any{}
	usual := usualLevel(levels)
	for i, level := range levels {
		if len(level.Links) == 0 {
			continue
		}
		set := map[string]any{"anchor": base + "/" + level.ID.Path(), "itemDescription": level.About}
		for _, l := range level.Links {
			t := target{Href: l.Href, Title: l.Title, Type: l.Media}
			if l.Lang != "" {
				t.Hreflang = []string{l.Lang}
			}
			add(set, l.Type, t)
			if l.Default && i == usual {
				add(set, gs1.WebVocabulary+"defaultLink", target{Href: l.Href, Title: l.Title})
			}
		}
		sets = append(sets, set)
	}
	document := map[string]any{"linkset": sets}
	if context {
		document["@context"] = json.RawMessage(Context)
	}
	b, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the linkset: %w", err)
	}
	return append(b, '\n'), nil
}

// usualLevel is the finest level that has a default link: the request has one.
func usualLevel(levels []Level) int {
	for i, level := range levels {
		for _, l := range level.Links {
			if l.Default {
				return i
			}
		}
	}
	return -1
}

func add(set map[string]any, kind string, t target) {
	all, _ := set[kind].([]target)
	set[kind] = append(all, t)
}

// Header is the Link field's entry that leads to the linkset of a path.
func Header(path string) string {
	return "<" + path + `?linkType=linkset>; rel="linkset"; type="` + MediaLinkset + `"; title="All links"`
}

// ContextHeader is the entry that tells how to read a linkset as JSON-LD.
const ContextHeader = "<" + ContextPath + `>; rel="http://www.w3.org/ns/json-ld#context"; type="` + MediaContext + `"`

// SameAs is the entry that tells the uncompressed form of the request's URI.
func SameAs(uri string) string { return "<" + uri + `>; rel="owl:sameAs"` }

// LinkHeader is the entry of a link that was chosen, or may be.
func (l Link) LinkHeader() string {
	entry := "<" + l.Href + `>; rel="` + l.Type + `"; title="` + quoted(l.Title) + `"`
	if l.Lang != "" {
		entry += `; hreflang="` + l.Lang + `"`
	}
	if l.Media != "" {
		entry += `; type="` + l.Media + `"`
	}
	return entry
}

// quoted is a text for a quoted string of a header, which has no letters beyond
// ASCII (RFC 9110, 5.6.4).
func quoted(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}

// Context reads a linkset as JSON-LD: each anchor is a subject, each link type a
// property, each link an object with what is known of it.
const Context = `{
  "@version": 1.1,
  "linkset": "@graph",
  "anchor": "@id",
  "href": "@id",
  "itemDescription": "http://purl.org/dc/terms/description",
  "title": "http://purl.org/dc/terms/title",
  "type": "http://purl.org/dc/terms/format",
  "hreflang": {"@id": "http://purl.org/dc/terms/language", "@container": "@set"}
}`

// Description is the resolver description file of a resolver under a base
// (GS1-Conformant resolver standard, 3).
func Description(base string) ([]byte, error) {
	b, err := json.MarshalIndent(map[string]any{
		"name":                        "Tallyway",
		"resolverRoot":                base,
		"supportedPrimaryKeys":        gs1.Keys(),
		"supportedLinkType":           []map[string]string{{"namespace": gs1.WebVocabulary, "prefix": "gs1:"}},
		"linkTypeDefaultCanBeLinkset": false,
		"jsonLdContextLocation":       base + ContextPath,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the resolver description: %w", err)
	}
	return append(b, '\n'), nil
}

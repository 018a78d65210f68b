package trace

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/gs1"
)

// WebLink is where the owner of a GS1 key tells more of what it stands for: a
// link of the GS1-Conformant resolver standard, 2.8. Links are public.
type WebLink struct {
	ID      string `json:"id"`
	Key     string `json:"key"`               // "01/09506000134352/10/L1"
	Type    string `json:"type"`              // URI of the link type
	Href    string `json:"href"`              // https
	Title   string `json:"title"`             // in English
	TitleZh string `json:"titleZh,omitempty"` // in Chinese
	Lang    string `json:"lang,omitempty"`    // of the page: "en", "zh-CN"; "": it has several, or none
	Media   string `json:"media,omitempty"`   // media type: "text/html"; "": not told
	Default bool   `json:"default,omitempty"` // taken where nothing else is asked for
	Owner   string `json:"owner"`             // party
}

// Link sets a link of a key under the caller's own prefix. One with the same
// key, type, language, media type and address is set anew. A default link takes
// the place of the one that the key had.
type Link struct {
	Key     string `json:"key"`  // in any form that gs1.Parse reads
	Type    string `json:"type"` // "gs1:pip", or the URI of a type of one's own
	Href    string `json:"href"`
	Title   string `json:"title"`
	TitleZh string `json:"titleZh,omitempty"`
	Lang    string `json:"lang,omitempty"`
	Media   string `json:"media,omitempty"`
	Default bool   `json:"default,omitempty"`
}

// Unlink removes a link.
type Unlink struct {
	Key string `json:"key"`
	ID  string `json:"id"`
}

// LinkPublished tells of a link as it is from now on. Where it is the default, no other
// link of its key is one any more.
type LinkPublished struct {
	Link WebLink `json:"link"`
}

// LinkWithdrawn tells that a link is gone.
type LinkWithdrawn struct {
	Key string `json:"key"`
	ID  string `json:"id"`
}

// LinkState is the reply to Link and Unlink.
type LinkState struct {
	Key string `json:"key"`
	ID  string `json:"id"`
}

var (
	links        = chaincode.Table[WebLink]{Name: "link"} // by key and id
	defaultLinks = chaincode.Table[string]{Name: "linkdefault"}
)

// Rules of links.
var (
	// ErrLink asks for what a resolver needs to offer a link.
	ErrLink = chaincode.Rule{Code: "trace/link", Kind: chaincode.Malformed,
		Text:   "A link needs a GS1 key, an https address and a title; its language is a code such as en or zh-CN, its media type one that is registered.",
		Remedy: "Mend what is named; one key has at most 100 links."}
	// ErrLinkType keeps link types to what others can read.
	ErrLinkType = chaincode.Rule{Code: "trace/link-type", Kind: chaincode.Malformed,
		Text:   "A link type is a term of the GS1 Web Vocabulary, or an https address of your own that repeats none of them.",
		Remedy: "Choose a term such as gs1:pip; an address of your own holds letters, digits, dots and slashes only."}
	// ErrNotYourKey keeps links with whose thing it is.
	ErrNotYourKey = chaincode.Rule{Code: "trace/not-your-key", Kind: chaincode.Forbidden,
		Text:   "The GS1 key belongs to another company.",
		Remedy: "Use a key under your own GS1 company prefix."}
	// ErrNoLink names a link that does not exist.
	ErrNoLink = chaincode.Rule{Code: "trace/no-link", Kind: chaincode.NotFound,
		Text: "There is no such link.", Remedy: "Look at the links of the key; it may have been removed."}
)

// What bounds the links of a key.
const (
	mostLinks   = 100
	longestHref = 1000
)

// mediaTypes are those that pages behind links have, of IANA's register.
var mediaTypes = []string{"text/html", "text/plain", "text/csv", "text/calendar", "text/vcard", "application/pdf", "application/json", "application/ld+json", "application/linkset+json",
	"application/xml", "application/xhtml+xml", "application/rdf+xml", "application/zip", "application/vc+jwt", "image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/svg+xml",
	"video/mp4", "video/webm", "audio/mpeg", "audio/ogg", "text/turtle"}

// MediaTypes lists what Link takes as a media type.
func MediaTypes() []string { return slices.Clone(mediaTypes) }

func link(tx *chaincode.Tx, c Link) (LinkState, error) {
	by, key, err := keyOwner(tx, c.Key)
	if err != nil {
		return LinkState{}, err
	}
	l, err := c.link(key, by.ID)
	if err != nil {
		return LinkState{}, err
	}
	if !links.Has(tx, l.Key, l.ID) && countLinks(tx, l.Key) >= mostLinks {
		return LinkState{}, ErrLink.Refuse("%s has %s links", l.Key, mostLinks).On("key")
	}
	switch before, _ := defaultLinks.Get(tx, l.Key); {
	case l.Default && before != l.ID:
		if old, ok := links.Get(tx, l.Key, before); ok {
			old.Default = false
			links.Put(tx, old, old.Key, old.ID)
		}
		defaultLinks.Put(tx, l.ID, l.Key)
	case !l.Default && before == l.ID:
		defaultLinks.Delete(tx, l.Key)
	}
	links.Put(tx, l, l.Key, l.ID)
	tx.Emit(LinkPublished{l})
	return LinkState{l.Key, l.ID}, nil
}

func unlink(tx *chaincode.Tx, c Unlink) (LinkState, error) {
	_, key, err := keyOwner(tx, c.Key)
	if err != nil {
		return LinkState{}, err
	}
	l, ok := links.Get(tx, key.Path(), c.ID)
	if !ok {
		return LinkState{}, ErrNoLink.Refuse("%s of %s", c.ID, key.Path()).On("id")
	}
	if l.Default {
		defaultLinks.Delete(tx, l.Key)
	}
	links.Delete(tx, l.Key, l.ID)
	tx.Emit(LinkWithdrawn{l.Key, l.ID})
	return LinkState{l.Key, l.ID}, nil
}

// keyOwner is the caller's company, and the key that is its own.
func keyOwner(tx *chaincode.Tx, text string) (by party.Party, key gs1.ID, err error) {
	if by, err = party.Active(tx); err != nil {
		return by, key, err
	}
	if key, err = gs1.Parse(text); err != nil {
		return by, key, ErrLink.Refuse("%s", err).On("key")
	}
	owner, known := party.ByPrefix(tx, key.Issued())
	if !known {
		owner, known = party.ByGLN(tx, key.Primary.Value)
	}
	if !known || owner.ID != by.ID {
		return by, key, ErrNotYourKey.Refuse("%s", key.Path()).On("key")
	}
	return by, key, nil
}

func countLinks(tx *chaincode.Tx, key string) (n int) {
	links.Scan(tx, func([]string, WebLink) bool { n++; return true }, key)
	return n
}

// link checks the command and makes the link of it.
func (c Link) link(key gs1.ID, owner string) (WebLink, error) {
	kind, known := gs1.LinkType(strings.TrimSpace(c.Type))
	l := WebLink{Key: key.Path(), Type: kind, Href: strings.TrimSpace(c.Href), Title: strings.TrimSpace(c.Title), TitleZh: strings.TrimSpace(c.TitleZh),
		Lang: c.Lang, Media: c.Media, Default: c.Default, Owner: owner}
	switch {
	case !known || !strings.HasPrefix(kind, gs1.WebVocabulary) && !ownType(kind):
		return l, ErrLinkType.Refuse("%s", c.Type).On("type")
	case !secureAddress(l.Href):
		return l, ErrLink.Refuse("the address is %s", l.Href).On("href")
	case l.Title == "" || len(l.Title) > longestName:
		return l, ErrLink.Refuse("the title has %s bytes", len(l.Title)).On("title")
	case len(l.TitleZh) > longestName:
		return l, ErrLink.Refuse("the title has %s bytes", len(l.TitleZh)).On("titleZh")
	case l.Lang != "" && !languageCode(l.Lang):
		return l, ErrLink.Refuse("the language is %s", l.Lang).On("lang")
	case l.Media != "" && !slices.Contains(mediaTypes, l.Media):
		return l, ErrLink.Refuse("the media type is %s", l.Media).On("media")
	}
	l.ID = l.id()
	return l, nil
}

// id names a link by what makes it another one.
func (l WebLink) id() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{l.Key, l.Type, l.Lang, l.Media, l.Href}, "\n")))
	return hex.EncodeToString(sum[:10])
}

// ownType reports whether a link type of a company's own is one that GS1's schema
// of linksets takes and GS1 has no term for: its last word is none of theirs.
func ownType(uri string) bool {
	rest := strings.TrimPrefix(uri, "https://")
	host, path, _ := strings.Cut(rest, "/")
	word := path[strings.LastIndexByte(path, '/')+1:]
	plain := strings.Trim(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./") == ""
	return plain && len(uri) <= longestName && strings.Contains(host, ".") && word != "" && host != "gs1.org" && !strings.HasSuffix(host, ".gs1.org") &&
		!slices.ContainsFunc(gs1.LinkTypes, func(term string) bool { return strings.EqualFold(term, word) })
}

// secureAddress reports whether a browser can be sent to an address: https, a host
// with a name, nothing that would have to be escaped.
func secureAddress(text string) bool {
	if len(text) > longestHref || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("<>\"\\^`{|}", r) }) {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Opaque == "" && strings.Contains(u.Hostname(), ".") && isAlnum(u.Hostname()[0])
}

func isAlnum(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' }

// languageCode takes "en" and "zh-CN" (RFC 5646: language, and region if any).
func languageCode(s string) bool {
	language, region, both := strings.Cut(s, "-")
	return len(language) == 2 && strings.Trim(language, "abcdefghijklmnopqrstuvwxyz") == "" &&
		(!both || len(region) == 2 && strings.Trim(region, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "")
}

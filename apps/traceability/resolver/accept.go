package resolver

import (
	"slices"
	"strconv"
	"strings"
)

// Preferences are what an Accept or Accept-Language field lists, with weights
// (RFC 9110, 12.4.2). None at all is content with anything.
type Preferences []preference

type preference struct {
	name   string // in lower case
	weight float64
}

// most bounds what is read of a field.
const most = 50

// ReadPreferences reads the field's value.
func ReadPreferences(field string) (all Preferences) {
	for part := range strings.SplitSeq(field, ",") {
		name, params, _ := strings.Cut(part, ";")
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" || len(all) == most {
			continue
		}
		weight := 1.0
		for p := range strings.SplitSeq(params, ";") {
			if v, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "q="); ok {
				q, err := strconv.ParseFloat(v, 64)
				if err != nil || !(q >= 0 && q <= 1) {
					q = 0
				}
				weight = q
			}
		}
		all = append(all, preference{name, weight})
	}
	return all
}

// Names reports whether one is listed by its own name, and wanted.
func (p Preferences) Names(name string) bool {
	return slices.ContainsFunc(p, func(x preference) bool { return x.name == name && x.weight > 0 })
}

// undecided is what a link that does not tell is worth: more than one that does
// not fit, less than one that does.
const undecided = 0.0005

// language says how well a page's language fits: the region counts a little.
func (p Preferences) language(of string) float64 {
	if of == "" || len(p) == 0 {
		return undecided
	}
	of = strings.ToLower(of)
	primary, _, _ := strings.Cut(of, "-")
	best := 0.0
	for _, x := range p {
		wanted, _, _ := strings.Cut(x.name, "-")
		switch {
		case x.name == of:
			best = max(best, x.weight)
		case wanted == primary:
			best = max(best, x.weight*0.99)
		case x.name == "*":
			best = max(best, x.weight*0.01)
		}
	}
	return best
}

// media says how well a media type fits.
func (p Preferences) media(of string) float64 {
	if of == "" || len(p) == 0 {
		return undecided
	}
	major, _, _ := strings.Cut(of, "/")
	best := 0.0
	for _, x := range p {
		switch x.name {
		case of:
			best = max(best, x.weight)
		case major + "/*":
			best = max(best, x.weight*0.9)
		case "*/*":
			best = max(best, x.weight*undecided) // content with it, as with what is not told
		}
	}
	return best
}

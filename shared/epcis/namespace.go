package epcis

import (
	"slices"
	"strconv"
	"strings"
)

// ignoreMember is how an encoded document names the fields that its hashes leave out.
const ignoreMember = "tallyway:ignoreFields"

// namesUsed lists the names of all extensions in the event, once each, in their order.
func (e *Event) namesUsed() []Name {
	var names []Name
	gather(&names, e.ReadPointExtensions, e.BizLocationExtensions, e.ILMD, e.Extensions)
	for _, s := range e.Sensors {
		gather(&names, s.Metadata.Extensions, s.Extensions)
		for _, r := range s.Reports {
			gather(&names, r.Extensions)
		}
	}
	if e.Error != nil {
		gather(&names, e.Error.Extensions)
	}
	return names
}

func (d *Document) namesUsed() []Name {
	var names []Name
	gather(&names, d.Extensions)
	for _, v := range d.MasterData {
		for _, element := range v.Elements {
			for _, a := range element.Attributes {
				gatherValue(&names, a.Value)
			}
		}
	}
	return append(names, d.HashIgnore...)
}

func gather(names *[]Name, lists ...[]Field) {
	for _, list := range lists {
		for _, f := range list {
			*names = append(*names, f.Name)
			gatherValue(names, f.Value)
		}
	}
}

func gatherValue(names *[]Name, v Value) {
	gather(names, v.Fields)
	for _, item := range v.Items {
		gatherValue(names, item)
	}
}

// bindings gives every namespace among the names a prefix: the sender's, or a new one where the sender had none or
// where it is taken. A prefix that could not be resolved is taken by itself.
func bindings(names []Name) []binding {
	var all []binding
	taken := map[string]bool{}
	known := map[binding]bool{}
	for _, n := range names {
		if n.Space == "" && n.Prefix != "" {
			taken[n.Prefix] = true
		}
	}
	bind := func(b binding) {
		taken[b.prefix], known[b] = true, true
		known[binding{space: b.space}] = true
		all = append(all, b)
	}
	for _, n := range names {
		if b := (binding{n.Prefix, n.Space}); n.Space != "" && isPrefix(n.Prefix) && !taken[n.Prefix] {
			bind(b)
		}
	}
	next := 1
	for _, n := range names {
		if n.Space == "" || known[binding{space: n.Space}] {
			continue
		}
		for taken["ns"+strconv.Itoa(next)] {
			next++
		}
		bind(binding{"ns" + strconv.Itoa(next), n.Space})
	}
	slices.SortFunc(all, func(a, b binding) int { return strings.Compare(a.prefix, b.prefix) })
	return all
}

// isPrefix tells whether JSON-LD would take s for a prefix, not for a keyword or a URI.
func isPrefix(s string) bool { return s != "" && s[0] != '@' && !strings.Contains(s, ":") }

// resolved gives a name with one of the standard's prefixes its namespace, so that Name{Prefix: "gs1", Local: "…"} may
// be written in Go without looking it up.
func (n Name) resolved() Name {
	if n.Space != "" || n.Prefix == "" {
		return n
	}
	i := slices.IndexFunc(standard, func(b binding) bool { return b.prefix == n.Prefix })
	if i >= 0 {
		n.Space = standard[i].space
	}
	return n
}

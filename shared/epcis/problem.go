package epcis

import (
	"strconv"
	"strings"
)

// Problem is one thing wrong with a document or event: where, which rule, what, and how to mend it.
type Problem struct {
	Path   string `json:"path"` // JSON pointer: "/epcisBody/eventList/0/quantityList/0/uom"
	Code   string `json:"code"` // "epcis/unknown-field", or the code of package gs1
	Text   string `json:"text"`
	Remedy string `json:"remedy"`
}

func (p Problem) Error() string {
	return p.Path + ": " + p.Text + " " + p.Remedy + " (" + p.Code + ")"
}

// Problems is everything found wrong in one pass, in the order of the document.
type Problems []Problem

func (ps Problems) Error() string {
	switch len(ps) {
	case 0:
		return "no problem"
	case 1:
		return ps[0].Error()
	}
	return ps[0].Error() + " And " + strconv.Itoa(len(ps)-1) + " more."
}

// maxProblems bounds the answer to a document that is wrong throughout.
const maxProblems = 1000

func (ps *Problems) add(path, code, text, remedy string) {
	if len(*ps) < maxProblems {
		*ps = append(*ps, refusal(path, code, text, remedy))
	}
}

// refusal makes a sentence of text.
func refusal(path, code, text, remedy string) Problem {
	if text != "" && text[0] >= 'a' && text[0] <= 'z' {
		text = string(text[0]-'a'+'A') + text[1:]
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return Problem{Path: path, Code: code, Text: text, Remedy: remedy}
}

// orNil keeps an empty list from becoming an error that is not nil.
func (ps Problems) orNil() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Under gives the problems at a path and below it, such as those of one event (Document.EventPath): an event without any
// may be taken while others are refused.
func (ps Problems) Under(path string) Problems {
	var some Problems
	for _, p := range ps {
		if p.Path == path || strings.HasPrefix(p.Path, path+"/") {
			some = append(some, p)
		}
	}
	return some
}

// moved puts problems of an event at the event's place in its document.
func (ps Problems) moved(path string) Problems {
	for i := range ps {
		ps[i].Path = path + ps[i].Path
	}
	return ps
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func at(path, member string) string { return path + "/" + pointerEscapes.Replace(member) }

func atIndex(path string, i int) string { return path + "/" + strconv.Itoa(i) }

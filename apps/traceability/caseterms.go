package traceability

import (
	"errors"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/web"
)

// The terms of a case on forms and pages.

// termsForm is the part of a form that says how grave a case is and what to do.
type termsForm struct {
	Class    string `form:"class"`
	Depth    string `form:"depth"`
	Hours    int    `form:"hours"`
	Level    string `form:"level"`
	Share    int    `form:"share"`
	ReasonZh string `form:"reasonZh"`
	Advice   string `form:"advice"`
	AdviceZh string `form:"adviceZh"`
	Contact  string `form:"contact"`
}

func (f termsForm) terms() trace.Terms {
	return trace.Terms{Class: f.Class, Depth: f.Depth, Hours: f.Hours, Level: f.Level, Share: f.Share,
		ReasonZh: strings.TrimSpace(f.ReasonZh), Advice: strings.TrimSpace(f.Advice), AdviceZh: strings.TrimSpace(f.AdviceZh), Contact: strings.TrimSpace(f.Contact)}
}

// onTerms points a refusal of the terms to their entry.
func onTerms(err error) error {
	var no *chaincode.Refusal
	if errors.As(err, &no) && no.Code == trace.ErrTerms.Code && no.Field != "" {
		placed := *no
		return placed.On("terms." + no.Field)
	}
	return err
}

// usualTerms are what a form begins with: a day to answer.
var usualTerms = termsForm{Hours: 24}

var (
	classes = []web.Option{{Value: "I", Text: "Class I: it can do serious harm"}, {Value: "II", Text: "Class II: it can do harm that passes"}, {Value: "III", Text: "Class III: harm is unlikely"}}
	depths  = []web.Option{{Value: "wholesale", Text: "To the wholesalers"}, {Value: "retail", Text: "To the shops"}, {Value: "consumer", Text: "To the shoppers"}}
	levels  = []web.Option{{Value: "A", Text: "A: all companies are asked"}, {Value: "B", Text: "B: the share below"}, {Value: "C", Text: "C: 10 % of them"}, {Value: "D", Text: "D: 2 % of them"}, {Value: "E", Text: "E: none"}}
)

// termsChoices are what the partial "terms" offers.
type termsChoices struct {
	Classes, Depths, Levels []web.Option
}

var allTerms = termsChoices{classes, depths, levels}

// pairs are the terms as a page lists them.
func (t caseTerms) pairs(c *web.Ctx) (all []web.Pair) {
	add := func(label, value string) {
		if value != "" {
			all = append(all, web.Pair{Label: label, Value: value})
		}
	}
	add("Class", c.T(textOf(classes, t.Class)))
	add("Depth", c.T(textOf(depths, t.Depth)))
	if t.Hours > 0 {
		add("Time to answer", c.T("%s hours", strconv.FormatInt(t.Hours, 10)))
	}
	level := c.T(textOf(levels, t.Level))
	if t.Level == "B" {
		level = c.T("B: %s % of the companies are asked", strconv.FormatInt(t.Share, 10))
	}
	add("Effectiveness checks", level)
	add("What to do", t.advice(c.Lang()))
	add("Contact", t.Contact)
	return all
}

// advice is what to do, in the reader's language where it was told.
func (t caseTerms) advice(lang string) string {
	if lang == "zh" && t.AdviceZh != "" {
		return t.AdviceZh
	}
	return t.Advice
}

// why is the reason, in the reader's language where it was told.
func (t caseTerms) why(k kase, lang string) string {
	if lang == "zh" && t.ReasonZh != "" {
		return t.ReasonZh
	}
	return k.Reason
}

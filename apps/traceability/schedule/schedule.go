// Package schedule is when a standing query is to be asked: the query schedule
// of EPCIS 2.0, section 8.2.5.3, which is cron's idea with seconds. Times are
// UTC. A finer part that is left out counts as its least value, so that
// {"hour": "1", "minute": "5"} means once a day; a coarser one means any.
package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule is the six parts as they were sent, each a list of numbers and of
// ranges in brackets: "0,30", "[8-17]", "[1-5],7".
type Schedule struct {
	Second     string `json:"second,omitempty"`
	Minute     string `json:"minute,omitempty"`
	Hour       string `json:"hour,omitempty"`
	DayOfMonth string `json:"dayOfMonth,omitempty"`
	Month      string `json:"month,omitempty"`
	DayOfWeek  string `json:"dayOfWeek,omitempty"` // 1 is Monday
}

// Error tells which part cannot be read.
type Error struct{ Part, Value string }

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %q is no part of a schedule", e.Part, e.Value)
}

// parts are the six, the finest first.
func (s Schedule) parts() []part {
	return []part{{"second", s.Second, 0, 59}, {"minute", s.Minute, 0, 59}, {"hour", s.Hour, 0, 23},
		{"dayOfMonth", s.DayOfMonth, 1, 31}, {"month", s.Month, 1, 12}, {"dayOfWeek", s.DayOfWeek, 1, 7}}
}

type part struct {
	name, text string
	low, high  int
}

// IsZero reports whether no part was given.
func (s Schedule) IsZero() bool { return s == Schedule{} }

// Check refuses what cannot be read, and what names no time at all, like the
// 31st of February.
func (s Schedule) Check() error {
	plan, err := s.plan()
	if err != nil {
		return err
	}
	if _, ok := plan.after(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); !ok {
		return &Error{"dayOfMonth", s.DayOfMonth}
	}
	return nil
}

// Next is the first time after another at which the query is to be asked.
func (s Schedule) Next(after time.Time) (time.Time, error) {
	plan, err := s.plan()
	if err != nil {
		return time.Time{}, err
	}
	next, ok := plan.after(after.UTC())
	if !ok {
		return time.Time{}, &Error{"dayOfMonth", s.DayOfMonth}
	}
	return next, nil
}

// plan is each part as a set of numbers, in the order of parts.
type plan [6]set

type set [60]bool

func (s Schedule) plan() (p plan, err error) {
	if s.IsZero() {
		return p, &Error{"schedule", ""}
	}
	finest := true // until the first part that is given
	for i, part := range s.parts() {
		switch {
		case part.text != "":
			finest = false
			if p[i], err = part.read(); err != nil {
				return p, err
			}
		case finest && i < 3: // second, minute, hour
			p[i][part.low] = true
		default:
			p[i] = span(part.low, part.high)
		}
	}
	return p, nil
}

func span(low, high int) (all set) {
	for n := low; n <= high; n++ {
		all[n] = true
	}
	return all
}

func (p part) read() (all set, err error) {
	if len(p.text) > 500 {
		return all, &Error{p.name, p.text[:20]}
	}
	for entry := range strings.SplitSeq(p.text, ",") {
		low, high := entry, entry
		if inside, ok := strings.CutPrefix(entry, "["); ok {
			if inside, ok = strings.CutSuffix(inside, "]"); !ok {
				return all, &Error{p.name, p.text}
			}
			low, high, _ = strings.Cut(inside, "-")
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || from < p.low || to > p.high || from > to || strings.ContainsAny(entry, "+ ") {
			return all, &Error{p.name, p.text}
		}
		for n := from; n <= to; n++ {
			all[n] = true
		}
	}
	return all, nil
}

// longest is how far ahead a schedule may lie: the 29th of February that is a
// Monday comes round within that.
const longest = 41 * 366

func (p plan) after(t time.Time) (time.Time, bool) {
	t = t.Truncate(time.Second).Add(time.Second)
	for range longest {
		weekday := (int(t.Weekday())+6)%7 + 1 // 1 is Monday
		if p[3][t.Day()] && p[4][int(t.Month())] && p[5][weekday] {
			if at, ok := p.within(t); ok {
				return at, true
			}
		}
		t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
	}
	return time.Time{}, false
}

// within is the first time of t's day from t on.
func (p plan) within(t time.Time) (time.Time, bool) {
	for h := t.Hour(); h < 24; h++ {
		for m := 0; p[2][h] && m < 60; m++ {
			for s := 0; p[1][m] && s < 60; s++ {
				at := time.Date(t.Year(), t.Month(), t.Day(), h, m, s, 0, time.UTC)
				if p[0][s] && !at.Before(t) {
					return at, true
				}
			}
		}
	}
	return time.Time{}, false
}

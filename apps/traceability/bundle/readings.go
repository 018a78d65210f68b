package bundle

import (
	"fmt"
	"slices"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/seals"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/watch"
)

// checkReadings holds what sensors measured against their seals, and reckons what
// the lot was exposed to from nothing else. A window that is left out is a gap.
func (p *Checked) checkReadings() error {
	if len(p.Windows) == 0 {
		return nil
	}
	roots, err := seals.Read(p.Ledger)
	if err != nil {
		return err
	}
	q, err := p.question()
	if err != nil {
		return err
	}
	for _, w := range p.Windows {
		if err := roots.Hold(w); err != nil {
			return err
		}
		id, _ := iot.ParseID(w.Device) // the root could not be reckoned without it
		if !slices.ContainsFunc(p.Stays, func(s Stay) bool {
			return s.Device == w.Device && s.From.Before(w.Window.To) && w.Window.From.Before(s.To)
		}) {
			return fmt.Errorf("%s was not with the lot from %s", w.Device, w.Window.From)
		}
		for _, v := range w.Readings {
			q.Readings = append(q.Readings, iot.Reading{Device: id, Channel: v.Channel, At: time.UnixMicro(v.At).UTC(), Value: v.Value})
		}
		p.Inside += len(w.Readings)
	}
	answer := watch.Exposure(q)
	p.Exposure = &answer
	return nil
}

// question asks for temperatures over the time in which sensors were there.
func (p *Checked) question() (watch.Question, error) {
	q := watch.Question{Kind: "temperature", Intervals: map[iot.ID]time.Duration{}}
	for _, s := range p.Stays {
		id, ok := iot.ParseID(s.Device)
		if !ok || s.Interval < 1 || !s.To.After(s.From) {
			return q, fmt.Errorf("%s from %s to %s is no stay", s.Device, s.From, s.To)
		}
		q.Stays = append(q.Stays, watch.Stay{Device: id, From: s.From, To: s.To})
		q.Intervals[id] = max(time.Duration(s.Interval)*time.Second, 40*time.Second) // a reading stands for three, or two minutes
		if q.From.IsZero() || s.From.Before(q.From) {
			q.From = s.From
		}
		if s.To.After(q.To) {
			q.To = s.To
		}
	}
	return q, nil
}

package schedule

import (
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	for _, c := range []struct {
		s           Schedule
		after, want string
	}{
		{Schedule{Hour: "1", Minute: "5"}, "2026-03-01T00:00:00Z", "2026-03-01T01:05:00Z"},
		{Schedule{Hour: "1", Minute: "5"}, "2026-03-01T01:05:00Z", "2026-03-02T01:05:00Z"},
		{Schedule{Hour: "1", Minute: "5"}, "2026-03-01T01:04:59.999Z", "2026-03-01T01:05:00Z"},
		{Schedule{Second: "0,30"}, "2026-03-01T00:00:00Z", "2026-03-01T00:00:30Z"},
		{Schedule{Second: "[10-12]"}, "2026-03-01T00:00:12Z", "2026-03-01T00:01:10Z"},
		{Schedule{Minute: "15"}, "2026-03-01T23:15:00Z", "2026-03-02T00:15:00Z"},
		{Schedule{DayOfWeek: "1"}, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"}, // a Monday
		{Schedule{DayOfWeek: "7"}, "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z"},
		{Schedule{DayOfWeek: "[1-5]", Hour: "[8-17]", Minute: "0"}, "2026-03-06T17:00:00Z", "2026-03-09T08:00:00Z"},
		{Schedule{DayOfMonth: "31"}, "2026-04-01T00:00:00Z", "2026-05-31T00:00:00Z"},
		{Schedule{DayOfMonth: "29", Month: "2"}, "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{Schedule{DayOfMonth: "29", Month: "2", DayOfWeek: "1"}, "2026-03-01T00:00:00Z", "2044-02-29T00:00:00Z"},
		{Schedule{Month: "12"}, "2026-12-31T12:00:00Z", "2027-12-01T00:00:00Z"},
		{Schedule{Hour: "1", Minute: "5"}, "2026-03-01T09:00:00+08:00", "2026-03-01T01:05:00Z"},
	} {
		after, _ := time.Parse(time.RFC3339Nano, c.after)
		got, err := c.s.Next(after)
		if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%+v after %s: %s %v, want %s", c.s, c.after, got.Format(time.RFC3339), err, c.want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, s := range []Schedule{{}, {Second: "60"}, {Minute: "-1"}, {Hour: "24"}, {DayOfMonth: "0"}, {Month: "13"}, {DayOfWeek: "0"}, {DayOfWeek: "8"}, {Second: "a"}, {Second: "1,"},
		{Second: "[1-"}, {Second: "[5-1]"}, {Second: "[1]x"}, {Second: " 1"}, {Second: "+1"}, {Second: "1-5"}, {Second: "0/30"}, {DayOfMonth: "31", Month: "2"}, {DayOfMonth: "30", Month: "2"}} {
		if s.Check() == nil {
			t.Errorf("%+v is taken", s)
		}
	}
	if err := (Schedule{Second: "[0-59]", Minute: "[0-59],1", DayOfWeek: "[1-7]"}).Check(); err != nil {
		t.Error(err)
	}
}

// FuzzSchedule: whatever is taken has a next time, which is later and fits again.
func FuzzSchedule(f *testing.F) {
	f.Add("0", "[0-59]", "1,2", "31", "2", "7")
	f.Add("", "5", "1", "", "", "")
	f.Fuzz(func(t *testing.T, second, minute, hour, day, month, weekday string) {
		s := Schedule{second, minute, hour, day, month, weekday}
		if s.Check() != nil {
			return
		}
		now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
		next, err := s.Next(now)
		if err != nil || !next.After(now) {
			t.Fatalf("%+v: %v %v", s, next, err)
		}
		if again, err := s.Next(next.Add(-time.Nanosecond)); err != nil || !again.Equal(next) {
			t.Fatalf("%+v: %v then %v", s, next, again)
		}
	})
}

package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParsePolicy(t *testing.T) {
	channel, err := ParsePolicy("")
	if err != nil || !channel.same(ChannelPolicy) {
		t.Errorf("no policy is the channel's: %v, %v", channel, err)
	}
	named, err := ParsePolicy("/Channel/Application/Endorsement")
	if err != nil || !named.same(ChannelPolicy) {
		t.Errorf("a path: %v, %v", named, err)
	}
	two, err := ParsePolicy("OutOf(2, 'DairyMSP.peer', 'ShopMSP.peer')")
	if err != nil || two.same(ChannelPolicy) || len(two.signature.GetIdentities()) != 2 {
		t.Errorf("an expression: %v, %v", two, err)
	}
	again, err := ParsePolicy("OutOf(2, 'DairyMSP.peer', 'ShopMSP.peer')")
	if err != nil || !two.same(again) {
		t.Errorf("the same expression is not the same policy: %v", err)
	}
	if one, err := ParsePolicy("OutOf(1, 'DairyMSP.peer', 'ShopMSP.peer')"); err != nil || one.same(two) {
		t.Errorf("other expressions are the same policy: %v", err)
	}
	if _, err := ParsePolicy("OutOf(2, nobody)"); err == nil {
		t.Error("nonsense is a policy")
	}
}

func TestPeersThatKnowMostAreBelieved(t *testing.T) {
	both := map[string]bool{"A": true, "B": true, "C": false}
	ready, err := agree([]*answer{
		{msp: "A", peer: "peer.a", approvals: both},
		{msp: "B", peer: "peer.b", approvals: map[string]bool{"A": true, "B": false, "C": false}}, // lags
		{msp: "C", peer: "peer.c", approvals: both},
	})
	if err != nil {
		t.Fatal(err)
	}
	// B's peer lags, and C's own organisation has not approved: Fabric lets
	// neither endorse.
	if !slices.Equal(ready.Endorsers, []string{"peer.a"}) || ready.endorsed() || !ready.Enough() || ready.witnesses != 2 {
		t.Errorf("%+v", ready)
	}
	if got := (refusal{Terms{Name: "t", Version: "1", Sequence: 1}, ready}).Error(); !strings.Contains(got, "too few of their peers answer: peer.a") {
		t.Error(got)
	}
}

func TestAPeerThatLagsIsOutvotedByOneThatDoesNot(t *testing.T) {
	old, now := Terms{Name: "t", Version: "1", Sequence: 1}, Terms{Name: "t", Version: "2", Sequence: 2}
	for _, known := range [][][]Terms{{{old}, {now}}, {{now}, {old}}, {nil, {now}}} {
		if got := latest(known)["t"]; !got.is(now) {
			t.Errorf("of %v, %s is in force", known, got)
		}
	}
}

func TestAPeerThatIsDownIsMadeUpFor(t *testing.T) {
	all := map[string]bool{"A": true, "B": true, "C": true}
	down := errors.New("down")
	ready, err := agree([]*answer{{msp: "A", peer: "a", err: down}, {msp: "B", peer: "b", approvals: all}, {msp: "C", peer: "c", approvals: all}})
	if err != nil || !ready.endorsed() || !slices.Equal(ready.Endorsers, []string{"b", "c"}) {
		t.Errorf("%+v, %v", ready, err)
	}
	if _, err := agree([]*answer{{msp: "A", peer: "a", err: down}}); !errors.Is(err, down) {
		t.Errorf("all down: %v", err)
	}
}

func TestAMajorityIsMoreThanHalf(t *testing.T) {
	half := Readiness{Approvals: map[string]bool{"A": true, "B": true, "C": false, "D": false}}
	if half.Enough() {
		t.Error("two of four are no majority")
	}
	if got := (refusal{Terms{Name: "t", Version: "1", Sequence: 1}, half}).Error(); got != "t 1, sequence 1 waits for a majority; still to approve: C, D" {
		t.Error(got)
	}
}

// step is something that comes to stand after some attempts.
type step struct {
	acts  int
	fails int  // this many attempts fail
	quiet bool // ... though they had their effect
}

func (s *step) stands() (bool, error) { return s.acts > s.fails || s.quiet && s.acts > 0, nil }

func (s *step) act() error {
	if s.acts++; s.acts <= s.fails {
		return errors.New("timed out")
	}
	return nil
}

func TestSettle(t *testing.T) {
	for _, c := range []struct {
		what  string
		step  step
		acts  int
		acted bool
	}{
		{"what stands is left alone", step{acts: 1}, 1, false},
		{"what does not is done", step{}, 1, true},
		{"an error is no proof that nothing happened", step{fails: 1, quiet: true}, 1, true},
		{"a failure is tried again", step{fails: 1}, 2, true},
	} {
		s := c.step
		acted, err := settle(context.Background(), s.stands, s.act)
		if err != nil || acted != c.acted || s.acts != c.acts {
			t.Errorf("%s: acted %v %d times, %v", c.what, acted, s.acts, err)
		}
	}
}

func TestSettleGivesUp(t *testing.T) {
	s := step{fails: 100}
	ctx, stop := context.WithTimeout(context.Background(), firstPause*2)
	defer stop()
	if _, err := settle(ctx, s.stands, s.act); err == nil || s.acts < 2 {
		t.Errorf("%d attempts, %v", s.acts, err)
	}
	refusals := 0
	_, err := settle(context.Background(), func() (bool, error) { return false, nil }, func() error { refusals++; return refusal{} })
	if !errors.As(err, new(refusal)) || refusals != 1 {
		t.Errorf("a refusal was tried %d times: %v", refusals, err)
	}
}

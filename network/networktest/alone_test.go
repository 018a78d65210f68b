package networktest

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Who waits for a turn may give up, and spoils nobody else's by that.
func TestAlone(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // not the turn of real networks
	release, err := Alone(t.Context())
	check(t, err)
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Alone(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("two at a time: %v", err)
	}
	release()
	release, err = Alone(t.Context())
	check(t, err)
	release()
}

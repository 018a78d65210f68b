package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/seals"
)

// verifyReadings checks a proof of readings from nothing but itself.
func verifyReadings(file, trust string, out io.Writer) error {
	packed, err := readBounded(file)
	if err != nil {
		return fmt.Errorf("--readings: %w", err)
	}
	var p seals.Proof
	if err := json.Unmarshal(packed, &p); err != nil {
		return fmt.Errorf("--readings: the file cannot be read: %w", err)
	}
	c, err := p.Check()
	if err != nil {
		return fmt.Errorf("the file does not prove what it says: %w", err)
	}
	for _, r := range p.Readings {
		fmt.Fprintf(out, "%s %s at %s: %v, one of %d readings sealed from %s\n", r.Device, r.Channel, r.At.Format(time.RFC3339Nano), r.Value, r.Count, r.From.Format(time.RFC3339))
	}
	if c.Windows > 0 {
		fmt.Fprintf(out, "%d whole windows with %d readings: none is left out\n", c.Windows, c.Inside)
	}
	for _, f := range c.Ledger.Facts {
		fmt.Fprintf(out, "  sealed in block %d (header %s), transaction %s%s\n", f.Block, f.Header, f.Tx, signedBy(f))
	}
	if err := rests(c.Ledger, trust, out); err != nil {
		return err
	}
	fmt.Fprintln(out, "verified")
	return nil
}

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/bundle"
	"github.com/tallyway/tallyway/shared/ledger/proof"
)

// maxBundle bounds the file that is read.
const maxBundle = 512 << 20

// verifyBundle checks a proof bundle from nothing but itself, and tells what it
// proves and what that rests on.
func verifyBundle(file, trust string, out io.Writer) error {
	packed, err := readBounded(file)
	if err != nil {
		return fmt.Errorf("--bundle: %w", err)
	}
	b, document, err := bundle.Read(packed)
	if err != nil {
		return fmt.Errorf("--bundle: %w", err)
	}
	p, err := bundle.Check(b, document)
	if err != nil {
		return fmt.Errorf("the bundle does not prove what it says: %w", err)
	}
	report(p, out)
	if err := rests(p.Ledger, trust, out); err != nil {
		return err
	}
	fmt.Fprintln(out, "verified")
	return nil
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBundle+1))
	if err == nil && len(b) > maxBundle {
		err = errors.New("the file is larger than bundles are")
	}
	return b, err
}

// report says in words what is proved.
func report(p *bundle.Checked, out io.Writer) {
	fmt.Fprintf(out, "lot %s: %d lots, %d links, %d events; made %s for %s\n",
		p.Lot, len(p.Lots), len(p.Links), len(p.Proved), p.Made.Format(time.RFC3339), p.For)
	if p.Withheld > 0 {
		fmt.Fprintf(out, "%d events of the chain are not for %s and are not here\n", p.Withheld, p.For)
	}
	if p.Cut {
		fmt.Fprintln(out, "the chain goes on: this is what lies nearest to the lot")
	}
	for _, e := range p.Proved {
		var things []string
		for _, n := range e.Named {
			things = append(things, n.Role+" "+n.ID)
		}
		fmt.Fprintf(out, "  %s %s %s by %s: %s\n", e.Time.Format(time.RFC3339), e.Type, e.BizStep, e.Author, strings.Join(things, ", "))
		fmt.Fprintf(out, "    %s\n    block %d (header %s), transaction %s%s\n", e.Hash, e.Proof.Block, e.Proof.Header, e.Proof.Tx, signedBy(e.Proof))
		if e.Error != nil {
			fmt.Fprintf(out, "    its author declared it an error at %s: %s\n", e.Error.Time.Format(time.RFC3339), e.Error.Reason)
		}
	}
	for _, d := range p.Documents {
		fmt.Fprintf(out, "  document %s about %s by %s: %s %s %s, %s\n    SHA-256 of the file %s, block %d, transaction %s%s\n",
			d.ID, d.About, d.Owner, d.Facts.Kind, d.Facts.Issuer, d.Facts.Number, d.Facts.Title, d.Facts.SHA256, d.Proof.Block, d.Proof.Tx, signedBy(d.Proof))
	}
	if x := p.Exposure; x != nil {
		fmt.Fprintf(out, "  %d sealed readings of %d windows, from %s to %s: ", p.Inside, len(p.Windows), x.From.Format(time.RFC3339), x.To.Format(time.RFC3339))
		if x.Known {
			fmt.Fprintf(out, "%.1f to %.1f °C, mean kinetic temperature %.2f °C, ", x.Min, x.Max, x.MKT)
		}
		fmt.Fprintf(out, "%.1f %% of the time measured\n", x.Coverage)
	}
	for _, k := range p.Cases {
		if k.Closed {
			fmt.Fprintf(out, "  %s %s was closed, block %d\n", k.Kind, k.Case, k.Proof.Block)
		} else {
			fmt.Fprintf(out, "  %s %s took hold of %s, block %d\n", k.Kind, k.Case, k.Lot, k.Proof.Block)
		}
	}
}

func signedBy(f proof.Fact) string {
	if f.Author == "" {
		return ""
	}
	return fmt.Sprintf(", signed by %s and endorsed by %s", f.Author, strings.Join(f.Endorsers, ", "))
}

// rests says what the proof rests on: the certificates of the members who
// signed. Given trusted ones, all of them must be among these.
func rests(c *proof.Checked, trust string, out io.Writer) error {
	var trusted []string
	if trust != "" {
		b, err := readBounded(trust)
		if err != nil {
			return fmt.Errorf("--trust: %w", err)
		}
		if trusted = fingerprints(b); len(trusted) == 0 {
			return errors.New("--trust: the file holds no certificate in PEM")
		}
	}
	fmt.Fprintf(out, "signed for by %s, on a ledger that begins with %s\n", strings.Join(c.Signers, ", "), c.Statement.Genesis)
	for _, m := range c.Members {
		for _, f := range m.Fingerprints {
			note := "compare it with what the member publishes"
			switch {
			case slices.Contains(trusted, f):
				note = "trusted"
			case trust != "":
				return fmt.Errorf("--trust: a certificate of %s is not among those you trust: %s", m.MSP, f)
			}
			fmt.Fprintf(out, "  %s SHA-256 %s: %s\n", m.MSP, f, note)
		}
	}
	return nil
}

func fingerprints(text []byte) (all []string) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		sum := sha256.Sum256(block.Bytes)
		all = append(all, hex.EncodeToString(sum[:]))
	}
	return all
}

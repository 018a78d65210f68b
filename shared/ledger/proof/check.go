package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hyperledger/fabric/protoutil"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/ledger/block"
)

// Checked is what a proof has proved.
type Checked struct {
	Statement Statement
	Signers   []string // members who signed the statement
	Members   []Vouched
	Facts     []Fact
}

// Vouched is an authority that the proof rests on.
type Vouched struct {
	MSP          string
	Fingerprints []string // SHA-256 of its certificates
	Signs        bool     // it signed the statement
}

// Fact is an event that stands on the ledger.
type Fact struct {
	Event
	Header string // hash of its block's header
	// Author and Endorsers are told of a transaction that is shown whole: the
	// user who signed it, and the members whose nodes did.
	Author    string
	Endorsers []string
}

// Check checks a proof by itself. What it rests on in the end is that the
// members' certificates are theirs: who asks compares their fingerprints with
// what the members publish. The error names what does not hold.
func Check(p *Proof) (*Checked, error) {
	c := &Checked{}
	if err := json.Unmarshal([]byte(p.Statement), &c.Statement); err != nil {
		return nil, fmt.Errorf("the statement cannot be read: %w", err)
	}
	switch s := c.Statement; {
	case s.Format != Format:
		return nil, fmt.Errorf("the statement is of the form %q, want %q", s.Format, Format)
	case len(s.Blocks) != len(p.Blocks):
		return nil, fmt.Errorf("the statement tells of %d blocks, the proof shows %d", len(s.Blocks), len(p.Blocks))
	}
	verifier, err := c.members(p)
	if err != nil {
		return nil, err
	}
	if err := c.signatures(p, verifier); err != nil {
		return nil, err
	}
	for i, root := range c.Statement.Blocks {
		if err := c.block(root, p.Blocks[i], verifier); err != nil {
			return nil, fmt.Errorf("block %d: %w", root.Number, err)
		}
	}
	return c, nil
}

func (c *Checked) members(p *Proof) (Verifier, error) {
	known := identity.Known{}
	for _, m := range p.Members {
		a, err := identity.ParseAuthority(m.MSP, []byte(m.Roots), []byte(m.CRL))
		if err != nil {
			return nil, fmt.Errorf("the authority of %s: %w", m.MSP, err)
		}
		if known[m.MSP] != nil {
			return nil, fmt.Errorf("the authority of %s stands there twice", m.MSP)
		}
		known[m.MSP] = a
		v := Vouched{MSP: m.MSP}
		for _, root := range a.Roots {
			sum := sha256.Sum256(root.Raw)
			v.Fingerprints = append(v.Fingerprints, hex.EncodeToString(sum[:]))
		}
		c.Members = append(c.Members, v)
	}
	return identity.NewVerifier(known, func() time.Time { return c.Statement.Made }), nil
}

// signatures checks who put their name to the statement: members themselves,
// not their companies' users.
func (c *Checked) signatures(p *Proof, verifier Verifier) error {
	for _, s := range p.Signatures {
		by, err := verifier.VerifyAt(s.Creator, []byte(p.Statement), s.Signature, c.Statement.Made)
		switch {
		case err != nil:
			return fmt.Errorf("a signature under the statement does not hold: %w", err)
		case by.Party != "":
			return fmt.Errorf("the statement is signed by %s of %s, who does not speak for %s", by.User, by.Party, by.Org)
		}
		c.Signers = append(c.Signers, by.Org)
		for i := range c.Members {
			c.Members[i].Signs = c.Members[i].Signs || c.Members[i].MSP == by.Org
		}
	}
	if len(c.Signers) == 0 {
		return errors.New("nobody signed the statement")
	}
	return nil
}

func (c *Checked) block(root BlockRoot, x Excerpt, verifier Verifier) error {
	contract := c.Statement.Contract
	shown, err := envelopes(x, contract)
	if err != nil {
		return err
	}
	authors := map[string]*Fact{}
	events := map[string][]string{}
	for _, e := range shown {
		f, err := signed(e, verifier)
		if err != nil {
			return fmt.Errorf("transaction %s: %w", e.Channel.GetTxId(), err)
		}
		authors[e.Channel.GetTxId()] = f
		if events[e.Channel.GetTxId()], err = told(root.Number, e, contract); err != nil {
			return err
		}
	}
	for _, leaf := range x.Leaves {
		f, err := leaf.check(root)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", leaf.Index, err)
		}
		if by := authors[f.Tx]; by != nil {
			if !slices.Contains(events[f.Tx], leaf.Data) {
				return fmt.Errorf("leaf %d: transaction %s, which is shown, does not tell of it", leaf.Index, f.Tx)
			}
			f.Author, f.Endorsers = by.Author, by.Endorsers
		}
		c.Facts = append(c.Facts, f)
	}
	return nil
}

// check holds a leaf against its block's root.
func (l Leaf) check(root BlockRoot) (f Fact, err error) {
	want, err := hex.DecodeString(root.Root)
	if err != nil || len(l.Salt) != saltSize {
		return f, errors.New("it has no root, or a salt of another length")
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, l.Index, root.Leaves, l.hash(), l.Path, want); err != nil {
		return f, fmt.Errorf("it does not lead to the root: %w", err)
	}
	if err := json.Unmarshal([]byte(l.Data), &f.Event); err != nil {
		return f, fmt.Errorf("it cannot be read: %w", err)
	}
	if f.Block != root.Number {
		return f, fmt.Errorf("it says that it stands in block %d", f.Block)
	}
	f.Header = root.Header
	return f, nil
}

// envelopes are the transactions that an excerpt shows whole.
func envelopes(x Excerpt, contract string) (all []*block.Envelope, err error) {
	for i, envelope := range x.Transactions {
		e, err := block.Open(envelope)
		switch {
		case err != nil:
			return nil, fmt.Errorf("transaction %d: %w", i, err)
		case e.Action.GetChaincodeId().GetName() != contract:
			return nil, fmt.Errorf("transaction %s is of another contract", e.Channel.GetTxId())
		}
		all = append(all, e)
	}
	return all, nil
}

// told are the events of one transaction as leaves tell them.
func told(number uint64, e *block.Envelope, contract string) ([]string, error) {
	t, ok, err := e.Events(contract)
	if err != nil || !ok {
		return nil, err
	}
	return eventsOf(number, t)
}

// signed checks a transaction's id, its creator's signature and its
// endorsements.
func signed(e *block.Envelope, verifier Verifier) (*Fact, error) {
	if e.Action == nil {
		return nil, errors.New("it is no transaction of a contract")
	}
	if err := protoutil.CheckTxID(e.Channel.GetTxId(), e.Creator.GetNonce(), e.Creator.GetCreator()); err != nil {
		return nil, errors.New("its id is not made of its nonce and creator")
	}
	proposal := sha256.Sum256(slices.Concat(e.Header.GetChannelHeader(), e.Header.GetSignatureHeader(), e.Proposed))
	if !bytes.Equal(e.ProposalHash, proposal[:]) {
		return nil, errors.New("its endorsements are of another proposal")
	}
	by, err := verifier.VerifyAt(e.Creator.GetCreator(), e.Payload, e.Signature, e.At())
	if err != nil {
		return nil, fmt.Errorf("its creator's signature does not hold: %w", err)
	}
	f := &Fact{Author: by.User}
	for i, n := range e.Endorsements {
		org, err := verifier.VerifyNodeAt(n.GetEndorser(), slices.Concat(e.Response, n.GetEndorser()), n.GetSignature(), e.At())
		if err != nil {
			return nil, fmt.Errorf("its endorsement %d does not hold: %w", i+1, err)
		}
		f.Endorsers = append(f.Endorsers, org)
	}
	if len(f.Endorsers) == 0 {
		return nil, errors.New("nobody endorsed it")
	}
	return f, nil
}

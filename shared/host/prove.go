package host

import (
	"context"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/embedded"
	"github.com/tallyway/tallyway/shared/ledger/proof"
	"github.com/tallyway/tallyway/shared/web"
)

// Prove shows parts of the ledger so that others can check them without it. The
// members whose keys this host has put their names to it.
func (h *Host) Prove(ctx context.Context, wanted map[uint64]proof.Wanted) (*proof.Proof, error) {
	msps, err := h.msps()
	if err != nil {
		return nil, err
	}
	m := proof.Maker{Ledger: h.Ledger}
	if h.Profile != nil {
		err = h.onNetwork(&m)
	} else {
		err = h.onOwn(&m, msps)
	}
	if err != nil {
		return nil, err
	}
	if m.Members, err = h.vouchers(msps); err != nil {
		return nil, err
	}
	return m.Make(ctx, wanted, h.Now())
}

// onOwn makes proofs of the embedded ledger, whose nodes are the host's.
func (h *Host) onOwn(m *proof.Maker, msps []string) error {
	m.Contract, m.Verifier = embedded.Namespace, identity.NewVerifier(h.Wallet, h.Now)
	for _, msp := range msps {
		node, err := h.Wallet.Node(msp)
		if err != nil {
			return err
		}
		m.Signers = append(m.Signers, node)
	}
	return nil
}

// onNetwork makes proofs of a Fabric network: the host signs with the identity
// that its member gave it, for the nodes' keys are not the host's.
func (h *Host) onNetwork(m *proof.Maker) error {
	authorities, err := h.Profile.Authorities()
	if err != nil {
		return err
	}
	m.Contract, m.Verifier = h.Profile.Contract, identity.NewVerifier(authorities, h.Now)
	own, err := h.Wallet.Get(h.Profile.Members[0].MSP, readerName)
	if err != nil {
		return err
	}
	m.Signers = []ledger.Signer{own}
	return nil
}

// vouchers are the members' authorities as others check certificates by them.
func (h *Host) vouchers(msps []string) (all []proof.Member, err error) {
	for _, msp := range msps {
		roots, err := h.CACert(msp)
		if err != nil {
			return nil, err
		}
		member := proof.Member{MSP: msp, Roots: string(roots)}
		if h.Holds(msp) {
			crl, err := h.Wallet.CRL(msp)
			if err != nil {
				return nil, err
			}
			member.CRL = string(crl)
		}
		all = append(all, member)
	}
	return all, nil
}

// showMembers publishes the certificates of the members' authorities, by which
// everybody can check what is signed on this ledger.
func (h *Host) showMembers(c *web.Ctx) error {
	msps, err := h.msps()
	if err != nil {
		return err
	}
	all, err := h.vouchers(msps)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, m := range all {
		for block, rest := pem.Decode([]byte(m.Roots)); block != nil; block, rest = pem.Decode(rest) {
			fmt.Fprintf(&text, "%s SHA-256 %x\n%s\n", m.MSP, sha256.Sum256(block.Bytes), pem.EncodeToMemory(block))
		}
	}
	return c.Blob(http.StatusOK, "application/x-pem-file", []byte(text.String()))
}

// msps are the members that this host knows.
func (h *Host) msps() ([]string, error) {
	if h.Profile == nil {
		return h.Wallet.Members()
	}
	authorities, err := h.Profile.Authorities()
	return slices.Sorted(maps.Keys(authorities)), err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/ledger"
)

// signed brings a lot to the ledger, signed with a key that somebody holds,
// past the wallet and its rules.
func signed(t *testing.T, h *host.Host, key ledger.Signer, number string) error {
	t.Helper()
	command, err := events.Capture(events.Logged(place(dairy), h.Now().Add(-time.Minute), kilos(lotID(milk, number), 1), ""), gs1.Amount{})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Ledger.Submit(context.Background(), ledger.Request{Signer: key, Name: chaincode.NameOf(trace.Capture{}), Body: body, At: h.Now(), Tx: ledger.NewTx(key)})
	return err
}

// An administrator renews a colleague's key and revokes it: the ledger takes
// nothing more that the old key signs, and all that it signed stays valid.
func TestKeysAreRenewedAndRevoked(t *testing.T) {
	h := open(t, host.Config{Data: filepath.Join(t.TempDir(), "data")})
	defer shut(t, h)
	boss := apiToken(t, h, admin, time.Hour, accounts.Admin)
	mine := apiToken(t, h, operator, time.Hour, accounts.Admin)
	people := func(act string) answer {
		r, err := http.NewRequest("POST", h.Address()+"/people/"+operator.name+"/"+act, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "Bearer "+boss)
		return send(t, r)
	}
	wallet := func() (*identity.Identity, error) { return h.Wallet.Get(operator.msp, operator.name) }
	first, err := wallet()
	if err != nil {
		t.Fatal(err)
	}
	if err := signed(t, h, first, "K1"); err != nil {
		t.Fatal(err)
	}
	if got := people("renew"); got.status != http.StatusSeeOther {
		t.Fatalf("renew: %d %s", got.status, got.body)
	}
	second, err := wallet()
	if err != nil || second.Certificate().SerialNumber.Cmp(first.Certificate().SerialNumber) == 0 {
		t.Fatalf("the key is the old one: %v", err)
	}
	if err := signed(t, h, first, "K2"); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("the ledger answers the old key: %v", err)
	}
	if err := signed(t, h, second, "K2"); err != nil {
		t.Errorf("the ledger answers the new key: %v", err)
	}
	if !get200(t, h.Address()+"/api/lots", mine) {
		t.Error("a renewed key locks its holder out")
	}

	if got := people("revoke"); got.status != http.StatusSeeOther {
		t.Fatalf("revoke: %d %s", got.status, got.body)
	}
	if err := signed(t, h, second, "K3"); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("the ledger answers a revoked key: %v", err)
	}
	if get200(t, h.Address()+"/api/lots", mine) {
		t.Error("a token of a revoked user is let in")
	}
	if err := h.Verify(t.Context(), func(string) {}); err != nil {
		t.Errorf("old blocks do not verify: %v", err)
	}
	if got := people("renew"); got.status != http.StatusSeeOther || !get200(t, h.Address()+"/api/lots", mine) {
		t.Errorf("whose key was revoked does not come back with a new one: %d", got.status)
	}
}

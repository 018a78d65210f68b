package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/network/networktest"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// What the first slice does on the embedded ledger it does on a real network:
// the story in a browser, unchanged, by one host that acts for all members, and
// then by hosts that act for one member each.
func TestOnANetwork(t *testing.T) {
	n := networktest.Start(t)
	n.Serve("1.0", "", "tallyway", "fresh")
	t.Run("one host for all", func(t *testing.T) {
		s := furnish(t, host.Config{Ledger: "fabric", Profile: n.Profile("")})
		s.tell(webtest.Desktop)
		if err := s.host.Verify(t.Context(), func(text string) { t.Log(text) }); err != nil {
			t.Error(err)
		}
	})
	t.Run("a host for each", func(t *testing.T) { eachItsOwn(t, n) })
	t.Run("a network of one's own", func(t *testing.T) { foundedTogether(t, n) })
}

// foundedTogether starts hosts without a demo on contracts that nobody has used:
// the first one founds the register of members, each enters its own first user.
func foundedTogether(t *testing.T, n *networktest.Network) {
	var hosts []hostOfOne
	for _, organisation := range []string{"producer", "regulator"} {
		text, err := os.ReadFile(n.Profile(organisation))
		if err != nil {
			t.Fatal(err)
		}
		profile := filepath.Join(t.TempDir(), "fresh.yaml")
		text = bytes.ReplaceAll(text, []byte("contract: tallyway"), []byte("contract: fresh"))
		if err := os.WriteFile(profile, text, 0o600); err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, started(t, host.Config{Ledger: "fabric", Profile: profile}))
	}
	for i, register := range []party.Register{
		{ID: "mill", Profile: party.Profile{Name: "Mill", Kinds: []string{party.KindManufacturer}}},
		{ID: "office", Profile: party.Profile{Name: "Office", Kinds: []string{party.KindRegulator}, Field: "food"}},
	} {
		h := hosts[i]
		admin := host.Actor{MSP: h.Host.Profile.Members[0].MSP, User: firstUser}
		members, err := host.Ask[[]party.Member](t.Context(), h.Host, admin, party.Members{})
		if err != nil || len(members) != 4 || members[0].Name != "Bankers' Association" {
			t.Errorf("%s sees the members %+v, %v", admin.MSP, members, err)
		}
		if _, _, err := host.Do[party.Standing](t.Context(), h.Host, admin, register); err != nil {
			t.Errorf("%s registers a company: %v", admin.MSP, err)
		}
		if user, err := h.Accounts.User(t.Context(), firstUser); err != nil || user.MSP != admin.MSP {
			t.Errorf("%s has the first user %+v, %v", admin.MSP, user, err)
		}
	}
}

// The demo's companies as people of these tests.
var (
	demoDairy  = person{"greenfield-dairy", "ProducerMSP", "greenfield-dairy", nil}
	demoOffice = person{"food-safety", "RegulatorMSP", "food-safety", nil}
	demoBank   = person{"first-bank", "BankMSP", "first-bank", nil}
)

// secretWord stands in an event that is nobody's business.
const secretWord = "Gaja-7f31-quillaja"

// eachItsOwn starts a host for three of the members, each with its own database.
func eachItsOwn(t *testing.T, n *networktest.Network) {
	producer, office, bank := joined(t, n, "producer"), joined(t, n, "regulator"), joined(t, n, "bank")
	lot := lotID(milkGTIN, "HOSTS-1")
	open := logged(t, producer, lot, "linked", "")
	secret := logged(t, producer, lotID(milkGTIN, "HOSTS-2"), trace.Private, secretWord)

	t.Run("what is logged on one host shows on another", func(t *testing.T) {
		office.shows(demoOffice, "/traceability/lot/"+lot, "HOSTS-1")
		office.shows(demoOffice, "/epcis/v2/events/"+url.PathEscape(open), "HOSTS-1")
		bank.shows(demoBank, "/"+lot, "HOSTS-1") // as any shopper reads it
	})
	t.Run("private content is where the house says, and nowhere else", func(t *testing.T) {
		path := "/epcis/v2/events/" + url.PathEscape(secret)
		producer.shows(demoDairy, path, secretWord)
		office.shows(demoOffice, path, secretWord) // regulators read their field, on the keeper's peer
		if status, body := bank.get(demoBank, path); status == http.StatusOK || strings.Contains(body, secretWord) {
			t.Errorf("the bank reads: %d %s", status, body)
		}
		for keeper, want := range map[string]bool{"ProducerMSP": true, "BankMSP": false, "TaxMSP": false} {
			told, err := host.Ask[trace.EventBody](t.Context(), producer.Host, demoDairy.actor(), trace.GetEvent{Hash: secret, Keeper: keeper}, keeper)
			if strings.Contains(string(told.Event), secretWord) != want {
				t.Errorf("the peer of %s: %s %v", keeper, told.Event, err)
			}
		}
		for process, want := range map[string]bool{"peer.producer": true, "peer.bank": false, "peer.tax": false,
			"orderer.producer": false, "orderer.bank": false, "orderer.tax": false, "orderer.regulator": false} {
			if got := holds(t, filepath.Join(n.Dir(), "nodes", process), secretWord); got != want {
				t.Errorf("%s has the word on its disk: %t, want %t", process, got, want)
			}
		}
		if holds(t, filepath.Join(n.Dir(), "logs"), secretWord) {
			t.Error("the word stands in a log")
		}
	})
	t.Run("a recall by one host stops the goods on another", func(t *testing.T) {
		recall := trace.Recall{ID: "R-HOSTS", Kind: trace.KindRecall, Lots: []string{lot}, Reason: "Listeria."}
		if _, _, err := host.Do[any](t.Context(), office.Host, demoOffice.actor(), recall); err != nil {
			t.Fatal(err)
		}
		producer.shows(demoDairy, "/traceability/lot/"+lot, "Listeria.")
		bank.shows(demoBank, "/"+lot, "Listeria.")
	})
	t.Run("a proof bundle of one host is checked without any", func(t *testing.T) {
		for h, by := range map[*hostOfOne]person{&producer: demoDairy, &office: demoOffice} {
			status, zip := h.get(by, "/api/lots/"+lot+"/bundle")
			file := filepath.Join(t.TempDir(), "proof.zip")
			if err := os.WriteFile(file, []byte(zip), 0o600); err != nil || status != http.StatusOK {
				t.Fatalf("%d %v", status, err)
			}
			out := must(t, "verify", "--bundle", file)
			if !strings.Contains(out, "signed by greenfield-dairy and endorsed by") || !strings.Contains(out, "recall R-HOSTS took hold of "+lot) {
				t.Errorf("%s: %s", by.name, out)
			}
		}
	})
	t.Run("a host comes back from its backup", func(t *testing.T) { comesBack(t, producer, n.Profile("producer")) })
	t.Run("every host verifies", func(t *testing.T) {
		for _, h := range []hostOfOne{producer, office, bank} {
			if err := h.Verify(t.Context(), func(string) {}); err != nil {
				t.Error(err)
			}
		}
	})
}

// comesBack backs a host up and opens what is restored: keys, users and rows are
// its own, the ledger is the network's.
func comesBack(t *testing.T, h hostOfOne, profile string) {
	var copied bytes.Buffer
	if err := h.Backup(t.Context(), &copied); err != nil {
		t.Fatal(err)
	}
	config := host.Config{Data: filepath.Join(t.TempDir(), "restored"), Listen: "127.0.0.1:0", Demo: true, Ledger: "fabric", Profile: profile, Clock: time.Now, Limits: roomy}
	manifest, err := host.Restore(t.Context(), config, &copied)
	if err != nil || manifest.Ledger != "external" {
		t.Fatalf("restored as %+v, %v", manifest, err)
	}
	again, err := program(config).Start(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, again)
	twin := hostOfOne{again, t}
	logged(t, twin, lotID(milkGTIN, "RESTORED"), trace.Linked, "")
	twin.shows(demoDairy, "/traceability/lot/"+lotID(milkGTIN, "RESTORED"), "RESTORED")
	h.shows(demoDairy, "/traceability/lot/"+lotID(milkGTIN, "RESTORED"), "RESTORED")
}

// hostOfOne is the host of one member.
type hostOfOne struct {
	*host.Host
	t *testing.T
}

func joined(t *testing.T, n *networktest.Network, organisation string) hostOfOne {
	t.Helper()
	return started(t, host.Config{Demo: true, Ledger: "fabric", Profile: n.Profile(organisation)})
}

func started(t *testing.T, config host.Config) hostOfOne {
	t.Helper()
	config.Data, config.Listen, config.Clock, config.Limits = t.TempDir(), "127.0.0.1:0", time.Now, roomy
	h, err := program(config).Start(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("the host with %s: %v", config.Profile, err)
	}
	t.Cleanup(func() { shut(t, h) })
	return hostOfOne{h, t}
}

// logged has the dairy log a lot.
func logged(t *testing.T, h hostOfOne, lot, sharing, note string) (hash string) {
	t.Helper()
	at := h.Now().Add(-time.Minute)
	e := events.Logged(events.Company{ID: "greenfield-dairy", Name: "Greenfield Dairy", GLN: "9506000134352"}, at, kilos(lot, 100), "")
	if note != "" {
		e.Extensions = append(e.Extensions, epcis.Field{Name: epcis.Name{Space: "https://ns.example.com/tallyway/", Prefix: "example", Local: "note"},
			Value: epcis.Value{Kind: epcis.Text, Text: note}})
	}
	c, err := events.Capture(e, gs1.Amount{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Sharing = sharing; c.Confidential() {
		c.Salt = []byte("sixteen bytes or more of it")
	}
	outcome, _, err := host.Do[trace.Outcome](t.Context(), h.Host, demoDairy.actor(), c)
	if err != nil {
		t.Fatal(err)
	}
	return outcome.Hash
}

// get asks a host's API or pages in somebody's name.
func (h hostOfOne) get(by person, path string) (int, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), "GET", h.Address()+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+apiToken(h.t, h.Host, by, time.Hour, accounts.Read))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// shows waits until a host shows a text, as its follower comes to it.
func (h hostOfOne) shows(by person, path, text string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
	defer cancel()
	for {
		status, body := h.get(by, path)
		if status == http.StatusOK && strings.Contains(body, text) {
			return
		}
		select {
		case <-ctx.Done():
			h.t.Fatalf("%s does not show %q: %d %.600s", path, text, status, body)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// holds looks for a word in every file of a folder.
func holds(t *testing.T, dir, word string) (found bool) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		found = found || bytes.Contains(content, []byte(word))
		return nil
	})
	if err != nil || files == 0 {
		t.Fatalf("%s: %d files, %v", dir, files, err)
	}
	return found
}

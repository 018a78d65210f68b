package demo

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability"
	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// Whenever the visitor comes, the story holds together: what lies ahead of them
// has not happened, and the last day's events keep their order.
func TestTheStoryIsToldAtAnyHour(t *testing.T) {
	for _, hour := range []time.Duration{10 * time.Minute, 5*time.Hour + 50*time.Minute, 23*time.Hour + 50*time.Minute} {
		now := time.Date(2026, 11, 28, 0, 0, 0, 0, local).Add(hour)
		t.Run(now.Format("15.04"), func(t *testing.T) { papersAreThere(t, founded(t, now)) })
	}
}

// The demo has a document for shoppers, one for the chain and one for a customer,
// and each reader finds theirs, the file as well.
func papersAreThere(t *testing.T, h *host.Host) {
	t.Helper()
	type row struct {
		ID      string `db:"id"`
		Sharing string `db:"sharing"`
	}
	all, err := readmodel.All[row](t.Context(), h.DB, `SELECT id, sharing FROM tr_documents ORDER BY sharing`)
	if err != nil || len(all) != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	if _, page := get(t, http.DefaultClient, h.Address()+ShopperPage(h.Now())+"?lang=en"); !strings.Contains(page, "Organic certificate") || strings.Contains(page, "Laboratory report") {
		t.Error("the shopper is not told of the organic certificate, or of the laboratory report")
	}
	for login, reads := range map[string]string{"": "public", dairy: "linked public", market: "linked public restricted", carrier: "linked public", office: "linked public restricted", "first-bank": "public"} {
		client, got := signedIn(t, h, login), []string{}
		for _, d := range all {
			if status, file := get(t, client, h.Address()+"/documents/"+d.ID+"/file"); status == http.StatusOK && strings.HasPrefix(file, "%PDF-") {
				got = append(got, d.Sharing)
			}
		}
		if strings.Join(got, " ") != reads {
			t.Errorf("%q reads %v, want %s", login, got, reads)
		}
	}
}

func signedIn(t *testing.T, h *host.Host, login string) *http.Client {
	t.Helper()
	jar, _ := cookiejar.New(nil) // fails with options only
	client := &http.Client{Jar: jar}
	if login == "" {
		return client
	}
	password, err := Password(h.Config.Data)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.PostForm(h.Address()+"/login", url.Values{"name": {login}, "password": {password}})
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s cannot sign in: %v, %v", login, res, err)
	}
	res.Body.Close()
	return client
}

func get(t *testing.T, client *http.Client, address string) (int, string) {
	t.Helper()
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// A network orders some transactions a second: hundreds of events, one by one,
// would keep the first visitor waiting for a minute.
func TestACompanysDayIsOneTransaction(t *testing.T) {
	h := founded(t, time.Date(2026, 11, 28, 12, 0, 0, 0, local))
	transactions, told := 0, 0
	for block, err := range h.Ledger.Events(t.Context(), ledger.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range block.Transactions {
			transactions++
			told += len(tx.Events)
		}
		if block.Number >= h.Ledger.Head().Block {
			break
		}
	}
	t.Logf("%d events in %d transactions", told, transactions)
	if told < 400 || transactions > 160 {
		t.Errorf("%d events in %d transactions", told, transactions)
	}
}

// founded is a demo that somebody visits at a time.
func founded(t *testing.T, now time.Time) *host.Host {
	t.Helper()
	config := host.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Demo: true, Clock: func() time.Time { return now }}
	p := host.Program{Contracts: all.Contracts(), Apps: []host.App{traceability.App()}}
	Furnish(&p, config.Data)
	h, err := p.Start(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

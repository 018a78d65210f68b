package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/web/webtest"
)

// TestChoicesInABrowser makes the choices that a page asks a person to make
// twice about: who reads what a form says, and the end of a colleague's key.
func TestChoicesInABrowser(t *testing.T) {
	s := furnished(t)
	s.screen, s.desk = webtest.Desktop, webtest.NewBrowser(t, webtest.Desktop)
	s.desk.Speak("en")
	s.as("greenfield-dairy")
	s.revokesAndRenews("dairy-night")
	event := s.namesAReader("SHARE-M", "city-market")
	s.readsOf("harbour-foods", "SHARE-M", event, false)
	s.acceptAtHome()
	s.readsOf("city-market", "SHARE-M", event, true)
}

// namesAReader logs a lot that one company alone may read of, ships some of it
// as chains read, and gives the address of the event that logged it.
func (s *story) namesAReader(number, reader string) (event string) {
	s.t.Helper()
	s.open("/traceability/lots/new")
	companies := func() bool {
		return webtest.Eval[bool](s.desk, `document.querySelector(".share .readers").checkVisibility()`)
	}
	if companies() {
		s.t.Error("companies stand there to be ticked before anybody chose to name some")
	}
	s.set(map[string]string{"#f-gtin": milkGTIN, "#f-number": number, "#f-quantity": "50", "#f-unit": "KGM", "#f-share-mode": "restricted"})
	if !companies() {
		s.t.Fatal("no companies to tick")
	}
	s.look("en")
	s.send("main form button[data-send]")
	if said := s.desk.Text("[data-problems]"); !strings.Contains(said, "No company is named") {
		s.t.Errorf("without a company the form says: %s", said)
	}
	s.desk.Problems() // the refusal's status
	s.desk.Click(fmt.Sprintf("input[name='share.with'][value=%q]", reader))
	s.send("main form button[data-send]")
	lot := "01/" + milkGTIN + "/10/" + number
	if s.path() != "/traceability/lot/"+lot {
		s.t.Fatalf("logging leads to %s:\n%s", s.path(), s.desk.Text("main"))
	}
	event = webtest.Eval[string](s.desk, `document.querySelector(".history a[href*='/event/']").getAttribute("href")`)
	s.ship(lot, "20", "harbour-foods")
	return event
}

// readsOf signs a company in and sees whether it reads the event that logged a
// lot: on the event's own page, and in the lot's history where that lies on its
// chain.
func (s *story) readsOf(company, number, event string, may bool) {
	s.t.Helper()
	s.as(company)
	s.desk.Open(s.base + event)
	if got := strings.Contains(s.desk.Text("main"), "Greenfield plant"); got != may {
		s.t.Errorf("%s reads the event: %v, want %v:\n%s", company, got, may, s.desk.Text("main"))
	}
	s.desk.Problems() // the refusal's status
	if may {
		return // named, but off the chain: the lot is none of its business
	}
	s.open("/traceability/lot/01/" + milkGTIN + "/10/" + number)
	history := s.desk.Text(".history")
	if strings.Contains(history, "logged") || !strings.Contains(history, "not shared with you") {
		s.t.Errorf("%s reads in the history:\n%s", company, history)
	}
}

// revokesAndRenews enters a colleague, revokes their key and gives them a new
// one, with which they sign in.
func (s *story) revokesAndRenews(name string) {
	s.t.Helper()
	s.fill("/people", map[string]string{"#f-name": name, "#f-display": "Night shift", "#f-role": "viewer"})
	password := s.desk.Text("#password")
	s.look("en")
	for _, step := range []struct{ act, chip, flash string }{
		{"revoke", "revoked", "The key of " + name + " is revoked."}, {"renew", "valid", name + " has a new key."}} {
		ask := fmt.Sprintf("[data-ask]:has(form[action='/people/%s/%s']) > summary", name, step.act)
		s.desk.Click(ask)
		s.desk.See("dialog[open]")
		s.desk.Click("dialog[open] button:last-child") // thinks better of it
		s.until(`!document.querySelector("dialog")`)
		s.desk.Click(ask)
		s.send("dialog[open] button:first-child")
		row := webtest.Eval[string](s.desk, fmt.Sprintf(`[...document.querySelectorAll("tbody tr")].find(r => r.innerText.includes(%q)).innerText`, name))
		if !strings.Contains(row, step.chip) || !strings.Contains(s.desk.Text("body"), step.flash) {
			s.t.Errorf("%s: the row says %q, the page:\n%s", step.act, row, s.desk.Text("body"))
		}
		if offers := strings.Contains(row, "Revoke the key"); offers == (step.act == "revoke") {
			s.t.Errorf("%s: a key to be revoked: %v", step.act, offers)
		}
		s.look("en")
	}
	s.desk.Quiet()
	s.leave()
	s.desk.Login(s.base, name, password)
	s.desk.Quiet()
	s.as("greenfield-dairy")
}

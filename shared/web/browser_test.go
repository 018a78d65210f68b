package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/web"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// TestPagesLookRight walks the components on both screens, light and dark, in
// both languages: no complaint of the browser, nothing wider than the screen.
func TestPagesLookRight(t *testing.T) {
	h := start(t, nil)
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(h.URL, "lin", "lin")
	for _, v := range []webtest.Viewport{webtest.Desktop, webtest.Phone} {
		b.View(v)
		for _, look := range []struct {
			name, lang string
			dark       bool
		}{{"light", "en", false}, {"dark", "en", true}, {"zh", "zh-CN", false}} {
			b.Dark(look.dark)
			b.Speak(look.lang)
			for _, p := range []struct{ name, path string }{{"demo", "/demo"}, {"ship", "/demo/ship"}, {"api", "/api"}, {"rules", "/problems"}} {
				b.Open(h.URL + p.path)
				b.Screenshot(p.name + "-" + v.Name + "-" + look.name)
				if over := b.Overflow(); over > 0 {
					t.Errorf("%s on %s, %s: %d pixels wider than the screen", p.path, v.Name, look.name, over)
				}
				b.Quiet()
			}
		}
	}
}

func TestScriptAddsALineAndTheSwitchWorks(t *testing.T) {
	h := start(t, nil)
	b := webtest.NewBrowser(t, webtest.Phone)
	b.Login(h.URL, "lin", "lin")
	b.Open(h.URL + "/demo/ship")
	b.Click("[data-add]")
	b.See("#f-lines-1-lot")
	theme := webtest.Eval[string](b, `document.querySelector("[data-theme-switch]").click(); document.documentElement.dataset.theme`)
	if theme != "dark" && theme != "light" {
		t.Errorf("the switch chose %q", theme)
	}
	b.Quiet()
}

// TestLiveRegionsFollow changes a list behind an open page: the region is put
// in anew, the reader keeps their place and what they are typing.
func TestLiveRegionsFollow(t *testing.T) {
	h := start(t, nil)
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(h.URL, "lin", "lin")
	b.Open(h.URL + "/demo")
	webtest.Eval[bool](b, `document.querySelectorAll("#live-lots .row-link")[1].focus(); true`)
	h.setLots("1,205")
	h.live <- web.Change{ID: "1", Topic: "lots"}
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(b.Text("#live-lots .list-foot"), "1,205 lots") {
		if time.Now().After(deadline) {
			t.Fatalf("the region says %q", b.Text("#live-lots .list-foot"))
		}
		time.Sleep(50 * time.Millisecond)
	}
	if at := webtest.Eval[string](b, `document.activeElement.className`); at != "row-link" {
		t.Errorf("the focus is at %q", at)
	}
	b.Quiet()
}

// TestADangerousActAsksFirst walks the question by keyboard.
func TestADangerousActAsksFirst(t *testing.T) {
	h := start(t, nil)
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(h.URL, "lin", "lin")
	b.Open(h.URL + "/demo")
	b.Click(".button.danger")
	b.See("dialog[open]")
	if said := b.Text("dialog p"); said != "Recall this lot?" {
		t.Errorf("it asks %q", said)
	}
	b.Screenshot("confirm")
	b.Click("dialog .acts .button:last-child")
	if open := webtest.Eval[bool](b, `!!document.querySelector("dialog[open]")`); open {
		t.Error("still asking")
	}
	b.Quiet()
}

// TestAQuestionNeedsNoScript unfolds it, and does nothing before the answer.
func TestAQuestionNeedsNoScript(t *testing.T) {
	h := start(t, nil)
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(h.URL, "lin", "lin")
	b.Scripts(false)
	b.Open(h.URL + "/demo")
	b.Click("summary.button.danger")
	b.See("[data-ask][open] form button.danger")
	b.Click("[data-ask][open] form button.danger")
	b.See(`[data-code="web/required"]`) // the demo's act posts an empty form
	b.Screenshot("refused-no-script")
}

// TestARefusedFormIsSeen posts what is refused, as a person on a phone.
func TestARefusedFormIsSeen(t *testing.T) {
	h := start(t, nil)
	b := webtest.NewBrowser(t, webtest.Phone)
	b.Speak("zh-CN")
	b.Login(h.URL, "lin", "lin")
	b.Open(h.URL + "/demo/ship")
	webtest.Eval[bool](b, `document.querySelector("#f-at").value = "2026-11-21T14:05"; document.querySelector("#f-lines-0-lot").value = ""; true`)
	b.Type("#f-lines-0-lot", "L-RECALLED")
	b.Type("#f-lines-0-quantity", "12.5")
	b.Click("[data-send]")
	b.See(`[data-code="demo/recalled"].error`)
	if at := webtest.Eval[string](b, `document.activeElement.className`); at != "problems" {
		t.Errorf("the focus is at %q", at)
	}
	b.Screenshot("refused-phone-zh")
	if over := b.Overflow(); over > 0 {
		t.Errorf("%d pixels too wide", over)
	}
	b.Problems() // the 409 itself
	b.Open(h.URL + "/nowhere")
	b.Screenshot("404-phone-zh")
	b.Problems() // the 404 itself
}

package web_test

import (
	"testing"

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

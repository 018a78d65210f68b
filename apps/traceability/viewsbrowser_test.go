package traceability

import (
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/web/webtest"
)

// A page that lies open on a phone turns within two seconds of a recall, and
// nothing on it is cut, in both languages, light and dark.
func TestOpenPageTurnsAtARecall(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	b := webtest.NewBrowser(t, webtest.Phone)
	b.Open(w.Address() + "/" + c1)
	b.See(".verdict.good")
	b.Screenshot("shopper-fine")
	w.recall("greenfield-dairy", "R-1", "Listeria in the milk", m1)
	began := time.Now()
	b.See(".verdict.bad")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the page turned after %v", took)
	}
	for _, lang := range []string{"en", "zh-CN"} {
		b.Speak(lang)
		for _, dark := range []bool{false, true} {
			b.Dark(dark)
			b.Open(w.Address() + "/" + c1)
			if cut := b.Overflow(); cut > 0 {
				t.Errorf("%s: the page is %d pixels too wide", lang, cut)
			}
		}
		b.Screenshot("shopper-recalled-" + lang)
	}
	b.Quiet()
}

// The pages of a lot fit a phone and a desktop, and complain of nothing.
func TestPagesFitTheirScreens(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	b := webtest.NewBrowser(t, webtest.Phone)
	b.Login(w.Address(), "harbour-foods", password)
	b.Problems()
	for _, v := range []webtest.Viewport{webtest.Phone, webtest.Desktop} {
		b.View(v)
		for name, address := range map[string]string{"lots": "/traceability/lots", "lot": lotHref(c1), "trace": traceHref(c1)} {
			b.Open(w.Address() + address)
			if cut := b.Overflow(); cut > 0 {
				t.Errorf("%s on a %s is %d pixels too wide", name, v.Name, cut)
			}
			b.Screenshot(name + "-" + v.Name)
		}
	}
	b.Quiet()
}

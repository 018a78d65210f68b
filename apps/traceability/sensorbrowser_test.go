package traceability

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/web/webtest"
)

// TestSensorsInABrowser registers a device, gives it its password, sees its
// readings come in on the chart, zooms, and explains an excursion.
func TestSensorsInABrowser(t *testing.T) {
	w := startSensors(t)
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(w.Address(), "greenfield-dairy", password)
	b.Open(w.Address() + "/traceability/devices/new")
	for css, text := range map[string]string{"#f-name": "room-1", "#f-title": "Cold room", "#f-interval": "10", "#f-channels-0-high": "6", "#f-channels-0-low": "2"} {
		webtest.Eval[bool](b, `(() => { document.querySelector("`+css+`").value = ""; return true })()`)
		b.Type(css, text)
	}
	b.Click("button[data-send]")
	b.See("#credentials")
	page := webtest.Eval[string](b, "location.pathname")
	if page != "/traceability/devices/greenfield-dairy/room-1" {
		t.Fatal(page)
	}
	webtest.Eval[bool](b, `(() => { const f = document.querySelector("#credentials form"); f.removeAttribute("data-confirm"); f.requestSubmit(); return true })()`)
	b.See("#password code")
	secret := b.Text("#password code")
	b.Open(w.Address() + page)
	b.See(`.sensor-plot[data-ready="true"]`)
	for i := range 3 {
		at := w.sleep(10 * time.Second)
		if err := w.publish("greenfield-dairy/room-1", secret, "tw/greenfield-dairy/room-1/senml", fmt.Sprintf(`[{"n":"temperature","u":"Cel","t":%d,"v":4.%d}]`, at.Unix(), i)); err != nil {
			t.Fatal(err)
		}
	}
	b.See(`.sensor-plot[data-points="3"]`) // they came by themselves
	w.measure(append(even(12, 9), even(3, 4)...)...)
	w.eventually("the excursion is over", func() bool {
		x := w.excursionsOn("limits:hot:temperature")
		return len(x) == 1 && x[0].Until != nil
	})
	b.Open(w.Address() + "/traceability/devices/greenfield-dairy/logger-1?at=" + w.clock().UTC().Format(time.RFC3339))
	b.See(`.sensor-plot[data-ready="true"]`)
	webtest.Eval[bool](b, `(() => { const p = document.querySelector(".sensor-plot"); p.removeAttribute("data-ready"); p.focus(); p.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true })); return true })()`)
	b.See(`.sensor-plot[data-ready="true"]`)
	webtest.Eval[bool](b, `(() => { document.querySelector("#excursions select[name=cause]").value = "door"; document.querySelector("#excursions select[name=measure]").value = "none"; document.querySelector("#excursions form").requestSubmit(); return true })()`)
	b.See(".toast, [data-toast]")
	if text := b.Text("#excursions"); !strings.Contains(text, "A door was open") {
		t.Error(text)
	}
	for _, v := range []webtest.Viewport{webtest.Phone, webtest.Desktop} {
		b.View(v)
		for _, lang := range []string{"zh", "en"} {
			for name, path := range map[string]string{"devices": "/traceability/devices", "device": page, "device-new": "/traceability/devices/new", "excursions": "/traceability/excursions", "refused": "/traceability/refused", "lot-cold": lotHref(w.lot)} {
				b.Open(w.Address() + path + "?lang=" + lang)
				if cut := b.Overflow(); cut > 0 {
					t.Errorf("%s on a %s in %s is %d pixels too wide", name, v.Name, lang, cut)
				}
				if v.Name == webtest.Phone.Name && lang == "zh" {
					for _, wrong := range b.Axe() {
						t.Errorf("%s: %v", name, wrong)
					}
				}
				b.Screenshot(name + "-" + v.Name + "-" + lang)
			}
		}
	}
	b.Quiet()
}

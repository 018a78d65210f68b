package traceability

import (
	"crypto/sha256"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/web"
)

// shopperPages writes the page behind the QR code in one language. It is made
// for every pack that is scanned for the first time, so it is put together by
// hand: what is the same on all pages lies ready, and every word of a view goes
// through text, which escapes it.
type shopperPages struct {
	lang  string
	words translate
	begin string            // up to the ETag
	head  string            // from behind the title to the language's switch
	help  string            // from behind the buttons to the end
	looks [sha256.Size]byte // of all these, for the ETags
}

// shopperPage is what is one pack's own on its page: most of the page is the
// same for all packs and is kept once.
type shopperPage struct {
	etag  string // without quotes; "" on a page that does not look for changes
	title []byte
	body  []byte
}

// size of the whole page.
func (p *shopperPages) size(own shopperPage) int {
	n := len(p.begin) + len(intro) + len(own.title) + len(p.head) + len(own.body) + len(p.help)
	if own.etag != "" {
		n += len(` data-etag="W/&#34;&#34;"`) + len(own.etag)
	}
	return n
}

// whole appends the page to a buffer.
func (p *shopperPages) whole(b []byte, own shopperPage) []byte {
	b = append(b, p.begin...)
	if own.etag != "" {
		b = append(append(append(b, ` data-etag="W/&#34;`...), own.etag...), `&#34;"`...)
	}
	b = append(append(append(b, intro...), own.title...), p.head...)
	return append(append(b, own.body...), p.help...)
}

const intro = `>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>`

// translate says an English text in a language.
type translate func(lang, text string, facts ...any) string

func newShopperPages(lang string, words translate, style, script string) *shopperPages {
	p := &shopperPages{lang: lang, words: words}
	p.begin = "<!doctype html>\n" + `<html lang="` + map[string]string{"en": "en", "zh": "zh-CN"}[lang] + `"`
	p.head = " · Tallyway</title>\n<style>" + style + "</style>\n<script>" + script + `</script>
</head>
<body>
<div class="page">
<header class="top"><span class="brand">` + svgBrand + `Tallyway</span>
`
	w := p.writer(1 << 10)
	w.raw(`<section class="card help" id="help"><h2>`).say("Something wrong with it?").raw("</h2>\n<p>").
		say("Keep the pack and tell the shop. Show this page: with the numbers on it the maker finds the whole lot within minutes.").raw(`</p></section>
</main>
<p class="foot">`).say("No one signed in. Looks are counted; nothing about you is kept.").raw("</p>\n</div>\n</body>\n</html>\n")
	p.help = string(w.page)
	p.looks = sha256.Sum256([]byte(p.begin + intro + p.head + p.help))
	return p
}

// pageWriter puts a page together.
type pageWriter struct {
	*shopperPages
	page []byte
}

func (p *shopperPages) writer(size int) *pageWriter { return &pageWriter{p, make([]byte, 0, size)} }

// raw is markup of our own.
func (w *pageWriter) raw(markup string) *pageWriter {
	w.page = append(w.page, markup...)
	return w
}

// text is anything else, in an element or in a quoted attribute.
func (w *pageWriter) text(s string) *pageWriter { return w.raw(template.HTMLEscapeString(s)) }

// say is a text of ours in the reader's language, with facts in it.
func (w *pageWriter) say(text string, facts ...any) *pageWriter {
	return w.text(w.words(w.lang, text, facts...))
}

// part is an element that stands where there is something to say.
func (w *pageWriter) part(open, text, end string) *pageWriter {
	if text == "" {
		return w
	}
	return w.raw(open).text(text).raw(end)
}

// fact is a line of the card of facts.
func (w *pageWriter) fact(name, value string) *pageWriter {
	if value == "" {
		return w
	}
	return w.raw("<div><dt>").say(name).raw("</dt><dd>").text(value).raw("</dd></div>\n")
}

// write makes what is a pack's own.
func (p *shopperPages) write(v *shopperView) shopperPage {
	w := p.writer(2 << 10)
	cut := len(w.title(v).page)
	page := w.body(v).page
	return shopperPage{title: page[:cut:cut], body: page[cut:]}
}

func (w *pageWriter) title(v *shopperView) *pageWriter {
	if v.Product == "" {
		return w.say("Check a pack")
	}
	return w.text(v.Product).part(" ", v.Lot, "")
}

func (w *pageWriter) body(v *shopperView) *pageWriter {
	w.switchTo(v.Address)
	w.raw("</header>\n<main>\n" + `<div class="what"><h1>`)
	if v.Product == "" {
		w.say("Check a pack").raw("</h1>")
	} else {
		w.text(v.Product).raw("</h1>")
		if v.Maker != "" {
			w.raw("<p>").say("by %s", v.Maker).raw("</p>")
		}
	}
	w.raw("</div>\n" + `<section class="verdict `).raw(v.Tone()).raw(`" aria-live="polite">` + "\n").
		raw(map[string]string{web.Good: svgGood, web.Bad: svgBad, web.Warn: svgWarn}[v.Tone()]).raw("\n<div>").
		verdict(v).raw("</div>\n</section>\n")
	w.notice(v)
	w.facts(v)
	w.path(v)
	w.cold(v)
	w.certificates(v)
	return w.links("More from the maker", v.Links).proof(v).acts(v)
}

// acts are what a shopper can do: share the address, tell the brand, and say
// once where they stand.
func (w *pageWriter) acts(v *shopperView) *pageWriter {
	of := url.QueryEscape(v.Address)
	w.raw(`<div class="acts"><button type="button" data-share data-done="`).say("Address copied").raw(`" hidden>` + svgShare + `<span>`).say("Share").raw(`</span></button>`)
	if v.GTIN != "" && v.Maker != "" {
		w.raw(`<a href="/shopper/report?of=`).text(of).raw(`">` + svgWarn + `<span>`).say("Report a problem").raw(`</span></a>`)
	}
	w.raw("</div>\n")
	if v.Lot != "" || v.Serial != "" {
		w.raw(`<p class="place"><a href="/shopper/place?of=`).text(of).raw(`">`).say("Was it scanned in a shop? Share the place once").raw("</a></p>\n")
	}
	return w
}

// verdict says what a shopper came for, and what to do about it.
func (w *pageWriter) verdict(v *shopperView) *pageWriter {
	switch {
	case v.Verdict == warned:
		w.warning(v)
	case v.Verdict == recalled:
		w.heading("Recalled").part("<p>", v.Reason, "</p>").raw(`<p class="do">`).say("Do not use it. Bring it back to the shop, or throw it away.").raw("</p>")
		w.since("Recalled by %s on %s.", v)
		if v.Notice != "" {
			w.raw(`<p><a href="`).text(v.Notice).raw(`">`).say("Read the notice").raw("</a></p>")
		}
	case v.Verdict == onHold:
		w.heading("On hold").part("<p>", v.Reason, "</p>").raw(`<p class="do">`).say("Please wait before you use it: it is being checked.").raw("</p>")
		w.since("Put on hold by %s on %s.", v)
	case v.Verdict == expired:
		w.heading("Past its date").raw("<p>").say("It was best before %s. It is not recalled.", dayIn(w.lang, v.Expiry)).raw("</p>")
	case v.Verdict == unknown:
		w.heading("We do not know this pack").paragraph("Nobody has entered this number on the ledger. Compare it with the pack; if it is the same, ask the shop.")
	case v.Verdict == unread:
		w.heading("This number cannot be right").paragraph(v.Rule)
		if v.Remedy != "" {
			w.paragraph(v.Remedy)
		}
	case len(v.Recalled) > 0:
		w.heading("Look at the lot number").paragraph("These lots of it are recalled:").raw(`<p class="lots">`)
		for _, lot := range v.Recalled {
			w.raw(`<a href="/01/`).text(v.GTIN).raw("/10/").text(url.PathEscape(lot)).raw(`">`).text(lot).raw("</a>")
		}
		w.raw("</p>")
	case len(v.Path) == 0:
		w.heading("No recall").paragraph("No lot of this product is recalled. Scan the code on your pack to see its way.")
	default:
		w.heading("No recall").paragraph("Nothing is known against this pack.")
	}
	return w
}

func (w *pageWriter) heading(text string) *pageWriter { return w.raw("<h2>").say(text).raw("</h2>") }

func (w *pageWriter) paragraph(text string) *pageWriter { return w.raw("<p>").say(text).raw("</p>") }

func (w *pageWriter) since(text string, v *shopperView) {
	if v.By != "" {
		w.raw("<p>").say(text, v.By, dayIn(w.lang, v.Since)).raw("</p>")
	}
}

func (w *pageWriter) facts(v *shopperView) {
	if v.Lot == "" && v.Serial == "" && v.Expiry == "" && v.GTIN == "" {
		return
	}
	w.raw(`<section class="card"><dl class="facts">`+"\n").
		fact("Best before", dayIn(w.lang, v.Expiry)).fact("Lot number", v.Lot).fact("Serial number", v.Serial).
		fact("Keep at", v.Storage).fact("GTIN", v.GTIN).raw("</dl></section>\n")
}

func (w *pageWriter) path(v *shopperView) {
	if len(v.Path) == 0 {
		return
	}
	w.raw(`<section class="card">`).heading("Where it comes from").raw(`<ol class="path">` + "\n")
	for _, s := range v.Path {
		w.step(s)
	}
	w.raw("</ol>")
	if v.Gaps {
		w.raw(`<p class="note">`).say("Some steps are not told here: their companies keep them to themselves, or nobody entered them.").raw("</p>")
	}
	w.raw("</section>\n")
}

func (w *pageWriter) step(s shopperStep) {
	w.raw("<li")
	if s.Own {
		w.raw(` class="own"`)
	}
	w.raw(">").raw(map[bool]string{true: svgMade, false: svgArrived}[s.Kind == "made"]).raw("\n<b>")
	switch {
	case s.Firms > 0:
		w.say("%s arrived at %s companies", s.Product, s.Firms)
	case s.Kind == "made":
		w.say("%s made", s.Product)
	default:
		w.say("%s arrived", s.Product)
	}
	if s.Lots > 1 {
		w.raw(" · ").say("%s lots", s.Lots)
	}
	w.raw("</b>\n<span>").text(s.Company).part(", ", s.City, "").raw("</span>").part("<span>", dayIn(w.lang, s.Day), "</span>").raw("</li>\n")
}

// proof is where the ledger last told of the pack.
func (w *pageWriter) proof(v *shopperView) *pageWriter {
	if v.Block == 0 {
		return w
	}
	return w.raw(`<section class="card proof">`+svgProof+"\n<div><b>").say("Checked against the ledger").raw("</b><span>").
		say("Last entry: block %s, %s", strconv.FormatInt(v.Block, 10), moment(w.lang, v.Entered)).
		raw("</span><br><span hidden>").say("Checked just now:").raw(" <span data-checked></span></span>\n<details><summary>").say("How to check it yourself").
		raw("</summary><p>").say("Whoever entered a step signed it, and it stands in a numbered block that nobody changes unnoticed. Any company of the network can show you block %s; the free program “tallyway verify” computes its hashes and checks its signatures anew.",
		strconv.FormatInt(v.Block, 10)).raw("</p></details></div></section>\n")
}

// moment is a time in one piece: no line breaks within it.
func moment(lang string, at time.Time) string {
	at = at.UTC()
	return strings.ReplaceAll(dayIn(lang, at.Format(time.DateOnly))+at.Format(" 15:04 UTC"), " ", "\u00a0")
}

// The page's drawings; it asks for no file.
const (
	svgOpen  = `<svg viewBox="0 0 24 24" aria-hidden="true">`
	svgBrand = svgOpen + `<path d="M3 4h18v6l-2-2-2 2-2-2-2 2-2-2-2 2-2-2-2 2-2-2-2 2z"/><path d="M3 20h18v-7l-2-2-2 2-2-2-2 2-2-2-2 2-2-2-2 2-2-2-2 2z" opacity=".55"/></svg>`
	svgGood  = svgOpen + `<circle cx="12" cy="12" r="9"/><path d="m8 12.500 2.700 2.700L16 9.500"/></svg>`
	svgBad   = svgOpen + `<path d="M8 3h8l5 5v8l-5 5H8l-5-5V8z"/><path d="m9 9 6 6m0-6-6 6"/></svg>`
	svgWarn  = svgOpen + `<path d="M12 3.500 22 20.500H2z"/><path d="M12 10v5M12 17.600v.2"/></svg>`
	svgMade  = svgOpen + `<path d="m12 3 8.500 4.500v9L12 21l-8.500-4.500v-9z"/><path d="M3.500 7.500 12 12l8.500-4.500M12 12v9"/></svg>`

	svgArrived = svgOpen + `<path d="M2.500 6h11v10h-11zM13.500 9.500H18l3.500 3.500v3h-8z"/><circle cx="7" cy="18" r="2"/><circle cx="17" cy="18" r="2"/></svg>`
	svgProof   = svgOpen + `<path d="M12 3 20 6v6c0 4.500-3.300 7.600-8 9-4.700-1.400-8-4.500-8-9V6z"/><path d="m8.500 12 2.500 2.500 4.500-5"/></svg>`
	svgShare   = svgOpen + `<circle cx="6" cy="12" r="2.500"/><circle cx="18" cy="6" r="2.500"/><circle cx="18" cy="18" r="2.500"/><path d="m8.300 10.900 7.400-3.800M8.300 13.100l7.400 3.800"/></svg>`
)

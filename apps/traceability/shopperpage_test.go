package traceability

import (
	"html"
	"html/template"
	"strings"
	"testing"
)

// strange is a view that says one text everywhere.
func strange(verdict, text string) *shopperView {
	return &shopperView{Verdict: verdict, Product: text, Maker: text, GTIN: text, Lot: text, Serial: text, Expiry: text, Storage: text, Reason: text, By: text,
		Since: text, Recalled: []string{text}, Gaps: true, Block: 1, Rule: text, Remedy: text, Address: text,
		Path: []shopperStep{{Kind: "made", Product: text, Company: text, City: text, Day: text, Lots: 2, Own: true}, {Kind: "arrived", Product: text, Firms: 4}}}
}

// FuzzShopperPage says that no text makes markup, whatever is in it and wherever
// it stands, and that it is read as html/template would have it read.
func FuzzShopperPage(f *testing.F) {
	for _, text := range []string{"x", `<script>alert("1")</script>`, `" onload='1`, "&lt;&#34;", "a/b?c#d", "%s %1", "\x00\xff<", "javascript:alert(1)", "鲜牛奶"} {
		f.Add(text)
	}
	pages := newShopperPages("en", func(_, text string, facts ...any) string { return sayer{}.T(text, facts...) }, "", "")
	reference := template.Must(template.New("").Parse(`{{.}}`))
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return // says nothing, and its places fall away
		}
		for _, verdict := range []string{fine, recalled, onHold, expired, unknown, unread, ""} {
			got, plain := string(pages.whole(nil, pages.write(strange(verdict, text)))), string(pages.whole(nil, pages.write(strange(verdict, "x"))))
			for _, mark := range []string{"<", ">", `"`, "'"} {
				if strings.Count(got, mark) != strings.Count(plain, mark) {
					t.Fatalf("%q becomes markup on a page that is %s", text, verdict)
				}
			}
		}
		var want strings.Builder
		if err := reference.Execute(&want, text); err != nil {
			t.Fatal(err)
		}
		if got := string(pages.writer(0).text(text).page); html.UnescapeString(got) != html.UnescapeString(want.String()) {
			t.Errorf("%q is read as %q, not as %q", text, got, want.String())
		}
	})
}

func TestShopperPageNamesALotWithASlash(t *testing.T) {
	pages := newShopperPages("en", func(_, text string, facts ...any) string { return sayer{}.T(text, facts...) }, "", "")
	page := pages.whole(nil, pages.write(&shopperView{Verdict: fine, GTIN: "09506000134352", Recalled: []string{"A/1"}}))
	has(t, string(page), `<a href="/01/09506000134352/10/A%2F1">A/1</a>`)
}

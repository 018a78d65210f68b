package query

import (
	"net/url"
	"testing"
)

// FuzzURL reads whatever parameters somebody sends: it must not panic, and what it takes must be asked without harm.
func FuzzURL(f *testing.F) {
	all := events(f)
	for _, c := range parameters {
		f.Add(url.Values{c.param: {c.value}}.Encode())
	}
	f.Add("MATCH_epc=urn:epc:idpat:itip:9506000.*.*.*.*&MATCH_anyEPC=urn:epc:idpat:cpi:*.*.*")
	f.Add("EQ_%23x=1&EQ_INNER_%23x=1&orderBy=ex:size&orderDirection=ASC&eventCountLimit=9")
	f.Fuzz(func(t *testing.T, raw string) {
		params, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		q, err := Parse(params, prefixes)
		ask(t, q, err)
		if err == nil {
			meant(q, all)
			q.Compare(all["object"], all["pack"])
		}
	})
}

func FuzzJSON(f *testing.F) {
	all := events(f)
	f.Add(`{"@context":{"ex":"https://ns.example.com/epcis/"},"eventType":["ObjectEvent"],"EQ_ex:size":12,"EXISTS_errorDeclaration":null}`)
	f.Add(`{"@context":["https://a.example/",{"ex":{"@id":"urn:x:"}}],"GE_value_CEL":8.5,"MATCH_epc":["urn:epc:idpat:sgtin:*.*.*"],"maxEventCount":3}`)
	f.Add(`{"GE_eventTime":"2026-06-01T16:00:00+08:00","EQ_booleanValue":true}`)
	f.Fuzz(func(t *testing.T, body string) {
		q, err := ParseJSON([]byte(body))
		ask(t, q, err)
		if err == nil {
			meant(q, all)
		}
	})
}

func ask(t *testing.T, q *Query, err error) {
	if err == nil {
		if len(q.Terms) > MaxTerms || q.Limit < 0 || q.Max < 0 {
			t.Errorf("%+v", q)
		}
		for _, term := range q.Terms {
			if term.Param == "" || len(term.Values) == 0 || term.test == nil {
				t.Errorf("%+v", term)
			}
		}
		return
	}
	no, ok := err.(*Error)
	if !ok || no.Text == "" || no.Remedy == "" || len(no.Param) > 200 {
		t.Errorf("%#v", err)
	}
}

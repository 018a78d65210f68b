package traceability

import (
	"context"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// This file spells GS1 keys as GS1-EPC-Format asks (EPCIS 2.0, section 12.5).
// In requests, every spelling of a key means the same.

const epcFormat = "GS1-EPC-Format"

// The values of GS1-EPC-Format.
const (
	anyFormat  = "No_Preference"
	linkFormat = "Always_GS1_Digital_Link" // where the header is left out
	urnFormat  = "Always_EPC_URN"
	asItStands = "Never_Translates"
)

var errEPCFormat = chaincode.Rule{Code: "epcis/epc-format", Kind: chaincode.Malformed,
	Text: "GS1-EPC-Format does not have this value.", Remedy: "Send No_Preference, Always_GS1_Digital_Link, Always_EPC_URN or Never_Translates; without the header, keys come as Digital Links."}

// speller is what spells the keys of an answer, which says how it does.
func (a *app) speller(c *web.Ctx) (func(uri string) string, error) {
	asked := c.Request().Header.Get(epcFormat)
	spell, err := a.spelling(c.Context(), asked)
	if err != nil {
		return nil, err
	}
	switch asked {
	case "":
		asked = linkFormat
	case anyFormat:
		asked = asItStands
	}
	c.Response().Header().Set(epcFormat, asked)
	return spell, nil
}

// spelling is what spells keys in a format of GS1-EPC-Format.
func (a *app) spelling(ctx context.Context, format string) (func(uri string) string, error) {
	switch format {
	case "", linkFormat:
		return asLink, nil
	case anyFormat, asItStands:
		return func(uri string) string { return uri }, nil
	case urnFormat:
		return a.asURN(ctx)
	}
	return nil, errEPCFormat.Refuse("%s", format)
}

// asLink turns an EPC URN into a Digital Link. A Digital Link stays on the
// domain where its sender put it.
func asLink(uri string) string {
	if !strings.HasPrefix(uri, "urn:epc:") {
		return uri
	}
	key, err := gs1.Parse(uri)
	if err != nil {
		return uri
	}
	return key.URI()
}

// asURN turns a Digital Link into an EPC URN. That takes the company prefix,
// which a Digital Link does not mark off: it is that of a company that the
// ledger knows. A key of another company stays as it is.
func (a *app) asURN(ctx context.Context) (func(uri string) string, error) {
	lists, err := readmodel.All[string](ctx, a.db, `SELECT prefixes FROM tr_parties WHERE prefixes <> ''`)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, list := range lists {
		for _, prefix := range strings.Fields(list) {
			known[prefix] = true
		}
	}
	return func(uri string) string {
		if strings.HasPrefix(uri, "urn:") {
			return uri
		}
		key, err := gs1.Parse(uri)
		if err != nil {
			return uri
		}
		value := key.Primary.Value
		for start := range min(2, len(value)) { // behind the extension or indicator digit, where a key has one
			for size := min(12, len(value)-start); size >= 6; size-- {
				if prefix := value[start : start+size]; known[prefix] && key.HasPrefix(prefix) {
					if urn, ok := key.URN(prefix); ok {
						return urn
					}
				}
			}
		}
		return uri
	}, nil
}

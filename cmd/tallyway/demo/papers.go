package demo

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/tallyway/tallyway/apps/traceability"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/host"
)

// paper is a document that a company has on a lot of its own.
type paper struct {
	trace.AttachDocument
	by   string
	lead string        // what it certifies
	told []export.Fact // beside what the ledger is told
}

// papers lie with the latest Gouda on the shelf, and with the milk of the same
// morning: one for shoppers, one for the chain, one for a customer.
func papers(now time.Time) []paper {
	day := now.In(local).AddDate(0, 0, -6)
	date := day.Format("060102")
	on := func(t time.Time) string { return t.Format(time.DateOnly) }
	wheel, tank := lotID(gouda, "G"+date), lotID(milk, "M"+date)
	return []paper{
		{by: cheese, lead: "The products below were made in keeping with the rules for organic processing, from organic milk.",
			told:           []export.Fact{{Label: "Products", Value: "Harbour Gouda, Mozzarella, Whey powder"}, {Label: "Operator", Value: "Harbour Foods, Tianjin"}},
			AttachDocument: trace.AttachDocument{About: wheel, Sharing: trace.Public, Facts: trace.Facts{Kind: trace.Certification, Scheme: "organic", Number: "NOC-2026-01871", Issuer: "Northern Organic Certification", Title: "Organic certificate", TitleZh: "有机产品认证证书", From: on(day.AddDate(0, -4, 0)), Until: on(day.AddDate(0, 8, 0))}}},
		{by: dairy, lead: "The herd that this milk is from was inspected and found free of signs of foot-and-mouth disease, brucellosis and bovine tuberculosis.",
			told:           []export.Fact{{Label: "Herd", Value: "Greenfield Dairy, 412 cows"}, {Label: "Inspected", Value: on(day.AddDate(0, 0, -3))}},
			AttachDocument: trace.AttachDocument{About: tank, Sharing: trace.Linked, Facts: trace.Facts{Kind: trace.OtherDocument, Number: "AH-15-" + date, Issuer: "Hohhot Animal Health Inspection", Title: "Veterinary health certificate", TitleZh: "动物检疫合格证明", From: on(day), Until: on(day.AddDate(0, 0, 30))}}},
		{by: cheese, lead: "The sample was taken from the vat before the cheese was packed. Methods: GB 4789.30 (Listeria monocytogenes), GB 4789.4 (Salmonella), GB 5009.5 (protein).",
			told:           []export.Fact{{Label: "Listeria", Value: "not found in 25 g"}, {Label: "Salmonella", Value: "not found in 25 g"}, {Label: "Protein", Value: "24.6 g / 100 g"}},
			AttachDocument: trace.AttachDocument{About: wheel, Sharing: trace.Restricted, With: []string{market}, Facts: trace.Facts{Kind: trace.LabResult, Number: "TDL-" + date + "-07", Issuer: "Tianjin Dairy Laboratory", Title: "Laboratory report", TitleZh: "检验报告", From: on(day)}}},
	}
}

// file attaches the papers: their files are kept by the app, which has to be open.
func file(ctx context.Context, h *host.Host) error {
	for _, p := range papers(h.Now()) {
		pdf, err := p.pdf(h.Now())
		if err != nil {
			return err
		}
		if _, err := traceability.Attach(ctx, h, host.Actor{MSP: trade, User: p.by}, p.by, p.AttachDocument, pdf); err != nil {
			return fmt.Errorf("%s attaches the %s: %w", p.by, p.Facts.Title, err)
		}
	}
	return nil
}

func (p paper) pdf(at time.Time) ([]byte, error) {
	facts := []export.Fact{{Label: "Number", Value: p.Facts.Number}, {Label: "Issued by", Value: p.Facts.Issuer}, {Label: "Lot", Value: p.About}, {Label: "Date", Value: p.Facts.From}}
	if p.Facts.Until != "" {
		facts = append(facts, export.Fact{Label: "Valid until", Value: p.Facts.Until})
	}
	var b bytes.Buffer
	err := export.CertificatePDF(&b, export.Certificate{Title: p.Facts.Title + " " + p.Facts.TitleZh, Lead: p.lead, Facts: append(facts, p.told...),
		Foot: "A document of the demo: its companies and its issuer do not exist.", URL: "https://id.gs1.org/" + p.About, At: at})
	return b.Bytes(), err
}

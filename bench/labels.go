package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	barcode "github.com/boombuler/barcode/qr"
	"github.com/jung-kurt/gofpdf"

	"github.com/tallyway/tallyway/shared/export"
)

// labelsRow is a thousand labels in one PDF beside the PDF library alone with the
// same layout: the same texts in the library's own font, the same codes drawn bar
// by bar.
func labelsRow(ctx context.Context, o options) ([]result, error) {
	n := o.pick(20, 200, 1000)
	ours := func(ctx context.Context) (float64, error) {
		return labelsASecond(ctx, n, func() error {
			var labels []export.Label
			for i := range n {
				labels = append(labels, export.Label{Name: "Fresh milk", URL: labelAddress(i), HRI: fmt.Sprintf("(01)09506000134352(10)L%d", i),
					Lines: []export.LabelLine{{Caption: "GTIN", Value: "09506000134352"}, {Caption: "Lot", Value: fmt.Sprintf("L%d", i)}, {Caption: "Best before", Value: "2026-04-01"}, {Caption: "Made by", Value: "Greenfield Dairy"}}})
			}
			return export.LabelPDF(&bytes.Buffer{}, labels, export.LabelOptions{Stock: export.Roll100x60})
		})
	}
	bare := func(ctx context.Context) (float64, error) {
		return labelsASecond(ctx, n, func() error { return bareLabels(n) })
	}
	all, err := inTurns(ctx, o.rounds, ours, bare)
	if err != nil {
		return nil, err
	}
	return []result{{Job: fmt.Sprintf("%d labels in one PDF", n), Beside: "gofpdf alone, same layout", Unit: "x", Figures: ratios(all[0], all[1]), AtLeast: 0.8,
		Sides: map[string][]float64{"ours, labels/s": all[0], "gofpdf, labels/s": all[1]}}}, nil
}

func labelAddress(i int) string {
	return fmt.Sprintf("https://trace.example.com/01/09506000134352/10/L%d", i)
}

func labelsASecond(ctx context.Context, n int, write func() error) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	began := time.Now()
	err := write()
	return float64(n) / time.Since(began).Seconds(), err
}

// bareLabels sets the labels as the library's manual has it.
func bareLabels(n int) error {
	pdf := gofpdf.New("P", "mm", "A4", "")
	pdf.SetAutoPageBreak(false, 0)
	for i := range n {
		pdf.AddPageFormat("P", gofpdf.SizeType{Wd: 100, Ht: 60})
		text := func(x, y, size float64, style, text string) {
			pdf.SetFont("Helvetica", style, size)
			pdf.Text(x, y, text)
		}
		text(4, 9, 15, "B", "Fresh milk")
		pdf.SetLineWidth(0.3)
		pdf.Line(4, 11.8, 96, 11.8)
		for j, line := range [][2]string{{"GTIN", "09506000134352"}, {"Lot", fmt.Sprintf("L%d", i)}, {"Best before", "2026-04-01"}, {"Made by", "Greenfield Dairy"}} {
			y := 12.6 + float64(j)*9.6
			text(4, y+3.3, 6, "", line[0])
			text(4, y+7.9, 11, "B", line[1])
		}
		text(4, 55, 9, "", fmt.Sprintf("(01)09506000134352(10)L%d", i))
		code, err := barcode.Encode(labelAddress(i), barcode.M, barcode.Auto)
		if err != nil {
			return err
		}
		size := code.Bounds().Dx()
		module := 34 / float64(size)
		for y := range size {
			for x := 0; x < size; x++ {
				from := x
				for x < size {
					if r, _, _, _ := code.At(x, y).RGBA(); r > 1<<15 {
						break
					}
					x++
				}
				if x > from {
					pdf.Rect(62+float64(from)*module, 14+float64(y)*module, float64(x-from)*module, module, "F")
				}
			}
		}
	}
	return pdf.Output(&bytes.Buffer{})
}

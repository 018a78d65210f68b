package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity/accounts"
)

// fsmaRow is the sortable spreadsheet of records under FSMA 204, from the tables
// through the running host, beside excelize's StreamWriter fed with the same
// cells from memory.
func fsmaRow(ctx context.Context, o options) ([]result, error) {
	n := o.pick(500, 10_000, 100_000)
	h, err := records(ctx, o, n)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	token, _, err := h.Accounts.CreateToken(ctx, "dairy", "bench", []accounts.Scope{accounts.Write}, time.Hour)
	if err != nil {
		return nil, err
	}
	var sheet bytes.Buffer
	if err := download(ctx, h.Address()+"/traceability/fsma.xlsx", token, &sheet); err != nil {
		return nil, err
	}
	cells, err := cellsOf(sheet.Bytes(), "Transformation")
	if err != nil {
		return nil, err
	}
	if len(cells) != n+1 {
		return nil, fmt.Errorf("the sheet has %d records of %d", len(cells)-1, n)
	}
	figures, err := inTurns(ctx, o.rounds,
		func(ctx context.Context) (float64, error) {
			begun := time.Now()
			err := download(ctx, h.Address()+"/traceability/fsma.xlsx", token, io.Discard)
			return float64(n) / time.Since(begun).Seconds(), err
		},
		func(context.Context) (float64, error) {
			begun := time.Now()
			err := streamCells(cells, io.Discard)
			return float64(n) / time.Since(begun).Seconds(), err
		})
	if err != nil {
		return nil, err
	}
	return []result{{Job: fmt.Sprintf("FSMA sheet, %d records, query included", n), Beside: "excelize StreamWriter from memory", Unit: "x",
		Figures: ratios(figures[0], figures[1]), AtLeast: 1, Sides: map[string][]float64{"ours, records/s": figures[0], "excelize, rows/s": figures[1]}}}, nil
}

// records is a host with so many records of one soft cheese.
func records(ctx context.Context, o options, n int) (*host.Host, error) {
	dir := filepath.Join(o.raw, fmt.Sprintf("fsma-%d", n))
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	p := suite()
	p.Found = func(ctx context.Context, h *host.Host) error {
		if err := logLots(ctx, h, n); err != nil {
			return err
		}
		_, err := h.Accounts.Create(ctx, accounts.Registration{Name: "dairy", Display: "Dairy", MSP: benchOrg, Language: "en", Password: "lantern-orchid-gravel-teapot"})
		return err
	}
	h, err := p.Start(ctx, hostConfig(dir), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	_, _, err = host.Do[trace.Described](ctx, h, host.Actor{MSP: benchOrg, User: "dairy"}, trace.DescribeProduct{GTIN: benchProduct, Name: "Soft cheese",
		Unit: "KGM", ShelfLife: 14, List: "cheese-fresh-soft", Commodity: "Cheese", Packaging: "Tub of 5 kg"})
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

func download(ctx context.Context, url, token string, to io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	_, err = io.Copy(to, response.Body)
	return err
}

func cellsOf(book []byte, sheet string) ([][]any, error) {
	file, err := excelize.OpenReader(bytes.NewReader(book))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows, err := file.GetRows(sheet)
	var all [][]any
	for _, row := range rows {
		cells := make([]any, len(row))
		for i, text := range row {
			cells[i] = text
		}
		all = append(all, cells)
	}
	return all, err
}

func streamCells(rows [][]any, to io.Writer) error {
	file := excelize.NewFile()
	defer file.Close()
	stream, err := file.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	for i, row := range rows {
		if err := stream.SetRow("A"+strconv.Itoa(i+1), row); err != nil {
			return err
		}
	}
	if err := stream.Flush(); err != nil {
		return err
	}
	return file.Write(to)
}

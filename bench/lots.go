package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tallyway/tallyway/apps/traceability"
	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/web"
)

const (
	benchProduct = "09506000134352"
	benchPlace   = "9506000134352"
	lotsAnEvent  = 100 // one morning's production
	eventsABatch = 5
	loaders      = 8
)

func lotAddress(i int) string { return fmt.Sprintf("01/%s/10/L%08d", benchProduct, i) }

// suite is the program that tallyway serves, over one member.
func suite() host.Program {
	return host.Program{Contracts: all.Contracts(), Apps: []host.App{traceability.App()}, Members: []string{benchOrg}}
}

// hostConfig listens on a free port and keeps no visitor out: here all of them
// come from one address.
func hostConfig(data string) host.Config {
	free := web.Rate{PerSecond: 1e9, Burst: 1e9}
	limits := web.DefaultLimits
	limits.PerAddress, limits.PerUser, limits.Concurrent = free, free, 1<<16
	return host.Config{Data: data, Listen: "127.0.0.1:0", Clock: time.Now, Limits: limits}
}

// lots is a data folder with so many lots of one product, logged through the
// contracts and followed by the read model. It is kept from one run to the next;
// tables that have got another shape since are filled anew.
func lots(ctx context.Context, o options, n int) (string, error) {
	dir := filepath.Join(o.raw, fmt.Sprintf("lots-%d", n))
	ready := filepath.Join(dir, "ready")
	p := suite()
	if _, err := os.Stat(ready); err != nil {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
		fmt.Fprintf(os.Stderr, "%s logging %d lots …\n", time.Now().Format(time.TimeOnly), n)
		p.Found = func(ctx context.Context, h *host.Host) error { return logLots(ctx, h, n) }
	}
	h, err := p.Start(ctx, hostConfig(dir), slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	for h.Follower.Await(ctx, h.Ledger.Head().Block) != nil && ctx.Err() == nil {
	}
	if err := h.Close(); err != nil {
		return "", err
	}
	return dir, os.WriteFile(ready, nil, 0o644)
}

// logLots founds a network of one dairy and logs its lots.
func logLots(ctx context.Context, h *host.Host, n int) error {
	ca, err := h.Wallet.CACert(benchOrg)
	if err != nil {
		return err
	}
	dairy := events.Company{ID: "dairy", Name: "Dairy", GLN: benchPlace}
	for _, e := range []identity.Enrolment{
		{MSP: benchOrg, User: "secretary", Roles: []string{party.Admin}},
		{MSP: benchOrg, User: dairy.ID, Party: dairy.ID, Roles: []string{party.Operator, party.Admin}},
	} {
		if _, err := h.Wallet.Issue(e); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		user    string
		command any
	}{
		{"secretary", party.Found{Members: []party.Member{{ID: benchOrg, Name: "Bench", CA: string(ca), Since: h.Now()}}}},
		{"secretary", party.Register{ID: dairy.ID, Profile: party.Profile{Name: dairy.Name, Kinds: []string{party.KindManufacturer},
			Prefixes: []string{"9506000134"}, GLNs: []string{benchPlace}}}},
		{dairy.ID, trace.DescribePlace{GLN: benchPlace, Name: "Plant", City: "Hohhot", Country: "CN"}},
		{dairy.ID, trace.DescribeProduct{GTIN: benchProduct, Name: "Fresh milk", NameZh: "鲜牛奶", Unit: "KGM", ShelfLife: 14, Storage: "2–6 °C"}},
	} {
		if _, _, err := host.Do[json.RawMessage](ctx, h, host.Actor{MSP: benchOrg, User: c.user}, c.command); err != nil {
			return err
		}
	}
	signer, err := h.Wallet.Get(benchOrg, dairy.ID)
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	failures := make([]error, loaders)
	const step = lotsAnEvent * eventsABatch
	for k := range loaders {
		group.Go(func() {
			for from := k * step; from < n && failures[k] == nil; from += loaders * step {
				failures[k] = logBatch(ctx, h.Ledger, signer, dairy, from, min(from+step, n))
			}
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// logBatch logs the lots from one number to another in one transaction.
func logBatch(ctx context.Context, l ledger.Ledger, signer ledger.Signer, by events.Company, from, to int) error {
	at := time.Now().Add(-time.Hour)
	var batch chaincode.Batch
	for ; from < to; from += lotsAnEvent {
		e := events.Logged(by, at, events.Goods{Lot: lotAddress(from), Amount: gs1.Whole(100), Unit: "KGM"}, at.AddDate(0, 0, 14).Format(time.DateOnly))
		for i := from + 1; i < min(from+lotsAnEvent, to); i++ {
			more := e.Quantities[0]
			more.Class = "https://id.gs1.org/" + lotAddress(i)
			e.Quantities = append(e.Quantities, more)
		}
		e.ILMD = e.ILMD[1:] // the lot number is in each id
		c, err := events.Capture(e, gs1.Amount{})
		if err != nil {
			return err
		}
		body, err := json.Marshal(c)
		if err != nil {
			return err
		}
		batch.Commands = append(batch.Commands, chaincode.Item{Name: chaincode.NameOf(c), Body: body})
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	receipt, err := l.Submit(ctx, ledger.Request{Signer: signer, Name: chaincode.NameOf(batch), Body: body})
	if err != nil {
		return err
	}
	var answers []chaincode.Answer
	if err := json.Unmarshal(receipt.Reply, &answers); err != nil {
		return err
	}
	for _, a := range answers {
		if a.Refusal != nil {
			return fmt.Errorf("log lots: %w", a.Refusal)
		}
	}
	return nil
}

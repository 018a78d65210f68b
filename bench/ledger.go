package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/embedded"
)

// writers submit at once, each its next command as soon as the last is durable.
const writers = 64

// ledgerRow is the embedded ledger beside the bare engine under it, beside
// SQLite, and beside what signatures alone cost.
func ledgerRow(ctx context.Context, o options) ([]result, error) {
	s, err := ledgerSides(ctx, o)
	if err != nil {
		return nil, err
	}
	all := s.results("embedded ledger, 64 writers, signed and checked")
	if _, err := exec.LookPath("strace"); err != nil {
		return append(all, result{Job: "fsyncs and a slow disk", Missing: "strace is not installed"}), nil
	}
	fsyncs, err := side(func(ctx context.Context) (float64, error) { return fsyncsPerWrite(ctx, o) }).atWork(ctx)
	if err != nil {
		return all, err
	}
	all = append(all, result{Job: "embedded ledger, fsyncs", Beside: "transactions", Unit: "a transaction",
		Figures: []float64{fsyncs}, AtMost: 0.1})
	var slow ledgerFigures
	if err := runChild(ctx, o, "ledger", &slow, "strace", "-f", "--seccomp-bpf", "-o", "/dev/null",
		"-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_exit=5000"); err != nil {
		return all, err
	}
	return append(all, slow.results("the same, 5 ms added to each fsync")...), nil
}

// ledgerFigures are transactions a second, one a round.
type ledgerFigures struct{ Ours, Bare, SQLite, Grouped, Signatures, Hot []float64 }

func (s ledgerFigures) results(job string) []result {
	sides := map[string][]float64{"ours": s.Ours, "kvledger": s.Bare, "sqlite": s.SQLite, "sqlite grouped": s.Grouped,
		"signatures": s.Signatures, "one series": s.Hot}
	return []result{
		{Job: job, Beside: "bare kvledger, same blocks, same two signatures", Unit: "x", Figures: ratios(s.Ours, s.Bare), AtLeast: 0.9, Sides: sides},
		{Job: job, Beside: "SQLite synchronous=FULL, a transaction a write", Unit: "x", Figures: ratios(s.Ours, s.SQLite), AtLeast: 1},
		{Job: job, Beside: "SQLite synchronous=FULL, up to 64 writes a transaction, no signatures", Unit: "x", Figures: ratios(s.Ours, s.Grouped)},
		{Job: job, Beside: "two signatures made and checked, nothing else", Unit: "x", Figures: ratios(s.Ours, s.Signatures)},
		{Job: job + ", one seller's series", Beside: "64 series", Unit: "x", Figures: ratios(s.Hot, s.Ours), AtLeast: 0.25},
	}
}

// ledgerSides lets all sides take turns.
func ledgerSides(ctx context.Context, o options) (f ledgerFigures, err error) {
	dir, err := os.MkdirTemp(o.raw, "ledger-")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	b, err := newLedgerBench(ctx, dir)
	if err != nil {
		return f, err
	}
	defer b.close()
	bare, err := openBare(filepath.Join(dir, "bare"))
	if err != nil {
		return f, err
	}
	defer bare.close()
	table, err := openTable(filepath.Join(dir, "table.db"))
	if err != nil {
		return f, err
	}
	defer table.close()
	var written []written // by ours in this round
	figures, err := inTurns(ctx, o.rounds,
		func(ctx context.Context) (rate float64, err error) {
			written, rate, err = b.write(ctx, b.own, o.spell(), func(writer int) string { return fmt.Sprintf("series-%d", writer) })
			return rate, err
		},
		func(ctx context.Context) (float64, error) { return bare.replay(written, b.check) },
		func(ctx context.Context) (float64, error) { return table.insertEach(ctx, written, o.spell()) },
		func(ctx context.Context) (float64, error) { return table.insertGrouped(ctx, written, o.spell()) },
		func(ctx context.Context) (float64, error) { return b.signOnly(written, o.spell()) },
		func(ctx context.Context) (rate float64, err error) {
			_, rate, err = b.write(ctx, b.hot, o.spell(), func(int) string { return "one-series" })
			return rate, err
		})
	if err != nil {
		return f, err
	}
	return ledgerFigures{figures[0], figures[1], figures[2], figures[3], figures[4], figures[5]}, nil
}

// Issue takes the next number of a series: the shape of an invoice's issue,
// with one record that every writer of the series must read and change.
type Issue struct {
	Series string `json:"series"`
	Body   string `json:"body"`
}

// Issued tells of it.
type Issued struct {
	Series string `json:"series"`
	Number int    `json:"number"`
}

type document struct {
	Body string `json:"body"`
}

var (
	series    = chaincode.Table[int]{Name: "series"}
	documents = chaincode.Table[document]{Name: "document"}
)

func issue(tx *chaincode.Tx, c Issue) (int, error) {
	number, _ := series.Get(tx, c.Series)
	number++
	series.Put(tx, number, c.Series)
	documents.Put(tx, document{c.Body}, c.Series, fmt.Sprintf("%09d", number))
	tx.Emit(Issued{c.Series, number})
	return number, nil
}

const benchOrg = "BenchMSP"

// ledgerBench is two ledgers over one wallet: one where every writer has a
// series of its own, one where all share one.
type ledgerBench struct {
	wallet   *identity.Wallet
	verifier *identity.Verifier
	node     ledger.Signer
	users    []*overheard
	own, hot *embedded.Ledger
}

// overheard is a user's identity that remembers what was signed last: the
// transaction's payload.
type overheard struct {
	ledger.Signer
	last []byte
}

func (s *overheard) Sign(message []byte) ([]byte, error) {
	s.last = message
	return s.Signer.Sign(message)
}

func newLedgerBench(ctx context.Context, dir string) (*ledgerBench, error) {
	wallet, err := identity.Open(filepath.Join(dir, "wallet"), []byte("a secret of thirty-two characters"), time.Now)
	if err != nil {
		return nil, err
	}
	if err := wallet.CreateMember(benchOrg); err != nil {
		return nil, err
	}
	b := &ledgerBench{wallet: wallet, verifier: identity.NewVerifier(wallet, time.Now)}
	if b.node, err = wallet.Node(benchOrg); err != nil {
		return nil, err
	}
	for i := range writers {
		user, err := wallet.Issue(identity.Enrolment{MSP: benchOrg, Party: "seller", User: fmt.Sprintf("user-%d", i)})
		if err != nil {
			return nil, err
		}
		b.users = append(b.users, &overheard{Signer: user})
	}
	if b.own, err = b.open(ctx, filepath.Join(dir, "own")); err != nil {
		return nil, err
	}
	b.hot, err = b.open(ctx, filepath.Join(dir, "hot"))
	return b, err
}

func (b *ledgerBench) open(ctx context.Context, dir string) (*embedded.Ledger, error) {
	return embedded.Open(ctx, embedded.Config{
		Dir: dir, Orgs: []string{benchOrg}, Verifier: b.verifier,
		Contracts: chaincode.New(chaincode.Contract{Name: "bench",
			Functions: []chaincode.Function{chaincode.Command(issue)}, Events: []any{Issued{}}}),
		Endorser: func(org string) (ledger.Signer, error) { return b.wallet.Node(org) },
	})
}

func (b *ledgerBench) close() {
	b.own.Close()
	b.hot.Close()
}

// written is one committed transaction and who signed it.
type written struct {
	ledger.Receipt
	user    ledger.Signer
	node    ledger.Signer
	payload []byte // what the user signed
	results []byte // what the node signed
}

// write has all writers issue documents for the spell. The rate counts what was
// durable.
func (b *ledgerBench) write(ctx context.Context, l ledger.Ledger, spell time.Duration, seriesOf func(writer int) string) ([]written, float64, error) {
	perWriter, failures := make([][]written, writers), make([]error, writers)
	body := strings.Repeat("a line of an invoice; ", 28) // some 600 bytes
	var group sync.WaitGroup
	begun := time.Now()
	for i, user := range b.users {
		group.Go(func() {
			command, err := json.Marshal(Issue{Series: seriesOf(i), Body: body})
			for err == nil && time.Since(begun) < spell {
				var receipt ledger.Receipt
				receipt, err = l.Submit(ctx, ledger.Request{Signer: user, Name: chaincode.NameOf(Issue{}), Body: command})
				perWriter[i] = append(perWriter[i], written{Receipt: receipt, user: user.Signer, node: b.node, payload: user.last})
			}
			failures[i] = err
		})
	}
	group.Wait()
	elapsed := time.Since(begun).Seconds()
	var all []written
	for i := range writers {
		if failures[i] != nil {
			return nil, 0, failures[i]
		}
		all = append(all, perWriter[i]...)
	}
	for i := range all {
		var err error
		if all[i].results, err = endorsed(all[i].payload); err != nil {
			return nil, 0, err
		}
	}
	return all, float64(len(all)) / elapsed, nil
}

// endorsed takes out of a transaction what its endorsers signed.
func endorsed(payload []byte) ([]byte, error) {
	outer, tx, action := &common.Payload{}, &peer.Transaction{}, &peer.ChaincodeActionPayload{}
	if err := proto.Unmarshal(payload, outer); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(outer.Data, tx); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(tx.Actions[0].Payload, action); err != nil {
		return nil, err
	}
	return action.Action.ProposalResponsePayload, nil
}

// check makes and checks the two signatures of one transaction, the user's over
// the payload and the node's over the results, and gives the user's.
func (b *ledgerBench) check(w written) ([]byte, error) {
	endorser := w.node.Creator()
	message := append(append([]byte{}, w.results...), endorser...)
	endorsement, err := w.node.Sign(message)
	if err != nil {
		return nil, err
	}
	if _, err := b.verifier.Verify(endorser, message, endorsement); err != nil {
		return nil, err
	}
	signature, err := w.user.Sign(w.payload)
	if err != nil {
		return nil, err
	}
	_, err = b.verifier.Verify(w.user.Creator(), w.payload, signature)
	return signature, err
}

// signOnly is the bound that the processor sets: signatures, and no ledger.
func (b *ledgerBench) signOnly(all []written, spell time.Duration) (float64, error) {
	var done atomic.Int64
	var failed atomic.Value
	var group sync.WaitGroup
	begun := time.Now()
	for i := range writers {
		group.Go(func() {
			for j := i; time.Since(begun) < spell; j += writers {
				if _, err := b.check(all[j%len(all)]); err != nil {
					failed.Store(err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	err, _ := failed.Load().(error)
	return float64(done.Load()) / time.Since(begun).Seconds(), err
}

// fsyncsPerWrite counts them from outside, in a child under strace.
func fsyncsPerWrite(ctx context.Context, o options) (float64, error) {
	log, err := os.CreateTemp(o.raw, "fsyncs-")
	if err != nil {
		return 0, err
	}
	log.Close()
	defer os.Remove(log.Name())
	var writes int
	if err := runChild(ctx, o, "fsyncs", &writes, "strace", "-f", "--seccomp-bpf", "-o", log.Name(),
		"-e", "trace=fsync,fdatasync,sync_file_range,"+markCall); err != nil {
		return 0, err
	}
	b, err := os.ReadFile(log.Name())
	if err != nil {
		return 0, err
	}
	parts := strings.Split(string(b), " "+markCall+"(")
	if len(parts) != 3 {
		return 0, fmt.Errorf("strace saw %d marks, want 2", len(parts)-1)
	}
	syncs := 0
	for line := range strings.Lines(parts[1]) {
		if strings.Contains(line, "sync") && !strings.Contains(line, "resumed>") {
			syncs++
		}
	}
	return float64(syncs) / float64(writes), nil
}

// markCall is a system call that nothing else here makes.
const markCall = "getpriority"

// countedWrites writes for a spell, between two marks.
func countedWrites(ctx context.Context, o options) (int, error) {
	dir, err := os.MkdirTemp(o.raw, "fsyncs-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	b, err := newLedgerBench(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer b.close()
	syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	all, _, err := b.write(ctx, b.own, o.spell(), func(writer int) string { return fmt.Sprintf("series-%d", writer) })
	syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	return len(all), err
}

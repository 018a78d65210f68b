package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/ledger/embedded"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// Verify checks every block of the ledger, its hashes and signatures and what
// they lead to, then every row of the read model against a replay of the ledger,
// and what apps keep beside it. The error names what is wrong with each, the first thing first.
func (h *Host) Verify(ctx context.Context, progress func(text string)) error {
	head := h.Ledger.Head().Block
	wrong := h.Ledger.Verify(ctx, nil)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if wrong == nil {
		progress(fmt.Sprintf("ledger: %d blocks, every hash and signature checked", head+1))
	}
	wrong = errors.Join(wrong, h.verifyRows(ctx, progress))
	for _, app := range h.Program.Apps {
		if app.Verify != nil {
			wrong = errors.Join(wrong, app.Verify(ctx, h, progress))
		}
	}
	return wrong
}

// verifyRows compares the read model with the events as the ledger gives them.
func (h *Host) verifyRows(ctx context.Context, progress func(text string)) error {
	scratch, err := readmodel.Open(ctx, "sqlite::memory:")
	if err != nil {
		return err
	}
	defer scratch.Close()
	differences, err := h.Follower.Compare(ctx, scratch)
	if err != nil {
		return fmt.Errorf("the read model cannot be compared: %w", err)
	}
	var all []error
	for _, d := range differences {
		all = append(all, fmt.Errorf("the read model differs from the ledger: %s; `tallyway rebuild` makes it anew", d))
	}
	if len(all) == 0 {
		progress("read model: every row is what the ledger says")
	}
	return errors.Join(all...)
}

// VerifyFolder checks the ledger of a data folder that does not open: for then
// there is nobody to ask. The read model is not compared.
func VerifyFolder(ctx context.Context, config Config, progress func(text string)) error {
	if err := config.check(); err != nil {
		return err
	}
	h := &Host{Config: config, Log: slog.New(slog.DiscardHandler)}
	if err := h.lockData(); err != nil {
		return err
	}
	defer h.lock.Close()
	wallet, err := openWallet(config, config.Clock)
	if err != nil {
		return err
	}
	members, err := wallet.Members()
	if err != nil {
		return err
	}
	progress("the ledger does not open, so its files are checked by themselves and the read model is left aside")
	return embedded.VerifyDir(ctx, config.path("ledger"), members, identity.NewVerifier(wallet, config.Clock), nil)
}

// controlRoutes are what an operator's commands ask of a running host.
func (h *Host) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"address": h.Address(), "block": h.Ledger.Head().Block})
	})
	mux.HandleFunc("POST /verify", reporting(h.Verify))
	mux.HandleFunc("POST /rebuild", reporting(h.Rebuild))
	mux.HandleFunc("POST /backup", func(w http.ResponseWriter, r *http.Request) {
		if err := h.Backup(r.Context(), w); err != nil {
			h.Log.Error("back up", "error", err)
			panic(http.ErrAbortHandler) // the reader must not take half a backup for a whole one
		}
	})
	return mux
}

// Rebuild drops the derived tables and replays the ledger.
func (h *Host) Rebuild(ctx context.Context, progress func(text string)) error {
	if err := h.Follower.Rebuild(ctx); err != nil {
		return err
	}
	progress(fmt.Sprintf("read model: replayed to block %d", h.Ledger.Head().Block))
	return nil
}

// report is one line of a long answer on the control port.
type report struct {
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
	Done  bool   `json:"done,omitempty"`
}

// reporting answers with progress as it comes, a line of JSON each.
func reporting(work func(context.Context, func(string)) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		lines := json.NewEncoder(w)
		say := func(l report) {
			lines.Encode(l)
			http.NewResponseController(w).Flush()
		}
		if err := work(r.Context(), func(text string) { say(report{Text: text}) }); err != nil {
			say(report{Error: err.Error(), Done: true})
			return
		}
		say(report{Done: true})
	}
}

// Follow reads a long answer to its end.
func Follow(answer io.Reader, progress func(text string)) error {
	for lines := json.NewDecoder(answer); ; {
		var l report
		if err := lines.Decode(&l); err != nil {
			return fmt.Errorf("the server stopped in the middle of its answer: %w", err)
		}
		switch {
		case l.Error != "":
			return errors.New(l.Error)
		case l.Done:
			return nil
		}
		progress(l.Text)
	}
}

package host

import (
	"encoding/json"
	"net/http"
)

// controlRoutes are what an operator's commands ask of a running host.
func (h *Host) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"address": h.Address(), "block": h.Ledger.Head().Block})
	})
	return mux
}

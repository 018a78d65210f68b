// Package fabriclog sends what Fabric's own packages log, which goes through one
// global, to the suite's log.
package fabriclog

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/hyperledger/fabric-lib-go/common/flogging"
)

// Fabric logs through one global; whoever asked last hears it.
var (
	fabricLog     atomic.Pointer[slog.Logger]
	fabricLogOnce sync.Once
)

// Route sends Fabric's log to ours. FABRIC_LOGGING_SPEC says how much of it;
// without one, errors only.
func Route(to *slog.Logger) {
	fabricLog.Store(to)
	fabricLogOnce.Do(func() {
		spec := os.Getenv("FABRIC_LOGGING_SPEC")
		if spec == "" {
			spec = "error"
		}
		flogging.Init(flogging.Config{Format: "%{level}\t%{module}\t%{message}", LogSpec: spec, Writer: logWriter{}})
	})
}

// logWriter takes one record a write: level, module and message between tabs.
type logWriter struct{}

func (logWriter) Write(line []byte) (int, error) {
	parts := bytes.SplitN(bytes.TrimSpace(line), []byte("\t"), 3)
	if len(parts) < 3 {
		parts = [][]byte{[]byte("INFO"), []byte("fabric"), line}
	}
	level := map[string]slog.Level{"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARN": slog.LevelWarn}
	l, ok := level[string(parts[0])]
	if !ok {
		l = slog.LevelError
	}
	fabricLog.Load().Log(context.Background(), l, string(parts[2]), "module", string(parts[1]))
	return len(line), nil
}

// Sync has nothing to do: every record is handed on at once.
func (logWriter) Sync() error { return nil }

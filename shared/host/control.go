package host

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A running host holds its data folder: the ledger's files have one owner. What
// other programs on the machine ask of it (backup, verify) goes over a loopback
// port with a secret, both written to a file that only the owner can read.
type control struct {
	Address string `json:"address"`
	Secret  string `json:"secret"`
	PID     int    `json:"pid"`

	file   string
	server *http.Server
}

const controlFile = "control.json"

// openControl starts answering on a loopback port and writes where.
func openControl(dir string, handler http.Handler) (*control, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the control port: %w", err)
	}
	c := &control{Address: listener.Addr().String(), Secret: rand.Text(), PID: os.Getpid(), file: filepath.Join(dir, controlFile)}
	c.server = &http.Server{Handler: c.guard(handler), ReadHeaderTimeout: 10 * time.Second}
	b, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.file, b, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("write the control file: %w", err)
	}
	go c.server.Serve(listener)
	return c, nil
}

func (c *control) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(given), []byte(c.Secret)) != 1 {
			http.Error(w, "the control port wants the secret of its control file", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *control) close(ctx context.Context) {
	os.Remove(c.file)
	c.server.Shutdown(ctx)
}

// ErrNotRunning says that no host holds the data folder.
var ErrNotRunning = errors.New("no server runs on this data folder")

// Call sends one request to the host that holds the data folder and hands over
// the answer's body. ErrNotRunning means that there is none: a control file
// that a killed server left behind counts as none.
func Call(ctx context.Context, dir, method, path string, body io.Reader) (io.ReadCloser, error) {
	b, err := os.ReadFile(filepath.Join(dir, controlFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotRunning
	} else if err != nil {
		return nil, err
	}
	var c control
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("read %s: %w", controlFile, err)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.Address+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.Secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w (its control port does not answer: %v)", ErrNotRunning, err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<12))
		return nil, fmt.Errorf("the server answered %s: %s", response.Status, strings.TrimSpace(string(text)))
	}
	return response.Body, nil
}

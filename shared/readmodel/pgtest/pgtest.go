// Package pgtest lends a test a PostgreSQL of its own: a throw-away cluster,
// started once per test program on a Unix socket and gone with it, however the
// program ends.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// URL is the address of a new, empty database. A machine without PostgreSQL
// fails the test: what runs on two engines is tested on two.
func URL(t testing.TB) string {
	t.Helper()
	cluster, err := start()
	if err != nil {
		t.Fatalf("start a PostgreSQL for the test: %v", err)
	}
	name := fmt.Sprintf("test%d", databases.Add(1))
	if err := cluster.exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("make the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := cluster.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return cluster.url(name)
}

var databases atomic.Int64

// start makes the cluster at the first call.
var start = sync.OnceValues(func() (*cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	// Short, because a socket's path has at most 107 bytes.
	folder, err := os.MkdirTemp("/tmp", "pgtest-")
	if err != nil {
		return nil, err
	}
	c := &cluster{folder: folder}
	if account != nil {
		if err := os.Chown(folder, int(account.Uid), int(account.Gid)); err != nil {
			return nil, err
		}
	}
	if err := c.boot(bin, account); err != nil {
		return nil, err
	}
	return c, c.ready(30 * time.Second)
})

type cluster struct {
	folder string
	stdin  *os.File // closed by the end of the program, which stops the server
}

// script starts the server and stops it when its standard input ends: this
// program's end, even by a signal, closes the pipe.
const script = `
cd "$2" || exit 1
"$1/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >log 2>&1 || exit 1
"$1/postgres" -D data -k "$2" -c listen_addresses= -c fsync=off -c max_connections=200 >>log 2>&1 </dev/null &
cat >/dev/null
kill -INT $!
wait $!
rm -rf "$2"
`

func (c *cluster) boot(bin string, account *syscall.Credential) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	c.stdin = w
	cmd := exec.Command("/bin/sh", "-c", script, "pgtest", bin, c.folder)
	cmd.Stdin = r
	// A process group of its own: a Ctrl-C at the terminal must not overtake
	// the orderly stop.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait()
	return nil
}

func (c *cluster) ready(patience time.Duration) error {
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = c.exec("SELECT 1"); err == nil {
			return nil
		}
	}
	log, _ := os.ReadFile(filepath.Join(c.folder, "log"))
	return fmt.Errorf("the server does not answer: %w\n%s", err, log)
}

func (c *cluster) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func (c *cluster) url(database string) string {
	return "postgres://postgres@/" + database + "?host=" + c.folder
}

// binaries finds the folder of initdb and postgres: beside the one in PATH, or
// the newest where Debian puts them.
func binaries() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(real))
		}
	}
	for i := len(folders) - 1; i >= 0; i-- {
		if _, err := os.Stat(filepath.Join(folders[i], "postgres")); err == nil {
			return folders[i], nil
		}
	}
	return "", errors.New("PostgreSQL is not installed: install the Debian package postgresql (or put initdb and postgres in PATH)")
}

// unprivileged is whom the server runs as when root runs the test, since it
// refuses to run as root; otherwise nil for the user at hand.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody")
}

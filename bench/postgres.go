package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresSettings let the server keep all that is asked for in memory and plan
// as it would on a disk that finds its pages there.
var postgresSettings = []string{"listen_addresses=", "fsync=off", "shared_buffers=2GB", "work_mem=64MB",
	"maintenance_work_mem=512MB", "max_wal_size=4GB", "random_page_cost=1.1", "jit=off"}

// startPostgres starts a server of its own in a temporary folder, on a Unix
// socket. Root lends it to the user postgres or nobody, since it refuses root.
func startPostgres() (url string, stop func(), err error) {
	bin, err := postgresBinaries()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "bench-pg-") // short: a socket's path has at most 107 bytes
	if err != nil {
		return "", nil, err
	}
	account, err := unprivileged()
	if err == nil && account != nil {
		err = os.Chown(dir, int(account.Uid), int(account.Gid))
	}
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	as := &syscall.SysProcAttr{Credential: account, Setpgid: true, Pdeathsig: syscall.SIGINT}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, as
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", nil, errors.Join(fmt.Errorf("initdb: %w\n%s", err, out), os.RemoveAll(dir))
	}
	args := []string{"-D", filepath.Join(dir, "data"), "-k", dir}
	for _, setting := range postgresSettings {
		args = append(args, "-c", setting)
	}
	server := exec.Command(filepath.Join(bin, "postgres"), args...)
	server.Dir, server.SysProcAttr = dir, as
	if err := server.Start(); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop = func() {
		server.Process.Signal(syscall.SIGINT) // fast shutdown
		server.Wait()
		os.RemoveAll(dir)
	}
	url = "postgres://postgres@/postgres?host=" + dir
	if err := answers(url, 30*time.Second); err != nil {
		stop()
		return "", nil, err
	}
	return url, stop, nil
}

func answers(url string, patience time.Duration) (err error) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var db *pgx.Conn
		if db, err = pgx.Connect(context.Background(), url); err == nil {
			return db.Close(context.Background())
		}
	}
	return fmt.Errorf("PostgreSQL does not answer: %w", err)
}

// postgresBinaries is the newest folder of initdb and postgres.
func postgresBinaries() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if path, err := exec.LookPath("postgres"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	for i := len(folders) - 1; i >= 0; i-- {
		if _, err := os.Stat(filepath.Join(folders[i], "initdb")); err == nil {
			return folders[i], nil
		}
	}
	return "", errors.New("PostgreSQL is not installed: install the Debian package postgresql")
}

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

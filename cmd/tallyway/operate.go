package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/manifest"
)

// parse reads a command's flags: the host's, and its own.
func parse(name string, args []string, own func(*flag.FlagSet)) (host.Config, error) {
	var config host.Config
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	config.Flags(flags)
	config.Clock = time.Now
	if own != nil {
		own(flags)
	}
	if err := flags.Parse(args); err != nil {
		return config, err
	}
	if flags.NArg() > 0 {
		return config, fmt.Errorf("%s takes no %q; see `tallyway %s --help`", name, flags.Arg(0), name)
	}
	return config, nil
}

// onHost asks the host that serves the data folder to do something long, or
// opens the folder and does it itself.
func onHost(ctx context.Context, config host.Config, path string, out io.Writer,
	self func(*host.Host) func(context.Context, func(string)) error) error {
	say := func(text string) { fmt.Fprintln(out, text) }
	answer, err := host.Call(ctx, config.Data, "POST", path, nil)
	if err == nil {
		defer answer.Close()
		return host.Follow(answer, say)
	}
	if !errors.Is(err, host.ErrNotRunning) {
		return err
	}
	if _, err := os.Stat(config.Data); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	h, err := program(config).Open(ctx, config, logger(slog.LevelError))
	if err != nil {
		return errors.Join(errNotOpened, err)
	}
	return errors.Join(self(h)(ctx, say), h.Close())
}

// errNotOpened says that no server runs on the data folder and that it does not
// open either.
var errNotOpened = errors.New("the data folder does not open")

func verify(ctx context.Context, args []string, out io.Writer) error {
	var file, handed, readings, trust string
	config, err := parse("verify", args, func(f *flag.FlagSet) {
		f.StringVar(&file, "bundle", "", "check a proof bundle instead, without a server or a data folder")
		f.StringVar(&handed, "manifest", "", "check a signed package instead: its ZIP, or its manifest.json beside its files")
		f.StringVar(&readings, "readings", "", "check a proof of sensors' readings instead, without a server or a data folder")
		f.StringVar(&trust, "trust", "", "with --bundle, --manifest or --readings: the members' certificates that you trust, in PEM")
	})
	switch {
	case err != nil:
		return err
	case file != "":
		return verifyBundle(file, trust, out)
	case handed != "":
		return verifyManifest(handed, trust, out)
	case readings != "":
		return verifyReadings(readings, trust, out)
	case trust != "":
		return errors.New("verify: --trust goes with --bundle, --manifest or --readings")
	}
	err = onHost(ctx, config, "/verify", out, func(h *host.Host) func(context.Context, func(string)) error { return h.Verify })
	if errors.Is(err, errNotOpened) { // it stopped at its own check, which tells less
		whole := host.VerifyFolder(ctx, config, func(text string) { fmt.Fprintln(out, text) })
		if whole != nil {
			err = whole
		}
	}
	if err == nil {
		fmt.Fprintln(out, "verified")
	}
	return err
}

// verifyManifest checks files that were handed over.
func verifyManifest(path, authority string, out io.Writer) error {
	var trusted []byte
	if authority != "" {
		var err error
		if trusted, err = os.ReadFile(authority); err != nil {
			return fmt.Errorf("--trust: %w", err)
		}
	}
	c, err := manifest.CheckFile(path, trusted)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, made %s: %d files as they were signed by %s of %s (%s)\n", c.Title, c.Made.Format(time.RFC3339), len(c.Files), c.User, orNobody(c.Party), c.Member)
	if !c.Trusted {
		fmt.Fprintf(out, "compare with the authority that you know, or give it with --trust: %s, SHA-256 %s\n", c.Authority.Subject.CommonName, manifest.Fingerprint(c.Authority))
	}
	fmt.Fprintln(out, "verified")
	return nil
}

func orNobody(company string) string {
	if company == "" {
		return "no company"
	}
	return company
}

func rebuild(ctx context.Context, args []string, out io.Writer) error {
	config, err := parse("rebuild", args, nil)
	if err != nil {
		return err
	}
	return onHost(ctx, config, "/rebuild", out, func(h *host.Host) func(context.Context, func(string)) error { return h.Rebuild })
}

func token(ctx context.Context, args []string, out io.Writer) error {
	var user, scopes, label string
	var days int
	config, err := parse("token", args, func(f *flag.FlagSet) {
		f.StringVar(&user, "user", "", "whose token it is: a login name")
		f.StringVar(&scopes, "scopes", "write,capture", "what it is good for: read, write, capture, admin")
		f.StringVar(&label, "label", "made on the command line", "what the user's list of tokens calls it")
		f.IntVar(&days, "days", 90, "how long it is valid")
	})
	switch {
	case err != nil:
		return err
	case user == "":
		return errors.New("token: say whose, with --user")
	}
	people, err := host.OpenAccounts(ctx, config)
	if err != nil {
		return err
	}
	defer people.Close()
	var granted []accounts.Scope
	for name := range strings.SplitSeq(scopes, ",") {
		granted = append(granted, accounts.Scope(strings.TrimSpace(name)))
	}
	secret, _, err := people.CreateToken(ctx, user, label, granted, time.Duration(days)*24*time.Hour)
	if err == nil {
		fmt.Fprintln(out, secret)
	}
	return err
}

func backup(ctx context.Context, args []string, out io.Writer) error {
	var to string
	config, err := parse("backup", args, func(f *flag.FlagSet) {
		f.StringVar(&to, "to", "", "the file to write; it must not be there yet")
	})
	switch {
	case err != nil:
		return err
	case to == "":
		return errors.New("backup: name the file to write, with --to")
	}
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	err = errors.Join(writeBackup(ctx, config, file), file.Sync(), file.Close())
	if err != nil {
		os.Remove(to) // half a backup is none
		return err
	}
	fmt.Fprintf(out, "backed up to %s; it holds keys: keep it as safe as the data folder\n", to)
	return nil
}

func writeBackup(ctx context.Context, config host.Config, to io.Writer) error {
	answer, err := host.Call(ctx, config.Data, "POST", "/backup", nil)
	if err == nil {
		defer answer.Close()
		_, err = io.Copy(to, answer)
		return err
	}
	if !errors.Is(err, host.ErrNotRunning) {
		return err
	}
	h, err := program(config).Open(ctx, config, logger(slog.LevelError))
	if err != nil {
		return err
	}
	return errors.Join(h.Backup(ctx, to), h.Close())
}

func restore(ctx context.Context, args []string, out io.Writer) error {
	var from string
	config, err := parse("restore", args, func(f *flag.FlagSet) {
		f.StringVar(&from, "from", "", "the backup to read")
	})
	switch {
	case err != nil:
		return err
	case from == "":
		return errors.New("restore: name the backup, with --from")
	}
	file, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer file.Close()
	manifest, err := host.Restore(ctx, config, file)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "restored %s from a backup of %s\n", config.Data, manifest.Created.Format(time.RFC3339))
	if manifest.Database == "external" {
		fmt.Fprintln(out, "users and sessions lie in PostgreSQL: restore that database by its own means")
	}
	return nil
}

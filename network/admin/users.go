package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tallyway/tallyway/network/admin/users"
)

func usersRegister(_ context.Context, args []string, out io.Writer) error {
	f := flags("users register")
	var a users.Authority
	authorityFlags(f, &a)
	registrar := f.String("registrar", "", "the `DIR` that the registrar's enrolment wrote")
	var u users.User
	f.StringVar(&u.ID, "id", "", "the user's `NAME`")
	f.StringVar(&u.Party, "party", "", "the `PARTY` for which the user acts")
	f.Var((*list)(&u.Roles), "roles", "the user's `ROLES`, with commas")
	if err := parse(f, args, "ca", "tls-ca", "registrar", "id", "party", "roles"); err != nil {
		return err
	}
	secret, err := users.Register(a, *registrar, u)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, secret)
	return nil
}

// authorityFlags say where the Fabric CA is.
func authorityFlags(f *flag.FlagSet, a *users.Authority) {
	f.StringVar(&a.URL, "ca", "", "the `URL` of the member's Fabric CA")
	f.StringVar(&a.Name, "ca-name", "", "the CA's `NAME` on its server (default: its first)")
	f.StringVar(&a.TLSCACert, "tls-ca", "", "the `FILE` of the authority behind the CA's TLS certificate")
}

func usersEnrol(_ context.Context, args []string, out io.Writer) error {
	f := flags("users enrol")
	var a users.Authority
	authorityFlags(f, &a)
	id := f.String("id", "", "the user's `NAME`")
	secretFile := f.String("secret-file", "", "the `FILE` that holds the user's secret; - for the input")
	to := f.String("out", "", "the `DIR` to write cert.pem and key.pem to")
	if err := parse(f, args, "ca", "tls-ca", "id", "secret-file", "out"); err != nil {
		return err
	}
	secret, err := readSecret(*secretFile)
	if err != nil {
		return err
	}
	if err := users.Enrol(a, *id, secret, *to); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is enrolled: %s\n", *id, *to)
	return nil
}

// readSecret reads a secret from a file: on the command line every user of the
// machine could read it.
func readSecret(file string) (string, error) {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(os.Stdin)
	} else {
		text, err = os.ReadFile(file)
	}
	return strings.TrimSpace(string(text)), err
}

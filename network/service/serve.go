// Package service serves contracts to one organisation's peer, as Fabric's
// chaincode service: the peer connects, and both show a certificate. A program
// that serves contracts is this package and one line that names them.
//
// Starting such programs, and telling peers where they are, is left to the
// launcher.
package service

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/fabric"
)

// Main serves contracts as the command line and the environment say, until the
// program is told to stop.
func Main(contracts *chaincode.Contracts) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], contracts); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "chaincode:", err)
		os.Exit(1)
	}
}

// run serves until the context ends. Calls on their way are cut then: the peer
// reports them as failed, and nothing was written.
func run(ctx context.Context, arguments []string, contracts *chaincode.Contracts) error {
	server, err := configure(arguments)
	if err != nil {
		return err
	}
	server.CC = fabric.New(contracts)
	ended := make(chan error, 1)
	go func() { ended <- server.Start() }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve on %s: %w", server.Address, err)
	case <-ctx.Done():
		return nil
	}
}

// The settings, each a flag and an environment variable: those that Fabric
// names as Fabric names them.
var settings = map[string]struct{ variable, usage string }{
	"id":        {"CHAINCODE_ID", "the package id that peers gave the contracts"},
	"address":   {"CHAINCODE_SERVER_ADDRESS", "where to listen, HOST:PORT"},
	"cert":      {"CHAINCODE_TLS_CERT", "file with this service's certificate"},
	"key":       {"CHAINCODE_TLS_KEY", "file with its key"},
	"client-ca": {"CHAINCODE_CLIENT_CA", "file with the authority of the peers that may connect"},
	"member":    {"CORE_PEER_LOCALMSPID", "the MSP of the peer's organisation"},
}

func configure(arguments []string) (*shim.ChaincodeServer, error) {
	flags := flag.NewFlagSet("chaincode", flag.ContinueOnError)
	value := map[string]*string{}
	for name, s := range settings {
		value[name] = flags.String(name, os.Getenv(s.variable), s.usage+" ($"+s.variable+")")
	}
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is not a flag", flags.Arg(0))
	}
	for _, name := range slices.Sorted(maps.Keys(value)) {
		if *value[name] == "" {
			return nil, fmt.Errorf("--%s or $%s is missing: %s", name, settings[name].variable, settings[name].usage)
		}
	}
	// The contracts ask the shim whose peer they serve.
	if err := os.Setenv(settings["member"].variable, *value["member"]); err != nil {
		return nil, err
	}
	server := &shim.ChaincodeServer{CCID: *value["id"], Address: *value["address"]}
	for name, into := range map[string]*[]byte{
		"cert": &server.TLSProps.Cert, "key": &server.TLSProps.Key, "client-ca": &server.TLSProps.ClientCACerts,
	} {
		content, err := os.ReadFile(*value[name])
		if err != nil {
			return nil, err
		}
		*into = content
	}
	return server, nil
}

// Command chaincode serves the suite's contracts to one organisation's peer, as
// Fabric's chaincode service: the peer connects, both show a certificate. The
// launcher (cmd/network) or a unit of systemd starts it; see --help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/chaincode/fabric"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "chaincode:", err)
		os.Exit(1)
	}
}

// run serves until the context ends. Calls on their way are cut then: the peer
// reports them as failed, and nothing was written.
func run(ctx context.Context, arguments []string) error {
	server, err := configure(arguments)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Start() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// configure reads flags; each has its environment variable, which Fabric's own
// tools set as well where it has no other name here.
func configure(arguments []string) (*shim.ChaincodeServer, error) {
	flags := flag.NewFlagSet("chaincode", flag.ContinueOnError)
	text := func(name, variable, usage string) *string {
		return flags.String(name, os.Getenv(variable), usage+" ($"+variable+")")
	}
	id := text("id", "CHAINCODE_ID", "the package id that peers gave the contracts")
	address := text("address", "CHAINCODE_SERVER_ADDRESS", "where to listen, HOST:PORT")
	cert := text("cert", "CHAINCODE_TLS_CERT", "file with this service's certificate")
	key := text("key", "CHAINCODE_TLS_KEY", "file with its key")
	clients := text("client-ca", "CHAINCODE_CLIENT_CA", "file with the authority of the peers that may connect")
	member := text("member", "CORE_PEER_LOCALMSPID", "the MSP of the peer's organisation")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("what is %q?", flags.Arg(0))
	}
	for name, value := range map[string]string{"id": *id, "address": *address, "cert": *cert, "key": *key, "client-ca": *clients, "member": *member} {
		if value == "" {
			return nil, fmt.Errorf("--%s is missing", name)
		}
	}
	// The contracts ask the shim whose peer they serve.
	if err := os.Setenv("CORE_PEER_LOCALMSPID", *member); err != nil {
		return nil, err
	}
	server := &shim.ChaincodeServer{CCID: *id, Address: *address, CC: fabric.New(all.Contracts())}
	for file, into := range map[string]*[]byte{*cert: &server.TLSProps.Cert, *key: &server.TLSProps.Key, *clients: &server.TLSProps.ClientCACerts} {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		*into = content
	}
	return server, nil
}

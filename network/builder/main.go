// Command builder is the peer's external builder for contracts that run as a
// service: one program under the names detect, build and release. The package
// says only that its contracts are a service; where this peer finds it, and
// with which certificates, is in the file that the launcher wrote for the
// package's label.
//
// Starting the service is left to the launcher.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// variable names the folder with one file LABEL.json for each package.
const variable = "TALLYWAY_CONTRACTS"

func main() {
	if err := run(filepath.Base(os.Args[0]), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "builder:", err)
		os.Exit(1)
	}
}

func run(phase string, folders []string) error {
	switch {
	case phase == "detect" && len(folders) == 2:
		_, err := label(folders[1])
		return err
	case phase == "build" && len(folders) == 3:
		return build(folders[1], folders[2])
	case phase == "release" && len(folders) == 2:
		return release(folders[0], folders[1])
	}
	return fmt.Errorf("%s with %d folders: a peer calls detect SOURCE METADATA, build SOURCE METADATA BUILT, release BUILT RELEASED", phase, len(folders))
}

// label reads the label of a package of ours.
func label(metadata string) (string, error) {
	text, err := os.ReadFile(filepath.Join(metadata, "metadata.json"))
	if err != nil {
		return "", err
	}
	var about struct{ Type, Label string }
	if err := json.Unmarshal(text, &about); err != nil {
		return "", fmt.Errorf("metadata.json: %w", err)
	}
	if about.Type != "ccaas" {
		return "", fmt.Errorf("the package's type is %q, not ccaas", about.Type)
	}
	if about.Label == "" || strings.ContainsAny(about.Label, `/\`) {
		return "", fmt.Errorf("the package's label is %q", about.Label)
	}
	return about.Label, nil
}

// build finds the service's connection.
func build(metadata, built string) error {
	name, err := label(metadata)
	if err != nil {
		return err
	}
	folder := os.Getenv(variable)
	if folder == "" {
		return fmt.Errorf("%s is not set", variable)
	}
	connection, err := os.ReadFile(filepath.Join(folder, name+".json"))
	if os.IsNotExist(err) {
		return fmt.Errorf("no service serves %s: start it before installing its package", name)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(built, "connection.json"), connection, 0o600)
}

// release hands the connection to the peer.
func release(built, released string) error {
	connection, err := os.ReadFile(filepath.Join(built, "connection.json"))
	if err != nil {
		return err
	}
	server := filepath.Join(released, "chaincode", "server")
	if err := os.MkdirAll(server, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(server, "connection.json"), connection, 0o600)
}

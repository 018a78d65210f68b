package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Fabric peer of the version in go.mod is built in a module of its own, for
// it needs packages that the suite does not.
const (
	fabricModule = "github.com/hyperledger/fabric"
	peerPackage  = fabricModule + "/cmd/peer"
)

const peerImports = `// Command peer names the package that is built in this module.
package main

import _ "` + peerPackage + `"

func main() {}
`

// buildPeer builds the peer, once for all runs.
func buildPeer(ctx context.Context, raw string) (binary string, err error) {
	dir := filepath.Join(raw, "peer")
	binary = filepath.Join(dir, "peer")
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	root, err := output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", err
	}
	version, err := output(ctx, "", "go", "list", "-m", "-f", "{{.Version}}", fabricModule)
	if err != nil {
		return "", err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return "", err
	}
	for name, text := range map[string]string{
		"go.mod": strings.Replace(string(mod), "module "+module, "module peer", 1), "go.sum": string(sum), "peer.go": peerImports,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	// The suite leaves Idemix out; a peer carries it.
	if _, err := output(ctx, dir, "go", "mod", "edit", "-dropreplace=github.com/IBM/idemix"); err != nil {
		return "", err
	}
	if _, err := output(ctx, dir, "go", "get", peerPackage+"@"+version); err != nil {
		return "", err
	}
	_, err = output(ctx, dir, "go", "build", "-trimpath", "-o", binary, peerPackage)
	return binary, err
}

// output runs a command in a folder and gives what it printed.
func output(ctx context.Context, dir string, words ...string) (string, error) {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		err = fmt.Errorf("%s: %s", strings.Join(words[:2], " "), lines[len(lines)-1])
	}
	return strings.TrimSpace(string(out)), err
}

// startPeer starts a peer that has joined no channel, with Fabric's sample
// configuration, and returns when it says that it has started.
func startPeer(ctx context.Context, binary, raw string) (*started, error) {
	sample, err := output(ctx, filepath.Dir(binary), "go", "list", "-m", "-f", "{{.Dir}}", fabricModule)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(raw, "peer-data-")
	if err != nil {
		return nil, err
	}
	free, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary, "node", "start")
	cmd.Env = append(os.Environ(), "FABRIC_CFG_PATH="+filepath.Join(sample, "sampleconfig"), "CORE_PEER_FILESYSTEMPATH="+dir,
		"CORE_LEDGER_SNAPSHOTS_ROOTDIR="+filepath.Join(dir, "snapshots"), "CORE_PEER_LISTENADDRESS="+free[0], "CORE_PEER_ADDRESS="+free[0],
		"CORE_PEER_CHAINCODELISTENADDRESS="+free[1], "CORE_OPERATIONS_LISTENADDRESS="+free[2], "CORE_VM_ENDPOINT=", "FABRIC_LOGGING_SPEC=info")
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &started{cmd, func() { os.RemoveAll(dir) }}
	time.AfterFunc(30*time.Second, func() { log.Close() })
	var last string
	for lines := bufio.NewScanner(log); lines.Scan(); last = lines.Text() {
		if strings.Contains(lines.Text(), "Started peer with ID") {
			go func() {
				for lines.Scan() { // the peer must not block on its log
				}
			}()
			return s, nil
		}
	}
	s.stop()
	return nil, fmt.Errorf("the peer did not start: %s", last)
}

func freePorts(n int) (addresses []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	ourModule    = "github.com/tallyway/tallyway"
	fabricModule = "github.com/hyperledger/fabric"
)

// fabricPrograms come from the tool lines of go.mod.
var fabricPrograms = []string{"peer", "orderer", "configtxgen"}

// builderVariable tells the external builder where a peer's contracts are.
const builderVariable = "TALLYWAY_CONTRACTS"

// programs is the folder with everything that a network runs:
//
//	fabric/VERSION/peer, orderer, configtxgen    built once for a version
//	fabric/builder/bin/detect, build, release
//	chaincode, fabric-admin
//
// Inside the source tree they are built there, under bin; a launcher that was
// copied elsewhere finds them beside itself.
type programs struct {
	source string // the source tree, or nothing
	bin    string
	fabric string // folder of Fabric's programs
}

func findPrograms() (programs, error) {
	if source, version := sourceTree(); source != "" {
		bin := filepath.Join(source, "bin")
		return programs{source: source, bin: bin, fabric: filepath.Join(bin, "fabric", version)}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return programs{}, err
	}
	bin := filepath.Dir(self)
	peers, err := filepath.Glob(filepath.Join(bin, "fabric", "v*", "peer"))
	if err != nil || len(peers) == 0 {
		return programs{}, fmt.Errorf("there are no programs of Fabric in %s, and no source tree to build them from", filepath.Join(bin, "fabric"))
	}
	return programs{bin: bin, fabric: filepath.Dir(peers[len(peers)-1])}, nil
}

// fabricVersion is the line of go.mod that says which Fabric we build.
var fabricVersion = regexp.MustCompile(`(?m)^\s+` + regexp.QuoteMeta(fabricModule) + ` (v\S+)`)

// sourceTree looks for our go.mod, upwards from the working folder.
func sourceTree() (dir, version string) {
	dir, err := os.Getwd()
	for err == nil {
		text, absent := os.ReadFile(filepath.Join(dir, "go.mod"))
		if absent == nil && bytes.HasPrefix(text, []byte("module "+ourModule+"\n")) {
			if found := fabricVersion.FindSubmatch(text); found != nil {
				return dir, string(found[1])
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return "", ""
}

func (p programs) chaincode() string { return filepath.Join(p.bin, "chaincode") }
func (p programs) admin() string     { return filepath.Join(p.bin, "fabric-admin") }
func (p programs) builder() string   { return filepath.Join(p.bin, "fabric", "builder") }
func (p programs) of(fabric string) string {
	return filepath.Join(p.fabric, fabric)
}

// BuildPrograms makes every program that a network runs: what is missing, or
// older than its source. The first time takes some minutes; Fabric's own are
// then kept for their version.
func BuildPrograms(ctx context.Context, say func(format string, arguments ...any)) error {
	p, err := findPrograms()
	if err != nil {
		return err
	}
	return p.build(ctx, say)
}

func (p programs) build(ctx context.Context, say func(format string, arguments ...any)) error {
	if p.source == "" {
		return nil // somebody built them where there is a source tree
	}
	if err := os.MkdirAll(filepath.Join(p.bin, "fabric"), 0o755); err != nil {
		return err
	}
	lock, err := lockFile(ctx, filepath.Join(p.bin, "fabric", "build.lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := p.buildFabric(ctx, say); err != nil {
		return err
	}
	if _, err := p.goBuild(ctx, p.source, p.chaincode(), "./cmd/chaincode"); err != nil {
		return err
	}
	return p.buildBuilder(ctx)
}

// buildFabric builds into a folder beside, so that a build cut short is not
// taken for a whole one.
func (p programs) buildFabric(ctx context.Context, say func(format string, arguments ...any)) error {
	if _, err := os.Stat(p.fabric); err == nil {
		return nil
	}
	say("building %s of Fabric: a few minutes, the first time only", strings.Join(fabricPrograms, ", "))
	fresh := p.fabric + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	for _, name := range fabricPrograms {
		if _, err := p.goBuild(ctx, p.source, filepath.Join(fresh, name), fabricModule+"/cmd/"+name); err != nil {
			return err
		}
	}
	return os.Rename(fresh, p.fabric)
}

// buildBuilder makes one program under the three names that a peer calls.
func (p programs) buildBuilder(ctx context.Context) error {
	one := filepath.Join(p.builder(), "builder")
	if _, err := p.goBuild(ctx, p.source, one, "./network/builder"); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(p.builder(), "bin"), 0o755); err != nil {
		return err
	}
	for _, phase := range []string{"detect", "build", "release"} {
		link := filepath.Join(p.builder(), "bin", phase)
		if err := os.Link(one, link+".new"); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := os.Rename(link+".new", link); err != nil {
			return err
		}
	}
	return nil
}

// buildAdmin makes the administrator's program, which is a module of its own.
func (p programs) buildAdmin(ctx context.Context, say func(format string, arguments ...any)) error {
	if p.source == "" {
		return nil
	}
	if _, err := os.Stat(p.admin()); err != nil {
		say("building the administrator's program: some minutes the first time")
	}
	_, err := p.goBuild(ctx, filepath.Join(p.source, "network", "admin"), p.admin(), ".")
	return err
}

func (p programs) goBuild(ctx context.Context, dir, out, of string) (string, error) {
	return p.run(ctx, dir, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, of)
}

// run runs a program that answers and ends.
func (p programs) run(ctx context.Context, dir, program string, arguments ...string) (string, error) {
	var out, complaint bytes.Buffer
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir, command.Stdout, command.Stderr = dir, &out, &complaint
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(arguments, " "), err, lastLines(complaint.Bytes()))
	}
	return out.String(), nil
}

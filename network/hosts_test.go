package network

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the expected files anew")

// prepared is a network with everything made and nothing started.
func prepared(t *testing.T, d Definition) *Network {
	t.Helper()
	n, err := Open(t.TempDir(), d)
	must(t, err)
	n.Say = t.Logf
	must(t, n.Prepare(t.Context()))
	return n
}

// TestABundleHoldsNobodyElsesSecrets looks into what one host is given.
func TestABundleHoldsNobodyElsesSecrets(t *testing.T) {
	n := prepared(t, Default())
	var bundle bytes.Buffer
	must(t, n.Bundle(t.Context(), "tax", &bundle))
	dir := unpack(t, bytes.NewReader(bundle.Bytes()))
	secrets := 0
	for in := tar.NewReader(&bundle); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		content, err := io.ReadAll(in)
		must(t, err)
		if !bytes.Contains(content, []byte("PRIVATE KEY")) {
			continue
		}
		secrets++
		if !strings.HasPrefix(header.Name, "organisations/tax/") || header.Mode != 0o600 {
			t.Errorf("%s %o", header.Name, header.Mode)
		}
	}
	if secrets == 0 {
		t.Error("not even its own")
	}

	part, err := Reopen(dir)
	must(t, err)
	must(t, part.Prepare(t.Context()))
	if all, err := part.processes(); err != nil || len(all) != 2 || all[0].name != "orderer.tax" || all[1].name != "peer.tax" {
		t.Errorf("%+v %v", all, err)
	}
	if exists(part.Profile("")) || exists(part.Profile("bank")) || !exists(part.Profile("tax")) {
		t.Error("a host has its own profile only")
	}
	if same, err := os.ReadFile(part.Genesis()); err != nil || !bytes.Equal(same, read(t, n.Genesis())) {
		t.Error("another first block")
	}
	if err := part.Bundle(t.Context(), "bank", io.Discard); err == nil {
		t.Error("a part was given away as the whole")
	}
	must(t, os.RemoveAll(filepath.Join(dir, "organisations", "tax", "peer")))
	if err := part.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "does not hold the keys of tax") {
		t.Error(err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	must(t, err)
	return content
}

// unpack is `tar -xf`.
func unpack(t *testing.T, bundle io.Reader) string {
	t.Helper()
	dir := t.TempDir()
	command := exec.Command("tar", "-x", "-C", dir)
	command.Stdin = bundle
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	return dir
}

// TestUnitsForSystemd compares them with what they were, and has systemd read
// them where it is installed.
func TestUnitsForSystemd(t *testing.T) {
	n := prepared(t, Default())
	part, err := n.Of("tax")
	must(t, err)
	must(t, writeFile(filepath.Join(n.VersionDir("1.0"), "package.id"), []byte("tallyway_1.0:00ff\n"), 0o644))
	_, err = n.admit("1.0")
	must(t, err)
	must(t, n.keepProgram("1.0", "/bin/true"))
	units, err := part.Systemd(t.Context(), "daemon")
	must(t, err)
	var all bytes.Buffer
	dir := t.TempDir()
	var files []string
	for _, u := range units {
		fmt.Fprintf(&all, "# %s\n%s\n", u.Name, u.Text)
		must(t, u.Write(dir))
		files = append(files, filepath.Join(dir, u.Name))
	}
	text := strings.NewReplacer(n.dir, "DIR", n.programs.fabric, "BIN").Replace(all.String())
	golden := filepath.Join("testdata", "units.golden")
	if *update {
		must(t, os.WriteFile(golden, []byte(text), 0o644))
	}
	if want := read(t, golden); text != string(want) {
		t.Errorf("the units are now\n%s", text)
	}
	if verify, err := exec.LookPath("systemd-analyze"); err == nil {
		out, err := exec.Command(verify, append([]string{"verify", "--man=no"}, files...)...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("systemd-analyze verify: %v %s", err, out)
		}
	}
}

// TestEachOrganisationOnItsOwnHost gives each organisation a network namespace
// with an address of its own, runs the channel across them, cuts one off, and
// lets it come back.
func TestEachOrganisationOnItsOwnHost(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	d := Default()
	hosts := newHosts(t, &d)
	n := prepared(t, d)
	program := testContracts(t, n)
	launcher := filepath.Join(t.TempDir(), "network")
	if _, err := n.programs.goBuild(ctx, n.programs.source, launcher, "./cmd/network"); err != nil {
		t.Fatal(err)
	}

	parts := map[string]string{}
	for _, o := range d.Organisations {
		var bundle bytes.Buffer
		must(t, n.Bundle(ctx, o.Name, &bundle))
		parts[o.Name] = unpack(t, &bundle)
		on := hosts.on(t, o.Name, launcher)
		t.Cleanup(func() { on("down", "--dir", parts[o.Name]) })
		on("up", "--dir", parts[o.Name])
	}
	must(t, n.CreateChannel(ctx))
	for _, o := range d.Organisations {
		hosts.on(t, o.Name, launcher)("contracts", "start", "1.0", "--program", program, "--dir", parts[o.Name])
	}
	must(t, n.deployContracts(ctx, "1.0"))

	bank, regulator := connectTo(t, n, "bank", d.Contract), connectTo(t, n, "regulator", d.Contract)
	must(t, bank.put("before", "ProducerMSP", "TaxMSP"))
	hosts.cut(t, "regulator")
	start, i, slowest := time.Now(), 0, time.Duration(0)
	for ; time.Since(start) < 12*time.Second; i++ { // long enough for connections to be given up
		took := until(t, time.Minute, "work without the regulator's host", func() error { return bank.put(fmt.Sprint("without/", i), "ProducerMSP", "TaxMSP") })
		slowest = max(slowest, took)
	}
	t.Logf("with one host cut off %d transactions, the slowest in %s", i, slowest)
	must(t, hosts.mend("regulator"))
	took := until(t, time.Minute, "the regulator takes part again", func() error { return regulator.put("after", "RegulatorMSP", "BankMSP") })
	t.Logf("back after %s", took)
	height := func(organisation string) string {
		out := hosts.on(t, organisation, launcher)("status", "--dir", parts[organisation])
		_, line, _ := strings.Cut(out, "peer."+organisation)
		return strings.Fields(line)[2]
	}
	until(t, time.Minute, "the same height on both hosts", func() error {
		if a, b := height("bank"), height("regulator"); a != b {
			return fmt.Errorf("%s and %s", a, b)
		}
		return nil
	})
}

// hosts are network namespaces on one bridge.
type hosts struct{ prefix string }

// newHosts makes one for each organisation, and gives the definition their
// addresses. Making them takes root and iproute2: without, the test fails, for
// what it proves is proved nowhere else.
func newHosts(t *testing.T, d *Definition) hosts {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("network namespaces are made by root only: run this test as root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Fatal("there is no `ip`: scripts/setup.sh installs iproute2")
	}
	h := hosts{fmt.Sprintf("tw%d", os.Getpid()%100000)}
	subnet := fmt.Sprintf("10.%d.%d.", 64+os.Getpid()%128, os.Getpid()/128%256)
	t.Cleanup(func() { exec.Command("ip", "link", "del", h.prefix).Run() })
	must(t, ip("link add "+h.prefix+" type bridge"))
	must(t, ip("addr add "+subnet+"254/24 dev "+h.prefix))
	must(t, ip("link set "+h.prefix+" up"))
	for i := range d.Organisations {
		o := &d.Organisations[i]
		o.Host, o.Port = fmt.Sprint(subnet, i+1), 7050 // each on its own host: the same ports
		space := h.space(o.Name)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", space).Run() })
		for _, command := range []string{
			"netns add " + space,
			"link add " + h.cable(i) + " type veth peer name eth0 netns " + space,
			"link set " + h.cable(i) + " master " + h.prefix + " up",
			"-n " + space + " addr add " + o.Host + "/24 dev eth0",
			"-n " + space + " link set eth0 up",
			"-n " + space + " link set lo up",
		} {
			must(t, ip(command))
		}
	}
	return h
}

func (h hosts) space(organisation string) string { return h.prefix + organisation }
func (h hosts) cable(i int) string               { return fmt.Sprint(h.prefix, "v", i) }

// on runs a program on an organisation's host.
func (h hosts) on(t *testing.T, organisation, program string) func(arguments ...string) string {
	return func(arguments ...string) string {
		t.Helper()
		out, err := exec.Command("ip", append([]string{"netns", "exec", h.space(organisation), program}, arguments...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("on the host of %s: %v %s", organisation, err, out)
		}
		return string(out)
	}
}

// cut takes a host off the network, mend puts it back.
func (h hosts) cut(t *testing.T, organisation string) {
	t.Helper()
	must(t, ip("-n "+h.space(organisation)+" link set eth0 down"))
}

func (h hosts) mend(organisation string) error {
	return ip("-n " + h.space(organisation) + " link set eth0 up")
}

func ip(command string) error {
	out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w %s", command, err, out)
	}
	return nil
}

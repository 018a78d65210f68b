package client

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mosquitto is a real broker that keeps sessions over its own restarts.
type mosquitto struct {
	t    *testing.T
	dir  string
	port string
	run  *exec.Cmd
	ends chan error
}

// startMosquitto starts a broker with lines of its own in its configuration.
func startMosquitto(t *testing.T, lines ...string) *mosquitto {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	m := &mosquitto{t: t, dir: t.TempDir(), port: port}
	// As root it would become a user that may not write here; what is published
	// for a client that is away is kept without bounds.
	conf := append([]string{"user root", "persistence true", "persistence_location " + m.dir + "/", "max_queued_messages 0", "listener " + port + " 127.0.0.1"}, lines...)
	if len(lines) == 0 {
		conf = append(conf, "allow_anonymous true")
	}
	m.write("mosquitto.conf", strings.Join(conf, "\n")+"\n")
	m.start()
	t.Cleanup(func() {
		if m.run != nil {
			m.stop()
		}
	})
	return m
}

func (m *mosquitto) write(name, text string) (path string) {
	m.t.Helper()
	path = filepath.Join(m.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// start returns when the broker listens.
func (m *mosquitto) start() {
	m.t.Helper()
	m.run = exec.Command(program(m.t, "mosquitto"), "-c", filepath.Join(m.dir, "mosquitto.conf"))
	var out bytes.Buffer
	m.run.Stdout, m.run.Stderr = &out, &out
	if err := m.run.Start(); err != nil {
		m.t.Fatal(err)
	}
	ends := make(chan error, 1)
	m.ends = ends
	run := m.run
	go func() { ends <- run.Wait() }()
	for range 500 {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+m.port); err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-ends:
			m.t.Fatalf("mosquitto ended: %v\n%s", err, out.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	m.t.Fatal("mosquitto does not listen")
}

// stop ends the broker; it writes what it keeps.
func (m *mosquitto) stop() {
	m.t.Helper()
	if err := m.run.Process.Signal(syscall.SIGTERM); err != nil {
		m.t.Error(err)
	}
	<-m.ends
	m.run = nil
}

func (m *mosquitto) address(rest ...string) string {
	return "mqtt://" + strings.Join(rest, "") + "127.0.0.1:" + m.port
}

// program finds one of the Debian packages mosquitto and mosquitto-clients.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, at := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(at); err == nil {
			return path
		}
	}
	t.Fatalf("%s is missing: run make setup", name)
	return ""
}

// authority makes certificates, as files.
type authority struct {
	t      *testing.T
	dir    string
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	serial int64
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.issue("ca")
	return a
}

// issue makes NAME.crt and NAME.key; the first is the authority's own.
func (a *authority) issue(name string) (cert, key string) {
	a.t.Helper()
	a.serial++
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: a.cert == nil, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, private
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &private.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	if a.cert == nil {
		a.key = private
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			a.t.Fatal(err)
		}
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	cert, key = filepath.Join(a.dir, name+".crt"), filepath.Join(a.dir, name+".key")
	err = errors.Join(err, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// noLeaks fails the test if the client's goroutines, or its library's, outlive it.
// It is called before anything else, so that it looks last.
func noLeaks(t *testing.T) {
	t.Cleanup(func() {
		var left []string
		for range 300 {
			buf := make([]byte, 1<<20)
			left = nil
			for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
				if strings.Contains(g, "iot/client.(*") || strings.Contains(g, "paho.mqtt.golang.") && !strings.Contains(g, "testing.tRunner") {
					left = append(left, g)
				}
			}
			if left == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("%d goroutines are left:\n%s", len(left), fmt.Sprint(strings.Join(left, "\n\n")))
	})
}

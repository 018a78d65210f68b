package users

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// attributesOID is where a Fabric CA writes attributes, and Fabric's chaincode
// library, through which the contracts read them, looks for them.
const attributesOID = "1.2.3.4.5.6.7.8.1"

func TestAUserIsEnteredAndEnrolled(t *testing.T) {
	ca := startCA(t)
	boss, ana := filepath.Join(t.TempDir(), "boss"), filepath.Join(t.TempDir(), "ana")
	if err := Enrol(ca, "boss", "bosspw", boss); err != nil {
		t.Fatal(err)
	}
	user := User{ID: "ana", Party: "greenfield-dairy", Roles: []string{"logistics", "quality"}}
	secret, err := Register(ca, boss, user)
	if err != nil {
		t.Fatal(err)
	}
	if err := Enrol(ca, "ana", secret+"x", ana); err == nil {
		t.Error("enrolled with a wrong secret")
	}
	if err := Enrol(ca, "ana", secret, ana); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(ana, certFile), filepath.Join(ana, keyFile))
	if err != nil {
		t.Fatalf("the key does not belong to the certificate: %v", err)
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if cert.Subject.CommonName != "ana" || !slices.Contains(cert.Subject.OrganizationalUnit, "client") {
		t.Errorf("the certificate is of %s", cert.Subject)
	}
	attributes := attributesOf(t, cert)
	if attributes["tw.party"] != "greenfield-dairy" || attributes["tw.roles"] != "logistics,quality" {
		t.Errorf("the certificate carries %v", attributes)
	}
	if info, err := os.Stat(filepath.Join(ana, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key can be read by others: %v, %v", info.Mode(), err)
	}
	// A user is no registrar, and a name is given once.
	if _, err := Register(ca, ana, User{ID: "bob", Party: "p", Roles: []string{"r"}}); err == nil {
		t.Error("a user registered another")
	}
	if _, err := Register(ca, boss, user); err == nil || !strings.Contains(err.Error(), "already registered") {
		t.Errorf("the same name again: %v", err)
	}
}

func TestRegisterWantsAParty(t *testing.T) {
	for _, u := range []User{{Party: "p", Roles: []string{"r"}}, {ID: "ana", Roles: []string{"r"}}, {ID: "ana", Party: "p"}} {
		if _, err := Register(Authority{}, t.TempDir(), u); err == nil || !strings.Contains(err.Error(), "an id, a party and a role") {
			t.Errorf("%+v: %v", u, err)
		}
	}
}

func TestSecretsTravelEncryptedOnly(t *testing.T) {
	if err := Enrol(Authority{URL: "http://127.0.0.1:7054"}, "ana", "pw", t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not https://") {
		t.Errorf("enrolled in the clear: %v", err)
	}
}

func attributesOf(t *testing.T, c *x509.Certificate) map[string]string {
	t.Helper()
	for _, e := range c.Extensions {
		if e.Id.String() == attributesOID {
			var read struct {
				Attrs map[string]string `json:"attrs"`
			}
			if err := json.Unmarshal(e.Value, &read); err != nil {
				t.Fatal(err)
			}
			return read.Attrs
		}
	}
	t.Fatal("the certificate has no attributes")
	return nil
}

// startCA builds and starts a Fabric CA server with TLS and a registrar, boss.
func startCA(t *testing.T) Authority {
	t.Helper()
	home := t.TempDir()
	program := filepath.Join(home, "fabric-ca-server")
	build := exec.Command("go", "build", "-C", filepath.Join("..", "ca"), "-o", program, "github.com/hyperledger/fabric-ca/cmd/fabric-ca-server")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	listener.Close()
	log, err := os.Create(filepath.Join(home, "log"))
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program, "start", "--home", home, "--address", "127.0.0.1", "--port", port,
		"--boot", "boss:bosspw", "--csr.hosts", "127.0.0.1", "--tls.enabled")
	server.Env = append(os.Environ(), "FABRIC_CA_SERVER_OPERATIONS_LISTENADDRESS=127.0.0.1:0")
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("the CA's log:\n%s", text)
		}
	})
	a := Authority{URL: "https://" + address, TLSCACert: filepath.Join(home, "ca-cert.pem")}
	await(t, a)
	return a
}

func await(t *testing.T, a Authority) {
	t.Helper()
	var last error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		authority, err := os.ReadFile(a.TLSCACert)
		if last = err; err != nil {
			continue
		}
		trusted := x509.NewCertPool()
		block, _ := pem.Decode(authority)
		if block == nil {
			continue
		}
		trusted.AppendCertsFromPEM(authority)
		client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true}}
		response, err := client.Get(a.URL + "/cainfo")
		if last = err; err == nil {
			response.Body.Close()
			return
		}
	}
	t.Fatalf("the CA does not answer: %v", last)
}

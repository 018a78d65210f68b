package participation

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/network/admin/profile"
)

// orderer answers as Fabric's channel participation API does.
type orderer struct {
	channels map[string]*Channel
	asked    int    // since the join
	refusal  string // of a join
}

func (o *orderer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, body any) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
	const base = "/participation/v1/channels"
	switch name, get := strings.CutPrefix(r.URL.Path, base+"/"); {
	case r.Method == http.MethodGet && get && o.channels[name] != nil:
		if o.asked++; o.asked > 2 {
			o.channels[name].Status = Active
		}
		answer(http.StatusOK, o.channels[name])
	case r.Method == http.MethodGet && get:
		answer(http.StatusNotFound, map[string]string{"error": "channel does not exist"})
	case r.Method == http.MethodPost && r.URL.Path == base && o.refusal != "":
		answer(http.StatusBadRequest, map[string]string{"error": o.refusal})
	case r.Method == http.MethodPost && r.URL.Path == base:
		file, _, err := r.FormFile("config-block")
		if err != nil {
			answer(http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		block, _ := io.ReadAll(file)
		o.channels[string(block)] = &Channel{Name: string(block), Relation: "consenter", Status: "onboarding", Height: 1}
		answer(http.StatusCreated, o.channels[string(block)])
	default:
		answer(http.StatusMethodNotAllowed, map[string]string{"error": "no"})
	}
}

func TestJoinOnce(t *testing.T) {
	o := &orderer{channels: map[string]*Channel{}}
	c := dial(t, o)
	ctx := context.Background()
	if _, err := c.Channel(ctx, "food"); !errors.Is(err, ErrNotJoined) {
		t.Fatalf("before: %v", err)
	}
	if joined, err := c.Join(ctx, "food", []byte("food")); !joined || err != nil {
		t.Fatalf("join: %v, %v", joined, err)
	}
	if joined, err := c.Join(ctx, "food", []byte("food")); joined || err != nil {
		t.Fatalf("join again: %v, %v", joined, err)
	}
	now, err := c.Await(ctx, "food")
	if want := (Channel{"food", "consenter", Active, 1}); err != nil || now != want {
		t.Errorf("await: %v, %v", now, err)
	}
}

func TestAwaitGivesUp(t *testing.T) {
	o := &orderer{channels: map[string]*Channel{"food": {Name: "food", Status: "onboarding"}}, asked: -1 << 30}
	ctx, stop := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer stop()
	if _, err := dial(t, o).Await(ctx, "food"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("await: %v", err)
	}
}

func TestTheOrderersReasonIsTold(t *testing.T) {
	o := &orderer{channels: map[string]*Channel{}, refusal: "cannot join: not a config block"}
	joined, err := dial(t, o).Join(context.Background(), "food", []byte("x"))
	if want := "orderer.dairy refuses: cannot join: not a config block"; joined || err == nil || err.Error() != want {
		t.Errorf("joined %v, error %v", joined, err)
	}
}

func TestDialWantsItsFiles(t *testing.T) {
	o := profile.Orderer{Name: "orderer.dairy", ClientCert: "nowhere.pem", ClientKey: "nowhere.key"}
	if _, err := Dial(o); err == nil || !strings.Contains(err.Error(), "orderer.dairy: the administrator's TLS certificate") {
		t.Errorf("no certificate: %v", err)
	}
	cert, key, _ := pair(t, t.TempDir())
	o.ClientCert, o.ClientKey, o.TLSCACert = cert, key, key
	if _, err := Dial(o); err == nil || !strings.Contains(err.Error(), "holds no certificate") {
		t.Errorf("a key for an authority: %v", err)
	}
}

// dial serves an orderer that wants to see the administrator's certificate,
// as Fabric's does.
func dial(t *testing.T, o http.Handler) *Client {
	t.Helper()
	cert, key, trusted := pair(t, t.TempDir())
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(o)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted}
	server.StartTLS()
	t.Cleanup(server.Close)
	c, err := Dial(profile.Orderer{Name: "orderer.dairy", Participation: server.URL, TLSCACert: cert, ClientCert: cert, ClientKey: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// pair makes a certificate that is its own authority.
func pair(t *testing.T, dir string) (cert, key string, trusted *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	issued, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issued})
	if err := errors.Join(os.WriteFile(cert, text, 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)); err != nil {
		t.Fatal(err)
	}
	trusted = x509.NewCertPool()
	trusted.AppendCertsFromPEM(text)
	return cert, key, trusted
}

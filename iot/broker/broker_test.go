package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallyway/tallyway/iot"
)

var (
	truck = iot.ID{Party: "swift-cold", Name: "truck-7"}
	other = iot.ID{Party: "swift-cold", Name: "truck-8"}
)

// door knows two devices.
type door struct{}

func (door) Admit(id iot.ID, password []byte) bool {
	return (id == truck || id == other) && string(password) == "sesame"
}
func (door) Holds(id iot.ID, _ *x509.Certificate) bool { return id == truck }

// sink keeps what comes, and answers when the test says so.
type sink struct {
	mu  sync.Mutex
	all []iot.Message
	at  func(iot.Message) // at once, if set
	got chan struct{}
}

func (s *sink) Take(m iot.Message) {
	s.mu.Lock()
	s.all = append(s.all, m)
	at := s.at
	s.mu.Unlock()
	if at != nil {
		at(m)
	}
	select {
	case s.got <- struct{}{}:
	default:
	}
}

func (s *sink) messages() []iot.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// wait is for so many messages.
func (s *sink) wait(t *testing.T, n int) []iot.Message {
	t.Helper()
	for end := time.After(10 * time.Second); ; {
		if all := s.messages(); len(all) >= n {
			return all
		}
		select {
		case <-s.got:
		case <-end:
			t.Fatalf("%d messages came, want %d", len(s.messages()), n)
		}
	}
}

func listen(t *testing.T, secure *tls.Config) (*Broker, *sink) {
	t.Helper()
	s := &sink{got: make(chan struct{}, 1)}
	b, err := Open(Config{Listen: "127.0.0.1:0", Door: door{}, Sink: s, TLS: secure})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, s
}

func dial(t *testing.T, b *Broker, as iot.ID, change func(*paho.ClientOptions)) paho.Client {
	t.Helper()
	o := paho.NewClientOptions().AddBroker("tcp://" + b.Address()).SetUsername(as.String()).SetPassword("sesame").SetClientID(as.Name).SetAutoReconnect(false).SetConnectTimeout(5 * time.Second)
	if change != nil {
		change(o)
	}
	c := paho.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		t.Fatalf("connect: %v", token.Error())
	}
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

const topic = "tw/swift-cold/truck-7/senml"

// A message is acknowledged when it is durable, and the connection goes on
// meanwhile.
func TestAnswersWaitForTheSink(t *testing.T) {
	for _, qos := range []byte{1, 2} {
		t.Run(fmt.Sprint("qos ", qos), func(t *testing.T) {
			b, s := listen(t, nil)
			c := dial(t, b, truck, func(o *paho.ClientOptions) {
				o.SetKeepAlive(2 * time.Second).SetPingTimeout(time.Second).SetConnectionLostHandler(func(_ paho.Client, err error) { t.Log(err) })
			})
			const n = 500
			var tokens []paho.Token
			for i := range n {
				tokens = append(tokens, c.Publish(topic, qos, false, fmt.Sprint(i)))
			}
			all := s.wait(t, n) // all of them in flight
			select {
			case <-tokens[0].Done():
				t.Error("answered before it was durable")
			case <-time.After(3500 * time.Millisecond): // past several keep-alives
			}
			if !c.IsConnectionOpen() {
				t.Fatal("the connection did not outlive a slow sink")
			}
			for i, m := range all[:n] {
				if string(m.Payload) != fmt.Sprint(i) || m.By != truck || m.Topic != topic {
					t.Fatalf("%d: %+v", i, m)
				}
				if i%2 == 0 {
					m.Done(nil)
				} else {
					m.Done(errors.New("not stored"))
				}
			}
			for i, token := range tokens {
				if done := token.WaitTimeout(5 * time.Second * time.Duration(1-i%2)); done != (i%2 == 0) {
					t.Fatalf("message %d is answered: %v", i, done)
				}
			}
		})
	}
}

// What was not answered comes again over the next connection.
func TestUnansweredMessagesComeAgain(t *testing.T) {
	b, s := listen(t, nil)
	c := dial(t, b, truck, func(o *paho.ClientOptions) {
		o.SetCleanSession(false).SetAutoReconnect(true).SetMaxReconnectInterval(100 * time.Millisecond)
	})
	token := c.Publish(topic, 1, false, "x")
	first := s.wait(t, 1)[0]
	first.Done(errors.New("not stored"))
	b.Expel(truck)
	again := s.wait(t, 2)[1]
	again.Done(nil)
	if !token.WaitTimeout(5*time.Second) || string(again.Payload) != "x" {
		t.Errorf("%q", again.Payload)
	}
	first.Done(nil) // late, on a connection that is gone
}

// Devices that are not who they say, and those that speak for others, are
// refused where people see it.
func TestDevicesSpeakForThemselves(t *testing.T) {
	b, s := listen(t, nil)
	s.at = func(m iot.Message) { m.Done(nil) }
	host, port, _ := strings.Cut(b.Address(), ":")
	pub := func(args ...string) (string, error) {
		out, err := exec.Command("mosquitto_pub", append([]string{"-h", host, "-p", port, "-m", "[]", "-i", fmt.Sprint("m", time.Now().UnixNano())}, args...)...).CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) {
			t.Fatal("mosquitto_pub is missing: run make setup")
		}
		return string(out), err
	}
	for _, version := range []string{"mqttv311", "mqttv5"} {
		as := func(user, password string, more ...string) []string {
			return append([]string{"-V", version, "-u", user, "-P", password, "-q", "1"}, more...)
		}
		before := len(s.messages())
		for i, c := range []struct {
			args []string
			code string // of the refusal; "": it is taken
		}{
			{as("swift-cold/truck-7", "sesame", "-t", topic), ""},
			{as("swift-cold/truck-7", "sesame", "-t", "spBv1.0/swift-cold/DDATA/truck-7/probe"), ""},
			{as("swift-cold/truck-7", "sesame", "-q", "2", "-t", topic), ""},
			{as("swift-cold/truck-7", "wrong", "-t", topic), "iot/sign-in"},
			{as("nobody", "sesame", "-t", topic), "iot/sign-in"},
			{as("swift-cold/truck-7", "sesame", "-t", "tw/swift-cold/truck-8/senml"), "iot/not-your-topic"},
			{as("swift-cold/truck-7", "sesame", "-t", "spBv1.0/swift-cold/NCMD/truck-7"), "iot/not-your-topic"},
			{as("swift-cold/truck-7", "sesame", "-t", "elsewhere"), "iot/topic"},
		} {
			out, err := pub(c.args...)
			m := s.wait(t, before+i+1)[before+i]
			switch {
			case c.code == "" && (err != nil || m.Refused != nil || m.By != truck):
				t.Errorf("%v: %v %s %+v", c.args, err, out, m)
			case c.code != "" && (m.Refused == nil || m.Refused.Code != c.code):
				t.Errorf("%v: %+v", c.args, m)
			case c.code != "" && version == "mqttv311" && c.code != "iot/sign-in" && !strings.Contains(out, "rror"):
				t.Logf("%v: %v %q", c.args, err, out)
			case c.code == "iot/sign-in" && err == nil:
				t.Errorf("%v was let in", c.args)
			}
		}
	}
}

// Devices hear commands to themselves, and nothing else.
func TestDevicesHearCommandsOnly(t *testing.T) {
	b, s := listen(t, nil)
	s.at = func(m iot.Message) { m.Done(nil) }
	c, eve := dial(t, b, truck, nil), dial(t, b, other, nil)
	heard := make(chan string, 9)
	hear := func(_ paho.Client, m paho.Message) { heard <- m.Topic() }
	codes := func(c paho.Client, filter string) byte {
		token := c.Subscribe(filter, 1, hear).(*paho.SubscribeToken)
		token.WaitTimeout(5 * time.Second)
		return token.Result()[filter]
	}
	if codes(c, "spBv1.0/swift-cold/NCMD/truck-7") >= 0x80 || codes(c, "tw/swift-cold/truck-7/cmd/rate") >= 0x80 {
		t.Error("a device's own commands are refused")
	}
	for _, filter := range []string{"#", "tw/#", topic, "spBv1.0/swift-cold/NCMD/truck-7", "$SYS/#", "tw/swift-cold/+/cmd/x"} {
		if codes(eve, filter) < 0x80 {
			t.Errorf("%s is let through", filter)
		}
	}
	c.Publish(topic, 1, false, "x").Wait()
	if err := b.Publish("spBv1.0/swift-cold/NCMD/truck-7", []byte("rebirth")); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-heard:
		if got != "spBv1.0/swift-cold/NCMD/truck-7" {
			t.Error(got)
		}
	case <-time.After(5 * time.Second):
		t.Error("no command came")
	}
}

func TestLastWillsAreMessages(t *testing.T) {
	b, s := listen(t, nil)
	o := paho.NewClientOptions().AddBroker("tcp://"+b.Address()).SetUsername(truck.String()).SetPassword("sesame").SetClientID("w").SetWill("spBv1.0/swift-cold/NDEATH/truck-7", "dead", 1, false)
	c := paho.NewClient(o)
	if token := c.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	b.Expel(truck)
	if m := s.wait(t, 1)[0]; string(m.Payload) != "dead" || m.By != truck {
		t.Errorf("%+v", m)
	}
	c.Disconnect(0)
}

// A device may show a certificate instead of a password.
func TestCertificates(t *testing.T) {
	pool, sign := authority(t)
	b, s := listen(t, &tls.Config{Certificates: []tls.Certificate{sign("127.0.0.1")}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven})
	s.at = func(m iot.Message) { m.Done(nil) }
	connect := func(name string) error {
		o := paho.NewClientOptions().AddBroker("ssl://" + b.Address()).SetClientID(name).SetAutoReconnect(false).SetTLSConfig(&tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
		if name != "" {
			o.TLSConfig.Certificates = []tls.Certificate{sign(name)}
		}
		c := paho.NewClient(o)
		defer c.Disconnect(0)
		if token := c.Connect(); token.Wait() && token.Error() != nil {
			return token.Error()
		}
		c.Publish(topic, 1, false, "x").WaitTimeout(5 * time.Second)
		return nil
	}
	if err := connect(truck.String()); err != nil || s.wait(t, 1)[0].By != truck {
		t.Error(err)
	}
	for _, name := range []string{other.String(), "nonsense", ""} {
		if err := connect(name); err == nil {
			t.Errorf("%q was let in", name)
		}
	}
}

// authority makes certificates.
func authority(t *testing.T) (*x509.CertPool, func(name string) tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial := int64(0)
	make := func(name string, parent *x509.Certificate, public, private any) []byte {
		serial++
		c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			BasicConstraintsValid: true, IsCA: parent == nil, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
		if parent == nil {
			parent = c
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, public, private)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	root, err := x509.ParseCertificate(make("root", nil, &key.PublicKey, key))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return pool, func(name string) tls.Certificate {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{make(name, root, &own.PublicKey, key)}, PrivateKey: own}
	}
}

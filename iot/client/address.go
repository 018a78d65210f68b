package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// ErrAddress is an address that cannot be one of a broker. It does not repeat
// the address: there may be a password in it.
var ErrAddress = errors.New("the broker's address is mqtt://[user@]host[:port] or mqtts://[user@]host[:port][?ca=FILE&cert=FILE&key=FILE]")

// address is where the broker is, and how it is reached.
type address struct {
	host, name    string // with and without the port
	user          string
	secure        bool
	ca, cert, key string // files
}

// parse reads an address.
func parse(text string) (address, error) {
	u, err := url.Parse(text)
	if err != nil {
		return address{}, ErrAddress // without its cause, which repeats the text
	}
	a := address{name: u.Hostname(), user: u.User.Username(), secure: u.Scheme == "mqtts"}
	switch _, password := u.User.Password(); {
	case password:
		return address{}, fmt.Errorf("%w: the password does not belong in it, but in TALLYWAY_MQTT_PASSWORD", ErrAddress)
	case u.Scheme != "mqtt" && u.Scheme != "mqtts":
		return address{}, fmt.Errorf("%w: it begins with neither", ErrAddress)
	case a.name == "" || u.Path != "" && u.Path != "/" || u.Fragment != "" || u.Opaque != "":
		return address{}, fmt.Errorf("%w: it names a host, a port, and nothing behind them", ErrAddress)
	}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "1883", true: "8883"}[a.secure]
	}
	a.host = net.JoinHostPort(a.name, port)
	return a, a.files(u.RawQuery)
}

// files reads the query: the authority that signed the broker's certificate, and
// the host's own certificate.
func (a *address) files(query string) error {
	given, err := url.ParseQuery(query)
	if err != nil {
		return ErrAddress
	}
	for name, all := range given {
		into, known := map[string]*string{"ca": &a.ca, "cert": &a.cert, "key": &a.key}[name]
		if !known || len(all) != 1 || all[0] == "" {
			return fmt.Errorf("%w: ca, cert and key may be given, each once", ErrAddress)
		}
		*into = all[0]
	}
	switch {
	case !a.secure && len(given) > 0:
		return fmt.Errorf("%w: certificates need mqtts", ErrAddress)
	case (a.cert == "") != (a.key == ""):
		return fmt.Errorf("%w: cert and key come together", ErrAddress)
	}
	return nil
}

// encryption reads the files. They are read for every connection, so that
// certificates can be renewed under a running host.
func (a address) encryption() (*tls.Config, error) {
	c := &tls.Config{ServerName: a.name, MinVersion: tls.VersionTLS12}
	if a.ca != "" {
		pem, err := os.ReadFile(a.ca)
		if err != nil {
			return nil, fmt.Errorf("read the broker's authority: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the broker's authority: no certificate in %s", a.ca)
		}
	}
	if a.cert != "" {
		pair, err := tls.LoadX509KeyPair(a.cert, a.key)
		if err != nil {
			return nil, fmt.Errorf("read the certificate for the broker: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// dial opens a connection of the network.
func (a address) dial(ctx context.Context) (net.Conn, error) {
	plain := &net.Dialer{KeepAlive: 15 * time.Second}
	if !a.secure {
		return plain.DialContext(ctx, "tcp", a.host)
	}
	c, err := a.encryption()
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{NetDialer: plain, Config: c}).DialContext(ctx, "tcp", a.host)
}

// exposed reports whether a password would travel where others can read it.
func (a address) exposed() bool {
	ip := net.ParseIP(a.name)
	return !a.secure && a.name != "localhost" && (ip == nil || !ip.IsLoopback())
}

var identities = regexp.MustCompile(`^tallyway-[0-9a-f]{12}$`) // 21 characters: every broker takes 23 (MQTT 3.1.1, section 3.1.3.1)

// identity is the client id that belongs to a data folder, under which the broker
// keeps the session: it is made once.
func identity(folder string) (id string, fresh bool, err error) {
	file := filepath.Join(folder, "mqtt-client")
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("read the MQTT client's id: %w", err)
	}
	if id = strings.TrimSpace(string(b)); identities.MatchString(id) {
		return id, false, nil
	}
	random := make([]byte, 6)
	if _, err := rand.Read(random); err != nil {
		return "", false, err
	}
	id = "tallyway-" + hex.EncodeToString(random)
	err = os.WriteFile(file+".new", []byte(id+"\n"), 0o600)
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		return "", false, fmt.Errorf("keep the MQTT client's id: %w", err)
	}
	return id, true, nil
}

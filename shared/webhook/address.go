package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// What one attempt may take.
const (
	attemptWithin = 20 * time.Second
	dialWithin    = 10 * time.Second
)

// errPrivate keeps a stranger from having this host ask the network behind it.
var errPrivate = errors.New("the address is private or of this machine, and the operator does not allow such addresses (--webhook-private)")

// newClient asks no proxy, follows no redirect, and looks at each address that
// a name stands for when it dials: a name may change its mind.
func newClient(private bool) *http.Client {
	dialer := &net.Dialer{Timeout: dialWithin}
	if !private {
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error { return checkDial(address) }
	}
	return &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: dialWithin, ResponseHeaderTimeout: attemptWithin, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func checkDial(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(at.Addr()) {
		return errPrivate
	}
	return nil
}

// special are the ranges that are not of the public Internet and that netip
// does not know as such (IANA's special-purpose registries).
var special = func() (all []netip.Prefix) {
	for _, p := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10"} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}()

func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// CheckURL tells why an address cannot be a webhook's, before anybody dials it.
// What a name stands for, each attempt checks.
func (w *Webhooks) CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || len(address) > 2000 || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return errors.New("it is no https or http address")
	case u.User != nil:
		return errors.New("it holds a user or a password")
	case w.config.Private:
		return nil
	}
	name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return errPrivate
	}
	if ip, err := netip.ParseAddr(name); err == nil && !isPublic(ip) {
		return errPrivate
	}
	return nil
}

// plain is an error of a request as its owner may read it: without the address,
// which the page shows already.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return fmt.Errorf("the receiver did not answer within %s", attemptWithin)
		}
		if errors.Is(err, errPrivate) {
			return errPrivate
		}
		return u.Err
	}
	return err
}

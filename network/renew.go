package network

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// Renew gives a process of this host certificates that begin anew, and starts
// it again if it runs: peer.NAME, orderer.NAME, contracts.NAME (its services of
// all versions), or admin.NAME, who is no process. The keys stay: orderers know
// each other's TLS certificates by their keys, from the channel's
// configuration, so nothing on the channel has to change.
func (n *Network) Renew(ctx context.Context, name string) error {
	kind, organisation, _ := strings.Cut(name, ".")
	certificates, known := renewable[kind]
	if !known {
		return fmt.Errorf("%s: what can be renewed is peer.NAME, orderer.NAME, contracts.NAME and admin.NAME", name)
	}
	o, err := n.definition.Organisation(organisation)
	if err != nil {
		return err
	}
	err = n.exclusively(ctx, func() error {
		for _, who := range certificates {
			if err := n.keys(o).renew(who, time.Now()); err != nil {
				return fmt.Errorf("renew %s: %w", name, err)
			}
		}
		return n.reconnect()
	})
	if err != nil {
		return err
	}
	all, err := n.processes()
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.kind() != kind || p.org.Name != o.Name || n.pid(p.name) == 0 {
			continue
		}
		if err := n.Stop(p.name); err != nil {
			return err
		}
		if err := n.Start(p.name); err != nil {
			return err
		}
	}
	return nil
}

// renewable are the holders of certificates behind each kind of name.
var renewable = map[string][]string{
	"peer":      {"peer"},
	"orderer":   {"orderer"},
	"contracts": {"contracts"},
	"admin":     {"users/Admin", "users/OrdererAdmin", "users/Participation"},
}

// renew replaces the certificates that a holder has, for its key. What an
// orderer signs with stays; see holders.
func (k keys) renew(who string, now time.Time) error {
	if _, err := os.Stat(k.TLSCert(who)); err == nil {
		old, err := readPair(k.TLSCert(who), k.TLSKey(who))
		if err != nil {
			return err
		}
		if err := k.certifyTLS(who, now, old.key); err != nil {
			return err
		}
	}
	if _, err := os.Stat(k.SignCert(who)); err != nil || who == ordererSigner {
		return nil
	}
	file, err := k.signKey(who)
	if err != nil {
		return err
	}
	old, err := readPair(k.SignCert(who), file)
	if err != nil {
		return err
	}
	return k.certify(who, now, old.key)
}

// reconnect tells the peers here anew where the services are, and with which
// certificate they show themselves there.
func (n *Network) reconnect() error {
	running, err := n.running()
	if err != nil {
		return err
	}
	for _, s := range running {
		if _, err := n.connect(s); err != nil {
			return err
		}
	}
	return nil
}
